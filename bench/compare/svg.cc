// svg.cc: horizontal bars in panels, without a background of its own; the reader's page says
// whether text is dark or light.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/markup.h"
#include "report.h"

namespace hawser::compare {
namespace {

constexpr int kWidth = 760;
constexpr int kMargin = 16;
constexpr int kNames = 220;   // pixels for the names in front of the bars
constexpr int kValues = 110;  // and for the numbers behind them
constexpr int kBar = 18;
constexpr int kStep = 26;
constexpr int kTitle = 46;  // a panel's title and what is measured
constexpr int kGap = 20;    // between panels

constexpr std::string_view kStyle =
    "<style>\n"
    "text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:15px}\n"
    ".quiet{fill:#6e7781}.ours{fill:#1f77b4}.other{fill:#a8b1bb}\n"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#8d96a0}.ours{fill:#58a6ff}"
    ".other{fill:#586069}}\n"
    "</style>\n";

bool has_value(const Row& row) {
  return !row.figures.empty() && !std::isnan(row.figures.front().median);
}

std::string text_at(int x, int y, std::string_view attributes, std::string_view text) {
  return fmt::format("<text x=\"{}\" y=\"{}\"{}>{}</text>\n", x, y, attributes, escape_markup(text));
}

std::string panel(const Result& result, int& y) {
  const Metric& metric = result.metrics.front();
  double most = 0;
  for (const Row& row : result.rows)
    if (has_value(row)) most = std::max(most, row.figures.front().median);
  std::string svg = text_at(kMargin, y + 15, " class=\"title\"", result.title);
  svg += text_at(kMargin, y + 34, " class=\"quiet\"",
                 fmt::format("{}, {} is better", metric.title, metric.less_is_better ? "less" : "more"));
  y += kTitle;
  for (const Row& row : result.rows) {
    if (!has_value(row)) continue;
    const double value = row.figures.front().median;
    const double full = kWidth - 2 * kMargin - kNames - kValues;
    const double width = most > 0 ? full * value / most : 0;
    svg += text_at(kMargin + kNames - 8, y + 14, " text-anchor=\"end\"", row.about.name);
    svg += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" rx=\"2\"/>\n",
                       row.about.ours ? "ours" : "other", kMargin + kNames, y, std::max(width, 1.0), kBar);
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\">{:.{}f}</text>\n", kMargin + kNames + width + 8, y + 14, value,
                       metric.decimals);
    y += kStep;
  }
  y += kGap;
  return svg;
}

}  // namespace

std::string to_svg(const Machine& machine, const std::vector<Result>& results) {
  int y = kMargin;
  std::string panels;
  for (const Result& result : results)
    if (std::ranges::any_of(result.rows, has_value)) panels += panel(result, y);
  panels +=
      text_at(kMargin, y, " class=\"quiet\"",
              fmt::format("{} CPUs of {}, Linux {}, {}", machine.cpus, machine.cpu, machine.kernel, machine.compiler));
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">\n",
             kWidth, y + kMargin) +
         std::string(kStyle) + panels + "</svg>\n";
}

}  // namespace hawser::compare
