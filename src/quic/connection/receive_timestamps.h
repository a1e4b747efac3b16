// receive_timestamps.h: the connection's part of receive timestamps (draft-smith-quic-receive-ts-03): what it
// tells the peer of arrivals, and what it learns from what the peer tells. Made when both sides declared the
// extension.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "events/event_types.h"
#include "quic/connection/receive_time_stats.h"
#include "quic/recovery/receive_times.h"

namespace hawser::quic {

class OneWayDelay {
 public:
  // A packet sent at `sent` arrived at `arrived` by the peer's clock, from a basis that stays the same. Calls
  // come in the order of arrival.
  void on_arrival(Timestamp sent, Duration arrived);
  [[nodiscard]] const ReceiveTimeStats& stats() const { return stats_; }

 private:
  ReceiveTimeStats stats_;
  std::optional<Duration> last_;
  Duration least_{0};
};

struct ReceiveTimestampState {
  ReceiveTimes arrivals;             // of the peer's packets
  std::uint64_t most;                // that a frame of the peer may have
  std::uint64_t exponent;            // of the peer's times
  OneWayDelay delay;                 // of our packets
  std::vector<ReceivedAt> reported;  // by the frame at hand, in the order of arrival

  // Octets, with this object.
  [[nodiscard]] std::size_t memory() const { return sizeof(*this) + reported.capacity() * sizeof(ReceivedAt); }
};

}  // namespace hawser::quic
