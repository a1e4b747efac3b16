// bbr1.cc: the four states of version 1 over the shared model.
#include "quic/congestion/bbr1.h"

#include <algorithm>

namespace hawser::quic {

void Bbr1::reset(std::uint64_t max_datagram_size) {
  model_.reset(max_datagram_size);
  state_ = State::kStartup;
  window_ = initial_window(max_datagram_size);
  prior_window_ = 0;
  pacing_rate_ = static_cast<std::uint64_t>(kHighGain * static_cast<double>(model_.initial_bandwidth({})));
  recovery_start_ = Timestamp::min();
  conserving_ = lost_since_cycle_ = idle_restart_ = false;
  last_loss_round_ = 0;
  probe_rtt_done_at_ = kNever;
}

void Bbr1::on_mtu_change(std::uint64_t max_datagram_size) {
  const bool untouched = window_ == initial_window(model_.max_datagram_size());
  model_.set_max_datagram_size(max_datagram_size);
  window_ = untouched ? initial_window(max_datagram_size) : std::max(window_, minimum_window(max_datagram_size));
}

void Bbr1::adopt(const PathKnowledge& known) {
  window_ = std::max(known.window, model_.min_pipe_window());
  if (known.bytes_per_second == 0 || known.min_rtt == Duration::zero()) return;
  model_.set_min_rtt(known.min_rtt, known.now);
  model_.set_bandwidth(known.bytes_per_second, model_.round());
  if (known.ssthresh != UINT64_MAX) {
    model_.set_full_pipe_reached(true);
    enter_probe_bw(known.now);
  }
  pacing_rate_ = static_cast<std::uint64_t>(pacing_gain() * static_cast<double>(known.bytes_per_second));
}

void Bbr1::on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp) {
  if (bytes == bytes_in_flight) idle_restart_ = true;
}

double Bbr1::pacing_gain() const {
  switch (state_) {
    case State::kStartup:
      return kHighGain;
    case State::kDrain:
      return 1 / kHighGain;
    case State::kProbeBw:
      return kCycleGains[cycle_index_];
    case State::kProbeRtt:
      return 1;
  }
  return 1;
}

void Bbr1::on_ack(const AckEvent& event) {
  if (event.growth_bytes != 0) recovery_start_ = Timestamp::min();
  model_.update_round(event);
  model_.update_bandwidth(event, model_.round(), kFilterRounds);
  model_.update_extra_acked(event, model_.max_bandwidth(), window_);
  model_.update_full_pipe(event);
  if (state_ == State::kStartup && model_.full_pipe_reached()) state_ = State::kDrain;
  if (state_ == State::kDrain && event.bytes_in_flight_after <= inflight(1)) enter_probe_bw(event.now);
  if (state_ == State::kProbeBw) advance_cycle(event);
  check_probe_rtt(event, model_.update_min_rtt(event, kProbeRttInterval));
  set_control(event);
}

