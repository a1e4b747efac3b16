// redundant.cc: who begins, and who copies.
#include "quic/multipath/redundant.h"

#include <algorithm>

#include "quic/multipath/arrival.h"

namespace hawser::quic {
namespace {

// One path waits for another to catch up if that delivers so much of what it does itself: less is taken from it than
// what congestion control leaves between two links that are alike.
constexpr double kAlike = 0.85;
// So much of a round trip the other one may be behind; when the first path dies its octets come by so much later.
constexpr int kBehindShare = 8;
// And for so long, or a quarter of a round trip, the other one may be quiet before nobody waits for it.
constexpr Duration kQuietMost = 10ms;

// Until when `path` waits for `other` to send what it has to copy; in the past: it does not.
Timestamp waits_until(const PathFacts& path, const PathFacts& other) {
  const double rate = delivery_rate(other);
  if (other.acknowledged_at == Timestamp::min() || rate < kAlike * delivery_rate(path)) return Timestamp::min();
  if (static_cast<double>(other.copies_waiting) < rate * to_seconds(other.smoothed_rtt) / kBehindShare)
    return Timestamp::min();
  return other.acknowledged_at + std::max(other.smoothed_rtt / 4, kQuietMost);
}

}  // namespace

// What others began comes first on each path, and a path that still has copies to send is not ready: so whoever
// is has all that is under way, and may begin what is new. Of several the one that delivers most does; a path
// that fell silent neither begins nor is waited for. If others would fall behind that can follow, they catch up first:
// what they are behind by is what a reader waits for when the leader dies.
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
  for (const std::size_t index : view.candidates) {
    // Nobody waits for what is not copied.
    if (index == leader || view.demand.kind != DemandKind::kStream) continue;
    const Timestamp until = waits_until(view.path(leader), view.path(index));
    if (until > view.now) return Schedule::wait(until);
  }
  Schedule answer = Schedule::on(leader, view.path(leader).mtu);
  answer.copies = view.candidates;
  answer.copies.remove(leader);
  return answer;
}

}  // namespace hawser::quic
