// flight_rules_test.cc: goal: what is under way stays within what congestion control (RFC 9002) and the peer
// (RFC 9221, acknowledgement frequency) allow. Method: an honest pair over a network with delay and loss,
// whose datagrams are opened and read.
#include <gtest/gtest.h>

#include "wire_tap.h"

namespace hawser::quic {
namespace {

// Drops every tenth datagram in both directions.
void make_lossy(Pair& pair) {
  auto count = std::make_shared<int>(0);
  pair.drop = [count](bool, Bytes) { return ++*count % 10 == 0; };
}

bool confirmed(Pair& pair) {
  return pair.run([&] { return pair.connection->handshake_confirmed(); });
}

// ack-frequency:3-min-ack-delay
TEST(flight_rules, min_ack_delay_is_within_max_ack_delay) {
  for (const Duration delay : {0us, 1us, 500us, 999us, 1'000us, 1'999us, 25'000us}) {
    ConnectionConfig config;
    config.max_ack_delay = delay;
    const TransportParameters ours = configured_parameters(config);
    EXPECT_LE(*ours.min_ack_delay_us, 1'000 * ours.max_ack_delay_ms) << to_us(delay);
    EXPECT_EQ(std::chrono::microseconds(*ours.min_ack_delay_us), declared_min_ack_delay(config));
  }
}

// rfc9002:7-window
TEST(flight_rules, what_is_in_flight_stays_within_the_window) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(confirmed(pair));
  make_lossy(pair);
  const StreamId id = c.open_stream(false).value();
  echo(c, id, pattern(2'000'000));
  pair.client->wake(c);
  std::uint64_t before = 0, timeouts = 0;
  int grown = 0;
  ASSERT_TRUE(pair.run(
      [&] {
        const ConnectionStats stats = c.stats();
        // A window that shrinks leaves more in flight for a while, but nothing is added then, probes aside.
        if (stats.bytes_in_flight > before && stats.pto_count == timeouts) {
          EXPECT_LE(stats.bytes_in_flight, stats.congestion_window + stats.max_datagram_size);
          ++grown;
        }
        before = stats.bytes_in_flight;
        timeouts = stats.pto_count;
        return pair.acceptor.recorder.ended[id.value];
      },
      120s));
  EXPECT_GT(grown, 50);
}

// rfc9002:7.5-not-blocked rfc9002:6.2.4-eliciting rfc9002:7.5-counted
TEST(flight_rules, probes_pass_a_full_window) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(confirmed(pair));
  pair.drop = [](bool, Bytes) { return true; };
  echo(c, c.open_stream(false).value(), pattern(500'000));
  pair.client->wake(c);
  pair.run([] { return false; }, 40ms);
  const ConnectionStats full = c.stats();
  ASSERT_GT(full.bytes_in_flight + full.max_datagram_size, full.congestion_window);
  WireTap tap(pair);
  ASSERT_TRUE(pair.run([&] { return c.stats().pto_count > full.pto_count + 1; }));
  const auto probes = tap.where([](const SeenPacket& p) { return p.to_server; });
  EXPECT_GE(probes.size(), 2u);
  EXPECT_GT(c.stats().bytes_in_flight, full.bytes_in_flight);
  for (const SeenPacket* probe : probes) EXPECT_TRUE(probe->eliciting());
}

// rfc9000:19.21-congestion rfc9221:5.4-congestion
TEST(flight_rules, datagrams_count_against_the_window) {
  PairOptions options;
  options.client.max_datagram_frame_size = options.server.connection.max_datagram_frame_size = 1'500;
  Pair pair(std::move(options));
  Connection& c = pair.connect();
  ASSERT_TRUE(confirmed(pair));
  pair.run([] { return false; }, 1s);
  pair.drop = [](bool, Bytes) { return true; };
  WireTap tap(pair);
  for (int i = 0; i < 40; ++i) (void)c.send_datagram(std::vector<std::uint8_t>(1'000, 7));
  pair.client->wake(c);
  pair.run([] { return false; }, 25ms);
  const ConnectionStats stats = c.stats();
  EXPECT_GT(stats.bytes_in_flight, 5'000u);
  EXPECT_LE(stats.bytes_in_flight, stats.congestion_window + stats.max_datagram_size);
  std::size_t sent = 0;
  for (const SeenPacket& packet : tap.packets()) {
    if (packet.has<DatagramFrame>()) {
      EXPECT_TRUE(packet.eliciting());
      ++sent;
    }
  }
  EXPECT_LT(sent, 40u) << "those that the window holds back wait";
}

// rfc9221:3-size rfc9221:3-after-parameter rfc9000:19.21-understood
TEST(flight_rules, datagrams_keep_to_the_size_that_the_peer_takes) {
  for (const std::uint64_t limit : {0u, 100u}) {
    PairOptions options;
    options.client.max_datagram_frame_size = 65'535;
    options.server.connection.max_datagram_frame_size = limit;
    Pair pair(std::move(options));
    WireTap tap(pair);
    Connection& c = pair.connect();
    EXPECT_FALSE(c.send_datagram(as_bytes("x"))) << "nobody knows yet what the server takes";
    ASSERT_TRUE(confirmed(pair));
    EXPECT_EQ(c.max_datagram_payload(), limit == 0 ? 0u : limit - 3);
    EXPECT_EQ(c.send_datagram(std::vector<std::uint8_t>(97)).has_value(), limit != 0);
    EXPECT_FALSE(c.send_datagram(std::vector<std::uint8_t>(98)));
    pair.client->wake(c);
    pair.run([] { return false; }, 100ms);
    EXPECT_EQ(tap.where([](const SeenPacket& p) { return p.has<DatagramFrame>(); }).empty(), limit == 0);
    EXPECT_FALSE(pair.acceptor.recorder.closed.has_value());
  }
}

// rfc9002:6.2.4-new-data
TEST(flight_rules, a_probe_carries_data_that_was_not_sent_before) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  bool lost = true;
  pair.drop = [&](bool to_server, Bytes) { return lost && to_server; };
  WireTap tap(pair);
  const StreamId id = c.open_stream(true).value();
  echo(c, id, pattern(2'000'000));  // more than the window holds
  pair.client->wake(c);
  pair.run([] { return false; }, 1ms);
  std::uint64_t sent_to = 0;
  for (const SeenPacket& packet : tap.packets())
    if (const auto* data = packet.get<StreamFrame>(); data != nullptr && packet.to_server)
      sent_to = std::max(sent_to, data->offset + data->data.size());
  ASSERT_GT(sent_to, 0u);
  tap.clear();
  ASSERT_TRUE(pair.run([&] { return c.stats().pto_count > 0; }, 2s));
  pair.run([] { return false; }, 1ms);
  std::uint64_t probed_to = 0;
  for (const SeenPacket* packet : tap.where([](const SeenPacket& p) { return p.to_server && p.has<StreamFrame>(); }))
    probed_to = std::max(probed_to, packet->get<StreamFrame>()->offset + packet->get<StreamFrame>()->data.size());
  EXPECT_GT(probed_to, sent_to);
}

// A probe of the MTU waits for the window, and nobody is woken for it before there is room.
TEST(flight_rules, a_probe_of_the_mtu_that_waits_for_the_window_wakes_nobody) {
  PairOptions options;
  options.client.keep_alive = 10s;
  Pair pair(std::move(options));
  // A path that carries less than there could be is tried again later (RFC 8899).
  pair.drop = [](bool, Bytes datagram) { return datagram.size() > 1'400; };
  Connection& c = pair.connect();
  ASSERT_TRUE(confirmed(pair));
  pair.run([] { return false; }, 5s);
  const Timestamp raise = c.core().path().active().mtu_prober().next_timeout();
  ASSERT_LT(raise, kNever);
  pair.run([] { return false; }, raise - pair.now - 20ms);
  pair.drop = [](bool, Bytes) { return true; };
  echo(c, c.open_stream(false).value(), pattern(500'000));
  pair.client->wake(c);
  pair.run([] { return false; }, raise - pair.now - 1ms);
  ASSERT_FALSE(c.core().path().may_send(pair.now));
  const int before = pair.steps;
  pair.run([] { return false; }, 5ms);
  EXPECT_LT(pair.steps - before, 20);
}

}  // namespace
}  // namespace hawser::quic
