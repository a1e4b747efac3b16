// sim_bonding.cc: from results of pairs to the text of tables.
#include "sim_bonding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hawser::app {
namespace {

constexpr std::array kShares = {0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0};

std::string row(const std::string& controller, const std::string& scheduler, const char* of,
                const std::vector<double>& values) {
  std::string text = fmt::format("{:<10} {:<12} {:<10}", controller, scheduler, of);
  for (const double share : kShares) text += fmt::format(" {:>8.1f}", 100 * sim::percentile(values, share));
  return text;
}

}  // namespace

std::string bonding_table_head() {
  std::string text = fmt::format("{:<10} {:<12} {:<10}", "controller", "scheduler", "percent of");
  for (const double share : kShares)
    text += fmt::format(" {:>8}", share == 0 ? "least" : share == 1 ? "most" : fmt::format("{:g} %", 100 * share));
  return text + "   harmed\n";
}

std::string bonding_table_rows(const std::string& controller, const std::string& scheduler,
                               const std::vector<sim::PairResult>& results) {
  std::vector<double> better;
  std::vector<double> sum;
  for (const sim::PairResult& result : results) {
    better.push_back(result.of_better());
    sum.push_back(result.of_sum());
  }
  const auto harmed = std::ranges::count_if(better, [](double share) { return share < kNoHarm; });
  return fmt::format("{}   {:>6}\n{}\n", row(controller, scheduler, "better", better), harmed,
                     row(controller, scheduler, "sum", sum));
}

std::string bonding_worst(const std::vector<sim::PairResult>& results, std::size_t count) {
  std::vector<const sim::PairResult*> order;
  for (const sim::PairResult& result : results) order.push_back(&result);
  std::ranges::sort(order, {}, [](const sim::PairResult* result) { return result->of_better(); });
  std::string text;
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i) {
    const sim::PairResult& result = *order[i];
    text += fmt::format(
        "  --pairs 1 --seed {}: {}: alone {:.2f}, {:.2f}, both {:.2f} Mbit/s: {:.1f} % of the better{}\n",
        result.pair.seed, sim::describe(result.pair), result.first_alone, result.second_alone, result.bonded,
        100 * result.of_better(), result.failure.empty() ? "" : " FAILED: " + result.failure);
  }
  return text;
}

std::string bonding_json(const std::string& controller, const std::string& scheduler, const sim::PairResult& result) {
  const auto link = [](const sim::DrawnLink& drawn, double alone) {
    return fmt::format("{{\"mbit\": {:.3f}, \"rtt_ms\": {:.3f}, \"loss\": {:.5f}, \"alone_mbit\": {:.3f}}}",
                       drawn.mbit_per_second, to_seconds(drawn.rtt) * 1e3, drawn.loss, alone);
  };
  return fmt::format(
      "{{\"controller\": \"{}\", \"scheduler\": \"{}\", \"seed\": {}, \"octets\": {}, \"links\": [{}, {}], "
      "\"both_mbit\": {:.3f}, \"of_better\": {:.5f}, \"of_sum\": {:.5f}, \"second_share\": {:.5f}, \"failed\": {}}}\n",
      controller, scheduler, result.pair.seed, result.octets, link(result.pair.first, result.first_alone),
      link(result.pair.second, result.second_alone), result.bonded, result.of_better(), result.of_sum(),
      result.second_share, !result.failure.empty());
}

}  // namespace hawser::app
