// qlog_plot.h: what a connection's log says over time, as a chart: window and bytes in flight, round
// trips, losses, what held the sender back, and how its streams got on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "qlog_reader.h"
#include "qlog_series.h"
#include "qlog_stalls.h"
#include "svg_chart.h"

namespace hawser::app {

class QlogPlot {
 public:
  // Streams that are followed, each direction of each: 12 to 24 kB of memory. The first ones count; later
  // ones are only in the sum of all.
  static constexpr std::size_t kStreamsMax = 64;
  // Streams with lines of their own: those that moved most.
  static constexpr std::size_t kStreamLines = 4;

  void add(const QlogEvent& event);
  // The chart as SVG. `name` and `vantage` stand above it.
  [[nodiscard]] std::string svg(std::string_view name, std::string_view vantage) const;
  [[nodiscard]] bool empty() const { return first_ > last_; }

 private:
  // Milliseconds spent in each state during one span of time.
  struct StallCell {
    std::array<double, kStallReasons> ms{};
    void merge(const StallCell& later) {
      for (std::size_t i = 0; i < ms.size(); ++i) ms[i] += later.ms[i];
    }
  };
  // One direction of stream data: the end of what was seen.
  struct Progress {
    std::uint64_t octets = 0;
    ValueSeries line;
  };
  using StreamKey = std::pair<std::uint64_t, bool>;  // ID, and whether we send

  void add_streams(const QlogEvent& event, bool sent);
  void add_metrics(const QlogEvent& event);
  void add_stall(const Stall& stall);
  void add_panels(Chart& chart) const;
  [[nodiscard]] ChartPanel stall_panel() const;
  [[nodiscard]] ChartPanel stream_panel() const;

  double first_ = std::numeric_limits<double>::infinity();
  double last_ = -std::numeric_limits<double>::infinity();
  ValueSeries window_, in_flight_, threshold_;
  ValueSeries latest_rtt_, smoothed_rtt_, min_rtt_;
  CountSeries lost_;
  std::uint64_t lost_packets_ = 0;
  StallClock stall_;
  TimeCells<StallCell> stalls_;
  std::array<Progress, 2> all_;  // received, sent; with what came or went again
  std::map<StreamKey, Progress> streams_;
  std::string controller_;
};

}  // namespace hawser::app
