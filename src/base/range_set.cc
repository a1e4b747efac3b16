// range_set.cc: merging and splitting of ranges.
#include "base/range_set.h"

#include <algorithm>

namespace hawser {

namespace {

// The first range whose end is at or after `value`.
template <class Ranges>
auto first_reaching(Ranges& ranges, std::uint64_t value) {
  return std::lower_bound(ranges.begin(), ranges.end(), value,
                          [](const Range& range, std::uint64_t v) { return range.end < v; });
}

}  // namespace

bool RangeSet::add(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return false;
  if (ranges_.empty() || begin > ranges_.back().end) {
    ranges_.push_back({begin, end});
    return true;
  }
  if (begin >= ranges_.back().begin) {
    if (end <= ranges_.back().end) return false;
    ranges_.back().end = end;
    return true;
  }
  const auto first = first_reaching(ranges_, begin);
  if (first->begin <= begin && end <= first->end) return false;
  if (end < first->begin) {
    ranges_.insert(first, {begin, end});
    return true;
  }
  // Every range from `first` that touches [begin, end) melts into one.
  auto last = first;
  while (last != ranges_.end() && last->begin <= end) {
    begin = std::min(begin, last->begin);
    end = std::max(end, last->end);
    ++last;
  }
  *first = {begin, end};
  ranges_.erase(first + 1, last);
  return true;
}

void RangeSet::remove(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return;
  auto range = std::lower_bound(ranges_.begin(), ranges_.end(), begin,
                                [](const Range& r, std::uint64_t v) { return r.end <= v; });
  if (range == ranges_.end()) return;
  if (range->begin < begin && range->end > end) {
    const Range upper{end, range->end};
    range->end = begin;
    ranges_.insert(range + 1, upper);
    return;
  }
  if (range->begin < begin) {
    range->end = begin;
    ++range;
  }
  auto last = range;
  while (last != ranges_.end() && last->end <= end) ++last;
  if (last != ranges_.end() && last->begin < end) last->begin = end;
  ranges_.erase(range, last);
}

bool RangeSet::contains(std::uint64_t value) const {
  const auto range = std::upper_bound(ranges_.begin(), ranges_.end(), value,
                                      [](std::uint64_t v, const Range& r) { return v < r.end; });
  return range != ranges_.end() && range->begin <= value;
}

Range RangeSet::first_gap(std::uint64_t begin, std::uint64_t end) const {
  auto range = std::upper_bound(ranges_.begin(), ranges_.end(), begin,
                                [](std::uint64_t v, const Range& r) { return v < r.end; });
  if (range != ranges_.end() && range->begin <= begin) {
    begin = range->end;
    ++range;
  }
  if (begin >= end) return {end, end};
  return {begin, range == ranges_.end() ? end : std::min(end, range->begin)};
}

}  // namespace hawser
