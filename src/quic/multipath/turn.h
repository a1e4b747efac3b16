// turn.h: how long a scheduler that goes around the paths stays on one: a train.
#pragma once

#include <algorithm>
#include <cstdint>

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

// What leaves in one go with segmentation offload (send.cc, Pacer::kBurstBytesMax): a turn that ends before cuts
// trains short at the sender, and at the receiver it puts what comes in order out of order.
inline constexpr std::uint64_t kTrainOctetsMax = 65'000;
inline constexpr std::uint64_t kTrainDatagramsMax = 64;

// Whole datagrams, so that no turn leaves a stump of a train behind.
[[nodiscard]] inline std::uint64_t whole_train(const PathFacts& path) {
  return std::clamp<std::uint64_t>(kTrainOctetsMax / path.mtu, 1, kTrainDatagramsMax) * path.mtu;
}

// A turn of `path`: a train, or what waits now, headers and all. The rest of a turn would otherwise keep a flow that
// sends little on one path for a long time.
[[nodiscard]] inline std::uint64_t turn_of(const PathFacts& path, const Demand& demand) {
  constexpr std::uint64_t kPayloadShare = 16;  // headers and tags take less than a sixteenth of a full datagram
  const std::uint64_t waiting = std::min(demand.bytes_waiting, kTrainOctetsMax);
  return std::clamp<std::uint64_t>(waiting + waiting / kPayloadShare, 1, whole_train(path));
}

}  // namespace hawser::quic
