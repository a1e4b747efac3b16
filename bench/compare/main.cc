// main.cc: `./dev bench`: hawser beside other implementations and beside the kernel alone, one
// scenario after the other.
//   compare --runs 5 --json build/release/bench.json --svg build/release/bench.svg bulk latency
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "report.h"
#include "scenarios.h"

namespace {

using namespace hawser::compare;

std::string scenario_list() {
  std::string text = "Scenarios:\n";
  for (const NamedScenario& scenario : kScenarios) text += fmt::format("  {:<12}{}\n", scenario.name, scenario.about);
  return text +
         "\nExamples:\n  ./dev bench                      all of them, medians of five, about ten minutes\n"
         "  ./dev bench bulk --runs 9        one of them\n"
         "  ./dev bench --quick              each once and briefly: does everything run here?\n"
         "Contenders take turns. A ratio in brackets is to the first line of the table.";
}

bool chosen(const std::vector<std::string>& names, const char* name) {
  return names.empty() || std::ranges::find(names, name) != names.end();
}

bool hawser_is_built(const Options& options) {
  bool built = true;
  for (const std::string& program : {options.hawser, options.bench + "/pump/udp_pump", options.bench + "/pump/udp_echo",
                                     options.bench + "/memory/server_memory"}) {
    if (hawser::bench::is_executable(program)) continue;
    fmt::print(stderr, "compare: {} is not there: ./dev bench builds it, --hawser and --bench-folder name another\n",
               program);
    built = false;
  }
  return built;
}

struct Files {
  std::string json;
  std::string svg;
};

int run(Options options, const std::vector<std::string>& names, const Files& files) {
  if (!hawser_is_built(options)) return 1;
  if (options.quick) options.runs = 1;
  const Machine machine = this_machine();
  const Session session(options);
  std::vector<Result> results;
  bool ours_failed = false;
  for (const NamedScenario& named : kScenarios) {
    if (!chosen(names, named.name)) continue;
    Scenario scenario = named.make(session);
    results.push_back(measure(scenario, options.runs));
    const Result& result = results.back();
    fmt::print("\n{}\n", to_table(result));
    std::fflush(stdout);
    for (const Row& row : result.rows) ours_failed |= row.about.ours && row.failures != 0;
    // After each, so that an interrupted run has left what it had.
    if (!files.json.empty()) std::ofstream(files.json) << to_json(machine, results);
    if (!files.svg.empty()) std::ofstream(files.svg) << to_svg(machine, results);
  }
  return ours_failed ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::vector<std::string> names;
  std::vector<std::string> known;
  for (const NamedScenario& scenario : kScenarios) known.emplace_back(scenario.name);
  Files files;
  CLI::App app{"Compares hawser with others on this machine: tables, JSON and a chart."};
  app.footer(scenario_list());
  app.add_option("scenario", names, "which; default: all")->check(CLI::IsMember(known));
  app.add_option("--runs", options.runs, "turns of each contender")->check(CLI::Range(1, 1'000))->capture_default_str();
  app.add_flag("--quick", options.quick, "each once and briefly");
  app.add_option("--cpus", options.cpus, "CPUs of server and client, as 0,1")->delimiter(',')->expected(2);
  app.add_option("--hawser", options.hawser, "the hawser program")->capture_default_str();
  app.add_option("--bench-folder", options.bench, "where udp_pump, udp_echo and server_memory are built")
      ->capture_default_str();
  app.add_option("--ngtcp2-server", options.ngtcp2_server, "another build of ngtcp2's server");
  app.add_option("--ngtcp2-client", options.ngtcp2_client, "another build of ngtcp2's client");
  app.add_option("--json", files.json, "file for all numbers");
  app.add_option("--svg", files.svg, "file for the chart");
  CLI11_PARSE(app, argc, argv);
  return run(options, names, files);
}
