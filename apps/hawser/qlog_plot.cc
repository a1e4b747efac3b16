// qlog_plot.cc: series of an event's values, and the panels that show them.
#include "qlog_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "qlog_values.h"

namespace hawser::app {
namespace {

// Colours of the reasons, by StallReason: what flows is the grey one.
constexpr std::array<std::size_t, kStallReasons> kStallColors = {7, 3, 0, 4, 1, 5, 2, 6};
constexpr std::array<const char*, kStallReasons> kStallLabels = {
    "sends", "congestion window", "pacing", "amplification", "flow control", "stream limit", "application", "other"};

struct Unit {
  const char* name;
  double scale;
};
Unit unit_of(double octets) {
  if (octets >= 2e9) return {"GB", 1e9};
  if (octets >= 2e6) return {"MB", 1e6};
  return {"kB", 1e3};
}

double greatest(const ValueSeries& series) {
  double top = 0;
  for (const ValueCell& cell : series.cells())
    if (cell.used) top = std::max(top, cell.max);
  return top;
}

void add_number(ValueSeries& series, const QlogEvent& event, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    double value = 0;
    // Nothing that a connection has comes near a quintillion.
    if (event.data[name].get(value) != simdjson::SUCCESS || value < 0 || value > 1e18) continue;
    return series.at(event.time_ms).add(value);
  }
}

void add_line(ChartPanel& panel, std::string label, std::size_t color, const ValueSeries& series, bool dashed = false,
              bool thin = false) {
  if (series.cells().empty()) return;
  panel.lines.push_back(
      {.label = std::move(label), .color = color, .series = &series, .is_dashed = dashed, .is_thin = thin});
}

}  // namespace

void QlogPlot::add_metrics(const QlogEvent& event) {
  add_number(window_, event, {"congestion_window", "cwnd"});
  add_number(in_flight_, event, {"bytes_in_flight"});
  add_number(threshold_, event, {"ssthresh"});
  add_number(latest_rtt_, event, {"latest_rtt"});
  add_number(smoothed_rtt_, event, {"smoothed_rtt"});
  add_number(min_rtt_, event, {"min_rtt"});
}

void QlogPlot::add_streams(const QlogEvent& event, bool sent) {
  const double now = event.time_ms;
  for_each_stream_frame(event.data, [&](std::uint64_t id, std::uint64_t offset, std::uint64_t octets) {
    Progress& all = all_[sent ? 1 : 0];
    all.octets += octets;
    all.line.at(now).add(static_cast<double>(all.octets));
    const StreamKey key{id, sent};
    if (streams_.size() >= kStreamsMax && !streams_.contains(key)) return;
    Progress& stream = streams_[key];
    stream.octets = std::max(stream.octets, offset + octets);
    stream.line.at(now).add(static_cast<double>(stream.octets));
  });
}

// Each span of time gets its part, so that the spans can be joined later.
void QlogPlot::add_stall(const Stall& stall) {
  (void)stalls_.at(stall.from_ms);
  (void)stalls_.at(stall.to_ms);
  const auto reason = static_cast<std::size_t>(stall.reason);
  for (std::size_t index = stalls_.index_of(stall.from_ms);; ++index) {
    const double from = std::max(stall.from_ms, stalls_.start_of(index));
    const double to = std::min(stall.to_ms, stalls_.start_of(index + 1));
    StallCell* const cell = stalls_.find(index);
    if (cell == nullptr) return;
    cell->ms[reason] += std::max(to - from, 0.0);
    if (to >= stall.to_ms) return;
  }
}

void QlogPlot::add(const QlogEvent& event) {
  first_ = std::min(first_, event.time_ms);
  last_ = std::max(last_, event.time_ms);
  const std::string_view name = event.event;
  if (name == "recovery_metrics_updated" || name == "metrics_updated") {
    add_metrics(event);
  } else if (name == "packet_sent") {
    add_streams(event, true);
  } else if (name == "packet_received") {
    add_streams(event, false);
  } else if (name == "packet_lost") {
    ++lost_packets_;
    ++lost_.at(event.time_ms).count;
  } else if (name == "recovery_parameters_set" || name == "parameters_set") {
    if (const std::string_view word = qlog_word(event.data, "congestion_control"); !word.empty()) controller_ = word;
  }
  if (const auto stall = stall_.add(event)) add_stall(*stall);
}