// Flows must not be in step: the phase to begin with is drawn from the time, but never the one that drains.
void Bbr1::enter_probe_bw(Timestamp now) {
  state_ = State::kProbeBw;
  const auto chance = static_cast<std::uint64_t>(now.time_since_epoch().count() / 1'009) % (kCycleLength - 1);
  cycle_index_ = chance == 0 ? 0 : static_cast<std::uint32_t>(chance + 1);
  cycle_start_ = now;
  lost_since_cycle_ = false;
}

// A phase lasts a round trip; the one that probes until the path is full or loses, the one that drains
// until it is drained.
void Bbr1::advance_cycle(const AckEvent& event) {
  const double gain = kCycleGains[cycle_index_];
  bool over = event.now - cycle_start_ > model_.min_rtt();
  if (gain > 1) over = over && (lost_since_cycle_ || event.bytes_in_flight_before >= inflight(gain));
  if (gain < 1) over = over || event.bytes_in_flight_after <= inflight(1);
  if (!over) return;
  cycle_index_ = (cycle_index_ + 1) % kCycleLength;
  cycle_start_ = event.now;
  lost_since_cycle_ = false;
}

void Bbr1::check_probe_rtt(const AckEvent& event, bool expired) {
  if (state_ != State::kProbeRtt && expired && !idle_restart_) {
    prior_window_ = window_;
    state_ = State::kProbeRtt;
    probe_rtt_done_at_ = kNever;
  }
  idle_restart_ = false;
  if (state_ != State::kProbeRtt) return;
  model_.mark_limited(event.bytes_in_flight_after);
  if (probe_rtt_done_at_ == kNever) {
    if (event.bytes_in_flight_after > model_.min_pipe_window()) return;
    probe_rtt_done_at_ = event.now + std::max(kProbeRttDuration, event.smoothed_rtt);
  } else if (event.now > probe_rtt_done_at_) {
    model_.renew_probe_rtt(event.now);
    window_ = std::max(window_, prior_window_);
    if (model_.full_pipe_reached()) {
      enter_probe_bw(event.now);
    } else {
      state_ = State::kStartup;
    }
  }
}

void Bbr1::set_control(const AckEvent& event) {
  if (model_.max_bandwidth() == 0) return;
  const double rate = pacing_gain() * BbrModel::kPacingMargin * static_cast<double>(model_.max_bandwidth());
  const auto octets = std::max(static_cast<std::uint64_t>(rate), std::uint64_t{1});
  if (model_.full_pipe_reached() || octets > pacing_rate_) pacing_rate_ = octets;

  if (conserving_ && model_.delivered() >= conserve_until_) {
    conserving_ = false;
    window_ = std::max(window_, prior_window_);
  }
  const double gain = state_ == State::kStartup || state_ == State::kDrain ? kHighGain : kWindowGain;
  const std::uint64_t most = inflight(gain) + model_.extra_acked();
  if (conserving_) {
    window_ = std::max(window_, event.bytes_in_flight_after + event.acked_bytes);
  } else if (model_.full_pipe_reached()) {
    window_ = std::min(window_ + event.acked_bytes, most);
  } else if (window_ < most || model_.delivered() < initial_window(model_.max_datagram_size())) {
    window_ += event.acked_bytes;
  }
  window_ = std::clamp(window_, model_.min_pipe_window(), kMaxWindowBytes);
  if (state_ == State::kProbeRtt) window_ = std::min(window_, model_.min_pipe_window());
}

void Bbr1::on_loss(const LossEvent& event) {
  lost_since_cycle_ = true;
  if (event.persistent_congestion) {
    prior_window_ = std::max(prior_window_, window_);
    window_ = minimum_window(model_.max_datagram_size());
    recovery_start_ = Timestamp::min();
    conserving_ = false;
    return;
  }
  if (event.largest_lost_sent_time <= recovery_start_) return;
  recovery_start_ = event.now;
  // Only the first round of an episode conserves: loss in every round is one long episode.
  const bool same_episode = last_loss_round_ != 0 && model_.round() - last_loss_round_ <= 2;
  last_loss_round_ = model_.round();
  if (conserving_ || same_episode || state_ == State::kProbeRtt) return;
  prior_window_ = window_;
  conserving_ = true;
  conserve_until_ = model_.delivered() + event.bytes_in_flight_before;
  window_ = std::max(event.bytes_in_flight_after + model_.max_datagram_size(), model_.min_pipe_window());
}

void Bbr1::on_spurious_loss(Timestamp) {
  recovery_start_ = Timestamp::min();
  if (conserving_) window_ = std::max(window_, prior_window_);
  conserving_ = false;
}

CongestionSnapshot Bbr1::snapshot() const {
  constexpr CongestionPhase kPhases[] = {CongestionPhase::kStartup, CongestionPhase::kDrain, CongestionPhase::kProbeBw,
                                         CongestionPhase::kProbeRtt};
  return {.congestion_window = window_,
          .ssthresh = UINT64_MAX,
          .phase = kPhases[static_cast<std::size_t>(state_)],
          .bytes_per_second = model_.max_bandwidth()};
}

}  // namespace hawser::quic
