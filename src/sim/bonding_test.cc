// bonding_test.cc: goal: bonding never harms, three links and eight carry what they carry alone, and requests beside
// a bulk transfer hardly wait. Method: the runs of `hawser sim bonding` and `hawser sim interactive`, over fewer
// seeds than those take by themselves.
#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "sim/bonded.h"
#include "sim/drawn_link.h"
#include "sim/interactive.h"
#include "sim/link_pairs.h"

namespace hawser::sim {
namespace {

// Pairs whose faster link is slow enough for a test: the others are for the command.
TEST(bonding, is_not_slower_than_97_percent_of_the_better_link) {
  std::size_t pairs = 0;
  for (std::uint64_t seed = 1; pairs < 20; ++seed) {
    const LinkPair pair = draw_pair(seed);
    if (std::max(pair.first.mbit_per_second, pair.second.mbit_per_second) > 40) continue;
    ++pairs;
    const PairResult result = run_pair(pair, {.time = 3s});
    EXPECT_EQ(result.failure, "") << seed;
    EXPECT_GE(result.of_better(), 0.97) << "hawser sim bonding --pairs 1 --time 3 --seed " << seed << ": "
                                        << describe(pair) << ": " << result.bonded << " of " << result.first_alone
                                        << " and " << result.second_alone;
  }
}

TEST(bonding, draws_have_losses_of_their_own_and_are_averaged) {
  const LinkPair pair{.seed = 1,
                      .first = {.mbit_per_second = 10, .rtt = 20ms, .loss = 0.02},
                      .second = {.mbit_per_second = 5, .rtt = 40ms, .loss = 0.02}};
  const PairResult one = run_pair(pair, {.time = 1s});
  const PairResult again = run_pair(pair, {.time = 1s});
  const PairResult four = run_pair(pair, {.time = 1s, .draws = 4});
  EXPECT_EQ(one.bonded, again.bonded);
  EXPECT_EQ(four.failure, "");
  EXPECT_NE(one.first_alone, four.first_alone) << "all four draws lost the same";
  EXPECT_NEAR(one.first_alone, four.first_alone, 3) << "a mean, not a sum";
  EXPECT_NEAR(one.bonded, four.bonded, 4);
}

// 287 Mbit/s, 52 ms and 3.6 % beside 28 Mbit/s and 9 ms: the fast path falls silent when an acknowledgement is lost,
// and what it had under way is acknowledged by the other one, without a rate; then it is asked with one small packet.
// None of these rounds says that the pipe is full.
TEST(bonding, a_path_whose_acknowledgements_are_lost_goes_on_with_startup) {
  const PairResult result = run_pair(draw_pair(436), {.time = 1s});
  EXPECT_EQ(result.failure, "");
  EXPECT_GE(result.of_better(), 0.97) << result.bonded << " of " << result.first_alone;
}

// As clients with several networks do; they give up the connection that is later.
// At the end of a transfer the long link's queue drains, and its smoothed round trip still has the queue in it: what is
// sent again must not go over the slow link for that.
TEST(bonding, what_is_lost_at_the_end_does_not_wait_for_the_slow_link) {
  double seconds = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Ways ways;
    BondPlan plan{.links = {}, .octets = 30'000'000, .seed = seed, .controller = "bbr", .window = ByteCount{64 << 20}};
    plan.links.push_back(ways.add({.mbit_per_second = 1.2, .rtt = 220ms, .loss = 0.01}, 2 * seed));
    plan.links.push_back(ways.add({.mbit_per_second = 100, .rtt = 250ms, .loss = 0.01}, 2 * seed + 1));
    BondedRun run(std::move(plan));
    ASSERT_TRUE(run.finish());
    EXPECT_EQ(run.failure(), "");
    seconds += to_seconds(*run.reader().ended_at - kWorldStart);
  }
  EXPECT_LT(seconds, 31.6) << "0.15 s more each otherwise";
}

TEST(bonding, a_link_that_is_dead_or_slow_does_not_hold_up_the_beginning) {
  const auto bytes_by = [](std::optional<Duration> head_start, double first_mbit, double first_loss) {
    Ways ways;
    BondPlan plan{.links = {}, .octets = UINT64_MAX, .seed = 7, .controller = "bbr"};
    plan.links.push_back(ways.add({.mbit_per_second = first_mbit, .rtt = 300ms, .loss = first_loss}, 1));
    plan.links.push_back(ways.add({.mbit_per_second = 20, .rtt = 20ms}, 2));
    plan.head_start = head_start;
    BondedRun run(std::move(plan));
    run.pass(2s);
    EXPECT_FALSE(run.reader().wrong);
    EXPECT_FALSE(run.client_end.watch.closed.has_value());
    EXPECT_FALSE(run.server_end.watch.closed.has_value());
    return run.reader().octets;
  };
  EXPECT_EQ(bytes_by(std::nullopt, 20, 1), 0u) << "the first is dead";
  EXPECT_GT(bytes_by(100ms, 20, 1), 3'500'000u) << "20 Mbit/s for 1.8 s are 4.5 MB";
  EXPECT_LT(bytes_by(std::nullopt, 1, 0), 3'200'000u) << "the first has 1 Mbit/s and 300 ms";
  EXPECT_GT(bytes_by(100ms, 1, 0), 3'200'000u) << "and its own slow start holds up what is in order for a while";
}

// What is lost at the end is repeated in time, whether or not there could be more paths.
TEST(bonding, a_connection_with_one_of_several_paths_ends_as_soon_as_any) {
  const auto time_of = [](std::uint64_t max_paths, std::uint64_t seed) {
    Ways ways;
    BondPlan plan{.links = {}, .octets = 5'000'000, .seed = seed, .client_max_paths = max_paths, .controller = "bbr"};
    plan.links.push_back(ways.add({.mbit_per_second = 20, .rtt = 200ms, .loss = 0.05}, seed));
    BondedRun run(std::move(plan));
    EXPECT_TRUE(run.finish());
    EXPECT_EQ(run.failure(), "");
    return to_seconds(run.reader().ended_at.value_or(kWorldStart) - kWorldStart);
  };
  double one = 0;
  double several = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    one += time_of(0, seed);
    several += time_of(4, seed);
  }
  EXPECT_LT(several, 1.02 * one);
}

