// perf_paths.h: what a run of `hawser perf client` over several paths shows of each: what the server says of its
// paths, the table that grows with each look, the live lines and the summary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "net/local_addresses.h"
#include "perf_options.h"
#include "quic/connection/paths.h"

namespace hawser::perf {

// A path as the server has it, behind its ServerReport.
struct PathReport {
  std::uint64_t id = 0;
  std::uint64_t state = 0;  // a quic::PathState
  std::uint64_t smoothed_rtt_ns = 0;
  std::uint64_t packets_lost = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t congestion_window = 0;
  std::uint64_t max_datagram_size = 0;
};
inline constexpr std::size_t kPathReportFields = 7;
inline constexpr std::size_t kPathReportSize = 8 * kPathReportFields;
std::vector<std::uint8_t> encode(std::span<const quic::PathInfo> paths);
// Nothing for what is no whole number of reports, or more than quic::kMaxPaths of them.
std::optional<std::vector<PathReport>> decode_path_reports(Bytes octets);

// One path of the first connection, as the end sees it that sends the bulk.
struct PathRow {
  quic::PathId id;
  std::string interface;     // or the local address, where it has none any more
  std::string state;         // "gone": abandoned
  std::uint64_t octets = 0;  // of UDP payload in the direction measured, since the path was opened
  std::uint64_t since_last = 0;
  Duration smoothed_rtt{0};
  std::uint64_t packets_lost = 0;
  double loss = 0;  // of the packets sent, 0 to 1
};

// What both ends say at one time.
struct PathLook {
  std::span<const quic::PathInfo> client;
  std::span<const PathReport> server;  // the latest report, empty without one
  bool upload = false;                 // the client sends the bulk
  // Octets of a packet of theirs in the mean, over all paths; 0: not known.
  double client_packet = 0;
  double server_packet = 0;
};

// All paths there ever were.
class PathTable {
 public:
  void look(const PathLook& both, const net::LocalNetworks& networks);
  [[nodiscard]] const std::vector<PathRow>& rows() const { return rows_; }
  // 0 to 1, of what all paths carried since the look before, or ever.
  [[nodiscard]] double share_now(const PathRow& row) const;
  [[nodiscard]] double share(const PathRow& row) const;

 private:
  std::vector<PathRow> rows_;  // by Path ID
};

// A line for each path, without what ends a line: "       0 eth0     47.1 Mbit/s   50 %  RTT 20.4 ms ...".
std::vector<std::string> live_path_lines(const PathTable& table, Duration since_last);

// What one path did alone, before all of them together.
struct AloneRun {
  std::string interface;
  double goodput_bps = 0;
};

// Of the run, for the summary; empty for one over a single path.
struct PathOutcome {
  PathTable table;
  std::vector<AloneRun> alone;
  Duration longest_pause{0};  // between two pieces of a transfer at the receiver
  quic::MultipathStats stats;
  std::string scheduler;          // the client's
  std::string scheduler_failure;  // why it gave up; empty: it did not
};
// Goodput of all together, as a share of the sum of those alone; 0: they were not measured.
double efficiency(const PathOutcome& paths, double goodput_bps);

// Lines of the summary, each with its line feed.
std::string describe_paths(const PathOutcome& paths, double seconds, double goodput_bps);
// An array of objects, one for each path.
std::string paths_json(const PathOutcome& paths, double seconds);
std::string alone_json(const PathOutcome& paths);

}  // namespace hawser::perf
