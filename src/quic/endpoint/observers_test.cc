// observers_test.cc: goal: what those on the way can read of 1-RTT packets, and how often keys change, is what was
// configured; method: pairs of endpoints, whose datagrams are looked at as they leave.
#include "quic/endpoint/testing_pair.h"
#include "quic/wire/packet_header.h"

namespace hawser::quic {
namespace {

struct Edge {
  bool to_server;
  Timestamp at;
};

// The changes of the spin bit while the client sends 3 MB, in the client's packets and in the server's.
std::vector<Edge> edges(SpinBitPolicy client, SpinBitPolicy server, std::uint64_t seed) {
  PairOptions options;
  options.client.spin_bit = client;
  options.server.connection.spin_bit = server;
  Pair pair(std::move(options));
  pair.random = SeededRandom{seed};
  std::vector<Edge> found;
  std::array<std::optional<bool>, 2> last;
  pair.on_sent = [&](bool to_server, Bytes datagram, const FourTuple&) {
    if ((datagram[0] & kLongHeaderBit) != 0) return;
    const bool spin = (datagram[0] & kSpinBit) != 0;
    std::optional<bool>& before = last[to_server];
    if (before && *before != spin) found.push_back({to_server, pair.now});
    before = spin;
  };
  Connection& c = pair.connect();
  EXPECT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  const StreamId id = c.open_stream(false).value();
  echo(c, id, pattern(3'000'000));
  pair.client->wake(c);
  EXPECT_TRUE(pair.run([&] { return pair.acceptor.recorder.ended[id.value]; }));
  return found;
}

// rfc9000:17.4-administrator rfc9000:17.4-ignored
TEST(observers, a_spin_bit_that_both_ends_turn_on_shows_the_round_trip) {
  int spinning = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    std::array<std::optional<Timestamp>, 2> before;
    int seen = 0;
    for (const Edge& edge : edges(SpinBitPolicy::kOn, SpinBitPolicy::kOn, seed)) {
      std::optional<Timestamp>& last = before[edge.to_server];
      if (last) {
        // 20 ms there and back, and at most an acknowledgement's delay until the next packet.
        EXPECT_GE(edge.at - *last, 20ms);
        EXPECT_LE(edge.at - *last, 50ms);
        ++seen;
      }
      last = edge.at;
    }
    spinning += seen >= 6 ? 1 : 0;
    if (seen < 6) EXPECT_EQ(seen, 0);
  }
  // Both ends do in 49 of 64 pairs.
  EXPECT_GE(spinning, 6);
}

// rfc9000:17.4-ignored
TEST(observers, a_spin_bit_that_one_end_turns_off_shows_nothing) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    EXPECT_TRUE(edges(SpinBitPolicy::kOff, SpinBitPolicy::kOff, seed).empty());
    EXPECT_TRUE(edges(SpinBitPolicy::kRandom, SpinBitPolicy::kRandom, seed).empty());
    // The end that spins meets a bit that stays, and takes it over or inverts it once.
    EXPECT_LE(edges(SpinBitPolicy::kOff, SpinBitPolicy::kOn, seed).size(), 1u);
    EXPECT_LE(edges(SpinBitPolicy::kOn, SpinBitPolicy::kOff, seed).size(), 1u);
  }
}

struct SpinLog : EventSink {
  std::vector<bool> sent;  // the bit of each 1-RTT packet
  std::vector<bool> updates;
  using EventSink::on_event;
  void on_event(const EventContext&, const PacketSent& event) override {
    if (event.packet_type == LoggedPacketType::kOneRtt) sent.push_back(event.spin_bit);
  }
  void on_event(const EventContext&, const SpinBitUpdated& event) override { updates.push_back(event.state); }
};

