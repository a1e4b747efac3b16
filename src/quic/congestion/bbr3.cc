// bbr3.cc: what acknowledgements and losses tell (draft sections 5.3.1 to 5.5). The states are in
// bbr3_states.cc, window and pacing rate in bbr3_control.cc.
#include "quic/congestion/bbr3.h"

#include <algorithm>

namespace hawser::quic {

void Bbr3::reset(std::uint64_t max_datagram_size) {
  const BbrRules* const rules = rules_;
  const std::uint64_t random = random_;
  model_.reset(max_datagram_size);
  random_loss_ = {};
  state_ = State::kStartup;
  ack_phase_ = AckPhase::kInit;
  window_ = initial_window(max_datagram_size);
  prior_window_ = 0;
  pacing_rate_ =
      static_cast<std::uint64_t>(rules->startup_gain * static_cast<double>(model_.initial_bandwidth(Duration::zero())));
  recovery_start_ = Timestamp::min();
  inflight_longterm_ = kUnlimited;
  reset_lower_bounds();
  reset_congestion_signals();
  loss_round_delivered_ = 0;
  probe_samples_ = probe_too_high_ = probe_cautious_ = false;
  cycle_ = 0;
  random_ = random;
  probe_rtt_done_at_ = kNever;
  idle_restart_ = false;
  undo_ = {};
}

void Bbr3::on_mtu_change(std::uint64_t max_datagram_size) {
  const bool untouched = window_ == initial_window(model_.max_datagram_size());
  model_.set_max_datagram_size(max_datagram_size);
  window_ = untouched ? initial_window(max_datagram_size) : std::max(window_, minimum_window(max_datagram_size));
}

// A path that is known: no Startup, if its bandwidth is. A probe at once finds what has changed: after a retreat of
// Careful Resume the path carries twice what is known of it.
void Bbr3::adopt(const PathKnowledge& known) {
  window_ = std::max(known.window, model_.min_pipe_window());
  if (known.bytes_per_second == 0 || known.min_rtt == Duration::zero()) return;
  model_.set_min_rtt(known.min_rtt, known.now);
  model_.set_bandwidth(known.bytes_per_second, cycle_);
  if (known.ssthresh != UINT64_MAX) {
    model_.set_full_pipe_reached(true);
    enter_down(known.now);
    rounds_since_probe_ = 2 * kRenoRounds;  // due at once, whatever queue stands (kQueuePatience)
  }
  set_pacing_rate();
}

void Bbr3::on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) {
  if (bytes != bytes_in_flight) return;
  // Nothing was in flight: the application had been silent (section 5.4.1). The path is as empty as
  // ProbeRTT would have made it.
  idle_restart_ = true;
  if (state_ == State::kProbeRtt && probe_rtt_done_at_ != kNever && now > probe_rtt_done_at_) leave_probe_rtt(now);
}

void Bbr3::on_ack(const AckEvent& event) {
  if (event.growth_bytes != 0) recovery_start_ = Timestamp::min();
  window_limited_ = event.bytes_in_flight_before + 2 * model_.max_datagram_size() >= window_;
  update_latest_delivery(event);
  update_congestion_signals(event);
  model_.update_extra_acked(event, bandwidth(), window_);
  model_.update_full_pipe(event);
  check_startup_done(event);
  check_drain_done(event);
  update_probe_phase(event);
  check_probe_rtt(event, model_.update_min_rtt(event, kProbeRttInterval));
  if (loss_round_started_) {
    bandwidth_latest_ = event.rate.bytes_per_second;
    inflight_latest_ = event.rate.delivered_bytes;
  }
  set_pacing_rate();
  set_window(event);
}

void Bbr3::update_latest_delivery(const AckEvent& event) {
  model_.update_round(event);
  if (model_.round_started()) ++rounds_since_probe_;
  bandwidth_latest_ = std::max(bandwidth_latest_, event.rate.bytes_per_second);
  inflight_latest_ = std::max(inflight_latest_, event.rate.delivered_bytes);
  random_loss_.on_ack(event.acked_bytes, event.latest_rtt, model_.min_rtt());
  loss_round_started_ = event.rate.prior_delivered_bytes >= loss_round_delivered_;
  if (loss_round_started_) loss_round_delivered_ = model_.delivered();
}

