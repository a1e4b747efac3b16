// cubic.cc: the cubic curve, the Reno-friendly floor under it, and the reductions.
#include "quic/congestion/cubic.h"

#include <algorithm>
#include <cmath>

namespace hawser::quic {

void Cubic::reset(std::uint64_t max_datagram_size) {
  max_datagram_size_ = max_datagram_size;
  state_ = {};
  state_.window = initial_window(max_datagram_size);
  undo_valid_ = false;
  in_recovery_ = false;
  app_limited_since_ = kNever;
  last_acked_ = Timestamp::min();
  prr_ = {};
}

void Cubic::on_mtu_change(std::uint64_t max_datagram_size) {
  const bool untouched = state_.window == initial_window(max_datagram_size_);
  max_datagram_size_ = max_datagram_size;
  state_.window =
      untouched ? initial_window(max_datagram_size) : std::max(state_.window, minimum_window(max_datagram_size));
}

void Cubic::adopt(const PathKnowledge& known) {
  state_ = {.recovery_start = state_.recovery_start, .hystart = state_.hystart};
  leave_recovery();
  undo_valid_ = false;
  state_.window = std::clamp(known.window, minimum_window(max_datagram_size_), kMaxWindowBytes);
  state_.ssthresh = known.ssthresh;
  if (state_.ssthresh != UINT64_MAX) state_.hystart.on_congestion_event();
}

void Cubic::on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) {
  if (bytes == bytes_in_flight) [[unlikely]]
    end_pause(now);
  prr_.on_packet_sent(bytes);
  state_.hystart.on_packet_sent(now);
}

double Cubic::w_cubic(double t) const {
  const double from_origin = t - state_.k_seconds;
  return kC * from_origin * from_origin * from_origin * static_cast<double>(max_datagram_size_) + state_.w_max;
}

// RFC 9438 section 4.2: K is the time the curve takes from the window now back to W_max.
void Cubic::begin_epoch(Timestamp now) {
  const double window = static_cast<double>(state_.window);
  state_.epoch_start = now;
  state_.growth = 0;
  state_.w_est = window;
  if (state_.w_max <= window) {
    // Slow start went past W_max, or there has been no reduction (section 4.10).
    state_.w_max = window;
    state_.k_seconds = 0;
    return;
  }
  state_.k_seconds = std::cbrt((state_.w_max - window) / (kC * static_cast<double>(max_datagram_size_)));
}

// Time in which the application did not fill the window is no part of the epoch
// (section 5.8): the curve would otherwise have run ahead meanwhile.
void Cubic::note_app_limited(const AckEvent& event) {
  if (event.app_limited) {
    if (app_limited_since_ == kNever) app_limited_since_ = event.now;
    return;
  }
  if (app_limited_since_ == kNever) return;
  leave_out_of_epoch(app_limited_since_, event.now);
  app_limited_since_ = kNever;
}

// That the ACKs before it were of an application that had little to say is not sure: what is sent last fills the window
// as likely as not.
void Cubic::end_pause(Timestamp now) {
  leave_out_of_epoch(std::min(app_limited_since_, std::max(state_.hystart.last_sent(), last_acked_)), now);
  app_limited_since_ = kNever;
}

void Cubic::leave_out_of_epoch(Timestamp since, Timestamp now) {
  if (state_.epoch_start != kNever && now > since) state_.epoch_start += now - std::max(since, state_.epoch_start);
}

void Cubic::grow_in_avoidance(const AckEvent& event) {
  if (state_.epoch_start == kNever) begin_epoch(event.now);
  const double window = static_cast<double>(state_.window);
  const double mss = static_cast<double>(max_datagram_size_);
  const double acked = static_cast<double>(event.growth_bytes);

  // Section 4.3: once W_est has reached the window before the reduction, Reno's own pace.
  const double alpha = state_.w_est >= state_.cwnd_prior ? 1.0 : kAlpha;
  state_.w_est += alpha * mss * acked / window;

  const double t = to_seconds(event.now - state_.epoch_start);
  if (w_cubic(t) < state_.w_est) {
    if (state_.w_est > window) state_.window = static_cast<std::uint64_t>(state_.w_est);
  } else {
    // Sections 4.4 and 4.5: aim one RTT ahead, but at no more than half the window again.
    const double target = std::clamp(w_cubic(t + to_seconds(event.smoothed_rtt)), window, 1.5 * window);
    state_.growth += (target - window) * acked / window;
    const double whole = std::floor(state_.growth);
    state_.growth -= whole;
    state_.window += static_cast<std::uint64_t>(whole);
  }
  state_.window = std::min(state_.window, kMaxWindowBytes);
}