TEST(observers, a_log_has_the_spin_bit_of_each_packet_and_each_change) {
  bool has_spun = false;
  for (std::uint64_t seed = 1; seed <= 12 && !has_spun; ++seed) {
    SpinLog log;
    PairOptions options;
    options.client.spin_bit = options.server.connection.spin_bit = SpinBitPolicy::kOn;
    options.client_events = &log;
    Pair pair(std::move(options));
    pair.random = SeededRandom{seed};
    std::vector<bool> on_wire;
    pair.on_sent = [&](bool to_server, Bytes datagram, const FourTuple&) {
      if (to_server && (datagram[0] & kLongHeaderBit) == 0) on_wire.push_back((datagram[0] & kSpinBit) != 0);
    };
    Connection& c = pair.connect();
    ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
    const StreamId id = c.open_stream(false).value();
    echo(c, id, pattern(300'000));
    pair.client->wake(c);
    ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.ended[id.value]; }));
    // 1-RTT packets behind a long header in one datagram are only in the log, at its beginning.
    ASSERT_GE(log.sent.size(), on_wire.size());
    EXPECT_TRUE(std::equal(on_wire.rbegin(), on_wire.rend(), log.sent.rbegin())) << seed;
    for (std::size_t i = 1; i < log.updates.size(); ++i) EXPECT_NE(log.updates[i], log.updates[i - 1]);
    has_spun = log.updates.size() > 2;
  }
  EXPECT_TRUE(has_spun);
}

// rfc9001:6.1-acknowledged rfc9001:6.5-three-pto
TEST(observers, keys_change_with_the_first_packet_after_the_configured_time) {
  PairOptions options;
  options.client.key_update_interval = 10s;
  options.server.connection.idle_timeout = Duration{0};
  options.client.idle_timeout = Duration{0};
  Pair pair(std::move(options));
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  const StreamId id = c.open_stream(true).value();
  const auto pass = [&](Duration time) {
    const Timestamp end = pair.now + time;
    pair.run([] { return false; }, time);
    pair.now = std::max(pair.now, end);
  };
  const auto say = [&] {
    EXPECT_TRUE(c.write(id, SharedBytes::copy(as_bytes("more")), false).has_value());
    pair.client->wake(c);
    pass(1s);
  };
  pass(5s);
  say();
  EXPECT_EQ(c.stats().key_updates, 0u);
  pass(5s);
  EXPECT_EQ(c.stats().key_updates, 0u);  // nothing wakes a connection for it
  say();
  EXPECT_EQ(c.stats().key_updates, 1u);
  say();
  EXPECT_EQ(c.stats().key_updates, 1u);
  pass(20s);
  say();
  EXPECT_EQ(c.stats().key_updates, 2u);
  EXPECT_EQ(pair.acceptor.connection->stats().key_updates, 2u);
}

TEST(observers, a_connection_survives_a_thousand_key_updates_under_loss_and_a_peers_updates) {
  PairOptions options;
  options.delay = 1ms;
  options.client.key_update_interval = 1ms;
  options.server.connection.key_update_packets = 100;
  options.server.connection.max_ack_delay = options.client.max_ack_delay = 1ms;
  Pair pair(std::move(options));
  SeededRandom fate{7};
  pair.drop = [&](bool, Bytes) { return fate.below(20) == 0; };
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  const StreamId id = c.open_stream(true).value();
  const std::string line = pattern(1'000);
  std::size_t written = 0;
  while (c.stats().key_updates < 1'000) {
    ASSERT_FALSE(pair.recorder.closed.has_value()) << c.stats().key_updates;
    ASSERT_LT(pair.now, Timestamp{10min}) << c.stats().key_updates;
    ASSERT_LE(pair.steps, 1'000'000) << "run() does nothing any more; " << c.stats().key_updates;
    const auto taken = c.write(id, SharedBytes::copy(as_bytes(line)), false);
    ASSERT_TRUE(taken.has_value());
    written += line.size();
    pair.client->wake(c);
    const Timestamp end = pair.now + 5ms;
    pair.run([] { return false; }, 5ms);
    pair.now = std::max(pair.now, end);  // also where nothing happens until later
  }
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.received[id.value].size() == written; }));
  const std::string& received = pair.acceptor.recorder.received[id.value];
  for (std::size_t at = 0; at < written; at += line.size()) ASSERT_EQ(received.compare(at, line.size(), line), 0) << at;
  // The last one may not have reached it yet.
  EXPECT_GE(pair.acceptor.connection->stats().key_updates, 999u);
}

}  // namespace
}  // namespace hawser::quic
