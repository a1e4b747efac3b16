// sim_bonding.cc: from results of pairs to the text of tables.
#include "sim_bonding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "svg_chart.h"

namespace hawser::app {
namespace {

constexpr std::array kShares = {0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0};

std::string row(const std::string& controller, const std::string& scheduler, const char* of,
                const std::vector<double>& values) {
  std::string text = fmt::format("{:<10} {:<13} {:<10}", controller, scheduler, of);
  for (const double share : kShares) text += fmt::format(" {:>8.1f}", 100 * sim::percentile(values, share));
  return text;
}

}  // namespace

std::string bonding_table_head() {
  std::string text = fmt::format("{:<10} {:<13} {:<10}", "controller", "scheduler", "percent of");
  for (const double share : kShares)
    text += fmt::format(" {:>8}", share == 0 ? "least" : share == 1 ? "most" : fmt::format("{:g} %", 100 * share));
  return text + "   harmed\n";
}

std::string bonding_table_rows(const BondingRuns& runs) {
  std::vector<double> better;
  std::vector<double> from_worse;
  std::vector<double> sum;
  for (const sim::PairResult& result : runs.results) {
    better.push_back(result.of_better());
    from_worse.push_back(result.from_worse_of_better());
    sum.push_back(result.of_sum());
  }
  const auto harmed = [](const std::vector<double>& shares) {
    return std::ranges::count_if(shares, [](double share) { return share < kNoHarm; });
  };
  return fmt::format("{}   {:>6}\n{}   {:>6}\n{}\n", row(runs.controller, runs.scheduler, "better", better),
                     harmed(better), row("", "  worse first", "better", from_worse), harmed(from_worse),
                     row("", "", "sum", sum));
}

std::string bonding_worst(const std::vector<sim::PairResult>& results, std::size_t count) {
  std::vector<const sim::PairResult*> order;
  for (const sim::PairResult& result : results) order.push_back(&result);
  std::ranges::sort(order, {}, [](const sim::PairResult* result) {
    return std::min(result->of_better(), result->from_worse_of_better());
  });
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
      "\"both_mbit\": {:.3f}, \"worse_first_mbit\": {:.3f}, \"of_better\": {:.5f}, \"worse_first_of_better\": {:.5f}, "
      "\"of_sum\": {:.5f}, \"failed\": {}}}\n",
      controller, scheduler, result.pair.seed, result.octets, link(result.pair.first, result.first_alone),
      link(result.pair.second, result.second_alone), result.bonded, result.bonded_from_worse, result.of_better(),
      result.from_worse_of_better(), result.of_sum(), !result.failure.empty());
}

std::string bonding_svg(const std::vector<BondingRuns>& runs) {
  std::deque<ValueSeries> series;
  const auto line = [&series](const std::string& label, std::size_t color, const std::vector<double>& values) {
    ValueSeries& points = series.emplace_back();
    for (int percent = 0; percent <= 100; ++percent)
      points.at(percent).add(100 * sim::percentile(values, percent / 100.0));
    return ChartLine{.label = label, .color = color % 8, .series = &points};
  };
  ChartPanel better{.title = "Both together, of the better link alone", .unit = "%"};
  ChartPanel sum{.title = "of the sum of both alone", .unit = "%"};
  for (const BondingRuns& run : runs) {
    std::vector<double> of_better;
    std::vector<double> of_sum;
    for (const sim::PairResult& result : run.results) {
      of_better.push_back(result.of_better());
      of_sum.push_back(result.of_sum());
    }
    const std::size_t color = better.lines.size();
    better.lines.push_back(line(run.controller + " " + run.scheduler, color, of_better));
    sum.lines.push_back(line(run.controller + " " + run.scheduler, color, of_sum));
  }
  return write_svg({.title = "Two links at random, bonded",
                    .subtitle = fmt::format("{} pairs of 1 to 500 Mbit/s, 5 to 300 ms and 0 to 5 % loss",
                                            runs.empty() ? 0 : runs.front().results.size()),
                    .from_ms = 0,
                    .to_ms = 100,
                    .panels = {std::move(better), std::move(sum)},
                    .axis = "percent of the pairs"});
}

}  // namespace hawser::app