void Cubic::on_ack(const AckEvent& event) {
  if (event.growth_bytes != 0) leave_recovery();
  prr_.on_ack(event, max_datagram_size_);
  note_app_limited(event);
  last_acked_ = event.now;
  const bool slow_start = state_.window < state_.ssthresh;
  const std::uint64_t slow_start_growth = slow_start ? state_.hystart.on_ack(event) : 0;
  if (event.growth_bytes == 0 || event.app_limited) return;
  if (!slow_start) {
    grow_in_avoidance(event);
    return;
  }
  state_.window = std::min(state_.window + slow_start_growth, kMaxWindowBytes);
  if (state_.hystart.finished() && state_.ssthresh == UINT64_MAX) state_.ssthresh = state_.window;
}

// Sections 4.6 and 4.7.
bool Cubic::on_congestion_event(Timestamp sent_time, Timestamp now) {
  if (sent_time <= state_.recovery_start) return false;
  const double window = static_cast<double>(state_.window);
  // Fast convergence: a window that did not get back to its last maximum leaves room.
  state_.w_max = window < state_.w_max ? window * (1.0 + kBeta) / 2.0 : window;
  state_.cwnd_prior = window;
  state_.ssthresh = std::max(static_cast<std::uint64_t>(window * kBeta), minimum_window(max_datagram_size_));
  state_.window = state_.ssthresh;
  state_.recovery_start = now;
  state_.epoch_start = kNever;
  app_limited_since_ = kNever;
  in_recovery_ = true;
  state_.hystart.on_congestion_event();
  return true;
}

void Cubic::on_loss(const LossEvent& event) {
  const State before = state_;
  if (on_congestion_event(event.largest_lost_sent_time, event.now)) {
    undo_ = before;
    undo_valid_ = true;
    prr_.enter(event, state_.ssthresh, max_datagram_size_);
  } else {
    prr_.on_more_loss();
  }
  if (event.persistent_congestion) {
    // Section 4.8: after a timeout the curve starts from where slow start ends: K = 0.
    state_.window = minimum_window(max_datagram_size_);
    state_.w_max = 0;
    state_.k_seconds = 0;
    state_.cwnd_prior = 0;
    state_.recovery_start = Timestamp::min();
    state_.epoch_start = kNever;
    leave_recovery();
    undo_valid_ = false;
  }
}

void Cubic::on_ecn_ce(std::uint64_t, Timestamp sent_time, Timestamp now) {
  // CE is a fact that no late acknowledgement takes back.
  if (on_congestion_event(sent_time, now)) undo_valid_ = false;
}

// Section 4.9.2: the window was not the cause, so everything returns to what it was.
void Cubic::on_spurious_loss(Timestamp now) {
  if (!undo_valid_) return;
  undo_valid_ = false;
  if (state_.window >= undo_.window) return;
  state_ = undo_;
  // The detour is no part of the epoch either; K is computed anew from the window restored.
  if (state_.epoch_start != kNever) begin_epoch(now);
  leave_recovery();
}

CongestionSnapshot Cubic::snapshot() const {
  CongestionPhase phase = CongestionPhase::kCongestionAvoidance;
  if (in_recovery_) {
    phase = CongestionPhase::kRecovery;
  } else if (state_.window < state_.ssthresh) {
    phase = state_.hystart.conservative() ? CongestionPhase::kConservativeSlowStart : CongestionPhase::kSlowStart;
  }
  return {.congestion_window = congestion_window(), .ssthresh = state_.ssthresh, .phase = phase};
}

}  // namespace hawser::quic
