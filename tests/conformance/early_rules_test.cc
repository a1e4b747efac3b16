// early_rules_test.cc: goal: 0-RTT packets keep to what was remembered, and to the version of the first
// packet; nobody but a server reads them. Method: a pair that meets twice; datagrams opened and read.
#include <gtest/gtest.h>

#include "quic/connection/datagram_builder.h"
#include "quic/connection/replay_guard.h"
#include "quic/tls/session_ticket.h"
#include "quic/wire/frames/connection_close.h"
#include "wire_tap.h"

namespace hawser::quic {
namespace {

PairOptions with_early_data(ReplayGuard& guard) {
  PairOptions options;
  options.early_data = true;
  options.server.replay_guard = &guard;
  return options;
}

// A visit that brings a ticket.
std::vector<std::uint8_t> first_visit(Pair& pair) {
  Connection& c = pair.connect();
  EXPECT_TRUE(pair.run([&] { return !pair.recorder.ticket.empty(); }));
  c.close(0, "");
  pair.client->wake(c);
  pair.run([] { return false; }, 2s);
  return std::exchange(pair.recorder, Recorder()).ticket;
}

std::size_t streams_that_open(Connection& c) {
  std::size_t count = 0;
  while (c.open_stream(true)) ++count;
  return count;
}

// rfc9000:7.4.1-only-remembered rfc9000:7.4.1-new-values
TEST(early_rules, the_limits_of_then_hold_until_those_of_now_are_known) {
  ReplayGuard guard{{.buckets = 64}};
  Pair pair(with_early_data(guard));
  const std::vector<std::uint8_t> ticket = first_visit(pair);
  EndpointConfig larger = pair.options.server;
  larger.connection.max_streams_bidi = 250;
  larger.connection.max_ack_delay = 40ms;
  pair.server = std::make_unique<Endpoint>(larger);
  Connection& c = pair.connect({}, Version::kV1, ticket);
  ASSERT_EQ(c.early_data(), EarlyDataStatus::kOffered);
  EXPECT_EQ(streams_that_open(c), 100u);
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  ASSERT_EQ(c.early_data(), EarlyDataStatus::kAccepted);
  EXPECT_EQ(streams_that_open(c), 150u);
}

// Neither in this visit nor in the next, whatever was remembered.
// rfc9287:3.1-client-initial rfc9287:3.1-server rfc9287:3.1-not-remembered rfc9287:3.1-known
// rfc9287:3-accept rfc9287:3.1-unpredictable
TEST(early_rules, the_quic_bit_is_random_after_the_peers_parameters_and_set_before) {
  for (const bool server_announces : {true, false}) {
    ReplayGuard guard{{.buckets = 64}};
    Pair pair(with_early_data(guard));
    const std::vector<std::uint8_t> ticket = first_visit(pair);
    EndpointConfig later = pair.options.server;
    later.connection.grease = server_announces;
    pair.server = std::make_unique<Endpoint>(later);
    WireTap tap(pair);
    const Timestamp begin = pair.now;
    Connection& c = pair.connect({}, Version::kV1, ticket);
    ASSERT_EQ(c.early_data(), EarlyDataStatus::kOffered);
    const StreamId id = c.open_stream(true).value();
    echo(c, id, pattern(100'000));
    pair.client->wake(c);
    ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.ended[id.value]; }));
    std::array<int, 2> clear{};
    std::array<int, 2> all{};
    int early = 0;
    for (const SeenPacket& packet : tap.packets()) {
      ++all[packet.to_server];
      if ((packet.first_octet & 0x40) == 0) ++clear[packet.to_server];
      if (!packet.to_server || packet.sent >= begin + 2 * pair.options.delay) continue;
      ++early;
      EXPECT_NE(packet.first_octet & 0x40, 0) << packet.datagram;
    }
    EXPECT_GT(early, 3);
    EXPECT_EQ(c.stats().packets_dropped, 0u);
    // The client announces it both times; only towards a server that does so as well is it random.
    for (const bool to_server : {true, false}) {
      EXPECT_GE(10 * clear[to_server], server_announces ? all[to_server] : 0);
      EXPECT_LE(10 * clear[to_server], server_announces ? 9 * all[to_server] : 0);
    }
  }
}

struct DiscardSink : EventSink {
  std::optional<Timestamp> early_keys;
  void on_event(const EventContext& context, const KeyDiscarded& e) override {
    if (e.key_type == KeyType::kClientZeroRtt) early_keys = context.now;
  }
};

// rfc9001:4.9.3-server
TEST(early_rules, a_server_gives_up_early_keys_soon_after_the_handshake) {
  ReplayGuard guard{{.buckets = 64}};
  DiscardSink sink;
  PairOptions options = with_early_data(guard);
  options.server.events = &sink;
  Pair pair(std::move(options));
  const std::vector<std::uint8_t> ticket = first_visit(pair);
  Connection& c = pair.connect({}, Version::kV1, ticket);
  echo(c, c.open_stream(true).value(), "early");
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  ASSERT_EQ(c.early_data(), EarlyDataStatus::kAccepted);
  EXPECT_FALSE(sink.early_keys.has_value()) << "packets may be late";
  EXPECT_TRUE(pair.run([&] { return sink.early_keys.has_value(); }, 1s));
}

// A ticket that remembers more than the server ever gave stands for a server that gives less now.
// rfc9221:3-zero-rtt-client rfc9000:7.4.1-not-smaller
TEST(early_rules, limits_that_shrank_under_accepted_early_data_are_a_protocol_violation) {
  for (const bool more : {true, false}) {
    ReplayGuard guard{{.buckets = 64}};
    PairOptions options = with_early_data(guard);
    options.server.connection.max_datagram_frame_size = 1'000;
    Pair pair(std::move(options));
    const std::vector<std::uint8_t> ticket = first_visit(pair);
    SessionTicketView view = parse_session_ticket(ticket).value();
    TransportParameters then = parse_transport_parameters(view.transport_parameters, Role::kServer).value();
    then.max_datagram_frame_size += more ? 1 : 0;
    const std::vector<std::uint8_t> encoded = encode_transport_parameters(then, Role::kServer, pair.random);
    view.transport_parameters = encoded;
    Connection& c = pair.connect({}, Version::kV1, serialize_session_ticket(view));
    ASSERT_EQ(c.early_data(), EarlyDataStatus::kOffered);
    ASSERT_TRUE(pair.run([&] { return pair.recorder.closed || c.handshake_confirmed(); }));
    ASSERT_EQ(pair.recorder.closed.has_value(), more);
    if (more)
      EXPECT_EQ(pair.recorder.closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
  }
}

// rfc9369:4.1-zero-rtt
TEST(early_rules, early_packets_have_the_version_of_the_first_packet) {
  ReplayGuard guard{{.buckets = 64}};
  PairOptions options = with_early_data(guard);
  options.client.versions = {Version::kV1};
  Pair pair(std::move(options));
  const std::vector<std::uint8_t> ticket = first_visit(pair);
  pair.options.client.versions = {Version::kV2, Version::kV1};  // begins in 1
  WireTap tap(pair);
  // Of the server's answer only the first datagram arrives at first: it tells the version, no more.
  bool held_back = true;
  pair.drop = [&](bool to_server, Bytes) {
    return !to_server && held_back &&
           tap.where([](const SeenPacket& p) { return !p.to_server; }).front()->datagram !=
               tap.packets().back().datagram;
  };
  Connection& c = pair.connect({}, Version::kV1, ticket);
  ASSERT_EQ(c.early_data(), EarlyDataStatus::kOffered);
  echo(c, c.open_stream(true).value(), "before");
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return c.version() == Version::kV2; }, 1s));
  if (!c.handshake_complete()) {
    echo(c, c.open_stream(true).value(), "after");
    pair.client->wake(c);
  }
  pair.run([] { return false; }, 50ms);
  // The server, which has changed over, reads them with the keys of that version.
  EXPECT_EQ(pair.acceptor.connection->version(), Version::kV2);
  EXPECT_FALSE(pair.acceptor.recorder.received.empty());
  held_back = false;
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  const auto early = tap.where([](const SeenPacket& p) { return p.type == PacketType::kZeroRtt; });
  EXPECT_FALSE(early.empty());
  for (const SeenPacket* packet : early) EXPECT_EQ(packet->version, Version::kV1);
}

