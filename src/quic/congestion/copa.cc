// copa.cc: the target rate, the velocity towards it, and who else is on the path.
#include "quic/congestion/copa.h"

#include <algorithm>

namespace hawser::quic {

void Copa::SlidingMin::update(Duration rtt, Timestamp now, Duration window) {
  if (now - since > window / 2) {
    // After a longer silence neither half says anything of now.
    previous = now - since > window ? rtt : current;
    current = rtt;
    since = now;
    return;
  }
  current = std::min(current, rtt);
}

void Copa::reset(std::uint64_t max_datagram_size) {
  const Timestamp last_sent = last_sent_;
  *this = Copa(NoReset{});
  last_sent_ = last_sent;
  max_datagram_size_ = max_datagram_size;
  window_ = static_cast<double>(initial_window(max_datagram_size));
}

void Copa::on_mtu_change(std::uint64_t max_datagram_size) {
  const bool untouched = congestion_window() == initial_window(max_datagram_size_);
  max_datagram_size_ = max_datagram_size;
  const std::uint64_t least = untouched ? initial_window(max_datagram_size) : minimum_window(max_datagram_size);
  window_ = std::max(window_, static_cast<double>(least));
}

void Copa::adopt(const PathKnowledge& known) {
  window_ = static_cast<double>(std::clamp(known.window, minimum_window(max_datagram_size_), kMaxWindowBytes));
  slow_start_ = known.ssthresh == UINT64_MAX;
}

void Copa::on_ack(const AckEvent& event) {
  if (event.growth_bytes != 0) recovery_start_ = Timestamp::min();
  if (!event.latest_rtt.has_value()) return;
  smoothed_rtt_ = event.smoothed_rtt;
  min_rtt_.update(*event.latest_rtt, event.now, kMinRttWindow);
  standing_.update(*event.latest_rtt, event.now, event.smoothed_rtt / 2);
  max_rtt_next_ = std::max(max_rtt_next_, *event.latest_rtt);
  const Duration queueing = std::max(standing_.value() - min_rtt_.value() - kBatching, Duration::zero());
  update_mode(event, queueing);
  if (!competes_) delta_ = delta_for(queueing);

  // Target rate: 1 / (delta * queueing delay) packets; the rate now: window / standing RTT.
  const double rate = window_ / to_seconds(standing_.value());
  const double target = static_cast<double>(max_datagram_size_) / (delta_ * std::max(to_seconds(queueing), 1e-9));
  const bool up = rate <= target;
  if (slow_start_ && up) {
    if (!event.app_limited) window_ += static_cast<double>(event.acked_bytes);
  } else {
    if (slow_start_ || (up != grew_ && velocity_ > 1)) turn(event, up);
    slow_start_ = false;
    if (!up || !event.app_limited) move(event, up);
  }
  update_velocity(event);
  window_ = std::clamp(window_, static_cast<double>(minimum_window(max_datagram_size_)),
                       static_cast<double>(kMaxWindowBytes));
}

// 1 / delta packets are a short queue where a packet is sent in microseconds; where it takes a millisecond, two of
// them and the swing about them are not. A function of the delay alone, which all flows of a path see alike, so that
// none of them yields to another.
double Copa::delta_for(Duration queueing) {
  const double lengths = to_seconds(queueing) / to_seconds(kShortQueue);
  return kDefaultDelta * std::clamp(lengths, 1.0, kLongQueueFactor);
}

// What an acknowledgement says of the queue is a round trip old. At the end of slow start, or of a run at more
// than the slowest pace, the window has gone too far by what it changed since: it returns to what was in
// flight when the packet left that met the queue, or that met none.
void Copa::turn(const AckEvent& event, bool up) {
  const double then = static_cast<double>(event.rate.bytes_in_flight_at_send);
  if (then != 0) window_ = up ? std::max(window_, then) : std::min(window_, then);
  velocity_ = 1;
  rounds_up_ = rounds_down_ = 0;
}

// velocity / (delta * window) packets for each packet acknowledged.
void Copa::move(const AckEvent& event, bool up) {
  if (up != grew_) velocity_ = 1;
  grew_ = up;
  const double mss = static_cast<double>(max_datagram_size_);
  const double step = velocity_ * mss * static_cast<double>(event.acked_bytes) / (delta_ * window_);
  // No more than half a window in a round, however fast it has become.
  const double most = kMaxVelocityShare * static_cast<double>(event.acked_bytes);
  window_ += up ? std::min(step, most) : -std::min(step, most);
}

// Once a round: the velocity doubles after three rounds in one direction.
void Copa::update_velocity(const AckEvent& event) {
  if (event.largest_acked_sent_time <= round_start_) return;
  round_start_ = last_sent_;
  const bool up = window_ > round_window_;
  rounds_up_ = up ? rounds_up_ + 1 : 0;
  rounds_down_ = up ? 0 : rounds_down_ + 1;
  const bool steady = std::max(rounds_up_, rounds_down_) >= kRoundsInDirection;
  velocity_ = steady ? std::min(velocity_ * 2, window_ / static_cast<double>(max_datagram_size_)) : 1;
  round_window_ = window_;
  max_rtt_ = std::max(max_rtt_next_, (max_rtt_ + max_rtt_next_) / 2);
  max_rtt_next_ = Duration::zero();
  ++rounds_since_empty_;
  if (competes_) delta_ = 1 / (1 / delta_ + 1);
  if (!competes_ && rounds_since_empty_ == kRoundsUntilDrain) drain();
}

// A window that has settled to a packet leaves its own queue standing, which is no sign of anybody else:
// take that out, and see whether the rest of it is empty.
void Copa::drain() {
  window_ *= to_seconds(min_rtt_.value()) / to_seconds(standing_.value());
  velocity_ = 1;
  rounds_up_ = rounds_down_ = 0;
}

void Copa::update_mode(const AckEvent&, Duration queueing) {
  const Duration range = std::max(max_rtt_, max_rtt_next_) - min_rtt_.value();
  if (to_seconds(queueing) <= kNearlyEmpty * to_seconds(range) || slow_start_) rounds_since_empty_ = 0;
  const bool competes = rounds_since_empty_ > kRoundsUntilCompetition;
  if (competes == competes_) return;
  competes_ = competes;
  delta_ = kDefaultDelta;
}

void Copa::on_loss(const LossEvent& event) {
  if (event.persistent_congestion) {
    window_ = static_cast<double>(minimum_window(max_datagram_size_));
    velocity_ = 1;
    recovery_start_ = Timestamp::min();
    return;
  }
  if (event.largest_lost_sent_time <= recovery_start_) return;
  recovery_start_ = event.now;
  if (competes_) delta_ = std::min(kDefaultDelta, delta_ * 2);
}

void Copa::on_spurious_loss(Timestamp) {
  recovery_start_ = Timestamp::min();
}

// A little more than the window in an RTT: the window is the limit.
std::optional<std::uint64_t> Copa::pacing_rate() const {
  if (standing_.value() == Duration::max()) return std::nullopt;
  const double gain = slow_start_ ? kStartPacingGain : kPacingGain;
  return static_cast<std::uint64_t>(gain * window_ / to_seconds(standing_.value()));
}

CongestionSnapshot Copa::snapshot() const {
  const CongestionPhase phase = slow_start_ ? CongestionPhase::kSlowStart : CongestionPhase::kCongestionAvoidance;
  return {.congestion_window = congestion_window(), .ssthresh = UINT64_MAX, .phase = phase};
}

}  // namespace hawser::quic
