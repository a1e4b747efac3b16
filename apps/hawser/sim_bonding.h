// sim_bonding.h: `hawser sim bonding`: whether several links together ever bring less than the better one alone,
// over links at random; and `hawser sim interactive`: requests beside the bulk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/link_pairs.h"

namespace CLI {
class App;
}

namespace hawser::app {

struct SimBondingOptions {
  std::uint64_t pairs = 1'000;
  std::uint64_t seed = 1;  // of the first pair; the others count up
  std::vector<std::string> controllers = {"bbr"};
  std::vector<std::string> schedulers = {"min-rtt"};
  std::vector<std::string> links;  // two, for every pair, or more; empty: two are drawn
  double time_s = 5;
  std::uint64_t window_mib = 64;
  std::uint64_t draws = 1;     // of each pair's losses
  double head_start_ms = 100;  // 0: the connection begins over one link alone
  bool upload = false;
  std::size_t worst = 5;  // pairs to print by themselves
  std::string json_file;  // "-": standard output
  std::string svg_file;
};

// A pair is harmed when both links together bring less than this much of the better one.
inline constexpr double kNoHarm = 0.97;

// The runs of one controller and scheduler.
struct BondingRuns {
  std::string controller;
  std::string scheduler;
  std::vector<sim::PairResult> results;
};

std::string bonding_table_head();
std::string bonding_table_rows(const BondingRuns& runs);
// The pairs with the least gain, and how to run each again.
std::string bonding_worst(const std::vector<sim::PairResult>& results, std::size_t count);
std::string bonding_json(const std::string& controller, const std::string& scheduler, const sim::PairResult& result);

// Percentiles of what both bring, of the better link and of the sum, as an SVG.
std::string bonding_svg(const std::vector<BondingRuns>& runs);

// Says on standard error, as `hawser sim COMMAND`, which name is unknown.
bool names_are_known(const char* command, const std::vector<std::string>& controllers,
                     const std::vector<std::string>& schedulers);

// Add the subcommands; set `exit_code` when they have run.
void add_sim_bonding_command(CLI::App& sim, int& exit_code);
void add_sim_interactive_command(CLI::App& sim, int& exit_code);

}  // namespace hawser::app
