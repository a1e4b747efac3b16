// random_loss.cc: rounds with and without a queue, and the share that noise takes.
#include "quic/congestion/random_loss.h"

#include <algorithm>
#include <cmath>

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
  } else {
    // A round of few packets loses a tenth by chance: only what chance hardly ever does is told from one round,
    // the rest from a block.
    congested = is_beyond(kMaxShare, lost_, sent);
    block_acked_ += acked_;
    block_lost_ += lost_;
    if (block_acked_ + block_lost_ >= kBlockBytes) congested |= learn();
  }
  acked_ = lost_ = 0;
  round_min_rtt_ = Duration::max();
  return congested;
}

bool RandomLoss::is_beyond(double share, std::uint64_t lost, std::uint64_t sent) {
  const double expected = share * static_cast<double>(sent);
  return static_cast<double>(lost) > expected + kDeviations * std::sqrt(expected * kPacket);
}

double RandomLoss::chance(std::uint64_t sent) const {
  return kDeviations * std::sqrt(noise_ * static_cast<double>(sent) * kPacket);
}

bool RandomLoss::learn() {
  const double share = static_cast<double>(block_lost_) / static_cast<double>(block_acked_ + block_lost_);
  noise_ = std::min(learnt_ ? noise_ + kGain * (share - noise_) : share, kMaxShare);
  learnt_ = true;
  block_acked_ = block_lost_ = 0;
  return share > kMaxShare;
}

}  // namespace hawser::quic
