// redundancy.cc: binomial odds.
#include "quic/fec/redundancy.h"

#include <algorithm>
#include <cmath>

namespace hawser::quic {

double chance_of_more_losses(std::size_t packets, std::size_t most, double loss) {
  if (loss <= 0) return 0;
  if (loss >= 1) return packets > most ? 1 : 0;
  // Chances of exactly 0, 1, ... losses, each from the one before.
  double exactly = std::pow(1 - loss, static_cast<double>(packets));
  double up_to = 0;
  for (std::size_t k = 0; k <= most && k <= packets; ++k) {
    up_to += exactly;
    exactly *= static_cast<double>(packets - k) / static_cast<double>(k + 1) * loss / (1 - loss);
  }
  return std::max(1 - up_to, 0.0);
}

void RedundancyController::on_packets(std::uint64_t sent, std::uint64_t lost) {
  if (sent == 0) return;
  const double count = static_cast<double>(sent);
  packets_ = std::min(packets_ + count, kWindowPackets);
  const double share = std::min(static_cast<double>(lost) / count, 1.0);
  loss_ += (share - loss_) * std::min(count / packets_, 1.0);
}

double RedundancyController::loss() const {
  if (packets_ < kFirstPackets || loss_ <= 0) return 0;
  return std::min(loss_ + kDeviations * std::sqrt(loss_ * (1 - loss_) / packets_), 1.0);
}

// As few repair symbols as will do, within the bounds.
std::size_t RedundancyController::bounded(std::size_t sources) const {
  const double count = static_cast<double>(sources);
  // What the bound allows of a fraction of a symbol, a block that ends early may have whole.
  const auto most = std::min(static_cast<std::size_t>(std::ceil(config_.share_max * count)), kMaxFecRepairs);
  auto repairs = std::min(static_cast<std::size_t>(std::ceil(config_.share_min * count)), most);
  const double p = loss();
  while (repairs < most && chance_of_more_losses(sources + repairs, repairs, p) > kUnmended) ++repairs;
  return repairs;
}

FecShape RedundancyController::shape() const {
  if (!config_.adapts()) return {.sources = config_.sources, .repairs = config_.repairs};
  if (config_.scheme != FecScheme::kXor) return {.sources = config_.sources, .repairs = bounded(config_.sources)};
  const double p = loss();
  // One symbol for as many packets as it can mostly mend; none while nothing is lost.
  const double fewest = config_.share_max > 0 ? std::ceil(1 / config_.share_max) : kMaxFecSources;
  std::size_t sources = kMaxFecSources;
  if (config_.share_min > 0) sources = static_cast<std::size_t>(std::max(1 / config_.share_min, 1.0));
  sources = std::min(sources, kMaxFecSources);
  while (static_cast<double>(sources) > fewest && chance_of_more_losses(sources + 1, 1, p) > kUnmended) --sources;
  return {.sources = sources, .repairs = p > 0 || config_.share_min > 0 ? 1u : 0u};
}

std::size_t RedundancyController::repairs_for(std::size_t sources) const {
  const FecShape full = shape();
  if (config_.scheme == FecScheme::kXor) return full.repairs;
  if (config_.adapts()) return bounded(sources);
  // In proportion, and never none.
  return (full.repairs * sources + full.sources - 1) / full.sources;
}

}  // namespace hawser::quic
