// perf_report.h: the outcome of a run of `hawser perf client`, for people and as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/engine_kind.h"
#include "perf_datagrams.h"
#include "perf_histogram.h"
#include "perf_options.h"
#include "perf_paths.h"
#include "perf_protocol.h"
#include "quic/connection/connection.h"

namespace hawser::perf {

struct Outcome {
  net::EngineKind engine = net::EngineKind::kAuto;  // the client's
  double seconds = 0;
  std::uint64_t octets = 0;     // of bodies, in the direction measured
  std::uint64_t exchanges = 0;  // requests answered, or handshakes made
  std::uint64_t resumed = 0;    // of the handshakes
  DatagramAccount datagrams;
  std::uint64_t early = 0;  // of the handshakes, with 0-RTT
  std::uint64_t failed_connections = 0;
  std::string failure;  // why the first of these ended, where that is known
  CpuTime client_cpu;
  CpuTime server_cpu;
  bool server_cpu_known = false;
  Histogram latencies;
  std::vector<quic::ConnectionStats> client_stats;  // of each connection, at the end
  std::vector<quic::ReceiveTimeStats> client_times;
  std::vector<quic::FecStats> client_fec;
  std::vector<ServerReport> server_reports;  // of each connection, at the end
  std::optional<PathOutcome> paths;          // of the first connection, with --paths
  bool interrupted = false;                  // by a signal, before it was over
};

// Bits a second of what the run measured; 0 for what moves no bodies.
double goodput_bps(const ClientOptions& options, const Outcome& outcome);

// Several lines, the last with its line feed.
std::string describe(const ClientOptions& options, const Outcome& outcome);
// One JSON object and a line feed; every key says its unit.
std::string to_json(const ClientOptions& options, const Outcome& outcome);

// "8.41 Gbit/s"
std::string rate_text(double bits_per_second);

}  // namespace hawser::perf
