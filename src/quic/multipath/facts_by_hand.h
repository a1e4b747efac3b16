// facts_by_hand.h: for tests of path schedulers: the facts of a path that is up, at a moment that stands still.
#pragma once

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

inline constexpr Timestamp kNow{5s};

// With a window of 30,000 octets, empty if it is ready, else full until an acknowledgement comes; 10 Mbit/s.
inline PathFacts path(std::uint64_t id, Duration rtt, bool ready = true) {
  return {.id = PathId{id},
          .may_send = ready,
          .may_send_at = ready ? kNow : kNever,
          .smoothed_rtt = rtt,
          .min_rtt = rtt,
          .congestion_window = 30'000,
          .bytes_in_flight = ready ? 0u : 30'000u,
          .bytes_per_second = 1'250'000};
}

inline std::unique_ptr<PathScheduler> make(std::string_view name) {
  return *make_path_scheduler(name);
}

}  // namespace hawser::quic
