// shared_bottleneck.cc: statistics over intervals, and grouping by them one after the other.
#include "quic/congestion/shared_bottleneck.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace hawser::quic {

namespace {

// RFC 8382 section 2.2.
constexpr double kSkewCongested = 0.1;       // c_s
constexpr double kSkewStillCongested = 0.3;  // c_h
constexpr double kSameSkew = 0.15;           // p_s
constexpr double kSameFrequency = 0.1;       // p_f
constexpr double kSameVariation = 0.1;       // p_mad, of the larger
constexpr double kSameLoss = 0.1;            // p_d, of the larger
constexpr double kLossCongested = 0.05;      // p_l
constexpr double kClearCrossing = 0.7;       // p_v, of the variation

}  // namespace

void DelayStatistics::on_delay(Duration delay) {
  const double seconds = to_seconds(delay);
  sum_ += seconds;
  ++count_;
  if (intervals_ == 0) return;
  deviations_ += std::abs(seconds - previous_mean_);
  below_less_above_ += (seconds < mean_of_means_) - (seconds > mean_of_means_);
}

void DelayStatistics::end_interval() {
  Interval& interval = ring_[intervals_ % kLongIntervals];
  interval = {.deviations = deviations_,
              .skew = below_less_above_,
              .count = count_,
              .sent = static_cast<std::uint32_t>(sent_),
              .lost = static_cast<std::uint32_t>(lost_)};
  if (count_ != 0) {
    interval.mean = sum_ / count_;
    const double clear = kClearCrossing * variation_;
    const int side = (interval.mean > mean_of_means_ + clear) - (interval.mean < mean_of_means_ - clear);
    interval.crossed = side != 0 && side_ != 0 && side != side_;
    if (side != 0) side_ = side;
    previous_mean_ = interval.mean;
  }
  ++intervals_;
  sum_ = deviations_ = 0;
  below_less_above_ = 0;
  count_ = 0;
  sent_ = lost_ = 0;
  summarise();
}

void DelayStatistics::summarise() {
  double skew = 0;
  double deviations = 0;
  double count = 0;
  double means = 0;
  double with_samples = 0;
  double crossings = 0;
  double sent = 0;
  double lost = 0;
  const std::size_t known = std::min(intervals_, kLongIntervals);
  for (std::size_t age = 0; age < known; ++age) {
    const Interval& interval = ring_[(intervals_ - 1 - age) % kLongIntervals];
    crossings += interval.crossed;
    sent += interval.sent;
    lost += interval.lost;
    if (age >= kShortIntervals || interval.count == 0) continue;
    skew += interval.skew;
    deviations += interval.deviations;
    count += interval.count;
    means += interval.mean;
    ++with_samples;
  }
  if (count > 0) {
    skew_ = skew / count;
    variation_ = deviations / count;
    mean_of_means_ = means / with_samples;
  }
  frequency_ = crossings / static_cast<double>(known);
  loss_ = sent > 0 ? std::min(lost / sent, 1.0) : 0;
}

namespace {

struct Entry {
  std::size_t flow;
  std::size_t group;
  double key;
};

// Splits each group where two neighbours by `key` differ too much.
template <class Key, class Same>
void split(std::span<Entry> entries, Key key, Same same) {
  for (Entry& entry : entries) entry.key = key(entry.flow);
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.group != b.group ? a.group < b.group : a.key > b.key; });
  std::size_t next = 0;
  std::size_t old_group = SIZE_MAX;
  double larger = 0;
  for (Entry& entry : entries) {
    if (old_group != SIZE_MAX && (entry.group != old_group || !same(larger, entry.key))) ++next;
    old_group = entry.group;
    larger = entry.key;
    entry.group = next;
  }
}

bool passes_bottleneck(const DelayStatistics& flow) {
  return flow.skew() < kSkewCongested || (flow.congested && flow.skew() < kSkewStillCongested) ||
         flow.loss() > kLossCongested;
}

}  // namespace

void group_by_bottleneck(std::span<DelayStatistics* const> flows, std::span<std::size_t> groups) {
  HAWSER_CHECK(flows.size() <= kMaxGrouped && groups.size() == flows.size());
  std::array<Entry, kMaxGrouped> all{};
  std::size_t count = 0;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    groups[i] = kNoBottleneck;
    if (!flows[i]->ready()) continue;
    flows[i]->congested = passes_bottleneck(*flows[i]);
    if (flows[i]->congested) all[count++] = {.flow = i, .group = 0, .key = 0};
  }
  const std::span<Entry> entries{all.data(), count};
  const auto within = [](double share) {
    return [share](double larger, double smaller) { return larger - smaller <= share * larger; };
  };
  split(
      entries, [&](std::size_t i) { return flows[i]->frequency(); },
      [](double larger, double smaller) { return larger - smaller < kSameFrequency; });
  split(entries, [&](std::size_t i) { return flows[i]->variation(); }, within(kSameVariation));
  split(
      entries, [&](std::size_t i) { return flows[i]->skew(); },
      [](double larger, double smaller) { return larger - smaller < kSameSkew; });
  // Loss tells flows apart only where there is much of it.
  split(
      entries, [&](std::size_t i) { return flows[i]->loss() > kLossCongested ? flows[i]->loss() : 0; },
      within(kSameLoss));
  for (const Entry& entry : entries) groups[entry.flow] = entry.group;
}

}  // namespace hawser::quic
