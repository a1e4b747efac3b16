// table.cc: one line a contender, the columns as wide as what stands in them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report.h"

namespace hawser::compare {
namespace {

using Line = std::vector<std::string>;

std::string cell(const Result& result, std::size_t row, std::size_t metric) {
  const double value = result.rows[row].figures[metric].median;
  if (std::isnan(value)) return "-";
  const double ratio = ratio_to_first(result, row, metric);
  const std::string text = fmt::format("{:.{}f}", value, result.metrics[metric].decimals);
  return std::isnan(ratio) ? text : fmt::format("{} ({:.2f})", text, ratio);
}

std::string spread(const Result& result, std::size_t row) {
  const Figure& first = result.rows[row].figures.front();
  const int decimals = result.metrics.front().decimals;
  return std::isnan(first.median) ? "-"
                                  : fmt::format("{:.{}f} to {:.{}f}", first.least, decimals, first.most, decimals);
}

std::string why_not(const Row& row) {
  return row.about.missing.empty() ? "failed: " + row.failure : "not measured: " + row.about.missing;
}

}  // namespace

std::string to_table(const Result& result) {
  std::vector<Line> lines{{""}};
  for (const Metric& metric : result.metrics) lines[0].push_back(metric.title);
  lines[0].push_back("least to most");
  std::string notes;
  for (std::size_t row = 0; row < result.rows.size(); ++row) {
    const Row& of = result.rows[row];
    if (of.figures.empty()) {
      notes += fmt::format("{}: {}\n", of.about.name, why_not(of));
      continue;
    }
    Line line{of.about.name};
    for (std::size_t i = 0; i < result.metrics.size(); ++i) line.push_back(cell(result, row, i));
    line.push_back(spread(result, row));
    lines.push_back(std::move(line));
    if (of.failures != 0) notes += fmt::format("{}: {} runs failed: {}\n", of.about.name, of.failures, of.failure);
  }
  std::string text = result.title + "\n";
  for (const Line& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      std::size_t width = 0;
      for (const Line& other : lines) width = std::max(width, other[i].size());
      text += i == 0 ? fmt::format("{:<{}}", line[i], width) : fmt::format("  {:>{}}", line[i], width);
    }
    text += '\n';
  }
  return text + notes;
}

}  // namespace hawser::compare
