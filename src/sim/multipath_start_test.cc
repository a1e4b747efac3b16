// multipath_start_test.cc: goal: a client opens other paths as soon as it has finished its handshake, a round trip of
// the first path before it hears that this is confirmed, and whatever is lost or comes early then, both ends end up
// with a connection that is confirmed and carries all. Method: a client that begins over a slow link and has a fast one
// beside it; virtual time, faults from a seed.
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "quic/connection/multipath.h"
#include "sim/bonded.h"

namespace hawser::sim {
namespace {

using quic::Connection;
using quic::PathId;
using quic::PathState;

// The client has finished after kSlow, the server after half of it more, and the client hears of that after 2 * kSlow.
constexpr Duration kSlow = 200ms;
constexpr Duration kFast = 20ms;

class Start final : public BondedRun {
 public:
  explicit Start(BondPlan plan) : BondedRun(std::move(plan)) {}

  std::function<void()> act;  // once: another path is open, and the handshake is not confirmed
  bool early = false;

 private:
  void on_tick(Timestamp) override {
    if (early || client->handshake_confirmed() || client->paths().size() < 2) return;
    early = true;
    if (act) act();
  }
};

LinkSpec pipe(Duration rtt) {
  return link({rate(mbit(20), 200'000), delay(rtt / 2)});
}

std::vector<LinkSpec> slow_and_fast(ElementSpec before_slow) {
  std::vector<LinkSpec> links{pipe(kSlow), pipe(kFast)};
  links[0].insert(links[0].begin(), std::move(before_slow));
  return links;
}

void expect_confirmed(const Start& run, std::uint64_t seed) {
  EXPECT_EQ(run.failure(), "") << seed;
  EXPECT_TRUE(run.early) << seed;
  EXPECT_TRUE(run.client->handshake_confirmed()) << seed;
}

TEST(multipath_start, another_path_opens_before_the_handshake_is_confirmed) {
  for (const auto points : {quic::PathCodePoints::kDraft21, quic::PathCodePoints::kDraft17}) {
    for (const bool download : {true, false}) {
      Start run({.links = {pipe(kSlow), pipe(kFast)}, .download = download, .code_points = points});
      bool server_complete = true;
      run.act = [&] { server_complete = run.server->handshake_complete(); };
      ASSERT_TRUE(run.until([&] { return run.early; }));
      EXPECT_FALSE(server_complete);
      ASSERT_TRUE(run.until([&] { return run.state_at(*run.client, 1) == PathState::kActive; }));
      ASSERT_TRUE(run.until([&] { return run.state_at(*run.server, 1) == PathState::kActive; }));
      EXPECT_LT(to_ms(run.world.now() - kWorldStart), 1.5 * to_ms(kSlow) + 2 * to_ms(kFast));
      EXPECT_TRUE(run.client->handshake_confirmed()) << "by acknowledgements on the fast path";
      // What waited at the server for the end of the handshake is no part of the round trip.
      EXPECT_LT(to_ms(run.client->paths()[1].smoothed_rtt), 1.5 * to_ms(kFast));
      EXPECT_EQ(run.server->stats().packets_dropped, 0u);
      ASSERT_TRUE(run.finish());
      expect_confirmed(run, 0);
    }
  }
}

// All that the client sent to finish is lost, and what came on the other path waits for a second or longer.
TEST(multipath_start, the_handshake_is_repeated_on_the_first_path_while_another_is_open) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Duration back = kSlow + seed * 50ms;
    Start run({.links = slow_and_fast(blackhole(kSlow - 5ms, back)), .download = seed % 2 == 0, .seed = seed});
    ASSERT_TRUE(run.until([&] { return run.world.now() >= kWorldStart + back; }));
    EXPECT_FALSE(run.server->handshake_complete());
    ASSERT_TRUE(run.finish()) << seed;
    expect_confirmed(run, seed);
    EXPECT_EQ(run.state_at(*run.server, 1), PathState::kActive) << seed;
  }
}

// The first path dies under HANDSHAKE_DONE: the other one tells of it, and takes over.
TEST(multipath_start, the_handshake_is_confirmed_on_another_path_when_the_first_one_dies) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<LinkSpec> links = slow_and_fast(blackhole(kSlow + 50ms, 600s));
    links[1].push_back(drop(0.2));
    Start run({.links = links, .download = seed % 2 == 0, .seed = seed});
    ASSERT_TRUE(run.finish()) << seed;
    expect_confirmed(run, seed);
  }
}

TEST(multipath_start, loss_and_reordering_leave_nothing_undone) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    std::vector<LinkSpec> links;
    for (int i = 0; i < 3; ++i) {
      links.push_back(pipe((5 + random.below(200)) * 1ms));
      links.back().push_back(jitter(random.below(80) * 1ms));
      links.back().push_back(drop(0.01 * static_cast<double>(random.below(20))));
    }
    Start run({.links = links, .octets = 200'000, .download = seed % 2 == 0, .seed = seed});
    ASSERT_TRUE(run.finish()) << seed;
    EXPECT_EQ(run.failure(), "") << seed;
    ASSERT_TRUE(run.until([&] { return run.client->handshake_confirmed(); }, 10s)) << seed;
  }
}

TEST(multipath_start, a_close_before_confirmation_is_heard) {
  for (const bool opens : {true, false}) {
    Start run({.links = {pipe(kSlow), pipe(kFast)}, .opens = true});
    run.act = [&] {
      if (opens) (void)run.client->abandon_path(PathId{1});
      run.client->close(7, "enough");
      run.client_endpoint.wake(*run.client);
    };
    ASSERT_TRUE(run.until([&] { return run.early; }));
    run.pass(kSlow);
    ASSERT_TRUE(run.server_end.watch.closed);
    EXPECT_NE(run.server_end.watch.closed->kind, quic::CloseReason::Kind::kHandshakeTimeout);
  }
}

TEST(multipath_start, a_server_that_closes_before_confirmation_is_heard) {
  Start run({.links = {pipe(kSlow), pipe(kFast)}});
  ASSERT_TRUE(run.until([&] { return run.early; }));
  ASSERT_FALSE(run.server->handshake_complete());
  run.server->close(8, "no");
  run.server_endpoint.wake(*run.server);
  run.pass(kSlow);
  ASSERT_TRUE(run.client_end.watch.closed);
  // In Handshake packets the application's words are not shown.
  EXPECT_EQ(run.client_end.watch.closed->error_code,
            static_cast<std::uint64_t>(quic::TransportErrorCode::kApplicationError));
}

// A packet of the first path that tells what came on the other one is in flight when the handshake's probe timeouts
// take all that is: the other path has no acknowledgements of the handshake to ask.
TEST(multipath_start, probes_of_the_handshake_ask_no_other_path_for_its_acknowledgements) {
  std::vector<LinkSpec> links{pipe(kSlow), pipe(kFast)};
  for (LinkSpec& spec : links) spec.push_back(blackhole(kSlow + 2ms, 600s));
  Start run({.links = links});
  run.act = [&] {
    for (const std::uint64_t id : {0u, 1u}) {
      quic::AckTracker& acks =
          run.client->core().multipath()->find(PathId{id})->path->acks(quic::PacketNumberSpace::kApplication);
      acks.on_packet_received(PacketNumber{100}, true, Ecn::kNotEct, run.world.now());
      acks.request_immediate_ack(run.world.now());
    }
    ASSERT_TRUE(run.client->abandon_path(PathId{1}).has_value());
    run.client_endpoint.wake(*run.client);
  };
  ASSERT_TRUE(run.until([&] { return run.early; }));
  run.pass(8s);
  EXPECT_GE(run.client->stats().pto_count, 3u);
}

// The handshake belongs to the first path: no other has its packet numbers.
TEST(multipath_start, a_handshake_packet_to_a_connection_id_of_another_path_is_dropped) {
  Start run({.links = {pipe(kSlow), pipe(kFast)}});
  bool said = false;
  run.act = [&] {
    quic::ConnectionCore& core = run.client->core();
    const quic::ConnectionId dcid = core.multipath()->find(PathId{1})->local_cids().entries()[0].cid;
    const quic::ConnectionId scid = core.path().peer_cid(core.path().active());
    std::vector<std::uint8_t> packet{0xe0, 0, 0, 0, 1};
    for (const quic::ConnectionId& cid : {dcid, scid}) {
      packet.push_back(static_cast<std::uint8_t>(cid.length()));
      packet.insert(packet.end(), cid.view().begin(), cid.view().end());
    }
    packet.push_back(40);
    packet.resize(packet.size() + 40);
    const std::uint64_t before = run.client->stats().packets_dropped;
    core.on_datagrams(packet, packet.size(), {bond_client_at(1), bond_server()}, Ecn::kNotEct, core.now());
    said = run.client->stats().packets_dropped == before + 1;
  };
  ASSERT_TRUE(run.finish());
  expect_confirmed(run, 0);
  EXPECT_TRUE(said);
}

}  // namespace
}  // namespace hawser::sim
