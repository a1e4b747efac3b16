// qlog_series.h: a line over time in bounded memory: what falls into one span of time is kept as its least
// and its greatest value, and the spans grow as the time does.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hawser::app {

// Spans of time, twice as long whenever they no longer reach. Cell has merge(const Cell& later).
// Times before the first belong to the first span.
template <class Cell>
class TimeCells {
 public:
  static constexpr std::size_t kCells = 512;

  Cell& at(double ms) {
    if (cells_.empty()) origin_ = ms;
    std::size_t index = index_of(ms);
    while (index >= kCells) {
      halve();
      index = index_of(ms);
    }
    if (index >= cells_.size()) cells_.resize(index + 1);
    return cells_[index];
  }
  [[nodiscard]] const std::vector<Cell>& cells() const { return cells_; }
  // Null past the last.
  Cell* find(std::size_t index) { return index < cells_.size() ? &cells_[index] : nullptr; }
  [[nodiscard]] double start_of(std::size_t index) const { return origin_ + width_ms_ * static_cast<double>(index); }
  [[nodiscard]] double width_ms() const { return width_ms_; }

  [[nodiscard]] std::size_t index_of(double ms) const {
    const double index = (ms - origin_) / width_ms_;
    // Capped before the conversion, which has no other meaning for what does not fit.
    return index <= 0 ? 0 : static_cast<std::size_t>(std::min(index, 1e18));
  }

 private:
  void halve() {
    for (std::size_t i = 0; i < cells_.size(); i += 2) {
      Cell cell = cells_[i];
      if (i + 1 < cells_.size()) cell.merge(cells_[i + 1]);
      cells_[i / 2] = cell;
    }
    cells_.resize((cells_.size() + 1) / 2);
    width_ms_ *= 2;
  }

  double origin_ = 0;
  double width_ms_ = 0.01;
  std::vector<Cell> cells_;
};

struct ValueCell {
  double min = 0;
  double max = 0;
  double last = 0;
  bool rises = true;  // the least value came first
  bool used = false;

  void add(double value) { merge(ValueCell{.min = value, .max = value, .last = value, .used = true}); }
  void merge(const ValueCell& later) {
    if (!later.used) return;
    if (!used) {
      *this = later;
      return;
    }
    rises = later.max >= max;
    min = std::min(min, later.min);
    max = std::max(max, later.max);
    last = later.last;
  }
};

struct CountCell {
  std::uint64_t count = 0;
  void merge(const CountCell& later) { count += later.count; }
};

using ValueSeries = TimeCells<ValueCell>;
using CountSeries = TimeCells<CountCell>;

}  // namespace hawser::app
