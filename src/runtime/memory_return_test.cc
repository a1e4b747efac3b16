// Goal: memory goes back to the system after many connections and not amid them. Method: times and
// counts given by hand.
#include "runtime/memory_return.h"

#include <gtest/gtest.h>

namespace hawser::runtime {
namespace {

constexpr Timestamp kStart{1h};

TEST(memory_return, comes_when_it_is_quiet_after_many_connections) {
  MemoryReturn memory;
  memory.note(MemoryReturn::kTurnover - 1, kStart);
  EXPECT_EQ(kNever, memory.due());
  memory.note(MemoryReturn::kTurnover, kStart + 1s);
  EXPECT_EQ(kStart + 1s + MemoryReturn::kQuiet, memory.due());
  memory.note(MemoryReturn::kTurnover + 1, kStart + 2s);
  EXPECT_EQ(kStart + 2s + MemoryReturn::kQuiet, memory.due());
  EXPECT_FALSE(memory.take_due(kStart + 4s));
  EXPECT_TRUE(memory.take_due(kStart + 5s));
  EXPECT_FALSE(memory.take_due(kStart + 5s));
}

TEST(memory_return, comes_once_a_minute_where_it_is_never_quiet) {
  MemoryReturn memory;
  std::uint64_t turnover = 0;
  int returns = 0;
  for (Timestamp now = kStart; now < kStart + 10min; now += 100ms) {
    memory.note(turnover += 100, now);
    returns += memory.take_due(now) ? 1 : 0;
  }
  EXPECT_GE(returns, 9);
  EXPECT_LE(returns, 10);
}

TEST(memory_return, does_not_come_again_before_as_many) {
  MemoryReturn memory;
  memory.note(MemoryReturn::kTurnover, kStart);
  ASSERT_TRUE(memory.take_due(kStart + 1min));
  memory.note(2 * MemoryReturn::kTurnover - 1, kStart + 2min);
  EXPECT_EQ(kNever, memory.due());
  memory.note(2 * MemoryReturn::kTurnover, kStart + 2min);
  EXPECT_NE(kNever, memory.due());
}

}  // namespace
}  // namespace hawser::runtime
