// round_robin.cc: the next Path ID above the latest, and after the highest the lowest.
#include "quic/multipath/round_robin.h"

#include "quic/multipath/turn.h"

namespace hawser::quic {

Schedule RoundRobinScheduler::choose(const SchedulerView& view) {
  const PathSet ready = view.ready();
  if (ready.empty()) return Schedule::wait(view.next_ready(view.candidates));
  std::size_t next = Schedule::kNone;
  std::uint64_t distance = UINT64_MAX;
  for (const std::size_t index : ready) {
    // Unsigned on purpose: an ID at or below the latest is a whole round away.
    const std::uint64_t steps = view.path(index).id.value - latest_.value - 1;
    if (next != Schedule::kNone && steps >= distance) continue;
    next = index;
    distance = steps;
  }
  return Schedule::on(next, turn_of(view.path(next), view.demand));
}

}  // namespace hawser::quic
