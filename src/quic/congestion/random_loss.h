// random_loss.h: tells loss by noise from loss by congestion. A queue that overflows is a queue that
// delays: if the smallest RTT of a round is that of an empty path, most of the round's packets met
// no queue, and what was lost then, up to a tenth, was lost to noise (a radio, a bad cable). What noise
// takes is learnt from such rounds, and BBR 2 and 3 count only loss beyond it. On a path without noise
// everything is as the draft has it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace hawser::quic {

class RandomLoss {
 public:
  // A policer drops without a queue: a probe at 1.25 times its rate loses 20 %, so half of that must
  // still be congestion.
  static constexpr double kMaxShare = 0.10;
  // Rounds are put together until they are this many octets, about 200 packets: a share of 5 % is then
  // known to a third of itself.
  static constexpr std::uint64_t kBlockBytes = 256'000;
  static constexpr double kGain = 0.25;  // of a new block
  // Losses vary as the square root of their number: three deviations are one round in a thousand.
  static constexpr double kDeviations = 3;
  static constexpr double kPacket = 1'452;  // octets, about
  // A queue shorter than this is no evidence: pacing in ticks of 1 ms makes as much.
  static constexpr Duration kMinQueue = 1ms;
  static constexpr std::int64_t kQueueDivisor = 16;  // or min_rtt / 16, if that is more

  void on_ack(std::uint64_t acked_bytes, std::optional<Duration> rtt);
  void on_loss(std::uint64_t bytes) { lost_ += bytes; }
  // The round is over: true if its losses are a sign of congestion.
  bool end_round(Duration min_rtt);

  // `lost` of `sent` octets are more than noise takes and `threshold` on top, beyond what chance adds.
  [[nodiscard]] bool exceeds(double threshold, std::uint64_t lost, std::uint64_t sent) const {
    return static_cast<double>(lost) > static_cast<double>(sent) * (threshold + noise_) + chance(sent);
  }
  // What chance adds to what noise takes of so many octets: nothing where there is no noise.
  [[nodiscard]] double chance(std::uint64_t sent) const;
  // The share of packets, 0 to kMaxShare, that noise takes.
  [[nodiscard]] double noise() const { return noise_; }

 private:
  // True: the block lost more than noise may.
  bool learn();
  static bool is_beyond(double share, std::uint64_t lost, std::uint64_t sent);

  std::uint64_t acked_ = 0;
  std::uint64_t lost_ = 0;
  Duration round_min_rtt_ = Duration::max();
  std::uint64_t block_acked_ = 0;
  std::uint64_t block_lost_ = 0;
  double noise_ = 0;
  bool learnt_ = false;
};

}  // namespace hawser::quic
