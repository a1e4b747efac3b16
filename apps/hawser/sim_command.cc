// sim_command.cc: options of `hawser sim`, its runs and what it prints about them.
#include "sim_command.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "count_option.h"
#include "events/counters.h"
#include "events/tee.h"
#include "qlog_options.h"
#include "runtime/qlog_log.h"
#include "sim/scenario.h"
#include "sim/setup_text.h"
#include "sim_bonding.h"
#include "sim_congestion.h"
#include "sim_messages.h"
#include "whole_file.h"

namespace hawser::app {
namespace {

struct SimOptions {
  std::vector<std::string> names;  // empty: all
  std::uint64_t seed = 1;
  std::uint64_t runs = 1;
  bool list = false;
  bool text = false;
  bool seed_given = false;
  bool quiet = false;
  bool counters = false;
  runtime::QlogSettings qlog;
};

void print_list() {
  for (const sim::ScenarioInfo& info : sim::scenarios())
    std::printf("%-20.*s %.*s\n", static_cast<int>(info.name.size()), info.name.data(),
                static_cast<int>(info.description.size()), info.description.data());
}

void print_counters(const EventCounters& counters) {
  for (std::size_t i = 0; i < kEventKinds; ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (counters.of(kind) > 0)
      std::printf("  %-40s %llu\n", counter_name(kind).c_str(), static_cast<unsigned long long>(counters.of(kind)));
  }
}

void print_result(const sim::ScenarioResult& result, bool quiet) {
  if (!result.passed) {
    std::printf("FAILED %s\n  %s\n", result.replay.c_str(), result.failure.c_str());
  } else if (!quiet) {
    std::printf(
        "passed %s\n  %.3f s of virtual time, %llu of %llu datagrams delivered, %llu stream octets, digest %016llx\n",
        result.replay.c_str(), to_seconds(result.virtual_time),
        static_cast<unsigned long long>(result.datagrams_delivered),
        static_cast<unsigned long long>(result.datagrams_sent), static_cast<unsigned long long>(result.stream_bytes),
        static_cast<unsigned long long>(result.digest));
  }
}

bool is_file(const std::string& name) {
  return name.find('/') != std::string::npos || name.find('.') != std::string::npos;
}

// A scenario that is written down: its own seed, or the one of the command line counting up.
std::expected<sim::SetupText, ConfigError> read_scenario(const std::string& file, std::uint64_t seed, bool seed_given) {
  const auto text = read_whole_file(file);
  if (!text) return std::unexpected(ConfigError{"cannot read " + text.error().message});
  HAWSER_TRY(auto scenario, sim::parse_setup(*text));
  if (seed_given) scenario.seed = seed;
  return scenario;
}

sim::ScenarioResult run_file(const std::string& file, std::uint64_t seed, bool seed_given, EventSink& events) {
  sim::ScenarioResult result;
  const auto scenario = read_scenario(file, seed, seed_given);
  if (scenario) {
    result = sim::run_scenario(*scenario, {.events = &events});
  } else {
    result.failure = scenario.error().message;
  }
  result.replay = "hawser sim --scenario=" + file + (scenario && seed_given ? " --seed=" + std::to_string(seed) : "");
  return result;
}

bool print_text(const std::string& name, std::uint64_t seed, bool seed_given) {
  if (!is_file(name)) {
    std::printf("%s", sim::to_text(sim::scenario_text(name, seed)).c_str());
    return true;
  }
  const auto scenario = read_scenario(name, seed, seed_given);
  if (scenario)
    std::printf("%s", sim::to_text(*scenario).c_str());
  else
    std::fprintf(stderr, "hawser sim: %s\n", scenario.error().message.c_str());
  return scenario.has_value();
}

// One scenario with one seed. Logs of several runs share a folder: connection IDs differ.
bool run_one(const std::string& name, std::uint64_t seed, const SimOptions& options, runtime::QlogLog* qlog) {
  const bool seed_given = options.seed_given || options.runs > 1;
  if (options.text) return print_text(name, seed, seed_given);
  EventTee events;
  EventCounters counters;
  if (qlog != nullptr) events.add(qlog->sink());
  if (options.counters) events.add(counters);
  const sim::ScenarioResult result = is_file(name) ? run_file(name, seed, seed_given, events)
                                                   : sim::run_scenario(name, {.seed = seed, .events = &events});
  print_result(result, options.quiet);
  if (options.counters) print_counters(counters);
  return result.passed;
}

int run(SimOptions options) {
  if (options.list) {
    print_list();
    return 0;
  }
  // In virtual time a timer costs nothing, and a failure may need to be seen to the last detail.
  options.qlog.options.events = kAllEvents;
  if (options.names.empty())
    for (const sim::ScenarioInfo& info : sim::scenarios()) options.names.emplace_back(info.name);
  std::uint64_t failures = 0;
  for (std::uint64_t i = 0; i < options.runs; ++i)
    for (const std::string& name : options.names) {
      const auto qlog = runtime::QlogLog::create(options.qlog);
      if (!qlog.has_value()) {
        std::fprintf(stderr, "hawser sim: %s\n", qlog.error().message.c_str());
        return 2;
      }
      failures += !run_one(name, options.seed + i, options, qlog->get());
    }
  if (failures > 0 || options.runs * options.names.size() > 1)
    std::printf("%llu runs, %llu failures\n", static_cast<unsigned long long>(options.runs * options.names.size()),
                static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}

}  // namespace

void add_sim_command(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("sim", "Run simulated networks in virtual time, from a seed");
  const auto options = std::make_shared<SimOptions>();
  command->add_option(
      "--scenario", options->names,
      "Scenario to run, by name or as a file (its name has a dot or slash); repeat for several; all if left out");
  command->add_option("--seed", options->seed, "Seed of the first run, decimal or 0x...")
      ->check(is_count())
      ->capture_default_str();
  command->add_option("--runs", options->runs, "Runs of each scenario, with seeds counting up")
      ->check(is_count(1))
      ->capture_default_str();
  add_qlog_options(*command, options->qlog);
  command->add_flag("--counters", options->counters, "Print how often each event happened");
  command->add_flag("--quiet", options->quiet, "Print failures only");
  command->add_flag("--text", options->text, "Print the scenario as a file for --scenario instead of running it");
  command->add_flag("--list", options->list, "List the scenarios");
  add_sim_congestion_command(*command, exit_code);
  add_sim_bonding_command(*command, exit_code);
  add_sim_interactive_command(*command, exit_code);
  add_sim_messages_command(*command, exit_code);
  command->footer(
      "Examples:\n"
      "  hawser sim --scenario burst_loss --runs 500 --quiet\n"
      "  hawser sim --scenario random --seed 0x1f --text > small.scenario\n"
      "  hawser sim --scenario small.scenario --qlog /tmp/logs");
  command->callback([options, command, &exit_code] {
    options->seed_given = command->count("--seed") > 0;
    if (command->get_subcommands().empty()) exit_code = run(*options);
  });
}

}  // namespace hawser::app
