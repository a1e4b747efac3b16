// random_loss.cc: rounds with and without a queue, and the share that noise takes.
#include "quic/congestion/random_loss.h"

#include <algorithm>

namespace hawser::quic {

void RandomLoss::on_ack(std::uint64_t acked_bytes, std::optional<Duration> rtt) {
  acked_ += acked_bytes;
  if (rtt.has_value()) round_min_rtt_ = std::min(round_min_rtt_, *rtt);
}

bool RandomLoss::end_round(Duration min_rtt) {
  const std::uint64_t sent = acked_ + lost_;
  const double share = sent == 0 ? 0 : static_cast<double>(lost_) / static_cast<double>(sent);
  // Without an RTT in the round nothing speaks for an empty queue.
  const bool queue =
      round_min_rtt_ == Duration::max() || round_min_rtt_ > min_rtt + std::max(kMinQueue, min_rtt / kQueueDivisor);
  bool congested = false;
  if (queue) {
    // Half as much again as noise takes in the mean is more than its variation.
    congested = lost_ != 0 && share > noise_ * 1.5;
  } else if (share > kMaxShare) {
    congested = true;
  } else {
    block_acked_ += acked_;
    block_lost_ += lost_;
    if (block_acked_ + block_lost_ >= kBlockBytes) learn();
  }
  acked_ = lost_ = 0;
  round_min_rtt_ = Duration::max();
  return congested;
}

void RandomLoss::learn() {
  const double share = static_cast<double>(block_lost_) / static_cast<double>(block_acked_ + block_lost_);
  noise_ = std::min(learnt_ ? noise_ + kGain * (share - noise_) : share, kMaxShare);
  learnt_ = true;
  block_acked_ = block_lost_ = 0;
}

}  // namespace hawser::quic
