// bbr_model.cc: the filters and the arithmetic that every version of BBR shares.
#include "quic/congestion/bbr_model.h"

#include <algorithm>

namespace hawser::quic {

void BbrModel::reset(std::uint64_t max_datagram_size) {
  *this = BbrModel{};
  max_datagram_size_ = max_datagram_size;
}

void BbrModel::update_round(const AckEvent& event) {
  delivered_ = event.rate.total_delivered_bytes();
  round_started_ = event.rate.prior_delivered_bytes >= next_round_delivered_;
  if (!round_started_) return;
  start_round();
  ++round_;
}

// A sample of a sender that had nothing to say counts only if it is better than what is known.
void BbrModel::update_bandwidth(const AckEvent& event, std::uint64_t filter_time, std::uint64_t filter_window) {
  const std::uint64_t rate = event.rate.bytes_per_second;
  if (rate == 0 || (rate < max_bandwidth() && limited(event.rate))) return;
  bandwidth_filter_.update(rate, filter_time, filter_window);
}

// Section 5.5.9: what is acknowledged beyond bandwidth * time comes of acknowledgements in bunches; that
// much more must be in flight to bridge the silence between them.
void BbrModel::update_extra_acked(const AckEvent& event, std::uint64_t bandwidth, std::uint64_t window) {
  const double interval = to_seconds(event.now - extra_acked_start_);
  double expected = static_cast<double>(bandwidth) * interval;
  if (static_cast<double>(extra_acked_delivered_) <= expected) {
    extra_acked_delivered_ = 0;
    extra_acked_start_ = event.now;
    expected = 0;
  }
  extra_acked_delivered_ += event.acked_bytes;
  const double beyond = static_cast<double>(extra_acked_delivered_) - expected;
  const std::uint64_t extra = beyond > 0 ? std::min(static_cast<std::uint64_t>(beyond), window) : 0;
  extra_acked_filter_.update(extra, round_, full_pipe_reached_ ? kExtraAckedRounds : 1);
}

void BbrModel::update_full_pipe(const AckEvent& event) {
  // Without a rate the round says nothing of growth: its acknowledgement came by a shorter way, or in too little time.
  if (full_pipe_now_ || event.rate.bytes_per_second == 0 || limited(event.rate)) return;
  const auto rate = static_cast<double>(event.rate.bytes_per_second);
  if (rate >= static_cast<double>(full_bandwidth_) * kFullPipeGrowth) {
    restart_full_pipe(event.rate.bytes_per_second);
    return;
  }
  if (!round_started_) return;
  full_pipe_now_ = ++full_rounds_ >= kFullPipeRounds;
  full_pipe_reached_ |= full_pipe_now_;
}

void BbrModel::restart_full_pipe(std::uint64_t bandwidth) {
  full_bandwidth_ = bandwidth;
  full_rounds_ = 0;
  full_pipe_now_ = false;
}

bool BbrModel::update_min_rtt(const AckEvent& event, Duration probe_interval) {
  if (event.latest_rtt.has_value() && matches_min_rtt(*event.latest_rtt)) probe_min_rtt_at_ = min_rtt_at_ = event.now;
  const bool expired = min_rtt_ != Duration::max() && event.now > probe_min_rtt_at_ + probe_interval;
  if (event.latest_rtt.has_value() && (*event.latest_rtt < probe_min_rtt_ || expired)) {
    probe_min_rtt_ = *event.latest_rtt;
    probe_min_rtt_at_ = event.now;
  }
  if (probe_min_rtt_ < min_rtt_ || event.now > min_rtt_at_ + kMinRttWindow) {
    min_rtt_ = probe_min_rtt_;
    min_rtt_at_ = probe_min_rtt_at_;
  }
  return expired;
}

// The path was seen empty by the way: there is no need to empty it for that. Nanoseconds never match exactly,
// nor do bursts and batches of acknowledgements over a path that is.
bool BbrModel::matches_min_rtt(Duration rtt) const {
  return min_rtt_ != Duration::max() && rtt <= min_rtt_ + min_rtt_ / kMatchDivisor;
}

void BbrModel::set_min_rtt(Duration rtt, Timestamp now) {
  min_rtt_ = probe_min_rtt_ = rtt;
  min_rtt_at_ = probe_min_rtt_at_ = now;
}

std::uint64_t BbrModel::bdp(std::uint64_t bandwidth, double gain) const {
  if (min_rtt_ == Duration::max() || bandwidth == 0) return initial_window(max_datagram_size_);
  const double octets = gain * static_cast<double>(bandwidth) * to_seconds(min_rtt_);
  return static_cast<std::uint64_t>(std::min(octets, static_cast<double>(kMaxWindowBytes)));
}

std::uint64_t BbrModel::send_quantum(std::uint64_t pacing_rate, std::uint64_t max_datagram_size) {
  const double octets = static_cast<double>(pacing_rate) * to_seconds(kSendQuantumTime);
  return std::max(static_cast<std::uint64_t>(octets), 2 * max_datagram_size);
}

std::uint64_t BbrModel::quantized(std::uint64_t inflight, std::uint64_t pacing_rate) const {
  return std::max({inflight, 3 * send_quantum(pacing_rate, max_datagram_size_), min_pipe_window()});
}

std::uint64_t BbrModel::initial_bandwidth(Duration rtt) const {
  const double seconds = rtt > Duration::zero() ? to_seconds(rtt) : 1e-3;
  return static_cast<std::uint64_t>(static_cast<double>(initial_window(max_datagram_size_)) / seconds);
}

}  // namespace hawser::quic