std::string QlogPlot::svg(std::string_view name, std::string_view vantage) const {
  QlogPlot whole = *this;  // with what holds at the end
  if (const auto stall = stall_.rest(last_)) whole.add_stall(*stall);
  Chart chart{.title = std::string(name),
              .subtitle = fmt::format("{}{}{}; {} packets lost", vantage.empty() ? "unknown end" : vantage,
                                      controller_.empty() ? "" : ", congestion control ", controller_, lost_packets_),
              .from_ms = empty() ? 0 : first_,
              .to_ms = empty() ? 0 : last_,
              .panels = {}};
  whole.add_panels(chart);
  return write_svg(chart);
}

void QlogPlot::add_panels(Chart& chart) const {
  const Unit window = unit_of(std::max(greatest(window_), greatest(in_flight_)));
  ChartPanel flight{.title = "Congestion window", .unit = window.name, .scale = window.scale, .height = 150};
  add_line(flight, "bytes in flight", 1, in_flight_, false, true);
  add_line(flight, "congestion window", 0, window_);
  // A threshold far above the window would flatten everything else.
  if (greatest(threshold_) <= 2 * greatest(window_))
    add_line(flight, "slow start threshold", 7, threshold_, true, true);
  ChartPanel rtt{.title = "Round trip", .unit = "ms", .height = 120};
  add_line(rtt, "latest", 1, latest_rtt_, false, true);
  add_line(rtt, "smoothed", 0, smoothed_rtt_);
  add_line(rtt, "least", 2, min_rtt_, true);
  ChartPanel lost{.title = "Packets declared lost", .unit = "", .height = 60};
  if (!lost_.cells().empty()) {
    lost.title += fmt::format(", each {:.4g} ms", lost_.width_ms());
    lost.bars.push_back({.label = "lost", .color = 3, .series = &lost_});
  }
  chart.panels = {std::move(flight), std::move(rtt), std::move(lost)};
  if (stall_.is_known()) chart.panels.push_back(stall_panel());
  chart.panels.push_back(stream_panel());
}

// In each span of time the state that took most of it; neighbours of one state are one band.
ChartPanel QlogPlot::stall_panel() const {
  ChartPanel panel{.title = "What the sender waits for", .unit = "", .height = 18, .has_scale = false};
  std::array<bool, kStallReasons> is_seen{};
  const auto& cells = stalls_.cells();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto& ms = cells[i].ms;
    const auto longest = std::max_element(ms.begin(), ms.end());
    if (*longest <= 0) continue;
    const auto reason = static_cast<std::size_t>(longest - ms.begin());
    is_seen[reason] = true;
    const double from = stalls_.start_of(i);
    const double to = stalls_.start_of(i + 1);
    const std::size_t color = kStallColors[reason];
    if (!panel.bands.empty() && panel.bands.back().color == color && panel.bands.back().to_ms >= from) {
      panel.bands.back().to_ms = to;
    } else {
      panel.bands.push_back({.color = color, .from_ms = from, .to_ms = to});
    }
  }
  for (std::size_t i = 0; i < kStallReasons; ++i)
    if (is_seen[i]) panel.legend.push_back({kStallLabels[i], kStallColors[i]});
  return panel;
}

ChartPanel QlogPlot::stream_panel() const {
  const Unit unit = unit_of(std::max(greatest(all_[0].line), greatest(all_[1].line)));
  ChartPanel panel{.title = "Stream data", .unit = unit.name, .scale = unit.scale, .height = 150};
  std::vector<const std::pair<const StreamKey, Progress>*> order;
  for (const auto& stream : streams_) order.push_back(&stream);
  std::ranges::stable_sort(order, std::greater{}, [](const auto* stream) { return stream->second.octets; });
  if (order.size() > 1) {
    add_line(panel, "all sent", 7, all_[1].line);
    add_line(panel, "all received", 7, all_[0].line, true);
  }
  order.resize(std::min(order.size(), kStreamLines));
  std::size_t color = 0;
  for (const auto* stream : order) {
    const auto& [id, is_sent] = stream->first;
    add_line(panel, fmt::format("{} {}", is_sent ? "sent" : "received", id), color++, stream->second.line, !is_sent);
  }
  return panel;
}

}  // namespace hawser::app
