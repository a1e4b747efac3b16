// spin_observer.h: somebody on the way who has no keys and measures round trips by the spin bit of 1-RTT packets,
// as RFC 9000 section 17.4 lets anybody do.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "sim/world.h"

namespace hawser::sim {

class SpinObserver final : public WireObserver {
 public:
  explicit SpinObserver(NodeId client) : client_(client) {}

  // Where packets leave: the observer stands beside both ends and sees no loss or reordering of the network.
  void on_sent(NodeId node, Bytes bytes, const FourTuple& tuple, Timestamp now) override;

  // From one edge of the client's packets to the next one: round trips as an observer sees them, with what the
  // ends waited before they sent.
  [[nodiscard]] const std::vector<Duration>& round_trips() const { return round_trips_; }
  // The middle one; nothing without any.
  [[nodiscard]] std::optional<Duration> median() const;

 private:
  NodeId client_;
  std::optional<bool> spin_;
  std::optional<Timestamp> edge_;
  std::vector<Duration> round_trips_;
};

}  // namespace hawser::sim
