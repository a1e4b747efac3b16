// bbr3_states.cc: Startup, Drain, the four phases of ProbeBW, ProbeRTT, and what leads from one to the
// next (draft section 5.3).
#include <algorithm>

#include "quic/congestion/bbr3.h"

namespace hawser::quic {

// Section 5.3.1: the pipe is full when the bandwidth stops growing, or when many packets are lost. What a sender loses
// that has little to say, and half its window unused, does not tell how much the path holds: it would be held to the
// rate of its own messages.
void Bbr3::check_startup_done(const AckEvent& event) {
  if (loss_round_started_) {
    const bool says_little = model_.limited(event.rate) && 2 * event.rate.bytes_in_flight_at_send < window_;
    const bool loss_ends_it = state_ == State::kStartup && !says_little && round_congested_ &&
                              loss_runs_ >= rules_->startup_loss_runs &&
                              inflight_too_high(event.rate.lost_bytes, event.rate.bytes_in_flight_at_send);
    if (loss_ends_it) {
      model_.set_full_pipe_reached(true);
      inflight_longterm_ = std::max(bdp(1.0), inflight_latest_);
    }
    loss_runs_ = 0;
  }
  if (state_ != State::kStartup || !model_.full_pipe_reached()) return;
  state_ = State::kDrain;
  startup_queued_ = random_loss_.long_queue() || sees_startup_queue(event);
}

void Bbr3::check_drain_done(const AckEvent& event) {
  if (state_ != State::kDrain || event.bytes_in_flight_after > inflight(1.0)) return;
  enter_down(event.now);
  // Without a long queue at its end Startup may have ended too soon, by losses or a plateau of chance: the first probe
  // finds out at once, and not seconds later.
  if (!startup_queued_) rounds_since_probe_ = kRenoRounds;
}

void Bbr3::update_probe_phase(const AckEvent& event) {
  if (!model_.full_pipe_reached()) return;
  if (adapt_long_term(event)) return;
  switch (state_) {
    case State::kDown:
      if (start_probe_if_due(event.now)) return;
      if (time_to_cruise(event.bytes_in_flight_after)) state_ = State::kCruise;
      return;
    case State::kCruise:
      (void)start_probe_if_due(event.now);
      return;
    case State::kRefill:
      // One round at the full rate, so that the probe begins with a full pipe.
      if (!model_.round_started()) return;
      probe_samples_ = true;
      enter_up(event.rate.bytes_per_second, event.now);
      return;
    case State::kUp:
      if (!time_to_go_down(event)) return;
      probe_too_high_ = false;
      undo_.probe_ended = false;
      enter_down(event.now);
      return;
    default:
      return;
  }
}

void Bbr3::enter_down(Timestamp now) {
  state_ = State::kDown;
  ack_phase_ = AckPhase::kProbeStopping;
  reset_congestion_signals();
  probe_up_bytes_ = kUnlimited;
  rounds_since_probe_ = draw(2, now);
  probe_wait_ = kProbeWait + Duration{static_cast<std::int64_t>(draw(1'000'000'000, now))};
  cycle_start_ = now;
  model_.start_round();
}

void Bbr3::enter_refill() {
  state_ = State::kRefill;
  ack_phase_ = AckPhase::kRefilling;
  reset_lower_bounds();
  probe_cautious_ = false;
  probe_up_rounds_ = 0;
  probe_up_acked_ = 0;
  model_.start_round();
}

void Bbr3::enter_up(std::uint64_t delivery_rate, Timestamp now) {
  state_ = State::kUp;
  ack_phase_ = AckPhase::kProbeStarting;
  cycle_start_ = now;
  model_.start_round();
  model_.restart_full_pipe(delivery_rate);
  raise_long_term_slope();
}

// Every two to three seconds, or as often as a Reno flow of this size would lose a packet; later if others probe.
bool Bbr3::start_probe_if_due(Timestamp now) {
  const std::uint64_t reno_rounds = target_inflight() / model_.max_datagram_size();
  const double patience = random_loss_.long_queue() ? kQueuePatience : 1;
  const auto rounds = patience * static_cast<double>(std::min(reno_rounds, kRenoRounds));
  const bool due = to_seconds(now - cycle_start_) > patience * to_seconds(probe_wait_) ||
                   static_cast<double>(rounds_since_probe_) >= rounds;
  if (due) enter_refill();
  return due;
}

bool Bbr3::time_to_cruise(std::uint64_t in_flight) const {
  return in_flight <= inflight_with_headroom() && in_flight <= inflight(1.0);
}

bool Bbr3::time_to_go_down(const AckEvent& event) {
  if (probe_too_high_ && event.bytes_in_flight_before >= inflight_longterm_) {
    probe_cautious_ = true;
    return true;
  }
  if (rules_->up_inflight_gain != 0) {
    // A round trip as it is now, where the alpha release waited for the smallest: beside a queue that is less
    // than a round, so that the bound never grew, and two flows kept what chance had given them. And not while
    // the bound is what limits the probe, for the same reason.
    const bool held = window_limited_ && window_ + event.acked_bytes >= inflight_longterm_;
    return !held && ack_phase_ == AckPhase::kProbeFeedback &&
           event.bytes_in_flight_before >= inflight(rules_->up_inflight_gain);
  }
  const bool stands = probe_up_rounds_ > kRoundsBehindQueue && random_loss_.long_queue();
  if (window_limited_ && window_ >= inflight_longterm_ && !stands) {
    // The window held the probe back, so that the bandwidth could not have grown.
    model_.restart_full_pipe(event.rate.bytes_per_second);
    return false;
  }
  return model_.full_pipe_now();
}

void Bbr3::check_probe_rtt(const AckEvent& event, bool expired) {
  if (state_ != State::kProbeRtt && expired && !idle_restart_) {
    save_window();
    state_ = State::kProbeRtt;
    probe_rtt_done_at_ = kNever;
    ack_phase_ = AckPhase::kProbeStopping;
    model_.start_round();
  }
  if (state_ == State::kProbeRtt) hold_probe_rtt(event);
  idle_restart_ = false;
}

// For 200 ms and a round trip no more than half a BDP, so that whoever queues sees the path empty.
void Bbr3::hold_probe_rtt(const AckEvent& event) {
  model_.mark_limited(event.bytes_in_flight_after);
  if (probe_rtt_done_at_ == kNever) {
    if (event.bytes_in_flight_after > probe_rtt_window()) return;
    probe_rtt_done_at_ = event.now + kProbeRttDuration;
    probe_rtt_round_done_ = false;
    model_.start_round();
    return;
  }
  probe_rtt_round_done_ |= model_.round_started();
  if (probe_rtt_round_done_ && event.now > probe_rtt_done_at_) leave_probe_rtt(event.now);
}

void Bbr3::leave_probe_rtt(Timestamp now) {
  model_.renew_probe_rtt(now);
  window_ = std::max(window_, prior_window_);
  reset_lower_bounds();
  if (!model_.full_pipe_reached()) {
    state_ = State::kStartup;
    return;
  }
  enter_down(now);
  state_ = State::kCruise;  // the queue is empty already
}

// Flows that began together must not probe together. The chance is in the nanoseconds at which
// acknowledgements come in; nobody gains by guessing it.
std::uint64_t Bbr3::draw(std::uint64_t below, Timestamp now) {
  random_ += 0x9e3779b97f4a7c15 + static_cast<std::uint64_t>(now.time_since_epoch().count());
  std::uint64_t z = random_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (z ^ (z >> 31)) % below;
}

}  // namespace hawser::quic
