// multipath_test.cc: goal: a connection uses all links that it is given, loses nothing when they come and go,
// and both ends agree on which paths there are. Method: a client with an address on each link, a server with
// one address, a bulk stream either way; virtual time, faults from a seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "quic/connection/multipath.h"
#include "sim/bonded.h"

namespace hawser::sim {
namespace {

using quic::Connection;
using quic::PathId;
using quic::PathRefusal;
using quic::PathState;
using quic::PathStatus;

SocketAddress client_at(std::size_t link) {
  return bond_client_at(link);
}
const SocketAddress kServer = bond_server();

class Bonded final : public BondedRun {
 public:
  explicit Bonded(BondPlan plan) : BondedRun(std::move(plan)) {}

  void expect_sound() const { EXPECT_EQ(failure(), ""); }

  BondWatch& client_watch = client_end.watch;
  BondWatch& server_watch = server_end.watch;
  std::function<void(Timestamp)> act;

 private:
  void on_tick(Timestamp now) override {
    if (act) act(now);
  }
};

LinkSpec pipe(std::uint64_t mbits, Duration rtt, double loss = 0) {
  const std::size_t bdp = static_cast<std::size_t>(static_cast<double>(mbits) * 125'000 * to_seconds(rtt));
  LinkSpec spec = link({rate(mbit(mbits), std::max<std::size_t>(bdp, 100'000)), delay(rtt / 2)});
  if (loss > 0) spec.push_back(drop(loss));
  return spec;
}

double alone(const LinkSpec& spec, std::uint64_t octets, bool download, const char* controller) {
  Bonded run({.links = {spec}, .octets = octets, .download = download, .controller = controller});
  EXPECT_TRUE(run.finish());
  run.expect_sound();
  return run.mbit_per_second();
}

struct Bond {
  const char* name;
  LinkSpec first;
  LinkSpec second;
  std::uint64_t octets;
  const char* controller = "cubic";
};

// The links of lab/bonding.sh with its controllers, for seconds as there: what handshake and slow start take of the
// second link is within what may be lost. CUBIC alone would not fill a link that loses by chance, and ask for little.
TEST(multipath, two_links_carry_what_both_carry_alone) {
  const std::vector<Bond> bonds{
      {"alike", pipe(100, 10ms), pipe(100, 10ms), 100'000'000},
      {"of 10 and 50 ms", pipe(100, 10ms), pipe(100, 50ms), 100'000'000},
      {"50 and 20 Mbit/s, 1 % loss", pipe(50, 20ms), pipe(20, 80ms, 0.01), 50'000'000, "bbr"},
  };
  constexpr double kShare = 0.95;
  for (const Bond& bond : bonds) {
    for (const bool download : {true, false}) {
      const double sum = alone(bond.first, bond.octets, download, bond.controller) +
                         alone(bond.second, bond.octets, download, bond.controller);
      Bonded run({.links = {bond.first, bond.second},
                  .octets = bond.octets,
                  .download = download,
                  .controller = bond.controller});
      ASSERT_TRUE(run.finish()) << bond.name;
      run.expect_sound();
      EXPECT_GE(run.mbit_per_second(), kShare * sum)
          << bond.name << (download ? " down" : " up") << ": " << run.mbit_per_second() << " of " << sum;
    }
  }
}

// Every frame of the extension is under way here: paths that open, break and are given up, under loss.
TEST(multipath, code_points_of_older_drafts_carry_the_same) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Bonded run({.links = {pipe(50, 20ms, 0.02), pipe(50, 20ms, 0.02)},
                .seed = seed,
                .code_points = quic::PathCodePoints::kDraft17});
    ASSERT_TRUE(run.finish()) << seed;
    run.expect_sound();
    EXPECT_TRUE(run.client->has_multipath());
    EXPECT_EQ(run.client->paths().size(), 2u);
    EXPECT_EQ(run.server->paths().size(), 2u);
    for (const auto& path : run.server->paths()) EXPECT_GT(path.bytes_sent + path.bytes_received, 100'000u) << seed;
  }
}

TEST(multipath, a_path_is_told_of_at_both_ends_and_carries_data) {
  Bonded run({.links = {pipe(50, 20ms), pipe(50, 20ms)}});
  ASSERT_TRUE(run.finish());
  run.expect_sound();
  EXPECT_TRUE(run.client->has_multipath());
  ASSERT_EQ(run.client->paths().size(), 2u);
  ASSERT_EQ(run.server->paths().size(), 2u);
  for (Connection* end : {run.client, run.server}) {
    for (const quic::PathInfo& path : end->paths()) EXPECT_EQ(path.state, PathState::kActive);
    EXPECT_EQ(end->multipath_stats().paths_validated, 1u);
  }
  EXPECT_GT(run.server->paths()[1].bytes_sent, 200'000u);
  EXPECT_EQ(run.server->paths()[1].tuple.remote, client_at(1));
  EXPECT_EQ(run.client_watch.count(PathState::kActive), 1u);
  EXPECT_EQ(run.server_watch.count(PathState::kActive), 1u);
}

// multipath:2-both-sides
TEST(multipath, one_end_alone_has_a_connection_like_any_other) {
  for (const auto& [client, server] : {std::pair{4u, 0u}, std::pair{0u, 4u}, std::pair{0u, 0u}}) {
    Bonded run({.links = {pipe(50, 20ms), pipe(50, 20ms)},
                .client_max_paths = client,
                .server_max_paths = server,
                .opens = false});
    ASSERT_TRUE(run.finish());
    run.expect_sound();
    EXPECT_FALSE(run.client->has_multipath());
    EXPECT_FALSE(run.server->has_multipath());
    EXPECT_EQ(run.client->open_path({client_at(1), kServer}).error(), PathRefusal::kNoMultipath);
    EXPECT_EQ(run.client->paths().size(), 1u);
  }
}

TEST(multipath, a_dead_link_stops_the_stream_for_less_than_a_tenth_of_a_second) {
  for (const std::size_t dead : {0u, 1u}) {
    for (const bool download : {true, false}) {
      std::vector<LinkSpec> links{pipe(50, 20ms), pipe(50, 20ms)};
      links[dead].push_back(blackhole(1s, 600s));
      Bonded run({.links = links, .octets = 25'000'000, .download = download});
      ASSERT_TRUE(run.finish()) << dead;
      run.expect_sound();
      EXPECT_LT(to_ms(run.reader().longest_pause), 100) << dead << (download ? " down" : " up");
      Connection& sender = download ? *run.server : *run.client;
      EXPECT_EQ(run.state_at(sender, dead), PathState::kFailed);
      EXPECT_EQ(sender.multipath_stats().failures, 1u);
      EXPECT_GT(sender.multipath_stats().frames_moved, 0u);
    }
  }
}

TEST(multipath, a_link_that_comes_back_is_in_use_within_a_second) {
  std::vector<LinkSpec> links{pipe(20, 20ms), pipe(20, 20ms)};
  links[1].push_back(blackhole(2s, 5s));
  Bonded run({.links = links, .octets = 40'000'000});
  ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + 4s; }));
  EXPECT_EQ(run.state_at(*run.server, 1), PathState::kFailed);
  ASSERT_TRUE(run.until([&] { return run.state_at(*run.server, 1) == PathState::kActive; }, 60s));
  EXPECT_LT(to_ms(run.world.now() - (kWorldStart + 5s)), 1'000);
  ASSERT_TRUE(run.finish());
  run.expect_sound();
  EXPECT_EQ(run.server->multipath_stats().recoveries, 1u);
}

TEST(multipath, all_links_away_at_once_keep_the_stream_for_later) {
  std::vector<LinkSpec> links{pipe(20, 20ms), pipe(20, 40ms)};
  links[0].push_back(blackhole(1s, 12s));
  links[1].push_back(blackhole(1s, 9s));
  Bonded run({.links = links, .octets = 10'000'000});
  ASSERT_TRUE(run.finish());
  run.expect_sound();
}

// Both links flap at random; now and then both are down together.
TEST(multipath, flapping_links_lose_nothing) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SeededRandom random(seed);
    std::vector<LinkSpec> links{pipe(10 + random.below(40), (10 + random.below(60)) * 1ms, 0.002),
                                pipe(10 + random.below(40), (10 + random.below(60)) * 1ms, 0.01)};
    for (LinkSpec& spec : links) {
      Duration at = 1s;
      while (at < 30s) {
        const Duration down = (50 + random.below(3'000)) * 1ms;
        spec.push_back(blackhole(at, at + down));
        at += down + (200 + random.below(4'000)) * 1ms;
      }
    }
    Bonded run({.links = links, .octets = 12'000'000, .download = seed % 2 == 0, .seed = seed});
    ASSERT_TRUE(run.finish(300s)) << "seed " << seed;
    run.expect_sound();
  }
}

// multipath:3.4-not-sent-after multipath:3.4-answer multipath:3.4-forget multipath:3.1-path-id-not-reused
TEST(multipath, an_abandoned_path_ends_at_both_ends_and_another_takes_its_place) {
  for (const bool by_client : {true, false}) {
    Bonded run({.links = {pipe(20, 20ms), pipe(20, 20ms)}, .octets = 10'000'000, .client_max_paths = 2});
    ASSERT_TRUE(run.until([&] { return run.reader().octets > 1'000'000; }));
    Connection& end = by_client ? *run.client : *run.server;
    ASSERT_TRUE(end.abandon_path(PathId{1}).has_value());
    EXPECT_EQ(end.abandon_path(PathId{1}).error(), PathRefusal::kUnknown);
    EXPECT_EQ(end.abandon_path(PathId{0}).error(), PathRefusal::kLast);
    run.pass(1s);
    EXPECT_EQ(run.client->paths().size(), 1u);
    EXPECT_EQ(run.server->paths().size(), 1u);
    EXPECT_EQ(run.client_watch.gone(), 1u);
    EXPECT_EQ(run.server_watch.gone(), 1u);
    const auto again = run.client->open_path({client_at(1), kServer});
    ASSERT_TRUE(again.has_value()) << quic::describe(again.error());
    EXPECT_EQ(again->value, 2u);
    ASSERT_TRUE(run.finish());
    run.expect_sound();
    EXPECT_EQ(run.state_at(*run.server, 2), PathState::kActive);
  }
}

TEST(multipath, the_first_path_can_be_abandoned_too) {
  Bonded run({.links = {pipe(20, 20ms), pipe(20, 20ms)}, .octets = 10'000'000});
  ASSERT_TRUE(run.until([&] { return run.reader().octets > 1'000'000; }));
  ASSERT_TRUE(run.client->abandon_path(PathId{0}).has_value());
  ASSERT_TRUE(run.finish());
  run.expect_sound();
  ASSERT_EQ(run.client->paths().size(), 1u);
  EXPECT_EQ(run.client->paths()[0].id.value, 1u);
  EXPECT_EQ(run.client->tuple().local, client_at(1));
  run.client->close(0, "done");
  run.client_endpoint.wake(*run.client);
  run.pass(2s);
  ASSERT_TRUE(run.server_watch.closed);
  EXPECT_EQ(run.server_watch.closed->kind, quic::CloseReason::Kind::kPeerApplication);
}

TEST(multipath, path_after_path_may_be_opened_and_abandoned) {
  Bonded run({.links = {pipe(20, 20ms), pipe(20, 20ms)}, .octets = 30'000'000, .client_max_paths = 3, .opens = false});
  ASSERT_TRUE(run.until([&] { return run.reader().octets > 100'000; }));
  std::uint64_t opened = 0;
  std::uint64_t last = 0;
  run.act = [&](Timestamp) {
    if (const auto id = run.client->open_path({client_at(1), kServer})) {
      EXPECT_GT(id->value, last);
      last = id->value;
      ++opened;
    } else if (run.state_at(*run.client, last) == PathState::kActive) {
      EXPECT_TRUE(run.client->abandon_path(PathId{last}).has_value());
    }
  };
  ASSERT_TRUE(run.finish());
  run.expect_sound();
  EXPECT_GT(opened, 15u);
  EXPECT_LE(run.server->core().multipath()->memory(), 200'000u);
}

// multipath:3.3-latest multipath:3.3-sequence-grows
TEST(multipath, a_backup_path_waits_until_it_is_needed) {
  for (const bool by_client : {true, false}) {
    std::vector<LinkSpec> links{pipe(20, 20ms), pipe(20, 20ms)};
    links[0].push_back(blackhole(3s, 600s));
    Bonded run({.links = links, .octets = 10'000'000});
    ASSERT_TRUE(run.until([&] { return run.server != nullptr && run.state_at(*run.server, 1) == PathState::kActive; }));
    Connection& end = by_client ? *run.client : *run.server;
    ASSERT_TRUE(end.set_path_status(PathId{1}, PathStatus::kBackup).has_value());
    ASSERT_TRUE(run.until([&] { return run.state_at(*run.server, 1) == PathState::kStandby; }));
    run.pass(200ms);
    const std::uint64_t before = run.server->paths()[1].bytes_sent;
    ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + 2'900ms; }));
    EXPECT_LT(run.server->paths()[1].bytes_sent - before, 10'000u);
    ASSERT_TRUE(run.finish());
    run.expect_sound();
    EXPECT_GT(run.server->paths()[1].bytes_sent - before, 2'000'000u);
  }
}

// multipath:3.1-failed-validation
TEST(multipath, a_path_on_which_nobody_answers_is_abandoned) {
  std::vector<LinkSpec> links{pipe(20, 20ms), link({drop(1.0)})};
  Bonded run({.links = links, .octets = 20'000'000});
  ASSERT_TRUE(run.finish());
  run.expect_sound();
  EXPECT_EQ(run.client->paths().size(), 1u);
  ASSERT_EQ(run.client_watch.gone(), 1u);
  EXPECT_EQ(run.client_watch.events.back().error_code, 0x3e76u);
}

TEST(multipath, a_nat_may_rebind_under_each_path) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    std::vector<LinkSpec> links{pipe(20, 20ms), pipe(20, 30ms)};
    links[0].insert(links[0].begin(), nat(rebind_after(1'500ms)));
    links[1].insert(links[1].begin(), nat(rebind_every(1s)));
    Bonded run({.links = links, .octets = 10'000'000, .download = seed % 2 == 0, .seed = seed});
    ASSERT_TRUE(run.finish()) << seed;
    run.expect_sound();
    EXPECT_EQ(run.server->paths().size(), 2u);
  }
}

TEST(multipath, keys_change_while_two_paths_carry_data) {
  Bonded run({.links = {pipe(20, 20ms), pipe(20, 90ms)}, .octets = 10'000'000});
  run.act = [&](Timestamp) { run.client->initiate_key_update(); };
  ASSERT_TRUE(run.finish());
  run.expect_sound();
  EXPECT_GE(run.client->stats().key_updates, 3u);
}

// multipath:3.1-client-opens multipath:2-limit-kept
TEST(multipath, refuses_what_the_rules_forbid) {
  Bonded run({.links = {pipe(20, 20ms), pipe(20, 20ms)}, .client_max_paths = 2, .opens = false});
  ASSERT_TRUE(run.until([&] { return run.server != nullptr; }));
  EXPECT_EQ(run.server->open_path({kServer, client_at(1)}).error(), PathRefusal::kServer);
  EXPECT_EQ(run.client->open_path({client_at(1), kServer}).error(), PathRefusal::kNotComplete);
  ASSERT_TRUE(run.finish());
  EXPECT_EQ(run.client->open_path({client_at(0), kServer}).error(), PathRefusal::kAddress);
  EXPECT_EQ(run.client->open_path({SocketAddress{}, kServer}).error(), PathRefusal::kAddress);
  ASSERT_TRUE(run.client->open_path({client_at(1), kServer}).has_value());
  EXPECT_EQ(run.client->open_path({client_at(2), kServer}).error(), PathRefusal::kLimit);
  EXPECT_EQ(run.client->set_path_status(PathId{9}, PathStatus::kBackup).error(), PathRefusal::kUnknown);
  const auto unknown = run.client->set_path_scheduler("nonsense");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("min-rtt"), std::string::npos);
}

}  // namespace
}  // namespace hawser::sim
