// kept_response.h: a response that many requests get, kept whole: head and body stand behind
// each other in the octets of HTTP/3, so that sending it again is one reference to them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/shared_bytes.h"
#include "http3/encoded_head.h"
#include "http3/qpack/field.h"

namespace hawser::http {

// A second of the wall clock as responses tell it.
struct WallClock {
  std::int64_t second = 0;  // since 1970; 0: not known
  std::string_view date;    // the Date field of it, kHttpDateSize octets
};

class KeptResponse {
 public:
  // `fields` without Date and content-length; they and the body are copied. Check is_legal() once.
  KeptResponse(std::uint16_t status, http3::FieldList fields, Bytes body);
  ~KeptResponse();
  KeptResponse(const KeptResponse&) = delete;
  KeptResponse& operator=(const KeptResponse&) = delete;

  // False: the fields are such as no response may have.
  [[nodiscard]] bool is_legal() const { return body_at_ != 0; }
  [[nodiscard]] std::uint16_t status() const { return status_; }
  [[nodiscard]] std::size_t body_size() const { return body_size_; }

  // With the Date field of `clock`. Valid until the next call; what was sent stays as it was.
  // Every second needs octets of its own, since earlier ones may still be under way: two lots
  // take turns, and nothing is allocated unless somebody holds one for longer than a second.
  const http3::EncodedMessage& at(const WallClock& clock);

  // What it may grow to with these sizes, for who limits the memory of many.
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Lot;

  std::uint16_t status_;
  std::size_t body_size_;
  std::size_t date_at_ = 0;  // offsets in a lot
  std::size_t body_at_ = 0;
  std::array<Lot*, 2> lots_{};  // one share each; the first is the current one
  http3::EncodedMessage message_;
};

}  // namespace hawser::http