// rfc9001:5.6-client-discards
TEST(early_rules, a_client_reads_no_early_packets) {
  ReplayGuard guard{{.buckets = 64}};
  Pair pair(with_early_data(guard));
  const std::vector<std::uint8_t> ticket = first_visit(pair);
  WireTap tap(pair);
  pair.drop = [](bool to_server, Bytes) { return !to_server; };
  Connection& c = pair.connect({}, Version::kV1, ticket);
  ASSERT_EQ(c.early_data(), EarlyDataStatus::kOffered);
  pair.run([] { return false; }, 50ms);
  const auto secret =
      std::ranges::find_if(pair.key_log_lines.rbegin(), pair.key_log_lines.rend(),
                           [](const auto& line) { return line.starts_with("CLIENT_EARLY_TRAFFIC_SECRET "); });
  ASSERT_NE(secret, pair.key_log_lines.rend());
  const std::vector<std::uint8_t> octets = from_hex(secret->substr(secret->rfind(' ') + 1));
  DirectionKeys keys(v1_key_table(),
                     octets.size() == 48 ? CipherSuite::kAes256GcmSha384 : CipherSuite::kAes128GcmSha256, octets);
  const SeenPacket& first = tap.packets().front();
  std::vector<std::uint8_t> datagram(1'200);
  DatagramBuilder builder;
  builder.begin(datagram);
  OpenPacket* packet = builder.open({.level = EncryptionLevel::kZeroRtt, .dcid = first.scid, .scid = first.dcid},
                                    PacketNumber{0}, std::nullopt);
  write_connection_close(packet->payload,
                         {.application = false, .error_code = 0, .frame_type = 0, .reason_phrase = {}});
  builder.finish();
  keys.packet.seal(kInitialPathId, PacketNumber{0}, packet->header(), packet->payload.pieces(),
                   packet->start + packet->layout.size);
  protect(packet->start, packet->layout.pn_offset, packet->packet_number_length,
          keys.header.mask(packet->start + packet->layout.pn_offset + kSampleOffset));
  datagram.resize(builder.size());
  const std::uint64_t received = c.stats().packets_received;
  ReceivedTrain train{
      .bytes = datagram, .segment_size = datagram.size(), .tuple = {pair.client_address, pair.server_address}};
  pair.client->on_datagrams({&train, 1}, pair.now);
  EXPECT_FALSE(c.closed());
  EXPECT_EQ(c.stats().packets_received, received);
}

// What the server would say in a 1-RTT packet with this number.
std::vector<std::uint8_t> one_rtt_of_server(Pair& pair, const SeenPacket& first, std::string_view frames_hex,
                                            std::uint64_t number) {
  const auto line = std::ranges::find_if(pair.key_log_lines.rbegin(), pair.key_log_lines.rend(),
                                         [](const auto& l) { return l.starts_with("SERVER_TRAFFIC_SECRET_0 "); });
  HAWSER_CHECK(line != pair.key_log_lines.rend());
  const std::vector<std::uint8_t> octets = from_hex(line->substr(line->rfind(' ') + 1));
  DirectionKeys keys(v1_key_table(),
                     octets.size() == 48 ? CipherSuite::kAes256GcmSha384 : CipherSuite::kAes128GcmSha256, octets);
  const std::vector<std::uint8_t> frames = from_hex(frames_hex);
  std::vector<std::uint8_t> datagram(1'200);
  DatagramBuilder builder;
  builder.begin(datagram);
  OpenPacket* packet =
      builder.open({.level = EncryptionLevel::kOneRtt, .dcid = first.scid}, PacketNumber{number}, std::nullopt);
  std::copy(frames.begin(), frames.end(), packet->payload.take(frames.size()));
  builder.finish();
  keys.packet.seal(kInitialPathId, PacketNumber{number}, packet->header(), packet->payload.pieces(),
                   packet->start + packet->layout.size);
  protect(packet->start, packet->layout.pn_offset, packet->packet_number_length,
          keys.header.mask(packet->start + packet->layout.pn_offset + kSampleOffset));
  datagram.resize(builder.size());
  return datagram;
}

// rfc9001:4.6.2-rejected-acknowledged
TEST(early_rules, who_acknowledges_what_it_rejected_breaks_the_rules) {
  for (const bool of_early_data : {true, false}) {
    ReplayGuard guard{{.buckets = 64}};
    Pair pair(with_early_data(guard));
    const std::vector<std::uint8_t> ticket = first_visit(pair);
    EndpointConfig smaller = pair.options.server;
    smaller.connection.max_streams_bidi = 50;
    pair.server = std::make_unique<Endpoint>(smaller);
    WireTap tap(pair);
    Connection& c = pair.connect({}, Version::kV1, ticket);
    ASSERT_EQ(c.early_data(), EarlyDataStatus::kOffered);
    echo(c, c.open_stream(true).value(), "early");
    pair.client->wake(c);
    ASSERT_TRUE(pair.run([&] { return c.handshake_complete(); }));
    ASSERT_EQ(c.early_data(), EarlyDataStatus::kRejected);
    const auto early = tap.where([](const SeenPacket& p) { return p.type == PacketType::kZeroRtt; });
    const auto later = tap.where([](const SeenPacket& p) { return p.to_server && p.type == PacketType::kOneRtt; });
    ASSERT_FALSE(early.empty());
    ASSERT_FALSE(later.empty());
    // An ACK of this number alone.
    const std::uint64_t number = of_early_data ? early.back()->number : later.back()->number;
    std::vector<std::uint8_t> datagram =
        one_rtt_of_server(pair, tap.packets().front(), "02" + varint_hex(number) + "000000", 1'000);
    ReceivedTrain train{
        .bytes = datagram, .segment_size = datagram.size(), .tuple = {pair.client_address, pair.server_address}};
    pair.client->on_datagrams({&train, 1}, pair.now);
    ASSERT_EQ(pair.recorder.closed.has_value(), of_early_data);
    if (of_early_data)
      EXPECT_EQ(pair.recorder.closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
  }
}

// rfc9001:4.9.3-client rfc9001:5.6-stop
TEST(early_rules, a_client_gives_up_early_keys_with_the_handshake_whatever_became_of_them) {
  for (const bool rejected : {true, false}) {
    ReplayGuard guard{{.buckets = 64}};
    DiscardSink sink;
    PairOptions options = with_early_data(guard);
    options.client_events = &sink;
    Pair pair(std::move(options));
    const std::vector<std::uint8_t> ticket = first_visit(pair);
    if (rejected) {
      EndpointConfig smaller = pair.options.server;
      smaller.connection.max_streams_bidi = 50;
      pair.server = std::make_unique<Endpoint>(smaller);
    }
    WireTap tap(pair);
    sink.early_keys.reset();
    Connection& c = pair.connect({}, Version::kV1, ticket);
    echo(c, c.open_stream(true).value(), "early");
    pair.client->wake(c);
    ASSERT_TRUE(pair.run([&] { return c.handshake_complete(); }));
    ASSERT_EQ(c.early_data(), rejected ? EarlyDataStatus::kRejected : EarlyDataStatus::kAccepted);
    EXPECT_EQ(sink.early_keys, pair.now);
    tap.clear();
    echo(c, c.open_stream(true).value(), "late");
    pair.client->wake(c);
    pair.run([] { return false; }, 1s);
    EXPECT_TRUE(tap.where([](const SeenPacket& p) { return p.type == PacketType::kZeroRtt; }).empty());
  }
}

}  // namespace
}  // namespace hawser::quic
