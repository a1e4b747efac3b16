// load_stats.h: what a run of `hawser load` counts. A worker writes its own; the counters of
// progress are read meanwhile by the thread that shows them, the rest when the run is over.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "milestone.h"
#include "perf_histogram.h"
#include "quic/connection/connection.h"

namespace hawser::load {

using perf::Counter;
using perf::Histogram;
using perf::Milestone;

// Read while it is written.
struct Progress {
  explicit Progress(perf::Bell* bell) : connections_ready(bell), connections_failed(bell), connections_idle(bell) {}

  Milestone connections_ready;   // first handshakes that are complete
  Milestone connections_failed;  // connections that were given up
  Milestone connections_idle;    // connections that have nothing left to do
  Counter requests_done;         // in the time that is measured, whatever became of them
  Counter requests_failed;       // of those: no answer, or one of 4xx and 5xx
};

// One connection's share, for the spread between them.
struct ConnectionShare {
  std::uint64_t requests_done = 0;
};

// In the time that is measured.
struct Stats {
  std::uint64_t requests_started = 0;
  std::uint64_t requests_succeeded = 0;  // answered with 2xx or 3xx
  std::uint64_t requests_errored = 0;    // reset, malformed, or their connection ended
  std::uint64_t requests_timed_out = 0;
  std::uint64_t requests_unanswered = 0;    // open loop: due, and neither answered nor given up at the end
  std::array<std::uint64_t, 5> statuses{};  // answers of 1xx to 5xx and above; [0] stays 0
  std::uint64_t body_octets = 0;
  std::uint64_t udp_octets_received = 0;  // this and the next two: from the first handshake on
  std::uint64_t udp_octets_sent = 0;
  std::uint64_t packets_lost = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t connections_renewed = 0;  // that we ended after --requests-per-connection
  std::uint64_t connections_resumed = 0;  // this and the next: handshakes complete by a ticket
  std::uint64_t early_accepted = 0;       // with 0-RTT that the server took
  std::uint64_t early_rejected = 0;       // or did not: its requests went again behind the handshake
  std::uint64_t early_requests = 0;       // sent before the handshake was complete
  Histogram handshakes;                   // of all connections
  Histogram first_octets;                 // from when a request was due until the head of its answer
  Histogram latencies;                    // until its last octet
  std::vector<ConnectionShare> shares;
  std::string failure;  // why a connection was given up; of one of them

  [[nodiscard]] std::uint64_t requests_done() const {
    return requests_succeeded + statuses[3] + statuses[4] + requests_errored + requests_timed_out;
  }
  [[nodiscard]] std::uint64_t requests_failed() const { return requests_done() - requests_succeeded; }
  // What a connection that is over, or about to be, has moved.
  void add_transport(const quic::ConnectionStats& connection);
  void add_all(const Stats& o);
};

}  // namespace hawser::load
