// sim_congestion.h: `hawser sim congestion`: tables of what congestion controllers make of
// simulated links: a grid of rates, round-trip times, losses and buffers, or flows in pairs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/qlog_log.h"
#include "sim/congestion.h"

namespace CLI {
class App;
}

namespace hawser::app {

struct SimCongestionOptions {
  std::vector<std::string> controllers = {"newreno", "cubic"};
  std::vector<double> rates_mbit = {10, 100};
  std::vector<double> rtts_ms = {10, 40, 200};
  std::vector<double> losses_percent = {0};
  std::vector<double> buffers_bdp = {1};
  std::string queue = "droptail";
  std::string topology = "dumbbell";
  std::size_t flows = 1;
  std::size_t hops = 3;
  bool pairs = false;
  double stagger_s = 0;
  std::size_t buffer_packets = 0;       // 0: as many as fit the octets
  std::optional<double> after_tcp_s{};  // a flow like TCP's starts first, the others so many seconds later
  double jitter_ms = 0;
  double duration_s = 10;
  double warmup_s = 2;
  std::uint64_t megabytes = 0;  // 0: flows run until the end
  bool no_ecn = false;
  bool careful_resume = false;  // each run again, as a second visit
  double remembered_mbit = 0;   // 0: what the first visit saw
  std::uint64_t seed = 1;
  std::string json_file;  // "-": standard output
  bool series = false;
  runtime::QlogSettings qlog;
};

// One cell of a table: the link and who competes there.
struct CongestionCase {
  std::vector<std::string> controllers;  // one flow each
  double rate_mbit = 0;
  double rtt_ms = 0;
  double loss_percent = 0;
  double buffer_bdp = 0;
};

// All cells in the order in which they are printed.
std::vector<CongestionCase> congestion_cases(const SimCongestionOptions& options);
// The run behind a cell. The name of the queue has been checked.
sim::CongestionSetup congestion_setup(const CongestionCase& cell, const SimCongestionOptions& options);

// The same again, with Careful Resume and what the flows of `first` saw, or what the options say they did.
void make_second_visit(sim::CongestionSetup& setup, const sim::CongestionResult& first,
                       const SimCongestionOptions& options);

std::string congestion_table_head();
std::string congestion_table_rows(const CongestionCase& cell, const sim::CongestionResult& result);
std::string congestion_json(const CongestionCase& cell, const sim::CongestionResult& result, bool series);

// Adds the subcommand; sets `exit_code` when it has run.
void add_sim_congestion_command(CLI::App& sim, int& exit_code);

}  // namespace hawser::app
