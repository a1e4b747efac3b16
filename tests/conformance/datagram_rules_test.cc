// datagram_rules_test.cc: goal: DATAGRAM frames leave in the order, in the time and with the feedback that
// RFC 9221 section 5 and the application ask for. Method: an honest pair over a network with delay and loss,
// whose datagrams are opened and read.
#include <gtest/gtest.h>

#include "quic/wire/frames/datagram.h"
#include "wire_tap.h"

namespace hawser::quic {
namespace {

using Text = std::string;

PairOptions with_datagrams() {
  PairOptions options;
  options.client.max_datagram_frame_size = options.server.connection.max_datagram_frame_size = kAnyDatagramFrame;
  return options;
}

// A pair that has come to rest: acknowledged all, and no probe of the MTU to come.
struct QuietPair : Pair {
  explicit QuietPair(PairOptions o = with_datagrams()) : Pair(std::move(o)) {
    connect();
    EXPECT_TRUE(run([&] { return connection->handshake_confirmed(); }));
    run([] { return false; }, 1s);
  }
  Connection& c() { return *connection; }
};

// Of the packets that the client sent, by what is in them.
template <class Frame>
std::vector<std::size_t> places(WireTap& tap) {
  std::vector<std::size_t> found;
  std::size_t place = 0;
  for (const SeenPacket& packet : tap.packets()) {
    if (!packet.to_server) continue;
    if (packet.has<Frame>()) found.push_back(place);
    ++place;
  }
  return found;
}

// rfc9221:3-65535
TEST(datagram_rules, whatever_fits_into_a_packet_is_taken) {
  EXPECT_EQ(kAnyDatagramFrame, 65'535u);
  EXPECT_EQ(configured_parameters(with_datagrams().client).max_datagram_frame_size, 65'535u);
  QuietPair pair;
  const std::size_t most = pair.c().max_datagram_payload();
  EXPECT_GT(most, 1'400u);
  ASSERT_TRUE(pair.c().send_datagram(as_bytes(Text(most, 'x'))));
  EXPECT_EQ(pair.c().send_datagram(as_bytes(Text(most + 1, 'x'))).error(), DatagramError::kTooLarge);
  pair.client->wake(pair.c());
  ASSERT_TRUE(pair.run([&] { return !pair.acceptor.recorder.datagrams.empty(); }, 1s));
  EXPECT_EQ(pair.acceptor.recorder.datagrams.front().size(), most);
}

// rfc9221:5-soon
TEST(datagram_rules, a_datagram_passes_the_stream_data_that_waits) {
  QuietPair pair;
  WireTap tap(pair);
  echo(pair.c(), pair.c().open_stream(false).value(), pattern(100'000));
  ASSERT_TRUE(pair.c().send_datagram(as_bytes("now")));
  pair.client->wake(pair.c());
  ASSERT_TRUE(pair.run([&] { return !pair.acceptor.recorder.datagrams.empty(); }, 1s));
  EXPECT_EQ(places<DatagramFrame>(tap), (std::vector<std::size_t>{0}));
}

// rfc9221:5.1-priorities
TEST(datagram_rules, datagrams_and_streams_go_by_urgency) {
  QuietPair pair;
  Connection& c = pair.c();
  WireTap tap(pair);
  ASSERT_TRUE(c.set_datagram_flow(1, {.urgency = 1}));
  ASSERT_TRUE(c.set_datagram_flow(5, {.urgency = 5}));
  const StreamId id = c.open_stream(false).value();
  c.set_priority(id, 3, false);
  echo(c, id, pattern(100'000));
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(c.send_datagram(as_bytes(Text(1'100, '5')), {.flow = 5}));
    ASSERT_TRUE(c.send_datagram(as_bytes(Text(1'100, '1')), {.flow = 1}));
  }
  pair.client->wake(c);
  auto& received = pair.acceptor.recorder;
  ASSERT_TRUE(pair.run([&] { return received.datagrams.size() == 10 && received.ended[id.value]; }, 5s));
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(received.datagrams[i].front(), i < 5 ? '1' : '5') << i;
  const auto of_datagrams = places<DatagramFrame>(tap);
  const auto of_streams = places<StreamFrame>(tap);
  ASSERT_EQ(of_datagrams.size(), 10u);
  EXPECT_EQ(of_datagrams[4], 4u) << "the urgent ones go first, with what they leave of packets to the stream";
  EXPECT_GE(of_datagrams[5], of_streams.back()) << "the others follow the stream's end";
}

TEST(datagram_rules, equally_urgent_datagrams_and_streams_share) {
  QuietPair pair;
  Connection& c = pair.c();
  WireTap tap(pair);
  echo(c, c.open_stream(false).value(), pattern(200'000));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(c.send_datagram(as_bytes(Text(1'300, 'x'))));
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return places<DatagramFrame>(tap).size() >= 30; }, 5s));
  std::size_t streams_alone = 0;
  for (const SeenPacket& packet : tap.packets())
    streams_alone += packet.to_server && packet.has<StreamFrame>() && !packet.has<DatagramFrame>();
  EXPECT_GE(streams_alone, 25u);
  EXPECT_LE(streams_alone, 35u);
}

TEST(datagram_rules, reports_agree_with_what_the_network_did) {
  QuietPair pair;
  Connection& c = pair.c();
  ASSERT_TRUE(c.set_datagram_flow(0, {.reports = kReportAll}));
  int count = 0;
  int dropped = 0;
  pair.drop = [&](bool to_server, Bytes) {
    const bool drop = to_server && ++count % 7 == 0;
    dropped += drop;
    return drop;
  };
  const auto number_of = [&](DatagramFate fate) {
    return std::ranges::count(pair.recorder.reports, fate, &DatagramReport::fate);
  };
  for (std::uint64_t id = 0; id < 200; ++id) ASSERT_TRUE(c.send_datagram(as_bytes(Text(1'300, 'x')), {.id = id}));
  pair.client->wake(c);
  ASSERT_TRUE(
      pair.run([&] { return number_of(DatagramFate::kAcknowledged) + number_of(DatagramFate::kLost) >= 200; }, 10s));
  EXPECT_EQ(number_of(DatagramFate::kSent), 200);
  EXPECT_GT(dropped, 20);
  EXPECT_EQ(number_of(DatagramFate::kAcknowledged), std::ssize(pair.acceptor.recorder.datagrams));
  EXPECT_EQ(number_of(DatagramFate::kLost), 200 - std::ssize(pair.acceptor.recorder.datagrams));
  const DatagramStats stats = c.datagram_stats();
  EXPECT_EQ(stats.sent, 200u);
  EXPECT_EQ(stats.acknowledged + stats.lost, 200u);
  EXPECT_EQ(stats.octets_sent, 200u * 1'300);
  EXPECT_EQ(pair.acceptor.connection->datagram_stats().received, stats.acknowledged);
}

// A closed window holds them back; their lifetime ends all the same.
TEST(datagram_rules, what_the_window_holds_back_expires_in_time) {
  QuietPair pair;
  Connection& c = pair.c();
  ASSERT_TRUE(c.set_datagram_flow(0, {.reports = report_of(DatagramFate::kExpired), .lifetime = 15ms}));
  pair.drop = [](bool, Bytes) { return true; };
  echo(c, c.open_stream(false).value(), pattern(500'000));
  pair.client->wake(c);
  pair.run([] { return false; }, 5ms);
  const std::uint64_t full = c.stats().bytes_in_flight;
  for (std::uint64_t id = 0; id < 10; ++id) ASSERT_TRUE(c.send_datagram(as_bytes(Text(1'300, 'x')), {.id = id}));
  pair.client->wake(c);
  const Timestamp pushed = pair.now;
  EXPECT_EQ(c.stats().bytes_in_flight, full);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.reports.size() == 10; }, 1s));
  EXPECT_LE(pair.now - pushed, 15ms + DatagramQueue::kExpiryGranularity);
  EXPECT_EQ(c.datagram_stats().expired, 10u);
}

TEST(datagram_rules, room_is_told_once_datagrams_have_left) {
  QuietPair pair;
  Connection& c = pair.c();
  ASSERT_TRUE(c.set_datagram_flow(2, {.drop = DatagramDrop::kNewest, .queue_max = 20}));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(c.send_datagram(as_bytes(Text(1'300, 'x')), {.flow = 2}));
  EXPECT_EQ(c.send_datagram(as_bytes("x"), {.flow = 2}).error(), DatagramError::kQueueFull);
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return !pair.recorder.writable.empty(); }, 1s));
  EXPECT_EQ(pair.recorder.writable, (std::vector<DatagramFlowId>{2}));
  EXPECT_LE(c.datagram_stats(2)->waiting, 10u);
}

// Who answers a report with the next datagram must not wait for the peer.
TEST(datagram_rules, what_a_report_makes_the_application_send_goes_at_once) {
  QuietPair pair;
  Connection& c = pair.c();
  ASSERT_TRUE(c.set_datagram_flow(0, {.reports = report_of(DatagramFate::kSent)}));
  pair.recorder.on_reports = [&](Connection& connection) {
    if (pair.recorder.reports.size() < 8) ASSERT_TRUE(connection.send_datagram(as_bytes("next")));
  };
  ASSERT_TRUE(c.send_datagram(as_bytes("first")));
  pair.client->wake(c);
  const Timestamp begin = pair.now;
  ASSERT_TRUE(pair.run([&] { return pair.recorder.reports.size() == 8; }, 1s));
  EXPECT_EQ(pair.now, begin);
}

TEST(datagram_rules, datagrams_smaller_than_the_mtu_go_in_one_train) {
  PairOptions options = with_datagrams();
  options.client.pacing = false;
  for (const std::size_t size : {1'000u, 1'200u, 1'400u}) {
    QuietPair pair(options);
    for (int i = 0; i < 8; ++i) ASSERT_TRUE(pair.c().send_datagram(as_bytes(Text(size, 'x'))));
    pair.client->wake(pair.c());
    std::vector<std::uint8_t> memory(65'536);
    TransmitTrain train{.buffer = memory};
    ASSERT_EQ(pair.client->next_transmits(pair.now, {&train, 1}), 1u);
    EXPECT_EQ(train.segments(), 8u) << size;
    EXPECT_GT(train.segment_size, size);
    EXPECT_LT(train.segment_size, size + 64);
  }
}

// What one packet has more than its neighbours, here an ACK frame, is made up for.
TEST(datagram_rules, an_acknowledgement_does_not_cut_a_train) {
  PairOptions options = with_datagrams();
  options.client.pacing = false;
  QuietPair pair(options);
  ASSERT_TRUE(pair.acceptor.connection->send_datagram(as_bytes("to be acknowledged")));
  pair.server->wake(*pair.acceptor.connection);
  ASSERT_TRUE(pair.run([&] { return !pair.recorder.datagrams.empty(); }, 1s));
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(pair.c().send_datagram(as_bytes(Text(1'200, 'x'))));
  pair.client->wake(pair.c());
  std::vector<std::uint8_t> memory(65'536);
  TransmitTrain train{.buffer = memory};
  ASSERT_EQ(pair.client->next_transmits(pair.now, {&train, 1}), 1u);
  EXPECT_EQ(train.segments(), 8u);
}

// rfc9221:5.2-delay rfc9000:13.2.1-within-delay
TEST(datagram_rules, a_lone_datagram_is_acknowledged_as_late_as_the_peer_was_told) {
  for (const Duration told : {Duration{5ms}, Duration{25ms}, Duration{60ms}}) {
    PairOptions options = with_datagrams();
    options.server.connection.max_ack_delay = told;
    QuietPair pair(std::move(options));
    WireTap tap(pair);
    ASSERT_TRUE(pair.c().send_datagram(as_bytes("x")));
    pair.client->wake(pair.c());
    const Timestamp sent = pair.now;
    pair.run([] { return false; }, 200ms);
    const auto answers = tap.where([](const SeenPacket& p) { return !p.to_server && p.has<AckFrame>(); });
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.front()->sent - sent, pair.options.delay + told);
  }
}

TEST(datagram_rules, empty_datagrams_without_end_are_a_flood) {
  QuietPair pair;
  Connection& c = pair.c();
  ASSERT_TRUE(c.set_datagram_flow(0, {.drop = DatagramDrop::kNewest}));
  ASSERT_TRUE(pair.run(
      [&] {
        bool pushed = false;
        while (c.send_datagram({}).has_value()) pushed = true;
        if (pushed) pair.client->wake(c);
        return pair.acceptor.recorder.closed.has_value();
      },
      60s));
  EXPECT_EQ(pair.acceptor.recorder.closed->error_code,
            static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
}

TEST(datagram_rules, nothing_is_taken_once_the_connection_closes) {
  QuietPair pair;
  pair.c().close(0, "bye");
  EXPECT_EQ(pair.c().send_datagram(as_bytes("x")).error(), DatagramError::kClosed);
  EXPECT_EQ(pair.c().set_datagram_flow(1, {}).error(), DatagramError::kClosed);
}

TEST(datagram_rules, a_peer_that_takes_none_is_sent_none) {
  PairOptions options = with_datagrams();
  options.server.connection.max_datagram_frame_size = 0;
  QuietPair pair(options);
  EXPECT_EQ(pair.c().max_datagram_payload(), 0u);
  EXPECT_EQ(pair.c().send_datagram(as_bytes("x")).error(), DatagramError::kUnsupported);
}

TEST(datagram_rules, a_resting_connection_gives_back_its_buffers) {
  QuietPair pair;
  Connection& c = pair.c();
  const std::size_t before = c.stats().memory_bytes;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(c.send_datagram(as_bytes(Text(1'300, 'x'))));
  EXPECT_GT(c.stats().memory_bytes, before + 50u * 1'300);
  pair.client->wake(c);
  pair.run([] { return false; }, 5s);
  EXPECT_EQ(pair.acceptor.recorder.datagrams.size(), 50u);
  EXPECT_LT(c.stats().memory_bytes, before + 1'024);
}

}  // namespace
}  // namespace hawser::quic
