// byte_ranges_test.cc: goal: the Range field as RFC 9110 section 14 has it, up to the limits.
// Method: values and what they mean for a representation of ten octets.
#include "http/byte_ranges.h"

#include <gtest/gtest.h>

#include <string>

namespace hawser::http {
namespace {

using Ranges = std::vector<ByteRange>;

TEST(byte_ranges, single_ranges_are_cut_to_the_file) {
  EXPECT_EQ(parse_range("bytes=0-0", 10).ranges, (Ranges{{0, 1}}));
  EXPECT_EQ(parse_range("bytes=5-", 10).ranges, (Ranges{{5, 5}}));
  EXPECT_EQ(parse_range("bytes=5-99", 10).ranges, (Ranges{{5, 5}}));
  EXPECT_EQ(parse_range("bytes=-4", 10).ranges, (Ranges{{6, 4}}));
  EXPECT_EQ(parse_range("bytes=-99", 10).ranges, (Ranges{{0, 10}}));
  EXPECT_EQ(parse_range("Bytes=0-1", 10).ranges, (Ranges{{0, 2}}));
  EXPECT_EQ(parse_range("bytes=3-99999999999999999999999", 10).ranges, (Ranges{{3, 7}}));
}

TEST(byte_ranges, lists_keep_their_order_and_lose_what_lies_outside) {
  EXPECT_EQ(parse_range("bytes=8-9,0-1", 10).ranges, (Ranges{{8, 2}, {0, 2}}));
  EXPECT_EQ(parse_range("bytes= 0-1 ,, 50-60 , -1", 10).ranges, (Ranges{{0, 2}, {9, 1}}));
}

TEST(byte_ranges, nothing_satisfiable_is_a_416) {
  for (const char* value : {"bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"}) {
    EXPECT_EQ(parse_range(value, 10).verdict, RangeVerdict::kUnsatisfiable) << value;
  }
  EXPECT_EQ(parse_range("bytes=0-", 0).verdict, RangeVerdict::kUnsatisfiable);
}

TEST(byte_ranges, malformed_values_are_passed_over) {
  for (const char* value : {"", "bytes", "bytes=", "bytes=,", "items=0-1", "bytes=5-4", "bytes=a-b", "bytes=-",
                            "bytes=1", "bytes=0-1;2-3", "bytes=+1-2"}) {
    EXPECT_EQ(parse_range(value, 10).verdict, RangeVerdict::kWhole) << value;
  }
}

TEST(byte_ranges, more_ranges_than_the_limit_are_passed_over) {
  const auto list = [](std::size_t count) {
    std::string value = "bytes=";
    for (std::size_t i = 0; i < count; ++i) value += std::to_string(2 * i) + "-" + std::to_string(2 * i) + ",";
    return value;
  };
  EXPECT_EQ(parse_range(list(kRangesMax), 1'000).ranges.size(), kRangesMax);
  EXPECT_EQ(parse_range(list(kRangesMax + 1), 1'000).verdict, RangeVerdict::kWhole);
}

TEST(byte_ranges, overlaps_that_ask_for_more_than_the_file_are_passed_over) {
  EXPECT_EQ(parse_range("bytes=0-9,0-0", 10).verdict, RangeVerdict::kWhole);
  EXPECT_EQ(parse_range("bytes=0-4,4-8", 10).verdict, RangeVerdict::kPartial);
}

}  // namespace
}  // namespace hawser::http
