// redundancy.h: how many repair symbols a block gets: what was configured, or as few as keep the share of blocks
// that cannot be mended below a target, at the loss that was measured, within bounds.
#pragma once

#include "quic/fec/fec_config.h"
#include "quic/fec/fec_encoder.h"

namespace hawser::quic {

class RedundancyController {
 public:
  // Share of blocks that may stay unmended: the 99th percentile of messages of a block hardly notices. More symbols
  // would fill a window that short messages keep small.
  static constexpr double kUnmended = 0.01;
  // Packets over which loss is averaged, and how many must be known before it is trusted.
  static constexpr double kWindowPackets = 2'000;
  static constexpr double kFirstPackets = 100;
  // How far the average may be below the truth: with two deviations it is further once in forty times. With one, a
  // path that loses a tenth had a symbol too few one time in ten.
  static constexpr double kDeviations = 2;

  explicit RedundancyController(const FecConfig& config) : config_(config) {}

  // Of `sent` packets, protected or not, so many were lost: recovered ones count, as the path lost them.
  void on_packets(std::uint64_t sent, std::uint64_t lost);
  // What loss is taken to be: the average, and twice its error at the size of the window.
  [[nodiscard]] double loss() const;
  // Of a block that begins now.
  [[nodiscard]] FecShape shape() const;
  // Repair symbols of one that ends early, with `sources` packets: at most as many as it began with.
  [[nodiscard]] std::size_t repairs_for(std::size_t sources) const;

 private:
  [[nodiscard]] std::size_t bounded(std::size_t sources) const;

  FecConfig config_;
  double loss_ = 0;
  double packets_ = 0;
};

// The chance that more than `most` of `packets` are lost when each is with probability `loss`.
[[nodiscard]] double chance_of_more_losses(std::size_t packets, std::size_t most, double loss);

}  // namespace hawser::quic
