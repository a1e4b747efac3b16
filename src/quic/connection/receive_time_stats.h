// receive_time_stats.h: what the arrival times of a connection's packets show, where the peer tells them
// (draft-smith-quic-receive-ts-03). Part of the public face.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace hawser::quic {

// What the arrival times of our packets show; see Connection::receive_time_stats. One-way delays are known up
// to the difference of two clocks, which is the same for all packets.
struct ReceiveTimeStats {
  std::uint64_t packets = 0;      // of which the peer told when they arrived
  Duration delay_variation{0};    // mean difference of the one-way delays of packets that follow each other
  Duration delay_above_least{0};  // the latest one-way delay, above the least that there was: queueing
  Duration delay_above_least_max{0};
};

}  // namespace hawser::quic
