// hystart.cc: rounds, their smallest RTT, and the decision at their eighth sample.
#include "quic/congestion/hystart.h"

#include <algorithm>

namespace hawser::quic {

void HyStart::start_round() {
  last_round_min_rtt_ = current_round_min_rtt_;
  current_round_min_rtt_ = kNoRtt;
  rtt_samples_ = 0;
  round_start_ = last_sent_;
  round_open_ = true;
}

// RFC 9406 section 4.2: the RTT grew by an eighth of last round's, within 4 to 16 ms.
void HyStart::judge_round() {
  if (rtt_samples_ < kRttSamples || current_round_min_rtt_ == kNoRtt) return;
  if (!css_) {
    if (last_round_min_rtt_ == kNoRtt) return;
    const Duration threshold =
        std::clamp(last_round_min_rtt_ / static_cast<std::int64_t>(kMinRttDivisor), kMinRttThreshold, kMaxRttThreshold);
    if (current_round_min_rtt_ >= last_round_min_rtt_ + threshold) {
      css_baseline_min_rtt_ = current_round_min_rtt_;
      css_ = true;
      css_rounds_ = 0;
    }
    return;
  }
  // The rise was a passing jitter: back to full speed.
  if (current_round_min_rtt_ < css_baseline_min_rtt_) {
    css_baseline_min_rtt_ = kNoRtt;
    css_ = false;
  }
}

std::uint64_t HyStart::on_ack(const AckEvent& event) {
  if (finished_) return event.growth_bytes;
  if (!round_open_) start_round();
  if (event.latest_rtt.has_value()) {
    current_round_min_rtt_ = std::min(current_round_min_rtt_, *event.latest_rtt);
    ++rtt_samples_;
  }
  judge_round();
  // The round ends when a packet is acknowledged that was sent after its start.
  if (event.largest_acked_sent_time > round_start_) {
    if (css_ && ++css_rounds_ >= kCssRounds) finished_ = true;
    start_round();
  }
  return css_ ? event.growth_bytes / kCssGrowthDivisor : event.growth_bytes;
}

}  // namespace hawser::quic
