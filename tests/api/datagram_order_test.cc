// datagram_order_test.cc: goal: the public order of datagrams holds what comes early, and not for ever; method: direct
// calls.
#include "hawser/datagram_order.h"

#include <gtest/gtest.h>

namespace {

using hawser::DatagramArrival;
using hawser::DatagramOrder;

std::vector<std::uint8_t> payload(std::uint8_t number) {
  return {number, 1, 2};
}

std::vector<int> take(DatagramOrder& order) {
  std::vector<int> numbers;
  while (const auto next = order.pop()) numbers.push_back((*next)[0]);
  return numbers;
}

TEST(datagram_order, holds_what_comes_early) {
  DatagramOrder order({.wait_ms = 3'600'000});
  EXPECT_EQ(order.push(0, payload(0)), DatagramArrival::kInOrder);
  EXPECT_EQ(order.due_in_ms(7), 0u);
  EXPECT_EQ(order.push(2, payload(2)), DatagramArrival::kHeld);
  EXPECT_EQ(order.push(2, payload(2)), DatagramArrival::kCopy);
  EXPECT_EQ(take(order), (std::vector<int>{0}));
  EXPECT_EQ(order.due_in_ms(7), 7u) << "an hour is longer";
  EXPECT_GT(order.due_in_ms(~0u), 7u);
  EXPECT_EQ(order.push(1, payload(1)), DatagramArrival::kInOrder);
  DatagramOrder moved = std::move(order);
  EXPECT_EQ(take(moved), (std::vector<int>{1, 2}));
  EXPECT_EQ(moved.counters().in_order, 3u);
  EXPECT_EQ(moved.counters().held, 1u);
  EXPECT_EQ(moved.counters().copies, 1u);
}

TEST(datagram_order, gives_up_after_the_time_given) {
  DatagramOrder order({.wait_ms = 1});
  EXPECT_EQ(order.push(1, payload(1)), DatagramArrival::kHeld);
  std::optional<std::vector<std::uint8_t>> next;
  while (!next) next = order.pop();
  EXPECT_EQ((*next)[0], 1);
  EXPECT_EQ(order.push(0, payload(0)), DatagramArrival::kLate);
  EXPECT_FALSE(order.pop().has_value());
  EXPECT_EQ(order.counters().late, 1u);
  EXPECT_EQ(order.counters().given_up, 1u);
}

TEST(datagram_order, begins_where_the_flow_begins) {
  DatagramOrder order({.deliver_late = true, .first_is_zero = false});
  EXPECT_EQ(order.push(9, payload(9)), DatagramArrival::kInOrder);
  EXPECT_EQ(order.push(8, payload(8)), DatagramArrival::kLate);
  EXPECT_EQ(take(order), (std::vector<int>{9, 8}));
}

}  // namespace
