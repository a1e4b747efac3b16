// receive_timestamps_test.cc: goal: where both sides declare receive timestamps, each learns when its packets
// arrived and what that says of the way; method: pairs of endpoints over a network whose delay is known.
#include "quic/connection/receive_timestamps.h"
#include "quic/endpoint/testing_pair.h"

namespace hawser::quic {
namespace {

TEST(one_way_delay, is_told_above_the_least_and_by_its_variation) {
  OneWayDelay delay;
  // The peer's clock is an hour off: no matter.
  const auto arrive = [&delay](Duration sent, Duration way) { delay.on_arrival(Timestamp{sent}, sent + way + 3'600s); };
  arrive(1s, 20ms);
  EXPECT_EQ(delay.stats().delay_variation, Duration{0});
  arrive(1s + 1ms, 36ms);
  EXPECT_EQ(delay.stats().delay_variation, 1ms);
  EXPECT_EQ(delay.stats().delay_above_least, 16ms);
  arrive(1s + 2ms, 10ms);
  EXPECT_EQ(delay.stats().delay_above_least, Duration{0});
  EXPECT_EQ(delay.stats().delay_above_least_max, 16ms);
  EXPECT_EQ(delay.stats().packets, 3u);
}

struct Watch : EventSink {
  std::uint64_t reports = 0;
  std::uint64_t packets = 0;
  std::uint64_t sets = 0;
  Duration first{0}, last{0};
  using EventSink::on_event;
  void on_event(const EventContext&, const ReceiveTimesReported& event) override {
    ++reports;
    packets += event.packets.size();
    for (const ReceivedAt& packet : event.packets) {
      EXPECT_GE(packet.since_basis, last);
      last = packet.since_basis;
      if (first == Duration{0}) first = last;
    }
  }
};

struct Sending {
  explicit Sending(std::uint64_t client, std::uint64_t server, Watch* watch = nullptr, std::uint64_t exponent = 0) {
    PairOptions options;
    options.client.receive_timestamps = client;
    options.client.receive_timestamps_exponent = exponent;
    options.server.connection.receive_timestamps = server;
    options.client_events = watch;
    pair.emplace(std::move(options));
  }
  // The client sends 500 kB.
  Connection& run() {
    Connection& c = pair->connect();
    EXPECT_TRUE(pair->run([&] { return c.handshake_confirmed(); }));
    const StreamId id = c.open_stream(false).value();
    echo(c, id, pattern(500'000));
    pair->client->wake(c);
    EXPECT_TRUE(pair->run([&] { return pair->acceptor.recorder.ended[id.value]; }));
    pair->run([] { return false; }, 200ms);
    EXPECT_FALSE(pair->recorder.closed.has_value());
    return c;
  }
  std::optional<Pair> pair;
};

// Were they in Initial and Handshake packets too, the handshake would fail.
// receive-ts:3-one-rtt
TEST(receive_timestamps, a_sender_learns_when_its_packets_arrived) {
  Watch watch;
  Sending sending(30, 1, &watch);
  const ReceiveTimeStats stats = sending.run().receive_time_stats();
  // Nearly all of its packets; acknowledgements of the handshake's last ones came without.
  EXPECT_GE(stats.packets, 300u);
  EXPECT_EQ(watch.packets, stats.packets);
  EXPECT_GT(watch.reports, 10u);
  // The network delays all packets alike; times are told in whole microseconds.
  EXPECT_LT(stats.delay_variation, 1us);
  EXPECT_LT(stats.delay_above_least_max, 1us);
  EXPECT_GT(watch.last - watch.first, 20ms);
  EXPECT_LT(watch.last - watch.first, 10s);
  // The other way only what the server had to say: it asked for one time in a frame.
  EXPECT_GT(sending.pair->acceptor.connection->receive_time_stats().packets, 0u);
}

// receive-ts:4-both receive-ts:6.1-best-effort
TEST(receive_timestamps, are_there_only_where_both_sides_declare_them) {
  for (const auto& [client, server] : {std::pair{0, 30}, std::pair{30, 0}, std::pair{0, 0}}) {
    Sending sending(static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(server));
    EXPECT_EQ(sending.run().receive_time_stats().packets, 0u);
    EXPECT_EQ(sending.pair->acceptor.connection->receive_time_stats().packets, 0u);
  }
}

TEST(receive_timestamps, with_multipath_nothing_is_told_and_nothing_breaks) {
  Sending sending(30, 30);
  PairOptions options;
  options.client.receive_timestamps = options.server.connection.receive_timestamps = 30;
  options.client.max_paths = options.server.connection.max_paths = 2;
  sending.pair.emplace(std::move(options));
  EXPECT_EQ(sending.run().receive_time_stats().packets, 0u);
}

TEST(receive_timestamps, a_coarse_unit_makes_delays_coarse_and_nothing_else) {
  Sending sending(63, 63, nullptr, 12);
  const ReceiveTimeStats stats = sending.run().receive_time_stats();
  EXPECT_GE(stats.packets, 300u);
  EXPECT_LE(stats.delay_above_least_max, std::chrono::microseconds{1 << 12});
}

// receive-ts:6.1-best-effort
TEST(receive_timestamps, survive_loss_both_ways_over_seeds) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Sending sending(1 + seed, 64 - seed % 60);
    sending.pair->random = SeededRandom{seed};
    SeededRandom fate{seed};
    sending.pair->drop = [&fate](bool, Bytes) { return fate.below(10) == 0; };
    const ReceiveTimeStats stats = sending.run().receive_time_stats();
    EXPECT_GT(stats.packets, 50u) << seed;
    EXPECT_LT(stats.delay_above_least_max, 1us) << seed;
  }
}

}  // namespace
}  // namespace hawser::quic
