// redundant.cc: who leads, and who copies.
#include "quic/multipath/redundant.h"

#include "quic/multipath/arrival.h"

namespace hawser::quic {

// If every ready path could begin new data, two busy paths would hardly ever be ready at the same time, and
// redundancy would turn into aggregation. So only the leader begins, unless it fell silent: then whoever is
// ready does, lest everything wait for a dead path.
Schedule RedundantScheduler::choose(const SchedulerView& view) {
  PathSet ready = view.ready();
  PathSet alive;
  for (const std::size_t index : view.candidates)
    if (!is_silent(view.path(index), view.now)) alive.add(index);
  const PathSet from = alive.empty() ? view.candidates : alive;
  std::size_t leader = from.first();
  for (const std::size_t index : from)
    if (delivery_rate(view.path(index)) > delivery_rate(view.path(leader))) leader = index;
  if (!ready.has(leader)) {
    // Nothing tells when it will have fallen silent but the clock.
    const Timestamp again = view.path(leader).may_send_at;
    return Schedule::wait(again != kNever ? again : view.now + view.path(leader).smoothed_rtt);
  }
  ready.remove(leader);
  Schedule answer = Schedule::on(leader, view.path(leader).mtu);
  answer.copies = ready;
  return answer;
}

}  // namespace hawser::quic
