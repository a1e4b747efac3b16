// ecf.cc: two completion times, compared.
#include "quic/multipath/ecf.h"

#include <algorithm>

namespace hawser::quic {

Schedule EcfScheduler::slow_or_wait(const SchedulerView& view, const PathFacts& f, std::size_t slow) {
  const PathFacts& s = view.path(slow);
  if (!view.demand.is_last) {
    if (view.now - asked_at_ > 2 * s.smoothed_rtt) backlog_since_ = view.now;
    asked_at_ = view.now;
    // The fast path was to be done with it before the slow one has an answer, and is not: more comes than waits here.
    if (view.now - backlog_since_ > s.smoothed_rtt) return Schedule::on(slow, s.mtu);
  }
  const double rtt_f = to_seconds(f.smoothed_rtt);
  const double rtt_s = to_seconds(s.smoothed_rtt);
  const double margin = to_seconds(std::max(f.rtt_variation, s.rtt_variation));
  const double waiting = static_cast<double>(view.demand.bytes_waiting);
  const double windows_f = waiting / static_cast<double>(std::max<std::uint64_t>(f.congestion_window, f.mtu));
  const double windows_s = waiting / static_cast<double>(std::max<std::uint64_t>(s.congestion_window, s.mtu));
  // One round trip until the fast path has room, and one for each of its windows.
  const double fast_done = (1 + windows_f) * rtt_f;
  if (fast_done >= (1 + (waiting_ ? kHysteresis : 0)) * (rtt_s + margin)) {
    waiting_ = false;
    return Schedule::on(slow, s.mtu);
  }
  // The slow path would be done before the fast one has room and an answer: no need to wait.
  if (std::max(windows_s, 1.0) * rtt_s < 2 * rtt_f + margin) return Schedule::on(slow, s.mtu);
  waiting_ = true;
  return Schedule::wait(f.may_send_at);
}

}  // namespace hawser::quic
