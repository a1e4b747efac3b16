// redundant.cc: who begins, and who copies.
#include "quic/multipath/redundant.h"

#include "quic/multipath/arrival.h"

namespace hawser::quic {

// What others began comes first on each path, and a path that still has copies to send is not ready: so whoever
// is has all that is under way, and may begin what is new. Of several the one that delivers most does; a path
// that fell silent neither begins nor is waited for.
Schedule RedundantScheduler::choose(const SchedulerView& view) {
  const PathSet ready = view.ready();
  if (ready.empty()) return Schedule::wait(view.next_ready(view.candidates));
  std::size_t leader = ready.first();
  const auto better = [&](const PathFacts& path, const PathFacts& than) {
    const bool silent = is_silent(path, view.now);
    if (silent != is_silent(than, view.now)) return !silent;
    return delivery_rate(path) > delivery_rate(than);
  };
  for (const std::size_t index : ready)
    if (better(view.path(index), view.path(leader))) leader = index;
  Schedule answer = Schedule::on(leader, view.path(leader).mtu);
  answer.copies = view.candidates;
  answer.copies.remove(leader);
  return answer;
}

}  // namespace hawser::quic
