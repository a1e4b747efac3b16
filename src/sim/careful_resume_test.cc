// Goal: a second visit with Careful Resume is fast where the path is as it was, and does no harm where it is
// not. Method: whole connections over simulated bottlenecks, in virtual time; what the first visit saw is
// given to the second, or something larger than the path has now.
#include <gtest/gtest.h>

#include "sim/congestion.h"

namespace hawser::sim {
namespace {

HopSpec hop(std::uint64_t bits_per_second, Duration rtt, double buffer_bdp) {
  HopSpec made{.bits_per_second = bits_per_second, .queue = {}};
  made.queue.bytes_max =
      static_cast<std::size_t>(static_cast<double>(bits_per_second) / 8 * to_seconds(rtt) * buffer_bdp);
  return made;
}

// 100 Mbit/s over 40 ms.
constexpr quic::SavedPath kSaved{.cwnd = 500'000, .rtt = 40ms};

FlowResult visit(const HopSpec& bottleneck, const FlowSpec& flow, std::uint64_t seed = 1) {
  CongestionSetup setup = dumbbell(bottleneck, {flow});
  setup.duration = 10s;
  setup.seed = seed;
  auto result = run_congestion(setup);
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(result->flows[0].failure, "");
  return std::move(result->flows[0]);
}

TEST(careful_resume_sim, a_second_visit_takes_a_second_for_100_megabytes_at_1_gigabit) {
  const HopSpec bottleneck = hop(mbit(1'000), 40ms, 1);
  FlowSpec flow{.bytes = 100'000'000, .rtt = 40ms, .careful_resume = true};
  const FlowResult first = visit(bottleneck, flow);
  ASSERT_TRUE(first.saved_path.has_value());
  EXPECT_EQ(first.careful_resume_jump, 0u);
  flow.saved_path = first.saved_path;
  const FlowResult second = visit(bottleneck, flow);
  ASSERT_TRUE(second.completed.has_value());
  EXPECT_LE(*second.completed, 1s);
  EXPECT_LT(*second.completed, *first.completed - 100ms);
  EXPECT_EQ(second.careful_resume_jump, first.saved_path->cwnd / 2);
  EXPECT_FALSE(second.careful_resume_retreated);
}

TEST(careful_resume_sim, what_is_saved_is_what_the_path_carries) {
  for (const char* controller : {"cubic", "newreno", "bbr"}) {
    FlowSpec flow{.controller = controller, .bytes = 20'000'000, .rtt = 40ms, .careful_resume = true};
    const FlowResult first = visit(hop(mbit(100), 40ms, 2), flow);
    ASSERT_TRUE(first.saved_path.has_value()) << controller;
    // 500 kB in 40 ms, whatever stands in the queue.
    EXPECT_GT(first.saved_path->cwnd, 350'000u) << controller;
    EXPECT_LT(first.saved_path->cwnd, 600'000u) << controller;
    EXPECT_NEAR(to_seconds(first.saved_path->rtt), 0.04, 0.003) << controller;
  }
}

TEST(careful_resume_sim, a_transfer_that_ends_in_slow_start_is_remembered_as_half_its_window) {
  FlowSpec flow{.bytes = 400'000, .rtt = 40ms, .careful_resume = true};
  const FlowResult first = visit(hop(mbit(1'000), 40ms, 1), flow);
  ASSERT_TRUE(first.saved_path.has_value());
  EXPECT_LT(first.saved_path->cwnd, 300'000u);
}

// A path that carries a tenth to a half of what is remembered, with a short queue and a long one.
TEST(careful_resume_sim, a_smaller_bottleneck_costs_no_more_than_the_jump) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed)
    for (const char* controller : {"cubic", "bbr"}) {
      const std::uint64_t rate = mbit(100) / (2 + seed % 9);
      FlowSpec flow{.controller = controller, .bytes = 3'000'000, .rtt = 40ms};
      const HopSpec bottleneck = hop(rate, 40ms, seed % 2 == 0 ? 0.5 : 1.5);
      const FlowResult cold = visit(bottleneck, flow, seed);
      flow.careful_resume = true;
      flow.saved_path = kSaved;
      const FlowResult warm = visit(bottleneck, flow, seed);
      ASSERT_TRUE(warm.completed.has_value()) << controller << " seed " << seed;
      EXPECT_EQ(warm.careful_resume_jump, kSaved.cwnd / 2);
      // What is lost beyond slow start's own overshoot came with the jump.
      EXPECT_LE(warm.drops, cold.drops + kSaved.cwnd / 2 / 1'200) << controller << " seed " << seed;
      EXPECT_LE(to_seconds(*warm.completed), 1.5 * to_seconds(*cold.completed)) << controller << " seed " << seed;
    }
}

// Beside a flow that has the link: a newcomer that jumps takes no more from it than one in slow start.
TEST(careful_resume_sim, a_flow_that_has_the_link_is_not_starved_by_a_jump) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto beside = [&](bool resumes) {
      FlowSpec old{.rtt = 40ms};
      FlowSpec newcomer{.start = 4s, .bytes = 4'000'000, .rtt = 40ms};
      newcomer.careful_resume = resumes;
      if (resumes) newcomer.saved_path = kSaved;
      CongestionSetup setup = dumbbell(hop(mbit(20 + 10 * (seed % 3)), 40ms, 1), {old, newcomer});
      setup.duration = 12s;
      setup.warmup = 1s;
      setup.seed = seed;
      return std::move(*run_congestion(setup));
    };
    const CongestionResult without = beside(false);
    const CongestionResult with = beside(true);
    EXPECT_NE(with.flows[1].careful_resume_jump, 0u) << "seed " << seed;
    EXPECT_GT(static_cast<double>(with.flows[0].bytes_received),
              0.85 * static_cast<double>(without.flows[0].bytes_received))
        << "seed " << seed;
    EXPECT_LE(with.flows[0].delay_p99, without.flows[0].delay_p99 + 5ms) << "seed " << seed;
  }
}

}  // namespace
}  // namespace hawser::sim
