// blest.cc: the estimate, and its correction by what happened.
#include "quic/multipath/blest.h"

#include <algorithm>

namespace hawser::quic {

void BlestScheduler::adapt(Timestamp now, Duration round_trip) {
  if (now < adapt_at_) return;
  if (adapt_at_ != Timestamp::min())
    scale_ = std::clamp(scale_ + (blocked_ ? kScaleStep : -kScaleStep), kScaleMin, kScaleMax);
  blocked_ = false;
  adapt_at_ = now + round_trip;
}

Schedule BlestScheduler::slow_or_wait(const SchedulerView& view, const PathFacts& f, std::size_t slow) {
  const PathFacts& s = view.path(slow);
  adapt(view.now, s.smoothed_rtt);
  if (view.demand.flow_control_room == UINT64_MAX) return Schedule::on(slow, s.room());

  // In one round trip of the slow path the fast one makes `rounds`, its window growing by a datagram in each.
  const double rounds = to_seconds(s.smoothed_rtt) / std::max(to_seconds(f.smoothed_rtt), 1e-9);
  const double window = static_cast<double>(f.congestion_window);
  const double fast_sends = (window + static_cast<double>(f.mtu) * (rounds - 1) / 2) * rounds * scale_;
  // Credit in all: what is left, and what is under way and comes back when it is taken in order. While the
  // slow path's octets are under way theirs does not.
  double credit = static_cast<double>(view.demand.flow_control_room);
  for (const std::size_t index : view.candidates)
    if (index != slow) credit += static_cast<double>(view.path(index).bytes_in_flight);
  if (fast_sends > credit - static_cast<double>(s.mtu)) return Schedule::wait(f.may_send_at);
  return Schedule::on(slow, s.mtu);
}

}  // namespace hawser::quic
