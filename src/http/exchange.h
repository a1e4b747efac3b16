// exchange.h: a request over HTTP/3 and what is left of its answer, as a server keeps it until
// the client has acknowledged the last octet, and the pool that such records come from.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "http/message.h"
#include "http3/message.h"

namespace hawser::http {

struct Exchange {
  std::size_t place = 0;  // in its connection's list
  Timestamp began;
  bool is_head = false;
  std::uint16_t status = 0;
  std::uint64_t body_octets = 0;     // given to the transport
  std::uint64_t dropped_octets = 0;  // of the request's body
  std::unique_ptr<BodySource> body;

  // Keeps what the access log will say of the request.
  void set_words(const http3::MessageHead& head);
  [[nodiscard]] std::string_view method() const { return word(0); }
  [[nodiscard]] std::string_view target() const { return word(1); }
  [[nodiscard]] std::string_view referer() const { return word(2); }
  [[nodiscard]] std::string_view user_agent() const { return word(3); }
  [[nodiscard]] std::size_t words_capacity() const { return words_.capacity(); }
  // As if new, with memory kept.
  void reset();

 private:
  [[nodiscard]] std::string_view word(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(words_).substr(begin, ends_[i] - begin);
  }
  std::string words_;  // the four behind each other
  std::array<std::size_t, 4> ends_{};
};

// One per worker, for all its connections: an idle one keeps none.
class ExchangePool {
 public:
  // Unused ones kept: 1,024 of at most 4 KB of words each.
  static constexpr std::size_t kSpareMax = 1'024;
  static constexpr std::size_t kSpareWordsMax = 4'096;

  std::unique_ptr<Exchange> take();
  void put(std::unique_ptr<Exchange> exchange);

 private:
  std::vector<std::unique_ptr<Exchange>> spare_;
};

}  // namespace hawser::http
