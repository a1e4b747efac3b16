// congestion.h: flows that share bottlenecks, each with its congestion controller, and what
// each got of the link: the laboratory of congestion control.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "quic/congestion/saved_path.h"
#include "sim/bottleneck.h"

namespace hawser {
class EventSink;  // events/event_sink.h
}

namespace hawser::sim {

// One bulk transfer from a client to a server. Times count from the start of the run.
struct FlowSpec {
  std::string controller = "cubic";
  Duration start{0};
  std::optional<Duration> stop{};    // unset: with the run
  std::uint64_t bytes = UINT64_MAX;  // to send; the flow ends when they have arrived
  Duration rtt = 40ms;               // without any queueing
  double loss = 0;                   // random, in each direction, behind the bottlenecks
  Duration jitter{0};                // extra latency, uniform below this; reorders
  bool ecn = true;                   // asks for ECN
  bool pacing = true;                // without it, acknowledgements alone are the clock, as of most TCP
  // Careful Resume, with what an earlier visit left.
  bool careful_resume = false;
  std::optional<quic::SavedPath> saved_path{};
  std::size_t first_hop = 0;  // of the bottlenecks that it passes, by index
  std::size_t last_hop = 0;
};

struct HopSpec {
  std::uint64_t bits_per_second = 0;
  QueueSpec queue;
  std::size_t overhead_bytes = kIpv4UdpHeaders;
};

struct CongestionSetup {
  std::vector<HopSpec> hops;
  std::vector<FlowSpec> flows;
  Duration duration = 10s;
  Duration warmup = 2s;       // "steady" figures leave it out
  Duration interval = 100ms;  // of the time series
  std::uint64_t seed = 1;
  EventSink* events = nullptr;  // hears every event of every flow; not owned
};

// Flows side by side over one bottleneck.
CongestionSetup dumbbell(const HopSpec& bottleneck, std::vector<FlowSpec> flows);
// `long_flow` through `hops` bottlenecks alike, and beside it one flow like `cross` at each.
CongestionSetup parking_lot(const HopSpec& bottleneck, std::size_t hops, const FlowSpec& long_flow,
                            const FlowSpec& cross);

// One sample of a flow's time series.
struct FlowSample {
  Duration at{0};
  std::uint64_t goodput_bps = 0;  // in the interval that ends here
  std::uint64_t congestion_window = 0;
  std::uint64_t bytes_in_flight = 0;
  Duration smoothed_rtt{0};
  std::uint64_t pacing_rate_bps = 0;
};

struct FlowResult {
  std::string controller;
  std::string failure;  // empty: the flow went its way
  // Stream octets in order at the receiver, in bits per second: from the flow's first packet
  // to its end, and after the warm-up while every flow ran.
  double goodput_bps = 0;
  double steady_goodput_bps = 0;
  std::uint64_t bytes_received = 0;
  std::optional<Duration> completed{};  // first packet to last octet, if `bytes` were given
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_lost = 0;  // declared lost by the sender: what it sent again
  std::uint64_t drops = 0;         // at queues
  std::uint64_t marks = 0;         // CE set at queues
  // Queueing delay, after the warm-up, at the hop where it waited longest.
  Duration delay_p50{0};
  Duration delay_p95{0};
  Duration delay_p99{0};
  Duration delay_mean{0};
  Duration min_rtt{0};
  // With Careful Resume: what the next visit may know, the window it jumped to (0: none), and whether
  // that was too much.
  std::optional<quic::SavedPath> saved_path{};
  std::uint64_t careful_resume_jump = 0;
  bool careful_resume_retreated = false;
  std::vector<FlowSample> series;

  [[nodiscard]] double retransmitted_share() const {
    return packets_sent == 0 ? 0 : static_cast<double>(packets_lost) / static_cast<double>(packets_sent);
  }
};

struct CongestionResult {
  std::vector<FlowResult> flows;
  // Jain's index of the steady goodputs: 1 is even, 1/n is one flow having all.
  double fairness = 1;
  // Bits sent on the first hop over what it could have sent, over the whole run.
  double utilisation = 0;
  Duration virtual_time{0};
  std::uint64_t datagrams = 0;
};

// (sum x)^2 / (n * sum x^2); 1 for no values or all zero.
double jain_index(const std::vector<double>& values);

// Runs it to its end; an unknown controller or an empty topology is the caller's mistake.
std::expected<CongestionResult, ConfigError> run_congestion(const CongestionSetup& setup);

}  // namespace hawser::sim
