// sim_bonding_command.cc: options of `hawser sim bonding`, and its loop over the pairs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "quic/congestion/congestion_controller.h"
#include "quic/connection/paths.h"
#include "quic/multipath/scheduler_check.h"
#include "sim_bonding.h"
#include "time_option.h"

namespace hawser::app {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdout) std::fclose(file);
  }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Two links that were given, or none; nullopt: one is none, and standard error says so.
std::optional<std::vector<sim::DrawnLink>> read_links(const std::vector<std::string>& words) {
  std::vector<sim::DrawnLink> links;
  for (const std::string& word : words) {
    const auto link = sim::parse_link(word);
    if (!link.has_value()) {
      std::fprintf(stderr, "hawser sim bonding: %s\n", link.error().message.c_str());
      return std::nullopt;
    }
    links.push_back(*link);
  }
  return links;
}

sim::PairOptions pair_options(const SimBondingOptions& options, const std::string& controller,
                              const std::string& scheduler) {
  return {.controller = controller,
          .scheduler = scheduler,
          .time = seconds(options.time_s),
          .window = ByteCount{options.window_mib << 20},
          .download = !options.upload,
          .head_start = options.head_start_ms > 0
                            ? std::optional(Duration{static_cast<std::int64_t>(options.head_start_ms * 1e6)})
                            : std::nullopt,
          .draws = options.draws};
}

// Three links and more: each alone, and all.
bool run_bundles(const SimBondingOptions& options, const std::vector<sim::DrawnLink>& links) {
  std::printf("%-10s %-13s %5s %11s %11s %8s\n", "controller", "scheduler", "links", "sum Mbit/s", "all Mbit/s",
              "of sum");
  bool sound = true;
  for (const std::string& controller : options.controllers)
    for (const std::string& scheduler : options.schedulers)
      for (std::uint64_t i = 0; i < options.pairs; ++i) {
        const sim::BundleResult result =
            sim::run_bundle(links, options.seed + i, pair_options(options, controller, scheduler));
        std::printf("%-10s %-13s %5zu %11.2f %11.2f %6.1f %%%s%s\n", controller.c_str(), scheduler.c_str(),
                    links.size(), result.sum(), result.together, 100 * result.together / result.sum(),
                    result.failure.empty() ? "" : "  FAILED: ", result.failure.c_str());
        std::fflush(stdout);
        sound = sound && result.failure.empty();
      }
  return sound;
}

// One controller and scheduler over all pairs.
BondingRuns run_all(const SimBondingOptions& options, const std::vector<sim::DrawnLink>& links,
                    const std::string& controller, const std::string& scheduler, std::FILE* json) {
  BondingRuns runs{.controller = controller, .scheduler = scheduler, .results = {}};
  for (std::uint64_t i = 0; i < options.pairs; ++i) {
    sim::LinkPair pair = sim::draw_pair(options.seed + i);
    if (!links.empty()) pair = {.seed = pair.seed, .first = links[0], .second = links[1]};
    runs.results.push_back(sim::run_pair(pair, pair_options(options, controller, scheduler)));
    if (json == nullptr) continue;
    std::fputs(bonding_json(controller, scheduler, runs.results.back()).c_str(), json);
    std::fflush(json);
  }
  if (options.json_file == "-") return runs;
  std::fputs(bonding_table_rows(runs).c_str(), stdout);
  std::fputs(bonding_worst(runs.results, options.worst).c_str(), stdout);
  std::fflush(stdout);
  return runs;
}

File open_for_writing(const std::string& name) {
  File file(name == "-" ? stdout : std::fopen(name.c_str(), "w"));
  if (file == nullptr) std::fprintf(stderr, "hawser sim bonding: cannot write %s\n", name.c_str());
  return file;
}

// False, and standard error says so, where not all has arrived. Nothing was to be written without a file.
bool is_written(std::FILE* file, const std::string& name) {
  if (file == nullptr || (std::fflush(file) == 0 && std::ferror(file) == 0)) return true;
  std::fprintf(stderr, "hawser sim bonding: %s could not be written\n", name.c_str());
  return false;
}

int run(const SimBondingOptions& options) {
  if (!names_are_known("bonding", options.controllers, options.schedulers)) return 2;
  const auto links = read_links(options.links);
  if (!links.has_value()) return 2;
  if (links->size() > 2) return run_bundles(options, *links) ? 0 : 1;
  File json;
  File svg;
  if (!options.json_file.empty() && (json = open_for_writing(options.json_file)) == nullptr) return 2;
  if (!options.svg_file.empty() && (svg = open_for_writing(options.svg_file)) == nullptr) return 2;
  if (options.json_file != "-") std::fputs(bonding_table_head().c_str(), stdout);
  std::vector<BondingRuns> all;
  bool sound = true;
  for (const std::string& controller : options.controllers)
    for (const std::string& scheduler : options.schedulers) {
      all.push_back(run_all(options, *links, controller, scheduler, json.get()));
      for (const sim::PairResult& result : all.back().results)
        sound = sound && result.failure.empty() && result.of_better() >= kNoHarm;
    }
  if (svg != nullptr) std::fputs(bonding_svg(all).c_str(), svg.get());
  if (!is_written(json.get(), options.json_file) || !is_written(svg.get(), options.svg_file)) return 1;
  return sound ? 0 : 1;
}

