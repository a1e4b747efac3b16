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

struct Cut {
  std::uint64_t mbits[2];
  Duration rtt[2];
  std::size_t dead;
};

// The limit of a failover: 100 ms, and one and a half round trips of the path that survives, and 30 ms. Its round trip
// is what its packets take when the other one dies: with what queues there.
double pause_limit_ms(BondedRun& run, std::size_t dead) {
  for (const quic::PathInfo& path : run.sender().paths())
    if (path.id.value != dead) return std::min(100.0, 1.5 * 1e3 * to_seconds(path.smoothed_rtt) + 30);
  return 0;
}

// The longest pause that ended after the cut and within three round trips of the slowest path with full queues: what
// comes later are losses of the path that is left. What was missing before counts from the cut on.
double pause_ms(BondedRun& run, Timestamp cut) {
  constexpr Duration kFailover = 250ms;
  Duration longest{0};
  Timestamp before = cut;
  std::uint64_t octets = run.reader().octets;
  (void)run.until([&] {
    if (run.reader().octets != octets) {
      octets = run.reader().octets;
      longest = std::max(longest, run.world.now() - before);
      before = run.world.now();
    }
    return run.world.now() >= cut + kFailover;
  });
  if (!run.reader().ended_at) longest = std::max(longest, run.world.now() - before);
  return 1e3 * to_seconds(longest);
}

TEST(failover, of_a_silent_path_stops_the_stream_for_no_longer_than_promised) {
  const std::vector<Cut> cuts{{{50, 50}, {20ms, 20ms}, 0}, {{50, 50}, {20ms, 40ms}, 0}, {{50, 50}, {20ms, 40ms}, 1},
                              {{20, 50}, {10ms, 30ms}, 0}, {{20, 50}, {10ms, 30ms}, 1}, {{100, 20}, {30ms, 30ms}, 0},
                              {{100, 20}, {30ms, 30ms}, 1}};
  for (const Cut& cut : cuts) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      const std::string controller = seed % 3 == 0 ? "bbr" : "cubic";
      std::vector<LinkSpec> links{pipe(cut.mbits[0], cut.rtt[0]), pipe(cut.mbits[1], cut.rtt[1])};
      // Slow start is over, and what it lost has come.
      const Duration at = 1'200ms + seed * 37ms;
      links[cut.dead].push_back(blackhole(at, 600s));
      BondedRun run(
          {.links = links, .octets = 20'000'000, .download = seed % 2 == 0, .seed = seed, .controller = controller});
      ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + at; }));
      // Without a queue 1.5 round trips are so short that what BBR paces may come a little later: docs/multipath.md.
      const double limit = std::min(100.0, pause_limit_ms(run, cut.dead) + (controller == "bbr" ? 10 : 0));
      EXPECT_LT(pause_ms(run, kWorldStart + at), limit)
          << controller << ' ' << cut.mbits[0] << '/' << cut.mbits[1] << " dead " << cut.dead << " seed " << seed;
      ASSERT_TRUE(run.finish());
      EXPECT_EQ(run.failure(), "");
      EXPECT_GE(run.sender().multipath_stats().frames_moved, 1u);
      EXPECT_EQ(run.sender().multipath_stats().recoveries, 0u) << "it was dead";
    }
  }
}

// What had arrived when a path died, and whose acknowledgements died with it, is said on the other path and does not go
// again: of 100 Mbit/s beside 20 that would take longer than all else.
TEST(failover, what_had_arrived_on_the_path_that_died_is_told_on_the_other) {
  std::vector<LinkSpec> links{pipe(100, 30ms), pipe(20, 30ms)};
  links[0].push_back(blackhole(1s, 600s));
  BondedRun run({.links = links, .octets = 30'000'000});
  ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + 1s; }));
  const std::uint64_t arrived = run.client->paths()[0].bytes_received;
  ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + 1'300ms; }));
  // Nothing of it is taken for a sign of life.
  EXPECT_EQ(run.state_at(*run.server, 0), quic::PathState::kFailed);
  EXPECT_EQ(run.server->multipath_stats().recoveries, 0u);
  const quic::PathInfo dead = run.server->paths()[0];
  const std::uint64_t lost = dead.packets_lost * dead.max_datagram_size;
  // Acknowledgements of 15 ms, some 180 KB, were on their way or held back.
  EXPECT_GE(dead.bytes_sent - dead.bytes_in_flight - lost + 50'000, arrived);
  EXPECT_GE(to_ms(dead.min_rtt), 30) << "what came by the other path is no round trip";
}

