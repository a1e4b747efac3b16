// sim_messages_command.cc: options of `hawser sim messages`, and its table.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "sim/messages.h"
#include "sim_messages.h"

namespace hawser::app {
namespace {

struct Options {
  std::vector<std::string> fec = {"off", "xor:8", "xor:4", "xor", "rs:16/2", "rs:16/4", "rs:16/6", "rs:16/8", "rs"};
  std::vector<double> losses_percent = {2, 5, 10};
  std::string controller = "bbr";
  double rtt_ms = 100;
  double rate_mbit = 100;
  double interval_ms = 250;
  std::size_t size = 20'000;
  std::size_t messages = 1'000;
  bool bulk = false;
  std::uint64_t seed = 1;
};

Duration ms(double count) {
  return Duration{static_cast<std::int64_t>(count * 1e6)};
}

sim::MessagesSetup setup_of(const Options& options, double loss_percent, const quic::FecConfig& fec) {
  return {.controller = options.controller,
          .rtt = ms(options.rtt_ms),
          .loss = loss_percent / 100,
          .bits_per_second = static_cast<std::uint64_t>(options.rate_mbit * 1e6),
          .message_bytes = options.size,
          .messages = options.messages,
          .interval = ms(options.interval_ms),
          .bulk = options.bulk,
          .fec = fec,
          .seed = options.seed};
}

int run(const Options& options) {
  int exit_code = 0;
  std::printf("  loss  fec        p50 ms   p90 ms   p99 ms   max ms  overhead  recovered  lost%s\n",
              options.bulk ? "  bulk Mbit/s" : "");
  for (const double loss : options.losses_percent)
    for (const std::string& words : options.fec) {
      const auto fec = quic::parse_fec_config(words);
      const auto result = fec ? sim::run_messages(setup_of(options, loss, *fec)) : std::unexpected(fec.error());
      if (!result) {
        std::fprintf(stderr, "hawser sim messages: %s\n", result.error().message.c_str());
        return 2;
      }
      if (!result->failure.empty()) exit_code = 1;
      const auto at = [&](double share) { return to_seconds(result->percentile(share)) * 1e3; };
      const std::string row = fmt::format(
          "{:>4.1f} %  {:<9} {:>7.1f}  {:>7.1f}  {:>7.1f}  {:>7.1f}  {:>6.1f} %  {:>9}  {:>4}{}{}{}\n", loss, words,
          at(0.5), at(0.9), at(0.99), at(1), 100 * result->overhead, result->sender.peer_recovered,
          result->packets_lost, options.bulk ? fmt::format("  {:>11.1f}", result->bulk_mbit_per_second) : std::string(),
          result->failure.empty() ? "" : "  ", result->failure);
      std::fputs(row.c_str(), stdout);
      std::fflush(stdout);
    }
  return exit_code;
}

}  // namespace

void add_sim_messages_command(CLI::App& sim, int& exit_code) {
  CLI::App* command = sim.add_subcommand("messages", "Messages over a lossy path, with and without FEC");
  const auto options = std::make_shared<Options>();
  command->add_option("--fec", options->fec, "Forward error correction of each row, as of hawser get --fec")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--loss", options->losses_percent, "Random loss in each direction, percent")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 50.0))
      ->capture_default_str();
  command->add_option("--cc", options->controller, "Congestion controller")->capture_default_str();
  command->add_option("--rtt", options->rtt_ms, "Round-trip time, ms")
      ->check(CLI::Range(0.1, 10'000.0))
      ->capture_default_str();
  command->add_option("--rate", options->rate_mbit, "Rate of the path, Mbit/s")
      ->check(CLI::Range(0.1, 10'000.0))
      ->capture_default_str();
  command->add_option("--interval", options->interval_ms, "From one message to the next, ms")
      ->check(CLI::Range(1.0, 60'000.0))
      ->capture_default_str();
  command->add_option("--size", options->size, "Octets of a message")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--messages", options->messages, "Messages that count, after 200 that warm up")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_flag("--bulk", options->bulk, "Beside an endless stream; messages are more urgent than it");
  command->add_option("--seed", options->seed, "Seed")->capture_default_str();
  command->footer(
      "A message takes from its writing to its last octet at the other end. Overhead is the octets of repair symbols\n"
      "over all others that the sender sent; recovered counts packets that were not sent again.\n\n"
      "Examples:\n"
      "  hawser sim messages\n"
      "  hawser sim messages --loss 5 --fec off,rs,rs:16/4 --cc cubic --messages 5000\n"
      "  hawser sim messages --bulk --fec off,rs,rs@1");
  command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace hawser::app
