// range_set_test.cc: goal: RangeSet agrees with a plain set of integers. Method: fixed
// cases for each way of touching, then random operations against std::set.
#include "base/range_set.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"

namespace hawser {
namespace {

TEST(range_set, adding_a_neighbour_merges) {
  RangeSet set;
  EXPECT_TRUE(set.add(5, 6));
  EXPECT_TRUE(set.add(3, 4));
  EXPECT_EQ(set.size(), 2u);
  EXPECT_TRUE(set.add(4, 5));
  ASSERT_EQ(set.size(), 1u);
  EXPECT_EQ(set[0], (Range{3, 6}));
  EXPECT_FALSE(set.add(3, 6));
}

TEST(range_set, removing_the_middle_splits) {
  RangeSet set;
  set.add(0, 10);
  set.remove(4, 6);
  ASSERT_EQ(set.size(), 2u);
  EXPECT_EQ(set[0], (Range{0, 4}));
  EXPECT_EQ(set[1], (Range{6, 10}));
}

TEST(range_set, first_gap_is_clipped_to_what_was_asked) {
  RangeSet set;
  set.add(10, 20);
  EXPECT_EQ(set.first_gap(0, 5), (Range{0, 5}));
  EXPECT_EQ(set.first_gap(0, 15), (Range{0, 10}));
  EXPECT_EQ(set.first_gap(12, 30), (Range{20, 30}));
  EXPECT_EQ(set.first_gap(12, 18).size(), 0u);
}

TEST(range_set, agrees_with_a_set_of_integers) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SeededRandom random(seed);
    RangeSet ranges;
    std::set<std::uint64_t> model;
    for (int step = 0; step < 200; ++step) {
      const std::uint64_t begin = random.below(100);
      const std::uint64_t end = begin + random.below(20);
      if (random.below(3) != 0) {
        bool fresh = false;
        for (std::uint64_t v = begin; v < end; ++v) fresh |= model.insert(v).second;
        ASSERT_EQ(ranges.add(begin, end), fresh) << "seed " << seed;
      } else {
        for (std::uint64_t v = begin; v < end; ++v) model.erase(v);
        ranges.remove(begin, end);
      }
      std::set<std::uint64_t> flat;
      std::uint64_t previous_end = 0;
      for (std::size_t i = 0; i < ranges.size(); ++i) {
        ASSERT_LT(ranges[i].begin, ranges[i].end);
        if (i != 0) ASSERT_GT(ranges[i].begin, previous_end) << "ranges touch, seed " << seed;
        previous_end = ranges[i].end;
        for (std::uint64_t v = ranges[i].begin; v < ranges[i].end; ++v) flat.insert(v);
      }
      ASSERT_EQ(flat, model) << "seed " << seed;
      const std::uint64_t probe = random.below(120);
      ASSERT_EQ(ranges.contains(probe), model.contains(probe));
      std::uint64_t gap = begin;
      while (gap < end && model.contains(gap)) ++gap;
      if (gap < end) ASSERT_EQ(ranges.first_gap(begin, end).begin, gap);
    }
  }
}

}  // namespace
}  // namespace hawser
