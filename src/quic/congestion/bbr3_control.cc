// bbr3_control.cc: pacing rate and window from the model (draft section 5.6).
#include <algorithm>

#include "quic/congestion/bbr3.h"

namespace hawser::quic {

double Bbr3::pacing_gain() const {
  switch (state_) {
    case State::kStartup:
      return rules_->startup_gain;
    case State::kDrain:
      return rules_->drain_gain;
    case State::kDown:
      return rules_->down_gain;
    case State::kUp:
      return kUpGain;
    default:
      return 1.0;
  }
}

double Bbr3::window_gain() const {
  switch (state_) {
    case State::kStartup:
      return rules_->startup_window_gain;
    case State::kUp:
      return rules_->up_window_gain;
    case State::kProbeRtt:
      return kProbeRttWindowGain;
    default:
      return kWindowGain;
  }
}

std::uint64_t Bbr3::bandwidth() const {
  return std::min(model_.max_bandwidth(), bandwidth_shortterm_);
}

std::uint64_t Bbr3::inflight(double gain) const {
  std::uint64_t octets = model_.quantized(bdp(gain), pacing_rate_);
  if (state_ == State::kUp) octets += 2 * model_.max_datagram_size();
  return octets;
}

std::uint64_t Bbr3::target_inflight() const {
  return std::min(bdp(1.0), window_);
}

// What other flows need to grow (section 5.6.5).
std::uint64_t Bbr3::inflight_with_headroom() const {
  if (inflight_longterm_ == kUnlimited) return kUnlimited;
  const auto share = static_cast<std::uint64_t>(kHeadroom * static_cast<double>(inflight_longterm_));
  const std::uint64_t headroom = std::max(share, model_.max_datagram_size());
  const std::uint64_t rest = inflight_longterm_ > headroom ? inflight_longterm_ - headroom : 0;
  return std::max(rest, model_.min_pipe_window());
}

std::uint64_t Bbr3::probe_rtt_window() const {
  return std::max(bdp(kProbeRttWindowGain), model_.min_pipe_window());
}

// What noise takes is sent on top, so that the rest fills the path. The margin is there to let queues drain: where the
// last round saw none, it is 1 % of the path that nobody would use. A probe keeps it: at 1.25 times the rate it would
// take its own growth of a quarter for bandwidth. And where the last round saw nothing but a queue, that drains it.
void Bbr3::set_pacing_rate() {
  if (model_.max_bandwidth() == 0) return;
  const bool steady = state_ == State::kCruise || state_ == State::kRefill;
  double margin = steady && random_loss_.empty() ? 1.0 : BbrModel::kPacingMargin;
  if (state_ == State::kCruise && random_loss_.queued()) margin = kQueueMargin;
  const double rate = pacing_gain() * margin * static_cast<double>(bandwidth()) / (1.0 - random_loss_.noise());
  const auto octets = std::max(static_cast<std::uint64_t>(rate), std::uint64_t{1});
  if (model_.full_pipe_reached() || octets > pacing_rate_) pacing_rate_ = octets;
}

bool Bbr3::sees_startup_queue(const AckEvent& event) const {
  return event.latest_rtt && model_.min_rtt() != Duration::max() &&
         *event.latest_rtt > model_.min_rtt() + model_.min_rtt() / kStartupQueueDivisor;
}

// In Startup what came in bunches, beyond the bandwidth measured a round ago, is first of all the growth itself, which
// a window of two BDPs would hold up while no queue is seen. Once one grows, two BDPs are the path's and a queue of
// one, and what the window was above that would overflow it.
void Bbr3::set_window(const AckEvent& event) {
  const bool fills_queue = state_ == State::kStartup && sees_startup_queue(event);
  const std::uint64_t wanted = bdp(window_gain()) + (fills_queue ? 0 : model_.extra_acked());
  const std::uint64_t most = model_.quantized(wanted, pacing_rate_);
  if (model_.full_pipe_reached() || (fills_queue && window_ > most)) {
    window_ = std::min(window_ + event.acked_bytes, most);
  } else if (window_ < most || model_.delivered() < initial_window(model_.max_datagram_size())) {
    window_ += event.acked_bytes;
  }
  window_ = std::clamp(window_, model_.min_pipe_window(), kMaxWindowBytes);
  if (state_ == State::kProbeRtt) window_ = std::min(window_, probe_rtt_window());
  bound_window();
}

void Bbr3::bound_window() {
  std::uint64_t cap = kUnlimited;
  if (state_ == State::kCruise || state_ == State::kProbeRtt) {
    cap = inflight_with_headroom();
  } else if (in_probe_bw()) {
    cap = inflight_longterm_;
  }
  cap = std::max(std::min(cap, inflight_shortterm_), model_.min_pipe_window());
  window_ = std::min(window_, cap);
}

void Bbr3::save_window() {
  const bool growing = recovery_start_ == Timestamp::min() && state_ != State::kProbeRtt;
  prior_window_ = growing ? window_ : std::max(prior_window_, window_);
}

CongestionSnapshot Bbr3::snapshot() const {
  constexpr CongestionPhase kPhases[] = {CongestionPhase::kStartup,       CongestionPhase::kDrain,
                                         CongestionPhase::kProbeBwDown,   CongestionPhase::kProbeBwCruise,
                                         CongestionPhase::kProbeBwRefill, CongestionPhase::kProbeBwUp,
                                         CongestionPhase::kProbeRtt};
  return {.congestion_window = window_,
          .ssthresh = UINT64_MAX,
          .phase = kPhases[static_cast<std::size_t>(state_)],
          .bytes_per_second = bandwidth()};
}

}  // namespace hawser::quic
