// sim_congestion_command.cc: options of `hawser sim congestion`, and its loop over the cells.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "qlog_options.h"
#include "runtime/qlog_log.h"
#include "sim_congestion.h"

namespace hawser::app {
namespace {

class JsonOut {
 public:
  explicit JsonOut(const std::string& file)
      : out_(file.empty()  ? nullptr
             : file == "-" ? stdout
                           : std::fopen(file.c_str(), "w")) {}
  JsonOut(const JsonOut&) = delete;
  JsonOut& operator=(const JsonOut&) = delete;
  ~JsonOut() {
    if (out_ != nullptr && out_ != stdout) std::fclose(out_);
  }
  void line(const std::string& text) {
    if (out_ == nullptr) return;
    std::fputs(text.c_str(), out_);
    std::fflush(out_);
  }
  [[nodiscard]] bool open() const { return out_ != nullptr; }
  // Whether all lines have arrived.
  [[nodiscard]] bool good() const { return out_ == nullptr || std::ferror(out_) == 0; }

 private:
  std::FILE* out_;
};

int run(const SimCongestionOptions& options) {
  JsonOut json(options.json_file);
  if (!options.json_file.empty() && !json.open()) {
    std::fprintf(stderr, "hawser sim congestion: cannot write %s\n", options.json_file.c_str());
    return 2;
  }
  const bool table = options.json_file != "-";
  if (table) std::fputs(congestion_table_head().c_str(), stdout);
  int exit_code = 0;
  for (const CongestionCase& cell : congestion_cases(options)) {
    sim::CongestionSetup setup = congestion_setup(cell, options);
    const auto qlog = runtime::QlogLog::create(options.qlog);
    if (!qlog.has_value()) {
      std::fprintf(stderr, "hawser sim congestion: %s\n", qlog.error().message.c_str());
      return 2;
    }
    if (*qlog != nullptr) setup.events = &(*qlog)->sink();
    for (int visit = 0; visit < (options.careful_resume ? 2 : 1); ++visit) {
      const auto result = sim::run_congestion(setup);
      if (!result.has_value()) {
        std::fprintf(stderr, "hawser sim congestion: %s\n", result.error().message.c_str());
        return 2;
      }
      for (const sim::FlowResult& flow : result->flows)
        if (!flow.failure.empty()) exit_code = 1;
      if (table) std::fputs(congestion_table_rows(cell, *result).c_str(), stdout);
      std::fflush(stdout);
      json.line(congestion_json(cell, *result, options.series));
      make_second_visit(setup, *result, options);
    }
  }
  if (!json.good()) {
    std::fprintf(stderr, "hawser sim congestion: %s could not be written\n", options.json_file.c_str());
    return 1;
  }
  return exit_code;
}

constexpr const char* kFooter =
    "Goodput is stream octets in Mbit/s from a flow's first packet on; steady leaves out the warm-up, and link is\n"
    "its share of the rate. Delays are milliseconds spent in the queue after the warm-up.\n\n"
    "Examples:\n"
    "  hawser sim congestion --controllers cubic,newreno --rate 100 --rtt 40 --loss 0,1,5 --buffer 0.2,1,4\n"
    "  hawser sim congestion --controllers cubic,newreno --pairs --rate 50 --rtt 20 --duration 30\n"
    "  hawser sim congestion --controllers cubic --queue dualpi2 --flows 2 --stagger 1\n"
    "  hawser sim congestion --controllers cubic,bbr --after-tcp 0.5 --rate 10 --rtt 30 --buffer-packets 25\n"
    "  hawser sim congestion --controllers cubic --megabytes 100 --rate 1000 --rtt 40 --json -\n"
    "  hawser sim congestion --controllers cubic --topology parking-lot --hops 3 --flows 2\n"
    "  hawser sim congestion --controllers cubic,bbr --megabytes 100 --rate 1000 --rtt 40 --careful-resume\n"
    "  hawser sim congestion --controllers cubic --megabytes 10 --rate 20 --rtt 40 --careful-resume --remembered 100";

void add_grid_options(CLI::App& command, SimCongestionOptions& options) {
  command.add_option("--controllers", options.controllers, "Congestion controllers by name")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--rate", options.rates_mbit, "Rates of the bottleneck, Mbit/s")
      ->delimiter(',')
      ->check(CLI::Range(0.01, 100'000.0))
      ->capture_default_str();
  command.add_option("--rtt", options.rtts_ms, "Round-trip times without queueing, ms")
      ->delimiter(',')
      ->check(CLI::Range(0.01, 10'000.0))
      ->capture_default_str();
  command.add_option("--loss", options.losses_percent, "Random loss in each direction, percent")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command.add_option("--buffer", options.buffers_bdp, "Room of the queue, bandwidth-delay products")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1'000.0))
      ->capture_default_str();
}

}  // namespace

void add_sim_congestion_command(CLI::App& sim, int& exit_code) {
  CLI::App* command = sim.add_subcommand("congestion", "Tables of congestion controllers over simulated bottlenecks");
  const auto options = std::make_shared<SimCongestionOptions>();
  add_grid_options(*command, *options);
  command->add_option("--queue", options->queue, "Discipline of the queue")
      ->check(CLI::IsMember({"droptail", "codel", "dualpi2"}))
      ->capture_default_str();
  command->add_option("--topology", options->topology, "dumbbell, or parking-lot: one flow over all hops, one at each")
      ->check(CLI::IsMember({"dumbbell", "parking-lot"}))
      ->capture_default_str();
  command->add_option("--hops", options->hops, "Bottlenecks of a parking lot")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--flows", options->flows, "Flows of each controller side by side")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  command->add_flag("--pairs", options->pairs, "Two flows: every controller beside every other and itself");
  command->add_option("--stagger", options->stagger_s, "Seconds from one flow's start to the next's")
      ->check(CLI::Range(0.0, 100'000.0))
      ->capture_default_str();
  command
      ->add_option("--after-tcp", options->after_tcp_s,
                   "Beside a flow as the kernel's TCP sends it (CUBIC, not paced) that started so many seconds before")
      ->check(CLI::Range(0.0, 100'000.0));
  command->add_option("--buffer-packets", options->buffer_packets,
                      "Room of the queue in packets, in place of --buffer");
  command
      ->add_option("--jitter", options->jitter_ms,
                   "Extra latency of each packet, ms, uniform below this; less than a packet's time on the link\n"
                   "keeps flows of a full queue from falling into step as no real ones would")
      ->check(CLI::Range(0.0, 10'000.0))
      ->capture_default_str();
  command->add_option("--duration", options->duration_s, "Virtual seconds of each run")
      ->check(CLI::Range(0.001, 100'000.0))
      ->capture_default_str();
  command->add_option("--warmup", options->warmup_s, "Seconds, after the last start, that steady figures leave out")
      ->check(CLI::Range(0.0, 100'000.0))
      ->capture_default_str();
  command->add_option("--megabytes", options->megabytes, "Size of each transfer; 0: until the end")
      ->capture_default_str();
  command->add_flag("--no-ecn", options->no_ecn, "Flows do not ask for ECN");
  command->add_flag("--careful-resume", options->careful_resume,
                    "Run each a second time, with Careful Resume and what the first time saw (RFC 9959)");
  command
      ->add_option("--remembered", options->remembered_mbit,
                   "With --careful-resume: the second time remembers this rate, in Mbit/s, whatever there was")
      ->check(CLI::Range(0.01, 100'000.0));
  command->add_option("--seed", options->seed, "Seed of every run")->capture_default_str();
  command->add_option("--json", options->json_file, "File for one JSON object a line; - for standard output");
  command->add_flag("--series", options->series,
                    "JSON with time series: [s, bit/s, window, in flight, RTT ms, pacing bit/s]");
  add_qlog_options(*command, options->qlog);
  command->footer(kFooter);
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace hawser::app
