// prague.cc: the share of marks, the reductions, and growth that does not depend on the RTT.
#include "quic/congestion/prague.h"

#include <algorithm>

namespace hawser::quic {

void Prague::reset(std::uint64_t max_datagram_size) {
  max_datagram_size_ = max_datagram_size;
  window_ = static_cast<double>(initial_window(max_datagram_size));
  ssthresh_ = 0;
  alpha_ = 1;
  alpha_from_ = AlphaFrom::kNothing;
  round_acked_ = round_marked_ = 0;
  round_rtt_min_ = Duration::max();
  quiet_rounds_ = classic_rounds_ = 0;
  classic_ = false;
  smoothed_rtt_ = Duration::zero();
  reduced_at_ = recovery_start_ = Timestamp::min();
  undo_window_ = 0;
}

void Prague::on_mtu_change(std::uint64_t max_datagram_size) {
  const bool untouched = congestion_window() == initial_window(max_datagram_size_);
  max_datagram_size_ = max_datagram_size;
  const std::uint64_t least = untouched ? initial_window(max_datagram_size) : minimum_window(max_datagram_size);
  window_ = std::max(window_, static_cast<double>(least));
}

void Prague::adopt(const PathKnowledge& known) {
  window_ = static_cast<double>(std::clamp(known.window, minimum_window(max_datagram_size_), kMaxWindowBytes));
  ssthresh_ = known.ssthresh == UINT64_MAX ? 0 : window_;
  undo_window_ = 0;
}

void Prague::on_ack(const AckEvent& event) {
  if (event.growth_bytes != 0) recovery_start_ = Timestamp::min();
  smoothed_rtt_ = event.smoothed_rtt;
  min_rtt_ = event.min_rtt;
  if (event.latest_rtt.has_value()) round_rtt_min_ = std::min(round_rtt_min_, *event.latest_rtt);
  // The marks of the last ACK came after it, so the round ends before this one is counted.
  if (alpha_from_ == AlphaFrom::kFirstMark && event.largest_acked_sent_time > reduced_at_) {
    // What was sent before the reduction is through: from here on marks speak of the window now.
    alpha_from_ = AlphaFrom::kRound;
    round_acked_ = round_marked_ = 0;
    round_end_ = event.now + virtual_rtt();
  }
  if (event.now >= round_end_) end_round(event);
  round_acked_ += event.acked_ect_packets;
  if (event.growth_bytes == 0 || event.app_limited) return;
  const double acked = static_cast<double>(event.growth_bytes);
  if (ssthresh_ == 0 || window_ < ssthresh_) {
    window_ += acked;
  } else {
    // A datagram for each virtual RTT squared: as many in a second as a path of 25 ms gets.
    const double scale = to_seconds(smoothed_rtt_) / to_seconds(virtual_rtt());
    const double reno = static_cast<double>(max_datagram_size_) / window_ * scale * scale;
    const std::uint32_t quiet = quiet_rounds_ > kQuietRounds ? std::min(quiet_rounds_ - kQuietRounds, 20u) : 0;
    window_ += acked * std::max(reno, std::min(reno * static_cast<double>(1u << quiet), kMaxGrowth));
  }
  window_ = std::min(window_, static_cast<double>(kMaxWindowBytes));
}

void Prague::end_round(const AckEvent& event) {
  if (round_acked_ != 0 && alpha_from_ >= AlphaFrom::kRound) {
    const double share = static_cast<double>(std::min(round_marked_, round_acked_)) / static_cast<double>(round_acked_);
    alpha_ = alpha_from_ == AlphaFrom::kRound ? share : alpha_ + kAlphaGain * (share - alpha_);
    alpha_from_ = AlphaFrom::kAverage;
  }
  quiet_rounds_ = round_marked_ == 0 ? quiet_rounds_ + 1 : 0;
  if (round_marked_ != 0) judge_queue();
  round_acked_ = round_marked_ = 0;
  round_rtt_min_ = Duration::max();
  round_end_ = event.now + virtual_rtt();
}

// Classic AQMs mark while a queue of some milliseconds stands; even the smallest RTT of the round shows it.
void Prague::judge_queue() {
  if (round_rtt_min_ == Duration::max()) return;
  const Duration queue = round_rtt_min_ - min_rtt_;
  if (queue > kClassicQueue) {
    classic_rounds_ = std::min(classic_rounds_ + 1, kClassicRounds);
  } else if (queue < kClassicQueue / 2 && classic_rounds_ != 0) {
    --classic_rounds_;
  }
  if (classic_rounds_ == kClassicRounds) classic_ = true;
  if (classic_rounds_ == 0) classic_ = false;
}

void Prague::reduce(double factor, Timestamp now) {
  quiet_rounds_ = 0;
  window_ = std::max(window_ * factor, static_cast<double>(minimum_window(max_datagram_size_)));
  ssthresh_ = window_;
  reduced_at_ = now;
}

void Prague::on_ecn_ce(std::uint64_t ce_count, Timestamp sent_time, Timestamp now) {
  round_marked_ += ce_count;
  undo_window_ = 0;
  if (alpha_from_ == AlphaFrom::kNothing) {
    // The first marks end slow start; alpha is 1 until a round after it tells how many they are.
    alpha_from_ = AlphaFrom::kFirstMark;
    // Marks and losses of one round trip are one event.
    if (sent_time > reduced_at_) reduce(0.5, now);
    return;
  }
  if (alpha_from_ != AlphaFrom::kAverage) return;
  if (sent_time <= reduced_at_ || now - reduced_at_ < virtual_rtt()) return;
  reduce(classic_ ? 0.5 : 1 - alpha_ / 2, now);
}

void Prague::on_loss(const LossEvent& event) {
  if (event.persistent_congestion) {
    const auto least = static_cast<double>(minimum_window(max_datagram_size_));
    ssthresh_ = std::max(window_ / 2, least);
    window_ = least;
    recovery_start_ = Timestamp::min();
    undo_window_ = 0;
    return;
  }
  if (event.largest_lost_sent_time <= recovery_start_) return;
  recovery_start_ = event.now;
  // Marks and losses of one round trip are one event.
  if (event.largest_lost_sent_time <= reduced_at_) return;
  undo_window_ = window_;
  undo_ssthresh_ = ssthresh_;
  reduce(0.5, event.now);
}

void Prague::on_spurious_loss(Timestamp) {
  if (undo_window_ == 0) return;
  window_ = std::max(window_, undo_window_);
  ssthresh_ = undo_ssthresh_;
  undo_window_ = 0;
  recovery_start_ = Timestamp::min();
}

// Bursts are what an L4S queue marks: hardly faster than the window needs.
std::optional<std::uint64_t> Prague::pacing_rate() const {
  if (smoothed_rtt_ == Duration::zero()) return std::nullopt;
  const double factor = ssthresh_ == 0 ? 2.0 : 1.03;
  return static_cast<std::uint64_t>(factor * window_ / to_seconds(smoothed_rtt_));
}

CongestionSnapshot Prague::snapshot() const {
  const bool slow_start = ssthresh_ == 0 || window_ < ssthresh_;
  const CongestionPhase phase = recovery_start_ != Timestamp::min() ? CongestionPhase::kRecovery
                                : slow_start                        ? CongestionPhase::kSlowStart
                                                                    : CongestionPhase::kCongestionAvoidance;
  return {.congestion_window = congestion_window(),
          .ssthresh = ssthresh_ == 0 ? UINT64_MAX : static_cast<std::uint64_t>(ssthresh_),
          .phase = phase};
}

}  // namespace hawser::quic
