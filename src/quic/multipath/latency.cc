// latency.cc: two kinds of flow, two choices.
#include "quic/multipath/latency.h"

#include <algorithm>

#include "quic/multipath/arrival.h"

namespace hawser::quic {

namespace {

bool has_queue(const PathFacts& path) {
  const Duration allowed = std::max(
      Duration{static_cast<std::int64_t>(LatencyScheduler::kQueueShare * static_cast<double>(path.min_rtt.count()))},
      LatencyScheduler::kQueueFloor);
  return path.smoothed_rtt - path.min_rtt > allowed;
}

}  // namespace

bool LatencyScheduler::gives_way(const PathFacts& path, Timestamp now) {
  if (path.min_rtt == Duration{0}) return false;
  const std::uint64_t reserved = kReservedDatagrams * path.mtu;
  if (capped_ != path.id || now > adapt_at_ + kInteractiveMemory) {
    capped_ = path.id;
    cap_ = path.bytes_in_flight;
    adapt_at_ = now;
  }
  if (now >= adapt_at_) {
    const double holds = to_seconds(path.min_rtt) / std::max(to_seconds(path.smoothed_rtt), 1e-9);
    cap_ =
        has_queue(path) ? static_cast<std::uint64_t>(static_cast<double>(cap_) * holds) : cap_ + cap_ / kGrowthDivisor;
    adapt_at_ = now + path.smoothed_rtt;
  }
  // Some of bulk stays in flight, or nothing would tell that the queue is gone.
  cap_ = std::clamp(cap_, reserved, std::max(path.congestion_window, reserved));
  return path.bytes_in_flight != 0 && (path.bytes_in_flight + path.mtu > cap_ || path.room() < reserved);
}

Schedule LatencyScheduler::choose_earliest(const SchedulerView& view) const {
  std::size_t best = view.candidates.first();
  Duration least = Duration::max();
  for (const std::size_t index : view.candidates) {
    const Duration arrival = expected_arrival(view.path(index), view.path(index).mtu, view.now);
    if (arrival >= least) continue;
    least = arrival;
    best = index;
  }
  const PathFacts& path = view.path(best);
  if (path.may_send) return Schedule::on(best, path.room());
  // Others may become the better choice meanwhile: look again when the wait is over.
  return Schedule::wait(view.now + std::max(expected_wait(path, view.now), Duration{1ms}));
}

Schedule LatencyScheduler::choose_for_bulk(const SchedulerView& view) {
  PathSet ready = view.ready();
  Timestamp again = view.next_ready(view.candidates);
  if (view.now < interactive_until_ && view.candidates.size() > 1) {
    // The path that interactive traffic takes is the one with the smallest RTT when nothing queues.
    std::size_t quick = view.candidates.first();
    for (const std::size_t index : view.candidates)
      if (view.path(index).min_rtt < view.path(quick).min_rtt) quick = index;
    if (ready.has(quick) && gives_way(view.path(quick), view.now)) {
      ready.remove(quick);
      again = ready.empty() ? kNever : again;
    }
  }
  if (ready.empty()) return Schedule::wait(again);
  const std::size_t best = view.fastest(ready);
  const bool alert = view.now < interactive_until_;
  return Schedule::on(best, alert ? view.path(best).mtu : view.path(best).room());
}

Schedule LatencyScheduler::choose(const SchedulerView& view) {
  const Demand& demand = view.demand;
  if (demand.interactive) interactive_until_ = view.now + kInteractiveMemory;
  const std::uint64_t small = kSmallDatagrams * view.path(view.candidates.first()).mtu;
  const bool urgent = demand.interactive || demand.kind == DemandKind::kControl || demand.bytes_waiting <= small;
  return urgent ? choose_earliest(view) : choose_for_bulk(view);
}

}  // namespace hawser::quic