constexpr const char* kFooter =
    "Each pair is drawn from a seed: 1 to 500 Mbit/s and 5 to 300 ms, evenly by octaves; 0 to 5 % loss, none for one\n"
    "link in four. A transfer of five seconds of the faster link and twenty round trips goes over each link alone and\n"
    "over both, beginning over the better of them and, in the second row, over the other; where the handshake is not\n"
    "done after --head-start a connection is begun over the second link too, and that which is complete first is "
    "kept.\n"
    "A pair is harmed when both bring less than 97 % of what the better one does alone; one in the first row makes "
    "the\n"
    "exit status 1.\n\n"
    "Examples:\n"
    "  hawser sim bonding --pairs 100\n"
    "  hawser sim bonding --pairs 50 --schedulers min-rtt,ecf,blest --controllers bbr,cubic\n"
    "  hawser sim bonding --pairs 1000 --svg bonding.svg\n"
    "  hawser sim bonding --pairs 5 --links 50/20,20/80/1 --window 0\n"
    "  hawser sim bonding --pairs 1 --links 40/10,30/25,20/60 --time 10 --controllers cubic\n"
    "  hawser sim bonding --pairs 1 --seed 17 --draws 16 --json -";

}  // namespace

bool names_are_known(const char* command, const std::vector<std::string>& controllers,
                     const std::vector<std::string>& schedulers) {
  for (const std::string& name : controllers)
    if (const auto made = quic::make_congestion_controller(name, 1'200); !made.has_value()) {
      std::fprintf(stderr, "hawser sim %s: %s\n", command, made.error().message.c_str());
      return false;
    }
  for (const std::string& name : schedulers)
    if (const auto known = quic::check_path_scheduler(name); !known.has_value()) {
      std::fprintf(stderr, "hawser sim %s: %s\n", command, known.error().message.c_str());
      return false;
    }
  return true;
}

void add_sim_bonding_command(CLI::App& sim, int& exit_code) {
  CLI::App* command = sim.add_subcommand("bonding", "Pairs of links at random: both together beside each alone");
  const auto options = std::make_shared<SimBondingOptions>();
  command->add_option("--pairs", options->pairs, "Pairs of links")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of the first pair; the others count up")->capture_default_str();
  command->add_option("--draws", options->draws, "How often the losses of each pair are drawn; the rates are means")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command
      ->add_option(
          "--links", options->links,
          "Two links as Mbit/s, RTT in ms and loss in percent, in place of drawn ones, or up to eight: --pairs\n"
          "counts seeds then")
      ->delimiter(',')
      ->expected(2, static_cast<int>(quic::kMaxPaths));
  command->add_option("--controllers", options->controllers, "Congestion controllers by name")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--schedulers", options->schedulers, "Schedulers by name")->delimiter(',')->capture_default_str();
  command->add_option("--time", options->time_s, "Seconds that the transfer takes at the rate of the faster link")
      ->check(is_seconds(0.1, 1'000.0))
      ->capture_default_str();
  command->add_option("--window", options->window_mib, "Receive windows and send buffer, MiB; 0: tuned")
      ->check(CLI::Range(0, 1'024))
      ->capture_default_str();
  command
      ->add_option("--head-start", options->head_start_ms,
                   "ms that one link has the handshake for itself before the next is tried too; 0: it stays alone")
      ->check(CLI::Range(0.0, 10'000.0))
      ->capture_default_str();
  command->add_flag("--upload", options->upload, "The client sends");
  command->add_option("--worst", options->worst, "Pairs with the least gain to print by themselves")
      ->capture_default_str();
  command->add_option("--json", options->json_file, "File for one JSON object a pair; - for standard output");
  command->add_option("--svg", options->svg_file, "File for the percentiles as a plot");
  command->footer(kFooter);
  command->callback([options, command, &exit_code] {
    for (const char* const name : {"--json", "--svg", "--worst"})
      if (options->links.size() > 2 && command->count(name) != 0)
        throw CLI::ValidationError(std::string(name) + " is for two links; three and more have a table alone");
    exit_code = run(*options);
  });
}

}  // namespace hawser::app
