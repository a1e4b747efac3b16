// random_loss.h: tells loss by noise from loss by congestion. A queue that overflows is a queue that
// delays: if the smallest RTT of a round is that of an empty path, what was lost then, up to a tenth, was
// lost to noise (a radio, a bad cable), but for what met a queue that was still draining. What noise takes
// is learnt from such rounds, and BBR 2 and 3 count only loss beyond it. The other rounds can only say that
// noise takes less than was thought. On a path without noise everything is as the draft has it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace hawser::quic {

class RandomLoss {
 public:
  // A policer drops without a queue: a probe at 1.25 times its rate loses 20 %, so half of that must
  // still be congestion.
  static constexpr double kMaxShare = 0.10;
  static constexpr double kQueuedShare = 1.5;  // of what noise takes in the mean
  // Packets are put together until they are this many octets, about 200 packets: a share of 5 % is then
  // known to a third of itself.
  static constexpr std::uint64_t kBlockBytes = 256'000;
  static constexpr double kGain = 0.25;  // of a new block
  // Losses vary as the square root of their number: three deviations are one round in a thousand.
  static constexpr double kDeviations = 3;
  static constexpr double kPacket = 1'452;  // octets, about
  // A queue shorter than this is no evidence: pacing in ticks of 1 ms makes as much.
  static constexpr Duration kMinQueue = 1ms;
  static constexpr std::int64_t kQueueDivisor = 16;  // or min_rtt / 16, if that is more
  // Of a packet by itself that is no evidence of a queue that overflows: bursts make as much. A quarter of a round is.
  static constexpr std::int64_t kLongQueueDivisor = 4;
  // And what is hardly more than the smallest RTT is an empty path.
  static constexpr Duration kEmptyQueue = 250us;

  // `min_rtt`: of the path; Duration::max() while it is not known.
  void on_ack(std::uint64_t acked_bytes, std::optional<Duration> rtt, Duration min_rtt);
  // By the latest acknowledgement, which shows what the packets behind the lost one met.
  void on_loss(std::uint64_t bytes) { (drains_ ? draining_ : clear_).lost += bytes; }
  // The round is over: true if its losses are a sign of congestion.
  bool end_round(Duration min_rtt);

  // `lost` of `sent` octets are more than noise takes and `threshold` on top, beyond what chance adds.
  [[nodiscard]] bool exceeds(double threshold, std::uint64_t lost, std::uint64_t sent) const {
    return static_cast<double>(lost) > static_cast<double>(sent) * (threshold + noise_) + chance(sent);
  }
  // What chance adds to what noise takes of so many octets: nothing where there is no noise.
  [[nodiscard]] double chance(std::uint64_t sent) const;
  // The last round saw the path empty.
  [[nodiscard]] bool empty() const { return empty_; }
  // The last round saw nothing but a queue; one of a quarter of the smallest RTT or more.
  [[nodiscard]] bool queued() const { return queued_; }
  [[nodiscard]] bool long_queue() const { return long_queue_; }
  // The share of packets, 0 to kMaxShare, that noise takes.
  [[nodiscard]] double noise() const { return noise_; }

 private:
  // Octets acknowledged and lost.
  struct Count {
    std::uint64_t acked = 0;
    std::uint64_t lost = 0;
    void add(const Count& o) {
      acked += o.acked;
      lost += o.lost;
    }
    [[nodiscard]] std::uint64_t sent() const { return acked + lost; }
    [[nodiscard]] double share() const {
      return sent() == 0 ? 0 : static_cast<double>(lost) / static_cast<double>(sent());
    }
  };

  static bool is_queued(Duration rtt, Duration min_rtt, std::int64_t divisor) {
    return rtt > min_rtt + std::max(kMinQueue, min_rtt / divisor);
  }
  // True: more was lost without a queue than noise may take.
  bool learn();
  static bool is_beyond(double share, std::uint64_t lost, std::uint64_t sent);

  // Of this round: packets that met no long queue, and the others.
  Count clear_;
  Count draining_;
  Duration round_min_rtt_ = Duration::max();
  bool drains_ = false;
  // Of rounds without a queue, and of the others, since the last lesson.
  Count clear_block_;
  Count queued_block_;
  double noise_ = 0;
  bool learnt_ = false;
  bool empty_ = false;
  bool queued_ = false;
  bool long_queue_ = false;
};

}  // namespace hawser::quic