void Bbr3::update_congestion_signals(const AckEvent& event) {
  model_.update_bandwidth(event, cycle_, kFilterCycles);
  if (!loss_round_started_) return;
  const Duration min_rtt = model_.min_rtt() == Duration::max() ? event.min_rtt : model_.min_rtt();
  round_congested_ = random_loss_.end_round(min_rtt);
  if (!probes_bandwidth() && loss_in_round_ && round_congested_) adapt_lower_bounds();
  doubt_bandwidth(event);
  loss_in_round_ = false;
}

// Section 5.5.10.3: what the last round delivered is what there is, but it is no reason to fall by more
// than beta in one round.
void Bbr3::adapt_lower_bounds() {
  if (bandwidth_shortterm_ == kUnlimited) bandwidth_shortterm_ = model_.max_bandwidth();
  if (inflight_shortterm_ == kUnlimited) inflight_shortterm_ = window_;
  const auto reduced = [](std::uint64_t value) {
    return static_cast<std::uint64_t>(kBeta * static_cast<double>(value));
  };
  bandwidth_shortterm_ = std::max(bandwidth_latest_, reduced(bandwidth_shortterm_));
  inflight_shortterm_ = std::max(inflight_latest_, reduced(inflight_shortterm_));
}

// A round of cruising that saw nothing but a queue delivered what there is: if that is less than the largest rate that
// was ever seen, that one was of acknowledgements in bunches, which a receiver makes that was not woken for some
// milliseconds. Once in a cycle, so that it does not follow its own margin down. A sender that had too little to say
// delivered what it said, whoever else's the queue is.
void Bbr3::doubt_bandwidth(const AckEvent& event) {
  if (state_ != State::kCruise || !random_loss_.queued() || model_.limited(event.rate)) {
    queued_rounds_ = 0;
    return;
  }
  if (++queued_rounds_ < kQueuedRounds || bandwidth_shortterm_ != kUnlimited) return;
  bandwidth_shortterm_ =
      std::max(bandwidth_latest_, static_cast<std::uint64_t>(kBeta * static_cast<double>(model_.max_bandwidth())));
}

void Bbr3::reset_lower_bounds() {
  bandwidth_shortterm_ = kUnlimited;
  inflight_shortterm_ = kUnlimited;
}

void Bbr3::reset_congestion_signals() {
  loss_in_round_ = false;
  loss_runs_ = 0;
  bandwidth_latest_ = 0;
  inflight_latest_ = 0;
}

bool Bbr3::inflight_too_high(std::uint64_t lost, std::uint64_t in_flight) const {
  return random_loss_.exceeds(kLossThreshold, lost, in_flight);
}

// Section 5.5.10.2: what the path was seen to hold, and slowly more while a probe goes well.
bool Bbr3::adapt_long_term(const AckEvent& event) {
  if (ack_phase_ == AckPhase::kProbeStarting && model_.round_started()) ack_phase_ = AckPhase::kProbeFeedback;
  if (ack_phase_ == AckPhase::kProbeStopping && model_.round_started()) {
    probe_samples_ = false;
    ack_phase_ = AckPhase::kInit;
    if (in_probe_bw() && !model_.limited(event.rate)) ++cycle_;
    // What lost packets last time was held for a moment and lost none: so it may be held for as long as a probe takes.
    if (in_probe_bw() && probe_cautious_ && !probe_too_high_) {
      enter_refill();
      return true;
    }
  }
  if (inflight_too_high(event.rate.lost_bytes, event.rate.bytes_in_flight_at_send)) {
    if (probe_samples_) on_inflight_too_high(event.rate.bytes_in_flight_at_send, model_.limited(event.rate), event.now);
    return false;
  }
  if (inflight_longterm_ == kUnlimited) return false;
  inflight_longterm_ = std::max(inflight_longterm_, event.rate.bytes_in_flight_at_send);
  if (state_ == State::kUp) probe_long_term_upward(event);
  return false;
}

