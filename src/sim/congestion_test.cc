// Goal: bottlenecks serve at their rate and count what each flow met; runs of flows are
// repeatable and their figures add up. Method: short transfers over small links whose figures
// can be bounded by hand.
#include "sim/congestion.h"

#include <gtest/gtest.h>

#include "sim/tcp_cubic.h"
#include "sim/world.h"

namespace hawser::sim {
namespace {

HopSpec hop(std::uint64_t bits_per_second, std::size_t queue_bytes) {
  HopSpec made{.bits_per_second = bits_per_second, .queue = {}};
  made.queue.bytes_max = queue_bytes;
  return made;
}

// 20 Mbit/s over 20 ms, one bandwidth-delay product of queue.
CongestionSetup two_flows(std::string_view first, std::string_view second) {
  FlowSpec a{.controller = std::string{first}, .rtt = 20ms};
  FlowSpec b{.controller = std::string{second}, .rtt = 20ms};
  return dumbbell(hop(mbit(20), 50'000), {a, b});
}

TEST(sim_histogram, percentiles_are_right_within_three_percent) {
  DelayHistogram histogram;
  for (int us = 1; us <= 10'000; ++us) histogram.add(us * 1us);
  EXPECT_NEAR(static_cast<double>(histogram.percentile(0.5).count()), 5'000'000, 150'000);
  EXPECT_NEAR(static_cast<double>(histogram.percentile(0.99).count()), 9'900'000, 300'000);
  EXPECT_EQ(histogram.percentile(1), 10ms);
  EXPECT_EQ(histogram.max(), 10ms);
  EXPECT_EQ(DelayHistogram{}.percentile(0.5), 0ms);
}

TEST(sim_congestion, jain_index_is_one_for_even_and_one_nth_for_greedy) {
  EXPECT_DOUBLE_EQ(jain_index({5, 5, 5}), 1);
  EXPECT_DOUBLE_EQ(jain_index({9, 0, 0}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(jain_index({}), 1);
}

TEST(sim_congestion, one_flow_fills_a_clean_link_and_no_more) {
  const auto result = run_congestion(dumbbell(hop(mbit(20), 50'000), {{.controller = "cubic", .rtt = 20ms}}));
  ASSERT_TRUE(result.has_value());
  const FlowResult& flow = result->flows[0];
  EXPECT_EQ(flow.failure, "");
  EXPECT_GT(flow.steady_goodput_bps, 18e6);
  EXPECT_LT(flow.steady_goodput_bps, 20e6);
  EXPECT_LE(result->utilisation, 1.0);
  EXPECT_GT(flow.drops, 0u);  // that is how cubic finds the rate
  EXPECT_GE(flow.packets_lost, flow.drops);
  EXPECT_LE(flow.delay_p99, 21ms);  // 50,000 octets at 20 Mbit/s, and 3 % of the histogram
  EXPECT_GE(flow.min_rtt, 20ms);
  EXPECT_EQ(flow.series.size(), 100u);
}

TEST(sim_congestion, equal_seeds_give_equal_runs) {
  CongestionSetup setup = two_flows("cubic", "newreno");
  setup.duration = 3s;
  const auto first = run_congestion(setup);
  const auto second = run_congestion(setup);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(first->datagrams, second->datagrams);
  EXPECT_EQ(first->flows[1].bytes_received, second->flows[1].bytes_received);
}

TEST(sim_congestion, shares_of_two_flows_add_up_to_the_link) {
  const auto result = run_congestion(two_flows("cubic", "cubic"));
  ASSERT_TRUE(result.has_value());
  const double sum = result->flows[0].steady_goodput_bps + result->flows[1].steady_goodput_bps;
  EXPECT_GT(sum, 18e6);
  EXPECT_LT(sum, 20e6);
  EXPECT_GT(result->fairness, 0.5);
}

TEST(sim_congestion, a_flow_starts_and_stops_at_its_times) {
  CongestionSetup setup = two_flows("cubic", "cubic");
  setup.flows[1].start = 2s;
  setup.flows[1].stop = 4s;
  setup.duration = 5s;
  const auto result = run_congestion(setup);
  ASSERT_TRUE(result.has_value());
  ASSERT_FALSE(result->flows[1].series.empty());
  EXPECT_GE(result->flows[1].series.front().at, 2s);
  EXPECT_LE(result->flows[1].series.back().at, 4s);
  EXPECT_EQ(result->flows[1].failure, "");
  EXPECT_GT(result->flows[0].bytes_received, result->flows[1].bytes_received);
}

TEST(sim_congestion, a_sized_transfer_says_when_its_last_octet_came) {
  FlowSpec flow{.controller = "cubic", .bytes = 1'000'000, .rtt = 20ms};
  const auto result = run_congestion(dumbbell(hop(mbit(20), 50'000), {flow}));
  ASSERT_TRUE(result.has_value());
  ASSERT_TRUE(result->flows[0].completed.has_value());
  EXPECT_EQ(result->flows[0].bytes_received, 1'000'000u);
  EXPECT_GT(*result->flows[0].completed, 400ms);  // 8 Mbit at 20 Mbit/s
  EXPECT_LT(*result->flows[0].completed, 2s);
  EXPECT_LT(result->virtual_time, 3s);  // it ends with its last flow
}

TEST(sim_congestion, a_flow_over_three_hops_meets_a_cross_flow_at_each) {
  const FlowSpec flow{.controller = "cubic", .rtt = 30ms};
  CongestionSetup setup = parking_lot(hop(mbit(10), 40'000), 3, flow, flow);
  setup.duration = 6s;
  const auto result = run_congestion(setup);
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->flows.size(), 4u);
  for (const FlowResult& each : result->flows) EXPECT_GT(each.bytes_received, 100'000u);
  EXPECT_LT(result->flows[0].steady_goodput_bps, result->flows[2].steady_goodput_bps);
}

TEST(sim_congestion, codel_keeps_a_deep_queue_short) {
  CongestionSetup deep = dumbbell(hop(mbit(20), 1'000'000), {{.controller = "cubic", .rtt = 20ms, .ecn = false}});
  const auto bloated = run_congestion(deep);
  deep.hops[0].queue.kind = QueueKind::kCodel;
  const auto controlled = run_congestion(deep);
  ASSERT_TRUE(bloated.has_value() && controlled.has_value());
  EXPECT_LT(controlled->flows[0].delay_p50, 10ms);
  EXPECT_GT(bloated->flows[0].delay_p50, 5 * controlled->flows[0].delay_p50);
}

TEST(sim_congestion, a_flow_like_tcp_is_clocked_by_acknowledgements) {
  add_tcp_cubic();
  CongestionSetup setup = two_flows(kTcpCubic, "cubic");
  setup.flows[0].pacing = false;
  const auto result = run_congestion(setup);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->flows[0].controller, kTcpCubic);
  EXPECT_GT(result->flows[0].steady_goodput_bps, 5e6);
  EXPECT_GT(result->flows[1].steady_goodput_bps, 2e6);
}

TEST(sim_congestion, mistakes_of_the_caller_are_told) {
  EXPECT_FALSE(run_congestion({}).has_value());
  const auto unknown = run_congestion(two_flows("cubic", "telepathy"));
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("telepathy"), std::string::npos);
  CongestionSetup lost = two_flows("cubic", "cubic");
  lost.flows[0].last_hop = 1;
  EXPECT_FALSE(run_congestion(lost).has_value());
}

}  // namespace
}  // namespace hawser::sim
