// redundancy.h: how many repair symbols a block gets: as few as keep the share of blocks that cannot be
// mended below a target, at the loss that was measured, within bounds.
#pragma once

#include "quic/fec/fec_encoder.h"

namespace hawser::quic {

struct RedundancyConfig {
  FecScheme scheme = FecScheme::kReedSolomon;
  std::size_t sources = 16;  // packets in a block, while the scheme leaves a choice
  // Repair symbols for each source, at least and at most.
  double share_min = 0;
  double share_max = 0.5;
  double unmended = 0.005;  // share of blocks that may stay unmended
};

class RedundancyController {
 public:
  // Packets over which loss is averaged, and how many must be known before it is trusted.
  static constexpr double kWindowPackets = 1'000;
  static constexpr double kFirstPackets = 100;

  explicit RedundancyController(const RedundancyConfig& config) : config_(config) {}

  // Of `sent` packets, protected or not, so many were lost: recovered ones count, as the path lost them.
  void on_packets(std::uint64_t sent, std::uint64_t lost);
  // What loss is taken to be: the average, and its error at the size of the window.
  [[nodiscard]] double loss() const;
  [[nodiscard]] FecShape shape() const;

 private:
  RedundancyConfig config_;
  double loss_ = 0;
  double packets_ = 0;
};

// The chance that more than `most` of `packets` are lost when each is with probability `loss`.
[[nodiscard]] double chance_of_more_losses(std::size_t packets, std::size_t most, double loss);

}  // namespace hawser::quic
