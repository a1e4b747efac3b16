// range_set.h: a sorted set of disjoint half-open ranges of 64-bit integers, for received
// packet numbers, received stream octets and acknowledged stream octets. Its size is
// bounded by the caller, who looks at size() and decides what past the limit means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hawser {

struct Range {
  std::uint64_t begin = 0;  // first member
  std::uint64_t end = 0;    // one past the last
  auto operator<=>(const Range&) const = default;
  [[nodiscard]] std::uint64_t size() const { return end - begin; }
};

class RangeSet {
 public:
  // Adds [begin, end), merging what touches. True if any member is new. Appending at the
  // top, the common case, is constant time; elsewhere it is a binary search and a move.
  bool add(std::uint64_t begin, std::uint64_t end);
  // Removes every member of [begin, end).
  void remove(std::uint64_t begin, std::uint64_t end);
  // Removes the lowest range; size() > 0.
  void drop_lowest() { ranges_.erase(ranges_.begin()); }
  void clear() { ranges_.clear(); }
  // Gives capacity back that holds nothing.
  void rest() {
    if (ranges_.empty()) ranges_ = std::vector<Range>();
  }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return ranges_.capacity() * sizeof(Range); }

  [[nodiscard]] bool contains(std::uint64_t value) const;
  // The part of [begin, end) that is absent from its start: an empty range if none is.
  [[nodiscard]] Range first_gap(std::uint64_t begin, std::uint64_t end) const;

  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] std::size_t size() const { return ranges_.size(); }  // how many ranges
  [[nodiscard]] const Range& operator[](std::size_t i) const { return ranges_[i]; }
  [[nodiscard]] const Range& lowest() const { return ranges_.front(); }
  [[nodiscard]] const Range& highest() const { return ranges_.back(); }
  [[nodiscard]] auto begin() const { return ranges_.begin(); }
  [[nodiscard]] auto end() const { return ranges_.end(); }

 private:
  std::vector<Range> ranges_;  // ascending, disjoint, never touching
};

}  // namespace hawser
