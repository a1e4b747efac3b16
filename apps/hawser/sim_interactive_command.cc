// sim_interactive_command.cc: `hawser sim interactive`: small requests beside a bulk transfer over several links,
// as a table of schedulers.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "quic/congestion/congestion_controller.h"
#include "quic/multipath/path_scheduler.h"
#include "sim/interactive.h"
#include "sim_bonding.h"
#include "time_option.h"

namespace hawser::app {
namespace {

struct SimInteractiveOptions {
  std::vector<std::string> controllers = {"cubic", "bbr"};
  std::vector<std::string> schedulers;  // empty: all
  std::vector<std::string> links = {"100/10", "100/50"};
  std::uint64_t per_second = 50;
  std::uint64_t bytes = 1'000;
  std::uint64_t seed = 1;
  double time_s = 20;
  bool upload = false;
};

std::vector<std::string> all_schedulers() {
  std::vector<std::string> names;
  std::string rest = quic::path_scheduler_names();
  for (std::size_t comma = 0; comma != std::string::npos; rest.erase(0, comma + 2)) {
    comma = rest.find(", ");
    names.push_back(rest.substr(0, comma));
    if (comma == std::string::npos) break;
  }
  return names;
}

void print_row(const char* controller, const char* scheduler, const sim::InteractiveResult& result) {
  const auto ms = [](Duration time) { return to_seconds(time) * 1e3; };
  std::printf("%-10s %-12s %8.1f %8.1f %8.1f %8.2f %10.1f%s%s\n", controller, scheduler, ms(result.p50), ms(result.p99),
              ms(result.longest), result.p99_in_rtts(), result.bulk_mbit_per_second,
              result.failure.empty() ? "" : "  FAILED: ", result.failure.c_str());
  std::fflush(stdout);
}

int run(const SimInteractiveOptions& options) {
  sim::InteractivePlan plan{.links = {},
                            .controller = options.controllers.front(),
                            .scheduler = "min-rtt",
                            .per_second = options.per_second,
                            .bytes = static_cast<std::size_t>(options.bytes),
                            .download = !options.upload,
                            .bulk = false,
                            .seed = options.seed};
  plan.until = plan.from + seconds(options.time_s);
  for (const std::string& text : options.links) {
    const auto link = sim::parse_link(text);
    if (!link.has_value()) {
      std::fprintf(stderr, "hawser sim interactive: %s\n", link.error().message.c_str());
      return 2;
    }
    plan.links.push_back(*link);
  }
  const std::vector<std::string> schedulers = options.schedulers.empty() ? all_schedulers() : options.schedulers;
  if (!names_are_known("interactive", options.controllers, schedulers)) return 2;
  std::printf("%-10s %-12s %8s %8s %8s %8s %10s\n", "controller", "scheduler", "p50 ms", "p99 ms", "most ms", "p99/RTT",
              "bulk Mbit");
  print_row("", "(no bulk)", sim::run_interactive(plan));
  plan.bulk = true;
  bool sound = true;
  for (const std::string& controller : options.controllers)
    for (const std::string& scheduler : schedulers) {
      plan.controller = controller;
      plan.scheduler = scheduler;
      const sim::InteractiveResult result = sim::run_interactive(plan);
      print_row(controller.c_str(), scheduler.c_str(), result);
      sound = sound && result.failure.empty();
    }
  return sound ? 0 : 1;
}

constexpr const char* kFooter =
    "A client asks 50 times a second for 1,000 octets with as many, on streams of the highest urgency, while a bulk\n"
    "stream fills all links, whose queues have room for one bandwidth-delay product. Times are from the request to\n"
    "the last octet of its answer; p99/RTT counts in round trips of the fastest link.\n\n"
    "Examples:\n"
    "  hawser sim interactive\n"
    "  hawser sim interactive --links 50/20,20/80/1 --schedulers latency,min-rtt --controllers bbr\n"
    "  hawser sim interactive --upload";

}  // namespace

void add_sim_interactive_command(CLI::App& sim, int& exit_code) {
  CLI::App* command = sim.add_subcommand("interactive", "Small requests beside a bulk transfer over several links");
  const auto options = std::make_shared<SimInteractiveOptions>();
  command->add_option("--links", options->links, "Links as Mbit/s, RTT in ms and loss in percent: 100/10 or 20/80/1")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--controllers", options->controllers, "Congestion controllers by name")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--schedulers", options->schedulers, "Schedulers by name; all if left out")->delimiter(',');
  command->add_option("--requests", options->per_second, "Requests a second")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  command->add_option("--bytes", options->bytes, "Octets of a request and of its answer")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  command->add_option("--time", options->time_s, "Seconds of requests")
      ->check(is_seconds(0.1, 10'000.0))
      ->capture_default_str();
  command->add_flag("--upload", options->upload, "The bulk goes to the server");
  command->add_option("--seed", options->seed, "Seed of every run")->capture_default_str();
  command->footer(kFooter);
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace hawser::app
