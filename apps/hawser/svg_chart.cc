// svg_chart.cc: one time axis at the bottom, a panel above the other, a legend beside each title.
#include "svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/markup.h"

namespace hawser::app {
namespace {

constexpr double kWidth = 960;
constexpr double kLeft = 70;
constexpr double kRight = 20;
constexpr double kInner = kWidth - kLeft - kRight;
constexpr double kTop = 50;     // title and subtitle
constexpr double kHead = 24;    // a panel's title and legend
constexpr double kGap = 12;     // below a panel
constexpr double kFoot = 40;    // labels of the time axis
constexpr double kGlyph = 6.2;  // width of a letter, for the legend

constexpr std::string_view kStyle = R"(<style>
svg{--g:#fff;--t:#1b1f24;--m:#5c6670;--l:#d5dae0}
.g{fill:var(--g)}text{fill:var(--t);font:11px system-ui,sans-serif}.h{font-size:15px;font-weight:600}
.p{font-weight:600}.m{fill:var(--m)}.e{text-anchor:end}.c{text-anchor:middle}
.a{stroke:var(--l);stroke-width:1;fill:none}.s{fill:none;stroke-width:1.5;stroke-linejoin:round}.n{stroke-width:.8}
.d{stroke-dasharray:5 3}
.c0{--c:#0969da}.c1{--c:#d1690e}.c2{--c:#1a8a4b}.c3{--c:#c4314b}.c4{--c:#8250df}.c5{--c:#0a8a9a}.c6{--c:#8a6d00}.c7{--c:#8a94a0}
.s{stroke:var(--c)}.f{fill:var(--c)}
@media(prefers-color-scheme:dark){svg{--g:#12161c;--t:#e3e8ee;--m:#97a3b0;--l:#333c47}
.c0{--c:#58a6ff}.c1{--c:#f0964a}.c2{--c:#4cc27e}.c3{--c:#ff6b81}.c4{--c:#b794ff}.c5{--c:#3ec9d6}.c6{--c:#d9b93a}.c7{--c:#7d8894}}
</style>
)";

class SvgWriter {
 public:
  explicit SvgWriter(const Chart& chart) : chart_(chart) {
    span_ = std::max(chart.to_ms - chart.from_ms, 1e-6);
    in_seconds_ = chart.axis.empty() && span_ >= 10'000;
  }

  std::string write() {
    double height = kTop + kFoot;
    for (const ChartPanel& panel : chart_.panels) height += kHead + panel.height + kGap;
    put("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\">\n<title>{}</title>\n", kWidth,
        height, svg_text(chart_.title));
    out_ += kStyle;
    put("<rect class=\"g\" width=\"{}\" height=\"{}\"/>\n", kWidth, height);
    put("<text class=\"h\" x=\"{}\" y=\"22\">{}</text>\n<text class=\"m\" x=\"{}\" y=\"40\">{}</text>\n", kLeft,
        svg_text(chart_.title), kLeft, svg_text(chart_.subtitle));
    double y = kTop;
    for (const ChartPanel& panel : chart_.panels) {
      write_panel(panel, y + kHead);
      y += kHead + panel.height + kGap;
    }
    write_time_labels(y);
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  template <class... Args>
  void put(fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), text, std::forward<Args>(args)...);
  }
  [[nodiscard]] double x_of(double ms) const {
    return kLeft + kInner * std::clamp((ms - chart_.from_ms) / span_, 0.0, 1.0);
  }

  // Calls at(time in ms) for each line of the grid.
  template <class At>
  void for_each_tick(const At& at) const {
    const double step = nice_step(span_, 10);
    for (double ms = 0; ms <= span_ * (1 + 1e-9); ms += step) at(ms);
  }

  void write_time_labels(double y) {
    for_each_tick([&](double ms) {
      put("<text class=\"m c\" x=\"{:.1f}\" y=\"{}\">{:.6g}</text>\n", x_of(chart_.from_ms + ms), y + 4,
          in_seconds_ ? ms / 1e3 : ms);
    });
    const std::string axis =
        chart_.axis.empty() ? fmt::format("time since the first event [{}]", in_seconds_ ? "s" : "ms") : chart_.axis;
    put("<text class=\"m c\" x=\"{}\" y=\"{}\">{}</text>\n", kLeft + kInner / 2, y + 22, svg_text(axis));
  }

  void write_panel(const ChartPanel& panel, double top) {
    put("<text class=\"p\" x=\"{}\" y=\"{}\">{}{}</text>\n", kLeft, top - 8, svg_text(panel.title),
        panel.unit.empty() ? "" : " [" + svg_text(panel.unit) + "]");
    write_legend(panel, top - 8);
    out_ += "<path class=\"a\" d=\"";
    for_each_tick([&](double ms) { put("M{:.1f} {}v{}", x_of(chart_.from_ms + ms), top, panel.height); });
    put("M{} {}h{}v{}h{}z\"/>\n", kLeft, top, kInner, panel.height, -kInner);
    for (const ChartBand& band : panel.bands) {
      const double from = x_of(band.from_ms);
      put("<rect class=\"f c{}\" x=\"{:.1f}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\"/>\n", band.color, from, top + 1,
          std::max(x_of(band.to_ms) - from, 0.1), panel.height - 2);
    }
    if (!panel.has_scale) return;
    // What is counted has no halves.
    const double step = std::max(nice_step(std::max(top_of(panel), 1e-9), 4), panel.bars.empty() ? 0.0 : 1.0);
    const double top_value = std::max(std::ceil(top_of(panel) / step), 1.0) * step;
    for (double value = 0; value <= top_value * (1 + 1e-9); value += step) {
      const double y = top + panel.height * (1 - value / top_value);
      put("<path class=\"a\" d=\"M{} {:.1f}h{}\"/><text class=\"m e\" x=\"{}\" y=\"{:.1f}\">{:.6g}</text>\n", kLeft, y,
          kInner, kLeft - 6, y + 4, value);
    }
    for (const ChartBars& bars : panel.bars) write_bars(bars, panel, top, top_value);
    for (const ChartLine& line : panel.lines) write_line(line, panel, top, top_value);
  }

  static double top_of(const ChartPanel& panel) {
    double top = 0;
    for (const ChartLine& line : panel.lines)
      for (const ValueCell& cell : line.series->cells())
        if (cell.used) top = std::max(top, cell.max / panel.scale);
    for (const ChartBars& bars : panel.bars)
      for (const CountCell& cell : bars.series->cells()) top = std::max(top, static_cast<double>(cell.count));
    return top;
  }

  // From the right end, so that titles and legends share the line above a panel.
  void write_legend(const ChartPanel& panel, double y) {
    std::vector<LegendEntry> entries = panel.legend;
    for (const ChartBars& bars : panel.bars) entries.push_back({bars.label, bars.color});
    const auto entry_width = [](const std::string& label) { return 30 + kGlyph * static_cast<double>(label.size()); };
    double x = kLeft + kInner;
    for (const LegendEntry& entry : entries) x -= entry_width(entry.label);
    for (const ChartLine& line : panel.lines) x -= entry_width(line.label);
    for (const LegendEntry& entry : entries) {
      put("<rect class=\"f c{}\" x=\"{:.1f}\" y=\"{}\" width=\"16\" height=\"8\"/>", entry.color, x, y - 8);
      put("<text x=\"{:.1f}\" y=\"{}\">{}</text>\n", x + 20, y, svg_text(entry.label));
      x += entry_width(entry.label);
    }
    for (const ChartLine& line : panel.lines) {
      put("<path class=\"{} c{}\" d=\"M{:.1f} {}h16\"/>", line_class(line), line.color, x, y - 4);
      put("<text x=\"{:.1f}\" y=\"{}\">{}</text>\n", x + 20, y, svg_text(line.label));
      x += entry_width(line.label);
    }
  }

  static std::string_view line_class(const ChartLine& line) {
    if (line.is_dashed) return line.is_thin ? "s d n" : "s d";
    return line.is_thin ? "s n" : "s";
  }

  void write_line(const ChartLine& line, const ChartPanel& panel, double top, double top_value) {
    put("<path class=\"{} c{}\" d=\"", line_class(line), line.color);
    char command = 'M';
    const auto point = [&](double ms, double value) {
      put("{}{:.1f} {:.1f}", command, x_of(ms), top + panel.height * (1 - value / panel.scale / top_value));
      command = 'L';
    };
    const std::vector<ValueCell>& cells = line.series->cells();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const ValueCell& cell = cells[i];
      if (!cell.used) continue;
      const double ms = line.series->start_of(i);
      point(ms, cell.rises ? cell.min : cell.max);
      if (cell.min != cell.max) point(ms + line.series->width_ms() / 2, cell.rises ? cell.max : cell.min);
      if (cell.last != (cell.rises ? cell.max : cell.min)) point(ms + line.series->width_ms(), cell.last);
    }
    out_ += "\"/>\n";
  }

  void write_bars(const ChartBars& bars, const ChartPanel& panel, double top, double top_value) {
    put("<path class=\"f c{}\" d=\"", bars.color);
    const std::vector<CountCell>& cells = bars.series->cells();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (cells[i].count == 0) continue;
      const double from = x_of(bars.series->start_of(i));
      const double width = std::max(x_of(bars.series->start_of(i + 1)) - from, 1.5);
      const double height = panel.height * static_cast<double>(cells[i].count) / top_value;
      put("M{:.1f} {:.1f}h{:.1f}v{:.1f}h{:.1f}z", from, top + panel.height, width, -height, -width);
    }
    out_ += "\"/>\n";
  }

  const Chart& chart_;
  double span_ = 1;
  bool in_seconds_ = false;
  std::string out_;
};

}  // namespace

std::string svg_text(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c < ' ' || c > '~'; }, '?');
  return escape_markup(out);
}

double nice_step(double range, int most) {
  const double least = range / most;
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

std::string write_svg(const Chart& chart) {
  return SvgWriter(chart).write();
}

}  // namespace hawser::app