// A bulk stream over two paths of which one is cut: the copies of the other are there already, or behind by less than
// a round trip of its packets. Where the other one's queue is full just then, what it drops has no copy left, and takes
// a round trip to be sent again.
TEST(redundant, leaves_no_gap_longer_than_a_round_trip_when_one_of_two_equal_paths_is_cut) {
  int longer = 0;
  for (const std::size_t dead : {0u, 1u}) {
    for (std::uint64_t seed = 1; seed <= 48; ++seed) {
      std::vector<LinkSpec> links{pipe(20, 30ms), pipe(20, 30ms)};
      const Duration at = 1s + seed * 41ms;
      links[dead].push_back(blackhole(at, 600s));
      BondedRun run(
          {.links = links, .octets = 8'000'000, .download = seed % 2 == 0, .seed = seed, .scheduler = "redundant"});
      ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + at; }));
      const auto survivor = [&] { return run.sender().paths().at(1 - dead); };
      const quic::PathInfo before = survivor();
      const double round_trip = 1e3 * to_seconds(before.smoothed_rtt);
      const double pause = pause_ms(run, kWorldStart + at);
      ASSERT_EQ(survivor().id, before.id);
      const bool dropped = survivor().packets_lost > before.packets_lost;
      EXPECT_LE(pause, dropped ? 1.5 * round_trip : round_trip) << dead << " seed " << seed;
      longer += pause > round_trip;
      ASSERT_TRUE(run.finish());
      EXPECT_EQ(run.failure(), "");
      EXPECT_GT(run.sender().multipath_stats().octets_copied, 500'000u);
    }
  }
  EXPECT_LE(longer, 8) << "of 96; 39 of 800 are, see docs/multipath.md";
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

// What was lost waits for copies on a path that is silent as well; a connection that is quiet for a second rests, and
// forgets none of it. The first path to return carries all.
TEST(redundant, goes_on_when_one_of_two_silent_paths_returns) {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    std::vector<LinkSpec> links{pipe(20, 30ms), pipe(20, 30ms)};
    const Duration at = 1s + seed * 41ms;
    links[seed % 2].push_back(blackhole(at, at + 3s));
    links[1 - seed % 2].push_back(blackhole(at, 600s));
    BondedRun run(
        {.links = links, .octets = 8'000'000, .download = seed % 3 == 0, .seed = seed, .scheduler = "redundant"});
    ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + at + 3s; }));
    const std::uint64_t octets = run.reader().octets;
    ASSERT_TRUE(run.until([&] { return run.reader().octets != octets; }, 2s)) << seed;
    ASSERT_TRUE(run.finish()) << seed;
    EXPECT_EQ(run.failure(), "");
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

// And the path before, which both gave up, is forgotten while the server has none and waits for a new one.
TEST(failover, a_path_that_is_over_is_no_longer_used_while_a_server_waits_for_another) {
  for (const Duration apart : {30ms, 60ms, 120ms, 200ms, 300ms, 400ms}) {
    const LinkSpec one = pipe(20, 40ms);
    BondedRun run({.links = {one, one, one}, .octets = 6'000'000});
    ASSERT_TRUE(run.until([&] { return run.reader().octets > 1'000'000 && run.client->paths().size() == 3; }));
    ASSERT_TRUE(run.client->abandon_path(quic::PathId{0}).has_value());
    run.pass(apart);
    ASSERT_TRUE(run.client->abandon_path(quic::PathId{1}).has_value());
    ASSERT_TRUE(run.server->abandon_path(quic::PathId{2}).has_value());
    for (int i = 0; i < 400 && !run.server->closed(); ++i) {
      run.pass(5ms);
      (void)run.server->stats();
    }
    ASSERT_TRUE(run.finish());
    EXPECT_EQ(run.failure(), "");
  }
}

}  // namespace
}  // namespace hawser::sim
