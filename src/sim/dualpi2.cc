// dualpi2.cc: the PI controller, the coupling and the scheduler.
#include "sim/dualpi2.h"

#include <algorithm>
#include <utility>

namespace hawser::sim {

// RFC 9332 appendix A.1: gains follow from the longest RTT foreseen.
DualPi2::DualPi2(const QueueSpec& spec) : spec_(spec), update_period_(std::min(spec.pi2_target, spec.pi2_rtt_max / 3)) {
  const double rtt_max = to_seconds(spec.pi2_rtt_max);
  alpha_ = 0.1 * to_seconds(update_period_) / (rtt_max * rtt_max);
  beta_ = 0.3 / rtt_max;
}

void DualPi2::enqueue(QueuedDatagram datagram, Timestamp now, QueueObserver& observer) {
  update_until(now);
  largest_packet_ = std::max(largest_packet_, datagram.size);
  if (bytes() + datagram.size > spec_.bytes_max || packets() >= spec_.packets_max) return observer.on_drop(datagram);
  const Ecn ecn = datagram.datagram.ecn;
  (ecn == Ecn::kEct1 || ecn == Ecn::kCe ? l4s_ : classic_).push(std::move(datagram));
}

// Catches up with the updates due since the last event. Between events the delay of a queue
// changes with the clock alone, so that each can be computed for its own time.
void DualPi2::update_until(Timestamp now) {
  if (next_update_ == Timestamp{}) next_update_ = now + update_period_;
  while (next_update_ <= now) {
    if (base_ == 0 && packets() == 0) {
      previous_delay_ = Duration{0};
      next_update_ = now + update_period_;
      return;
    }
    update(next_update_);
    next_update_ += update_period_;
  }
}

void DualPi2::update(Timestamp now) {
  const Duration delay = std::max(l4s_.sojourn(now), classic_.sojourn(now));
  base_ += alpha_ * to_seconds(delay - spec_.pi2_target) + beta_ * to_seconds(delay - previous_delay_);
  base_ = std::clamp(base_, 0.0, 1.0);
  previous_delay_ = delay;
}

double DualPi2::native_probability(Duration sojourn) const {
  if (sojourn >= spec_.l4s_ramp_until) return 1;
  if (sojourn <= spec_.l4s_ramp_from) return 0;
  return to_seconds(sojourn - spec_.l4s_ramp_from) / to_seconds(spec_.l4s_ramp_until - spec_.l4s_ramp_from);
}

// The L4S queue goes first, but each octet of it earns the classic queue a share of one, and
// that is paid out once it is worth a packet (RFC 9332 section 4.2.2: the classic queue must
// not starve).
bool DualPi2::l4s_is_next() {
  if (classic_.empty()) {
    classic_credit_ = 0;
    return true;
  }
  if (l4s_.empty()) return false;
  return classic_credit_ < classic_.front().size * (spec_.classic_weight - 1);
}

// False: dropped. Marks come from the delay of this queue or, by the coupling, of the other.
bool DualPi2::keep_l4s(QueuedDatagram& datagram, Timestamp now, QueueObserver& observer) {
  // A queue of a packet or two cannot be shorter, however slow the link.
  const bool deep = l4s_.bytes() > largest_packet_;
  const double native = deep ? native_probability(now - datagram.enqueued_at) : 0;
  // Overload: marks no longer help, so that what the classic queue drops is dropped here too.
  if (coupled_probability() >= 1 && l4s_drops_.next(std::min(classic_probability(), 1.0))) {
    observer.on_drop(datagram);
    return false;
  }
  if (l4s_marks_.next(std::min(1.0, std::max(native, coupled_probability()))) && datagram.datagram.ecn != Ecn::kCe) {
    datagram.datagram.ecn = Ecn::kCe;
    observer.on_mark(datagram);
  }
  return true;
}

// False: dropped. In overload ECN-capable datagrams are dropped as well.
bool DualPi2::keep_classic(QueuedDatagram& datagram, QueueObserver& observer) {
  if (!classic_signals_.next(classic_probability())) return true;
  if (!is_ecn_capable(datagram.datagram.ecn) || classic_probability() > kClassicMax) {
    observer.on_drop(datagram);
    return false;
  }
  datagram.datagram.ecn = Ecn::kCe;
  observer.on_mark(datagram);
  return true;
}

std::optional<QueuedDatagram> DualPi2::dequeue(Timestamp now, QueueObserver& observer) {
  update_until(now);
  while (packets() > 0) {
    const bool from_l4s = l4s_is_next();
    QueuedDatagram datagram = (from_l4s ? l4s_ : classic_).pop();
    if (from_l4s) {
      classic_credit_ += datagram.size;
      if (keep_l4s(datagram, now, observer)) return datagram;
    } else {
      classic_credit_ -= std::min(classic_credit_, datagram.size * (spec_.classic_weight - 1));
      if (keep_classic(datagram, observer)) return datagram;
    }
  }
  return std::nullopt;
}

}  // namespace hawser::sim
