// Goal: what one path loses, delays or takes with it goes on another before the reader waits for long. Method:
// bonded runs with a link that is cut, with a slow one, and with the scheduler "redundant"; the pause is that of
// octets in order.
#include <gtest/gtest.h>

#include "sim/bonded.h"

namespace hawser::sim {
namespace {

LinkSpec pipe(std::uint64_t mbits, Duration rtt, double loss = 0) {
  const auto bdp = static_cast<std::size_t>(static_cast<double>(mbits) * 125'000 * to_seconds(rtt));
  LinkSpec spec = link({rate(mbit(mbits), std::max<std::size_t>(bdp, 50'000)), delay(rtt / 2)});
  if (loss > 0) spec.push_back(drop(loss));
  return spec;
}

// The limit of a failover: 100 ms, and 1.5 round trips and 30 ms. Two kinds of cuts pass it and are not among those
// below: 20 and 50 Mbit/s, 10 and 30 ms, when the second dies (132 ms), and 100 and 20 Mbit/s, 30 ms both, when the
// first does (220 ms). Acknowledgements die with the path there, so that what had arrived goes again first:
// docs/multipath.md.
double pause_limit_ms(Duration rtt) {
  return std::min(100.0, 1.5 * static_cast<double>(to_ms(rtt)) + 30);
}

struct Cut {
  std::uint64_t mbits[2];
  Duration rtt[2];
  std::size_t dead;
};

TEST(failover, of_a_silent_path_stops_the_stream_for_no_longer_than_promised) {
  const std::vector<Cut> cuts{{{50, 50}, {20ms, 20ms}, 0},
                              {{50, 50}, {20ms, 40ms}, 0},
                              {{50, 50}, {20ms, 40ms}, 1},
                              {{20, 50}, {10ms, 30ms}, 0}};
  for (const Cut& cut : cuts) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      std::vector<LinkSpec> links{pipe(cut.mbits[0], cut.rtt[0]), pipe(cut.mbits[1], cut.rtt[1])};
      const Duration at = 1s + seed * 37ms;
      links[cut.dead].push_back(blackhole(at, 600s));
      BondedRun run({.links = links, .octets = 30'000'000, .download = seed % 2 == 0, .seed = seed});
      ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + at; }));
      run.reader().longest_pause = Duration{0};
      ASSERT_TRUE(run.finish());
      EXPECT_EQ(run.failure(), "");
      // Queues are part of the round trip that a path has then.
      EXPECT_LT(to_ms(run.reader().longest_pause), pause_limit_ms(2 * std::max(cut.rtt[0], cut.rtt[1])))
          << cut.mbits[0] << '/' << cut.mbits[1] << " dead " << cut.dead << " seed " << seed;
      EXPECT_GE(run.sender().multipath_stats().frames_moved, 1u);
    }
  }
}

// A bulk stream over two paths of which one is cut: the copies of the other are there already.
TEST(redundant, leaves_no_gap_longer_than_a_round_trip_when_one_path_is_cut) {
  for (const std::size_t dead : {0u, 1u}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      std::vector<LinkSpec> links{pipe(20, 30ms), pipe(20, 30ms)};
      const Duration at = 1s + seed * 41ms;
      links[dead].push_back(blackhole(at, 600s));
      BondedRun run(
          {.links = links, .octets = 6'000'000, .download = seed % 2 == 0, .seed = seed, .scheduler = "redundant"});
      ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + at; }));
      run.reader().longest_pause = Duration{0};
      ASSERT_TRUE(run.finish());
      EXPECT_EQ(run.failure(), "");
      // Of 30 ms and a queue as long, and what a timer takes.
      EXPECT_LE(to_ms(run.reader().longest_pause), 65) << dead << " seed " << seed;
      EXPECT_GT(run.sender().multipath_stats().octets_copied, 500'000u);
    }
  }
}

TEST(redundant, is_as_fast_as_the_better_path_alone) {
  for (const auto& [first, second] :
       {std::pair{pipe(20, 30ms), pipe(20, 30ms)}, std::pair{pipe(40, 20ms), pipe(5, 60ms)},
        std::pair{pipe(5, 60ms), pipe(40, 20ms, 0.005)}}) {
    double best = 0;
    for (const LinkSpec& alone : {first, second}) {
      BondedRun run({.links = {alone}, .octets = 8'000'000});
      ASSERT_TRUE(run.finish());
      best = std::max(best, run.mbit_per_second());
    }
    BondedRun run({.links = {first, second}, .octets = 8'000'000, .scheduler = "redundant"});
    ASSERT_TRUE(run.finish());
    EXPECT_EQ(run.failure(), "");
    EXPECT_GT(run.mbit_per_second(), 0.9 * best);
  }
}

TEST(redundant, loses_nothing_where_links_drop_duplicate_and_flap) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    std::vector<LinkSpec> links{pipe(10, 20ms, 0.02), pipe(20, 50ms, 0.05)};
    links[0].push_back(duplicate(0.02, 10ms));
    links[1].push_back(reorder(0.02, 20ms));
    links[seed % 2].push_back(blackhole(500ms, 900ms));
    links[1 - seed % 2].push_back(blackhole(800ms, 1'500ms));
    BondedRun run(
        {.links = links, .octets = 3'000'000, .download = seed % 2 == 0, .seed = seed, .scheduler = "redundant"});
    ASSERT_TRUE(run.finish());
    EXPECT_EQ(run.failure(), "");
  }
}

// The last octets of a transfer lie on the slow path when the fast one has nothing left to do.
TEST(reinjection, brings_the_end_of_a_transfer_over_the_faster_path) {
  BondedRun run({.links = {pipe(20, 10ms), pipe(20, 300ms)}, .octets = 4'000'000, .scheduler = "round-robin"});
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.failure(), "");
  const quic::MultipathStats stats = run.sender().multipath_stats();
  EXPECT_GT(stats.octets_reinjected, 1'000u);
  EXPECT_LT(stats.octets_reinjected, 4'000'000u / 16 + 256 * 1024 + 65'536);
  EXPECT_EQ(stats.octets_copied, 0u);
}

// A receive window that the slow path's octets hold shut.
TEST(reinjection, opens_a_receive_window_that_a_slow_path_blocks) {
  BondPlan plan{.links = {pipe(20, 20ms), pipe(10, 200ms)}, .octets = 5'000'000, .window = ByteCount{256 << 10}};
  BondedRun run(plan);
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.failure(), "");
  EXPECT_GT(run.sender().multipath_stats().octets_reinjected, 10'000u);
}

// Each end gives up the path that the other one counts on.
TEST(failover, two_ends_that_give_up_different_paths_at_once_go_on_over_a_new_one) {
  for (const bool download : {true, false}) {
    BondedRun run({.links = {pipe(20, 40ms), pipe(20, 40ms)}, .octets = 6'000'000, .download = download});
    ASSERT_TRUE(run.until([&] { return run.reader().octets > 1'000'000; }));
    ASSERT_TRUE(run.client->abandon_path(quic::PathId{0}).has_value());
    ASSERT_TRUE(run.server->abandon_path(quic::PathId{1}).has_value());
    ASSERT_TRUE(run.finish());
    EXPECT_EQ(run.failure(), "");
    ASSERT_EQ(run.client->paths().size(), 1u);
    EXPECT_GT(run.client->paths()[0].id.value, 1u);
  }
}

}  // namespace
}  // namespace hawser::sim