TEST(bonding, three_links_and_eight_carry_the_sum_of_what_each_carries) {
  const std::vector<std::vector<DrawnLink>> bundles{
      {{40, 10ms}, {30, 25ms}, {20, 60ms}},
      {{30, 10ms}, {25, 15ms}, {20, 20ms}, {15, 30ms}, {12, 40ms}, {10, 50ms}, {8, 60ms}, {5, 80ms}},
  };
  for (const auto& links : bundles) {
    const BundleResult result = run_bundle(links, 1, {.controller = "cubic", .time = 10s});
    EXPECT_EQ(result.failure, "");
    EXPECT_EQ(result.alone.size(), links.size());
    EXPECT_GE(result.together, 0.95 * result.sum()) << links.size() << " links";
  }
}

TEST(interactive, requests_beside_bulk_take_less_than_two_idle_round_trips) {
  for (const char* controller : {"cubic", "bbr"})
    for (const bool download : {true, false}) {
      const InteractiveResult result = run_interactive({.links = {{50, 10ms}, {50, 50ms}},
                                                        .controller = controller,
                                                        .scheduler = "latency",
                                                        .until = 9s,
                                                        .download = download});
      EXPECT_EQ(result.failure, "");
      EXPECT_GE(result.answered, 300u);
      EXPECT_LT(result.p99_in_rtts(), 2) << controller << (download ? " down" : " up");
      EXPECT_GT(result.bulk_mbit_per_second, 50) << controller << (download ? " down" : " up");
    }
}

TEST(drawn_link, is_written_as_people_write_it) {
  const auto link = parse_link("20/80/1");
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->mbit_per_second, 20);
  EXPECT_EQ(link->rtt, 80ms);
  EXPECT_EQ(link->loss, 0.01);
  EXPECT_TRUE(parse_link("100/0.5").has_value());
  for (const char* text : {"", "20", "20/", "20/80/", "20/80/1/2", "20/80 ", "-1/80", "20/0", "20/80/101", "x/80"})
    EXPECT_FALSE(parse_link(text).has_value()) << text;
}

}  // namespace
}  // namespace hawser::sim
