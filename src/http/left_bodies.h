// left_bodies.h: bodies that had arrived when their connection ended, and whose sinks were behind. They are offered
// on until they are taken; then their sinks hear how it ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "http/client.h"

namespace hawser::http {

struct LeftBody {
  // Returns how many octets were added.
  std::size_t append(std::span<const Bytes> views);

  ResponseSink* sink = nullptr;
  std::vector<std::uint8_t> octets;  // at most what the stream's window let come
  std::size_t taken = 0;
  std::optional<ClientFailure> failure;  // nothing: the response is whole
};

class LeftBodies {
 public:
  void add(LeftBody body) { bodies_.push_back(std::move(body)); }
  [[nodiscard]] bool empty() const { return bodies_.empty(); }
  // Offers each sink what is left for it.
  void offer(Timestamp now);
  // Nobody waits for them any longer.
  void fail_all(const ClientFailure& failure, Timestamp now);

 private:
  std::vector<LeftBody> bodies_;
};

}  // namespace hawser::http
