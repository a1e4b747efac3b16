// scenario.cc: turns, and medians of them.
#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace hawser::compare {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

std::string line_of(const Scenario& scenario, const Sample& sample) {
  std::string line;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    if (std::isnan(sample[i])) continue;
    line += fmt::format("  {} {:.{}f}", scenario.metrics[i].title, sample[i], scenario.metrics[i].decimals);
  }
  return line;
}

void take_turn(const Scenario& scenario, Contender& contender, Row& row, std::vector<Sample>& samples) {
  const Measured measured = contender.measure();
  if (measured) {
    samples.push_back(*measured);
    ++row.runs;
    fmt::print(stderr, "  {:<28}{}\n", row.about.name, line_of(scenario, *measured));
  } else {
    ++row.failures;
    row.failure = measured.error();
    fmt::print(stderr, "  {:<28}  failed: {}\n", row.about.name, measured.error());
  }
}

}  // namespace

double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) return kNothing;
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<Figure> figures_of(const std::vector<Sample>& samples, std::size_t metrics) {
  std::vector<Figure> figures;
  if (samples.empty()) return figures;
  for (std::size_t i = 0; i < metrics; ++i) {
    std::vector<double> values;
    for (const Sample& sample : samples)
      if (!std::isnan(sample[i])) values.push_back(sample[i]);
    if (values.empty()) {
      figures.push_back({kNothing, kNothing, kNothing});
    } else {
      const auto [least, most] = std::ranges::minmax(values);
      figures.push_back({median(values), least, most});
    }
  }
  return figures;
}

double ratio_to_first(const Result& result, std::size_t row, std::size_t metric) {
  const std::vector<Figure>& own = result.rows[row].figures;
  const std::vector<Figure>& first = result.rows.front().figures;
  if (own.empty() || first.empty() || !(first[metric].median > 0)) return kNothing;
  return own[metric].median / first[metric].median;
}

Result measure(Scenario& scenario, std::size_t runs) {
  runs = std::min(runs, scenario.runs_max);
  Result result{.name = scenario.name, .title = scenario.title, .metrics = scenario.metrics, .rows = {}};
  for (const auto& contender : scenario.contenders) {
    result.rows.push_back({.about = contender->about()});
    const About& about = contender->about();
    if (!about.missing.empty()) fmt::print(stderr, "{}: without {}: {}\n", scenario.name, about.name, about.missing);
  }
  std::vector<std::vector<Sample>> samples(result.rows.size());
  for (std::size_t run = 0; run < runs; ++run) {
    fmt::print(stderr, "{}: run {} of {}\n", scenario.name, run + 1, runs);
    for (std::size_t i = 0; i < result.rows.size(); ++i)
      if (result.rows[i].about.missing.empty())
        take_turn(scenario, *scenario.contenders[i], result.rows[i], samples[i]);
  }
  for (std::size_t i = 0; i < result.rows.size(); ++i)
    result.rows[i].figures = figures_of(samples[i], scenario.metrics.size());
  return result;
}

}  // namespace hawser::compare