void Bbr3::probe_long_term_upward(const AckEvent& event) {
  if (!window_limited_ || window_ < inflight_longterm_) return;
  probe_up_acked_ += event.acked_bytes;
  if (probe_up_acked_ >= probe_up_bytes_) {
    const std::uint64_t datagrams = probe_up_acked_ / probe_up_bytes_;
    probe_up_acked_ -= datagrams * probe_up_bytes_;
    inflight_longterm_ += datagrams * model_.max_datagram_size();
  }
  if (model_.round_started()) raise_long_term_slope();
}

// One datagram more in the first round of a probe, then 2, 4, 8: gentle near the bound, fast beyond it.
void Bbr3::raise_long_term_slope() {
  const std::uint64_t growth = std::uint64_t{1} << probe_up_rounds_;
  probe_up_rounds_ = std::min<std::uint32_t>(probe_up_rounds_ + 1, 30);
  probe_up_bytes_ = std::max(window_ / growth, model_.max_datagram_size());
}

void Bbr3::on_inflight_too_high(std::uint64_t in_flight, bool limited, Timestamp now) {
  probe_samples_ = false;
  probe_too_high_ = true;
  if (!limited) {
    const auto least = static_cast<std::uint64_t>(kBeta * static_cast<double>(target_inflight()));
    inflight_longterm_ = std::max(in_flight, least);
  }
  if (state_ != State::kUp) return;
  enter_down(now);
  undo_.probe_ended = true;
}

// Section 5.5.10.2: the packet whose loss made it too much: what was in flight just before it.
void Bbr3::on_packet_lost(const LostSample& packet) {
  if (packet.sent_time > recovery_start_ && !undo_.of_this_batch) save_for_undo();
  random_loss_.on_loss(packet.bytes);
  if (packet.packet_number != next_of_run_) ++loss_runs_;
  next_of_run_ = packet.packet_number + 1;
  if (!probe_samples_) return;
  const double in_flight = static_cast<double>(packet.bytes_in_flight_at_send);
  if (!inflight_too_high(packet.lost_since_send, packet.bytes_in_flight_at_send)) return;
  const double threshold = kLossThreshold + random_loss_.noise();
  const double before = in_flight - static_cast<double>(packet.bytes);
  const double lost_before = static_cast<double>(packet.lost_since_send) - static_cast<double>(packet.bytes);
  const double allowed = threshold * before + random_loss_.chance(packet.bytes_in_flight_at_send);
  const double prefix = std::max(0.0, (allowed - lost_before) / (1.0 - threshold));
  on_inflight_too_high(static_cast<std::uint64_t>(std::max(before, 0.0) + prefix), packet.app_limited, packet.now);
}

void Bbr3::save_for_undo() {
  undo_ = {.state = state_,
           .bandwidth_shortterm = bandwidth_shortterm_,
           .inflight_shortterm = inflight_shortterm_,
           .inflight_longterm = inflight_longterm_,
           .of_this_batch = true};
}

void Bbr3::on_loss(const LossEvent& event) {
  loss_in_round_ = true;
  if (event.largest_lost_sent_time > recovery_start_) {
    recovery_start_ = event.now;
    if (!undo_.of_this_batch) save_for_undo();
  }
  undo_.of_this_batch = false;
  if (!event.persistent_congestion) return;
  // Nothing came back for three timeouts: begin with the least, but keep what is known of the path.
  save_window();
  window_ = minimum_window(model_.max_datagram_size());
  recovery_start_ = Timestamp::min();
}

void Bbr3::on_spurious_loss(Timestamp now) {
  loss_in_round_ = false;
  probe_too_high_ = false;
  bandwidth_shortterm_ = std::max(bandwidth_shortterm_, undo_.bandwidth_shortterm);
  inflight_shortterm_ = std::max(inflight_shortterm_, undo_.inflight_shortterm);
  inflight_longterm_ = std::max(inflight_longterm_, undo_.inflight_longterm);
  recovery_start_ = Timestamp::min();
  if (undo_.state == State::kStartup && state_ != State::kStartup && state_ != State::kProbeRtt) {
    state_ = State::kStartup;
    model_.set_full_pipe_reached(false);
    model_.restart_full_pipe(0);
  } else if (undo_.probe_ended && state_ == State::kDown) {
    undo_.probe_ended = false;
    probe_samples_ = true;
    enter_up(bandwidth_latest_, now);
  }
}

}  // namespace hawser::quic
