// min_rtt.cc: the fastest first.
#include "quic/multipath/min_rtt.h"

#include <algorithm>

#include "quic/multipath/arrival.h"

namespace hawser::quic {

Schedule MinRttScheduler::choose(const SchedulerView& view) {
  PathSet ready = view.ready();
  PathSet full = view.candidates;
  for (const std::size_t index : ready) full.remove(index);
  while (!ready.empty()) {
    const std::size_t best = view.fastest(ready);
    const std::uint64_t room = view.path(best).room();
    // Towards the end the answer changes with what is left.
    if (!ends_sooner_elsewhere(view, best))
      return Schedule::on(best, view.demand.is_last ? std::min(room, view.demand.bytes_waiting / 8) : room);
    ready.remove(best);
  }
  return Schedule::wait(view.next_ready(full));
}

}  // namespace hawser::quic
