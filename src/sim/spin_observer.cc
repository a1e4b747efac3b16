// spin_observer.cc: edges of the spin bit, and the time between them.
#include "sim/spin_observer.h"

#include <algorithm>

#include "quic/wire/packet_header.h"

namespace hawser::sim {

void SpinObserver::on_sent(NodeId node, Bytes bytes, const FourTuple&, Timestamp now) {
  if (node != client_ || bytes.empty() || (bytes[0] & quic::kLongHeaderBit) != 0) return;
  const bool spin = (bytes[0] & quic::kSpinBit) != 0;
  if (spin_ && *spin_ != spin) {
    if (edge_) round_trips_.push_back(now - *edge_);
    edge_ = now;
  }
  spin_ = spin;
}

std::optional<Duration> SpinObserver::median() const {
  if (round_trips_.empty()) return std::nullopt;
  std::vector<Duration> sorted = round_trips_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

}  // namespace hawser::sim
