// perf_histogram.h: durations by size class, so that percentiles of any number of samples
// cost 30 KB. A percentile is at most 1/64 above the true one; least, most and mean are exact.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace hawser::perf {

class Histogram {
 public:
  void add(Duration sample) {
    const auto value = static_cast<std::uint64_t>(sample.count() < 0 ? 0 : sample.count());
    ++counts_[index_of(value)];
    ++count_;
    sum_ += static_cast<double>(value);
    least_ = std::min(least_, value);
    most_ = std::max(most_, value);
  }
  void add_all(const Histogram& o) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += o.counts_[i];
    count_ += o.count_;
    sum_ += o.sum_;
    least_ = std::min(least_, o.least_);
    most_ = std::max(most_, o.most_);
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // 0 without samples.
  [[nodiscard]] Duration least() const { return Duration{count_ == 0 ? 0 : static_cast<std::int64_t>(least_)}; }
  [[nodiscard]] Duration most() const { return Duration{static_cast<std::int64_t>(most_)}; }
  [[nodiscard]] Duration mean() const {
    return Duration{count_ == 0 ? 0 : static_cast<std::int64_t>(sum_ / static_cast<double>(count_))};
  }

  // The duration that `share` (0 to 1) of the samples do not exceed; 0 without samples.
  [[nodiscard]] Duration percentile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_) + 0.5);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (counts_[i] != 0 && seen >= wanted)
        return Duration{static_cast<std::int64_t>(std::min<std::uint64_t>(upper_end(i), most_))};
    }
    return Duration{0};
  }

 private:
  static constexpr unsigned kStepBits = 6;  // 64 classes for each power of two
  static constexpr std::size_t kSteps = std::size_t{1} << kStepBits;

  // Values below 64 have a class each; above, the exponent and the six bits behind the
  // highest one choose it.
  static std::size_t index_of(std::uint64_t value) {
    if (value < kSteps) return static_cast<std::size_t>(value);
    const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1 - kStepBits;
    return static_cast<std::size_t>((exponent + 1) * kSteps + ((value >> exponent) - kSteps));
  }
  static std::uint64_t upper_end(std::size_t index) {
    if (index < kSteps) return index;
    const std::size_t exponent = index / kSteps - 1;
    return ((index % kSteps + kSteps + 1) << exponent) - 1;
  }

  std::array<std::uint64_t, (64 - kStepBits + 1) * kSteps> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;  // of nanoseconds: years of samples do not overflow it
  std::uint64_t least_ = UINT64_MAX;
  std::uint64_t most_ = 0;
};

}  // namespace hawser::perf
