// path_totals.h: what the paths of many connections come to, for metrics: a fixed number of figures however many
// connections, paths and peers there are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "quic/connection/paths.h"

namespace hawser::quic {

// Counted since the beginning, of paths that are gone as well.
struct PathTraffic {
  std::uint64_t octets_sent = 0;  // of UDP payload
  std::uint64_t octets_received = 0;
  std::uint64_t packets_lost = 0;

  PathTraffic& operator+=(const PathTraffic& o) {
    octets_sent += o.octets_sent;
    octets_received += o.octets_received;
    packets_lost += o.packets_lost;
    return *this;
  }
};

// Of connections that speak the multipath extension.
struct PathTotals {
  std::size_t connections = 0;                  // open now
  std::array<std::size_t, kPathStates> open{};  // paths, by PathState
  std::size_t rtt_samples = 0;                  // open paths whose round trip is known,
  Duration rtt_sum{0};                          // and the sum of their smoothed RTTs
  PathTraffic first;                            // of Path ID 0, the path of the handshake
  PathTraffic added;                            // of all others
  MultipathStats events;

  PathTotals& operator+=(const PathTotals& o) {
    connections += o.connections;
    for (std::size_t i = 0; i < kPathStates; ++i) open[i] += o.open[i];
    rtt_samples += o.rtt_samples;
    rtt_sum += o.rtt_sum;
    add_counts(o);
    return *this;
  }
  // Of connections that ended, only what was counted stays.
  void add_counts(const PathTotals& o) {
    first += o.first;
    added += o.added;
    events.paths_opened += o.events.paths_opened;
    events.paths_validated += o.events.paths_validated;
    events.paths_abandoned += o.events.paths_abandoned;
    events.failures += o.events.failures;
    events.recoveries += o.events.recoveries;
    events.frames_moved += o.events.frames_moved;
    events.silences += o.events.silences;
    events.octets_copied += o.events.octets_copied;
    events.octets_reinjected += o.events.octets_reinjected;
    events.acks_repeated += o.events.acks_repeated;
  }
};

}  // namespace hawser::quic
