// svg_chart.h: panels of lines, bars and bands over one axis, mostly of time, as an SVG that reads on light and dark.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "qlog_series.h"

namespace hawser::app {

// What a text may be in XML: everything else in it becomes '?'.
std::string svg_text(std::string_view text);

// The least of 1, 2 or 5 times a power of ten of which `range` has at most `most` steps.
double nice_step(double range, int most);

// Colours are classes of the stylesheet, "c0" to "c7": readable on both grounds and apart for most kinds of
// colour blindness.
struct ChartLine {
  std::string label;
  std::size_t color = 0;
  const ValueSeries* series = nullptr;
  bool is_dashed = false;
  bool is_thin = false;
};
struct ChartBars {
  std::string label;
  std::size_t color = 0;
  const CountSeries* series = nullptr;
};
struct ChartBand {
  std::size_t color = 0;
  double from_ms = 0;
  double to_ms = 0;
};
struct LegendEntry {
  std::string label;
  std::size_t color = 0;
};

struct ChartPanel {
  std::string title;
  std::string unit;     // of the values as they are written: "kB"
  double scale = 1;     // values are divided by it
  double height = 130;  // pixels
  std::vector<ChartLine> lines{};
  std::vector<ChartBars> bars{};
  std::vector<ChartBand> bands{};
  std::vector<LegendEntry> legend{};  // of the bands
  bool has_scale = true;              // false: bands alone
};

struct Chart {
  std::string title;
  std::string subtitle;
  double from_ms = 0;
  double to_ms = 0;
  std::vector<ChartPanel> panels;
  std::string axis{};  // what the axis at the bottom counts, if it is no time
};

// The same chart gives the same octets.
std::string write_svg(const Chart& chart);

}  // namespace hawser::app
