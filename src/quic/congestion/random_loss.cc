// random_loss.cc: rounds with and without a queue, and the share that noise takes.
#include "quic/congestion/random_loss.h"

#include <algorithm>
#include <cmath>

namespace hawser::quic {

void RandomLoss::on_ack(std::uint64_t acked_bytes, std::optional<Duration> rtt, Duration min_rtt) {
  if (rtt.has_value()) {
    round_min_rtt_ = std::min(round_min_rtt_, *rtt);
    drains_ = min_rtt != Duration::max() && is_queued(*rtt, min_rtt, kLongQueueDivisor);
  }
  (drains_ ? draining_ : clear_).acked += acked_bytes;
}

bool RandomLoss::end_round(Duration min_rtt) {
  Count round = clear_;
  round.add(draining_);
  // Without an RTT in the round nothing speaks for an empty queue.
  const bool seen = round_min_rtt_ != Duration::max();
  queued_ = seen && is_queued(round_min_rtt_, min_rtt, kQueueDivisor);
  long_queue_ = seen && is_queued(round_min_rtt_, min_rtt, kLongQueueDivisor);
  const bool queue = queued_ || !seen;
  empty_ = round_min_rtt_ <= min_rtt + kEmptyQueue;
  // Where there is a queue, half as much again as noise takes is too much; where none is, a tenth. Beyond what chance
  // hardly ever does: in a round of few packets a tenth is lost by chance, and in any that loses few the double.
  bool congested = is_beyond(queue ? kQueuedShare * noise_ : kMaxShare, round.lost, round.sent());
  if (queue) {
    queued_block_.add(round);
  } else {
    clear_block_.add(clear_);
  }
  congested |= learn();
  clear_ = draining_ = {};
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
  bool congested = false;
  if (clear_block_.sent() >= kBlockBytes) {
    const double share = clear_block_.share();
    noise_ = std::min(learnt_ ? noise_ + kGain * (share - noise_) : share, kMaxShare);
    learnt_ = true;
    congested = share > kMaxShare;
    clear_block_ = {};
  }
  if (queued_block_.sent() >= kBlockBytes) {
    // Half of what noise takes is less than chance makes of it. Were it not for this, who paces for noise that is not
    // there would keep up the queue that hides it.
    if (const double share = queued_block_.share(); share < noise_ / 2) noise_ += kGain * (share - noise_);
    queued_block_ = {};
  }
  return congested;
}

}  // namespace hawser::quic
