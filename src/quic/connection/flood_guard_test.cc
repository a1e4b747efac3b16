// flood_guard_test.cc: goal: frames without use are counted against what moves. Method: frames are
// told in virtual time; whole peers are tests/conformance's business.
#include "quic/connection/flood_guard.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

constexpr Timestamp kStart{100s};

bool frame(FloodGuard& guard, std::uint32_t cost, std::uint64_t moved, Timestamp now) {
  return guard.spend(cost) || guard.renew(cost, moved, kStart, now);
}

TEST(flood_guard, ends_at_the_allowance_if_nothing_moves) {
  FloodGuard guard;
  std::uint32_t frames = 0;
  while (frames < 2 * FloodGuard::kAllowance && frame(guard, FloodGuard::kCheap, 0, kStart)) ++frames;
  EXPECT_EQ(frames, FloodGuard::kAllowance);
  EXPECT_TRUE(guard.tripped());
}

TEST(flood_guard, counts_what_is_dear_for_more) {
  FloodGuard guard;
  std::uint32_t frames = 0;
  while (frame(guard, FloodGuard::kPath, 0, kStart)) ++frames;
  EXPECT_EQ(frames, FloodGuard::kAllowance / FloodGuard::kPath);
}

TEST(flood_guard, is_paid_by_octets_that_move) {
  FloodGuard guard;
  std::uint64_t moved = 0;
  for (std::uint32_t i = 0; i < 10 * FloodGuard::kAllowance; ++i) {
    moved += 1;
    if (i % 2 == 0) guard.earn(1);
    ASSERT_TRUE(frame(guard, FloodGuard::kCheap, moved, kStart));
  }
  EXPECT_EQ(guard.frames(), 10 * FloodGuard::kAllowance);
}

TEST(flood_guard, grants_a_slow_stream_of_frames_for_ever) {
  FloodGuard guard;
  Timestamp now = kStart;
  for (std::uint32_t i = 0; i < 10 * FloodGuard::kAllowance; ++i) {
    now += Duration{1s} / (FloodGuard::kPerSecond / 2);
    ASSERT_TRUE(frame(guard, FloodGuard::kCheap, 0, now));
  }
}

TEST(flood_guard, saves_no_more_than_one_allowance) {
  FloodGuard guard;
  while (frame(guard, FloodGuard::kCheap, 1'000'000'000, kStart) && guard.frames() <= FloodGuard::kAllowance) {
  }
  std::uint32_t more = 0;
  while (frame(guard, FloodGuard::kCheap, 1'000'000'000, kStart)) ++more;
  EXPECT_LT(more, FloodGuard::kAllowance);
}

}  // namespace
}  // namespace hawser::quic
