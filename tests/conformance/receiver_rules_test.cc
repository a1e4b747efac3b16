// receiver_rules_test.cc: goal: what RFC 9000, 9001 and 9369 tell a receiver to pass over is passed over,
// and what it must answer is answered. Method: a liar's packets, the same once as they should be and
// once wrong in one point; what the victim sends is opened and read.
#include <gtest/gtest.h>

#include "lying_peer.h"
#include "quic/connection/core.h"
#include "quic/crypto/retry_tag.h"
#include "quic/wire/retry.h"
#include "wire_tap.h"

namespace hawser::quic {
namespace {

using Code = TransportErrorCode;
constexpr Role kC = Role::kClient;
constexpr Role kS = Role::kServer;

const std::string kClose = "1c000000";  // CONNECTION_CLOSE: whoever reads it drains
const std::string kPing = "01000000";

std::string v(std::uint64_t value) {
  return varint_hex(value);
}
std::string stream(std::uint64_t id, std::size_t size) {
  return "0e" + v(id) + "00" + v(size) + bytes_hex(size, 'x');
}
const ConnectionId kStranger{Bytes(from_hex("5757575757575757"))};

// Up to the moment at which a client has read the first packet of the server and no more.
void meet(Theatre& theatre) {
  theatre.deliver_only(kS, 1);
  theatre.settle();
}
// Up to the moment at which a server has answered a client that hears nothing.
void greet(Theatre& theatre) {
  theatre.silence(kS);
  theatre.settle();
}

// rfc9000:5.2.1-other-version
TEST(receiver_rules, a_client_passes_over_versions_that_it_did_not_choose) {
  for (const Version version : {Version::kV2, Version::kV1}) {
    Theatre theatre({.client = {.versions = {Version::kV1}}});
    meet(theatre);
    // Under the right keys, so that nothing but the header's version is wrong.
    theatre.lie(kS, {.level = EncryptionLevel::kInitial,
                     .frames_hex = kClose,
                     .version = version,
                     .version_of_keys = Version::kV1});
    EXPECT_EQ(theatre.client_witness.closed.has_value(), version == Version::kV1);
  }
}

// rfc9369:4.1-drop
TEST(receiver_rules, handshake_packets_are_of_the_negotiated_version) {
  for (const Version version : {Version::kV1, Version::kV2}) {
    Theatre theatre({.client = {.versions = {Version::kV2, Version::kV1}}});
    greet(theatre);
    ASSERT_EQ(theatre.server->version(), Version::kV2);
    // Under the right keys, so that nothing but the header's version is wrong.
    theatre.lie(kC, {.level = EncryptionLevel::kHandshake,
                     .frames_hex = kClose,
                     .version = version,
                     .version_of_keys = Version::kV2});
    EXPECT_EQ(theatre.server_witness.closed.has_value(), version == Version::kV2);
  }
}

// rfc9369:4.1-original-keys
TEST(receiver_rules, initials_of_the_first_version_are_read_after_the_change) {
  Theatre theatre({.client = {.versions = {Version::kV2, Version::kV1}}});
  greet(theatre);
  ASSERT_EQ(theatre.server->version(), Version::kV2);
  theatre.lie(kC, {.level = EncryptionLevel::kInitial, .frames_hex = kClose, .version = Version::kV1});
  EXPECT_TRUE(theatre.server_witness.closed.has_value());
}

// rfc9000:7.2-other-scid rfc9000:7.2-later-scid
TEST(receiver_rules, another_source_connection_id_is_passed_over) {
  for (const bool stranger : {true, false}) {
    const std::optional<ConnectionId> scid = stranger ? std::optional(kStranger) : std::nullopt;
    Theatre client;
    meet(client);
    client.lie(kS, {.level = EncryptionLevel::kInitial, .frames_hex = kClose, .scid = scid});
    EXPECT_EQ(client.client_witness.closed.has_value(), !stranger);
    Theatre server;
    greet(server);
    server.lie(kC, {.level = EncryptionLevel::kInitial, .frames_hex = kClose, .scid = scid});
    EXPECT_EQ(server.server_witness.closed.has_value(), !stranger);
  }
}

// rfc9000:17.2-reserved-received
TEST(receiver_rules, reserved_bits_of_a_long_header_are_a_protocol_violation) {
  for (const std::uint8_t bits : {0x04, 0x08, 0x0c}) {
    Theatre theatre;
    meet(theatre);
    theatre.lie(kS, {.level = EncryptionLevel::kInitial, .frames_hex = kPing, .set_bits = bits});
    ASSERT_TRUE(theatre.client_witness.closed.has_value());
    EXPECT_EQ(theatre.client_witness.closed->error_code, static_cast<std::uint64_t>(Code::kProtocolViolation));
  }
}

// rfc9000:14.1-small-initial
TEST(receiver_rules, a_small_initial_begins_nothing) {
  for (const bool pad : {false, true}) {
    Theatre theatre;
    theatre.silence(kC);
    theatre.settle();
    theatre.lie(kC, {.level = EncryptionLevel::kInitial, .frames_hex = kPing, .pad = pad});
    EXPECT_EQ(theatre.server != nullptr, pad);
    EXPECT_EQ(theatre.server_endpoint->connection_count(), pad ? 1u : 0u);
  }
}

// rfc9000:14.1-small-initial
TEST(receiver_rules, an_initial_is_small_up_to_1199_octets) {
  for (const std::size_t size : {1'199u, 1'200u}) {
    Theatre theatre;
    greet(theatre);
    Theatre::Forgery forgery{.level = EncryptionLevel::kInitial, .frames_hex = bytes_hex(1'000) + kClose, .pad = false};
    const std::size_t all_else = theatre.forge(kC, forgery).size() - 1'000;
    forgery.frames_hex = bytes_hex(size - all_else) + kClose;
    const std::vector<std::uint8_t> datagram = theatre.forge(kC, forgery);
    ASSERT_EQ(datagram.size(), size);
    theatre.inject(kC, datagram);
    EXPECT_EQ(theatre.server_witness.closed.has_value(), size == 1'200);
  }
}

// rfc9000:14.1-small-initial rfc9000:14-no-close
TEST(receiver_rules, a_small_initial_changes_nothing_in_a_handshake_either) {
  Theatre theatre;
  greet(theatre);
  theatre.lie(kC, {.level = EncryptionLevel::kInitial, .frames_hex = kClose, .pad = false});
  EXPECT_FALSE(theatre.server_witness.closed.has_value());
  theatre.lie(kC, {.level = EncryptionLevel::kInitial, .frames_hex = kClose});
  EXPECT_TRUE(theatre.server_witness.closed.has_value());
}

// rfc9000:17.2.2-server-token
TEST(receiver_rules, a_servers_initial_with_a_token_is_passed_over) {
  Theatre theatre;
  meet(theatre);
  theatre.lie(kS, {.level = EncryptionLevel::kInitial, .frames_hex = kClose, .token = {1, 2, 3}});
  EXPECT_FALSE(theatre.client_witness.closed.has_value());
  theatre.lie(kS, {.level = EncryptionLevel::kInitial, .frames_hex = kClose});
  EXPECT_TRUE(theatre.client_witness.closed.has_value());
}

// A Retry that answers the client's first datagram.
std::vector<std::uint8_t> retry_to(Bytes first_datagram, Bytes scid, std::uint8_t token, std::size_t token_size = 16) {
  const PacketHeader header = parse_packet_header(first_datagram, 8).value();
  const std::vector<std::uint8_t> octets(token_size, token);
  const RetryToWrite retry{.version = header.version, .dcid = header.scid, .scid = scid, .token = octets};
  std::vector<std::uint8_t> packet(retry_size(retry));
  Writer out(packet);
  write_retry(out, retry);
  const RetryTag tag = retry_integrity_tag(*version_key_table(header.version), ConnectionId(header.dcid), packet);
  packet.insert(packet.end(), tag.begin(), tag.end());
  return packet;
}

// First octets of the tokens that the client has sent.
std::set<std::uint8_t> tokens_of(WireTap& tap) {
  std::set<std::uint8_t> tokens;
  for (const SeenPacket& packet : tap.packets())
    if (packet.to_server && !packet.token.empty()) tokens.insert(packet.token[0]);
  return tokens;
}

// rfc9000:17.2.5.2-one rfc9000:17.2.5.1-scid-same rfc9000:17.2.5.2-tag rfc9000:8.1.2-token-repeated
TEST(receiver_rules, a_client_takes_one_retry_that_names_another_connection_id) {
  Theatre theatre;
  WireTap tap(theatre);
  theatre.silence(kS);
  theatre.settle();
  const Bytes first = theatre.first_datagram(kC);
  const Bytes own_choice = parse_packet_header(first, 8)->dcid;
  theatre.inject(kS, retry_to(first, own_choice, 1));
  EXPECT_EQ(tokens_of(tap), std::set<std::uint8_t>{});
  std::vector<std::uint8_t> damaged = retry_to(first, kStranger.view(), 4);
  damaged.back() ^= 1;
  theatre.inject(kS, damaged);
  EXPECT_EQ(tokens_of(tap), std::set<std::uint8_t>{});
  tap.clear();
  theatre.inject(kS, retry_to(first, kStranger.view(), 2));
  EXPECT_EQ(tokens_of(tap), std::set<std::uint8_t>{2});
  theatre.inject(kS, retry_to(first, kStranger.view(), 3));
  theatre.pass(5s);
  EXPECT_EQ(tokens_of(tap), std::set<std::uint8_t>{2});
  const auto initials = tap.where([](const SeenPacket& p) { return p.to_server; });
  EXPECT_GT(initials.size(), 3u);
  for (const SeenPacket* packet : initials) EXPECT_EQ(packet->token.size(), 16u) << "in every one from then on";
}

// A token stands in every Initial. One that leaves no room there ends the attempt with a word about it: the client was
// silent until its handshake was too late.
TEST(receiver_rules, a_retry_token_that_fits_no_initial_ends_the_attempt) {
  const std::size_t fits = 1'200 - (1 + 4 + 1 + kStranger.length() + 1 + 8 + 2 + 2 + 4 + 32 + 16);
  for (const std::size_t size : {fits, fits + 1, std::size_t{1'150}, std::size_t{1'400}}) {
    Theatre theatre;
    WireTap tap(theatre);
    theatre.silence(kS);
    theatre.settle();
    const Bytes first = theatre.first_datagram(kC);
    ASSERT_EQ(parse_packet_header(first, 8)->scid.size(), 8u);
    tap.clear();
    theatre.inject(kS, retry_to(first, kStranger.view(), 2, size));
    theatre.pass(5s);
    const std::optional<CloseReason>& closed = theatre.client_witness.closed;
    EXPECT_EQ(closed.has_value(), size > fits) << size;
    EXPECT_EQ(tokens_of(tap).empty(), size > fits) << size;
    if (!closed) continue;
    EXPECT_EQ(closed->kind, CloseReason::Kind::kLocalTransport);
    EXPECT_NE(closed->reason.find(std::to_string(size)), std::string::npos) << closed->reason;
  }
}

// rfc9000:17.2.5.2-after-initial
TEST(receiver_rules, a_retry_after_an_initial_is_passed_over) {
  Theatre theatre;
  WireTap tap(theatre);
  meet(theatre);
  theatre.inject(kS, retry_to(theatre.first_datagram(kC), kStranger.view(), 2));
  theatre.pass(5s);
  EXPECT_EQ(tokens_of(tap), std::set<std::uint8_t>{});
}

// rfc9000:12.2-go-on rfc9000:12.2-individually
TEST(receiver_rules, what_stands_behind_a_packet_that_cannot_be_opened_is_read) {
  Theatre theatre;
  theatre.open();
  std::vector<std::uint8_t> datagram =
      theatre.forge(kC, {.level = EncryptionLevel::kHandshake, .frames_hex = kPing + bytes_hex(30)});
  datagram.back() ^= 1;
  const std::vector<std::uint8_t> good = theatre.forge(kC, {.frames_hex = kPing});
  datagram.insert(datagram.end(), good.begin(), good.end());
  const std::uint64_t before = theatre.server->stats().packets_received;
  theatre.inject(kC, datagram);
  EXPECT_EQ(theatre.server->stats().packets_received, before + 1);
}

// rfc9000:12.3-duplicates-after rfc9000:13.1-processed-first
TEST(receiver_rules, a_forged_packet_does_not_use_its_number_up) {
  Theatre theatre;
  WireTap tap(theatre);
  theatre.open();
  const std::vector<std::uint8_t> good = theatre.forge(kC, {.frames_hex = stream(0, 4), .number = 20'000});
  std::vector<std::uint8_t> bad = good;
  bad.back() ^= 1;
  tap.clear();
  theatre.inject(kC, bad);
  theatre.lie(kC, {.frames_hex = kPing, .number = 20'001});
  theatre.lie(kC, {.frames_hex = kPing, .number = 20'002});
  theatre.pass(1s);
  EXPECT_TRUE(theatre.server_witness.opened.empty());
  const auto acks = tap.where([](const SeenPacket& p) { return !p.to_server && p.has<AckFrame>(); });
  ASSERT_FALSE(acks.empty());
  for (const SeenPacket* packet : acks)
    for (const Range range : *packet->get<AckFrame>()) EXPECT_FALSE(range.begin <= 20'000 && 20'000 < range.end);
  theatre.inject(kC, good);
  EXPECT_EQ(theatre.server_witness.opened.size(), 1u);
  const std::uint64_t dropped = theatre.server->stats().packets_dropped;
  theatre.inject(kC, good);
  EXPECT_EQ(theatre.server->stats().packets_dropped, dropped + 1);
}

// rfc9001:5.7-before-completion rfc9001:5.7-server rfc9001:5.7-client rfc9000:13.1-processed-first
// rfc9001:4.1.4-buffer rfc9001:4.1.4-respond rfc9000:13.2.5-key-delay
TEST(receiver_rules, one_rtt_packets_wait_for_the_end_of_the_handshake) {
  Pair pair;
  WireTap tap(pair);
  bool lost = true;
  // Whatever carries the client's Finished.
  pair.drop = [&](bool to_server, Bytes) {
    const std::size_t last = tap.packets().back().datagram;
    return to_server && lost &&
           !tap.where([&](const SeenPacket& p) { return p.datagram == last && p.type == PacketType::kHandshake; })
                .empty();
  };
  pair.recorder.on_complete = [](Connection& c) { echo(c, c.open_stream(false).value(), pattern(5'000)); };
  pair.connect();
  pair.run([] { return false; }, 200ms);
  const auto has_stream = [](const SeenPacket& p) { return p.to_server && p.has<StreamFrame>(); };
  const auto answers = [](const SeenPacket& p) { return p.type == PacketType::kOneRtt && p.has<AckFrame>(); };
  ASSERT_GT(tap.where(has_stream).size(), 2u);
  EXPECT_TRUE(pair.acceptor.recorder.received.empty());
  EXPECT_TRUE(tap.where([&](const SeenPacket& p) { return !p.to_server && answers(p); }).empty());
  lost = false;
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.ended.size() == 1; }));
  // The first acknowledgement counts the time for which they waited.
  const SeenPacket* const ack = tap.where([&](const SeenPacket& p) { return !p.to_server && answers(p); }).front();
  const std::uint64_t largest = ack->get<AckFrame>()->largest_acknowledged().value;
  const auto newest = tap.where(
      [&](const SeenPacket& p) { return p.to_server && p.type == PacketType::kOneRtt && p.number == largest; });
  ASSERT_EQ(newest.size(), 1u);
  const Timestamp arrived = newest[0]->sent + pair.options.delay;
  EXPECT_EQ(ack->get<AckFrame>()->ack_delay, static_cast<std::uint64_t>(to_us(ack->sent - arrived)) >> 3);

  Theatre client;
  meet(client);
  client.lie(kS, {.frames_hex = stream(3, 4), .number = 5});
  client.pass(50ms);
  EXPECT_TRUE(client.client_witness.opened.empty());
  client.deliver_only(kS, SIZE_MAX);
  client.pass(3s);
  ASSERT_TRUE(client.client_witness.complete);
  EXPECT_EQ(client.client_witness.opened.size(), 1u);
}

// rfc9000:9-unknown-server
// rfc9000:9.6-new-server-address
TEST(receiver_rules, a_client_passes_over_servers_that_it_never_heard_of) {
  Theatre theatre;
  theatre.open();
  theatre.inject_from(kS, theatre.forge(kS, {.frames_hex = kClose}), ipv4_address({10, 0, 0, 66}, 443));
  EXPECT_FALSE(theatre.client_witness.closed.has_value());
  theatre.lie(kS, {.frames_hex = kClose});
  EXPECT_TRUE(theatre.client_witness.closed.has_value());
}

// ack-frequency:5-immediate
TEST(receiver_rules, an_acknowledgement_is_given_at_once_where_it_is_asked_for) {
  for (const std::string& frames : {std::string("1f000000"), kPing}) {
    Theatre theatre;
    WireTap tap(theatre);
    theatre.open();
    theatre.pass(1s);
    theatre.silence(kS);  // the client would find acknowledgements of packets that it never sent
    // A gap before it would be a reason of its own.
    theatre.lie(kC, {.frames_hex = kPing, .number = 20'000});
    theatre.pass(1s);
    tap.clear();
    theatre.lie(kC, {.frames_hex = frames, .number = 20'001});
    EXPECT_EQ(tap.where([](const SeenPacket& p) { return !p.to_server && p.has<AckFrame>(); }).empty(),
              frames == kPing);
  }
}

// rfc9000:17.4-disable rfc9000:17.4-administrator rfc9000:17.4-one-in-16 rfc9000:17.4-ignored
TEST(receiver_rules, a_spin_bit_is_never_set_and_never_heeded) {
  Theatre theatre;
  WireTap tap(theatre);
  theatre.open();
  const std::uint64_t received = theatre.server->stats().packets_received;
  theatre.lie_with_first_octet(kC, kPing, 0x20);
  theatre.lie_with_first_octet(kC, kPing, 0x20);
  theatre.pass(1s);
  EXPECT_EQ(theatre.server->stats().packets_received, received + 2);
  std::size_t seen = 0;
  for (const SeenPacket& packet : tap.packets()) {
    if (packet.type != PacketType::kOneRtt) continue;
    ASSERT_TRUE(packet.opened);
    EXPECT_EQ(packet.first_octet & 0x20, 0);
    ++seen;
  }
  EXPECT_GT(seen, 4u);
}

// rfc9000:7.5-discarded-acknowledged
TEST(receiver_rules, crypto_data_that_is_of_no_use_is_acknowledged) {
  for (const Role liar : {kC, kS}) {
    Theatre theatre;
    WireTap tap(theatre);
    theatre.open();
    theatre.pass(1s);
    tap.clear();
    // To the server nothing of TLS can come any more; the client has read its first octets long ago.
    theatre.lie(liar, {.frames_hex = liar == kC ? "06000000" : "0600040102030400", .number = 30'000});
    theatre.pass(1s);
    EXPECT_FALSE(theatre.verdict(liar).has_value());
    const auto acks = tap.where([&](const SeenPacket& p) {
      const AckFrame* ack = p.get<AckFrame>();
      return p.to_server == (liar == kS) && ack != nullptr && ack->largest_acknowledged().value == 30'000;
    });
    EXPECT_FALSE(acks.empty());
  }
}

// rfc9000:13.4.2.1-reordered
TEST(receiver_rules, counts_of_an_older_acknowledgement_do_not_fail_a_path) {
  Theatre theatre;
  WireTap tap(theatre);
  theatre.ecn = Ecn::kEct0;
  theatre.open();
  const auto state = [&] { return theatre.client->core().path().active().ecn().state(); };
  theatre.silence(kC);
  for (int i = 0; i < 3; ++i) {
    theatre.client->ping();
    theatre.client_endpoint->wake(*theatre.client);
    theatre.settle();
  }
  std::uint64_t largest = 0;
  EcnCounts counts;
  for (const SeenPacket& packet : tap.packets()) {
    if (packet.type != PacketType::kOneRtt) continue;
    if (packet.to_server) largest = packet.number;
    if (const AckFrame* ack = packet.get<AckFrame>(); ack != nullptr && !packet.to_server && ack->ecn)
      counts = *ack->ecn;
  }
  ASSERT_GT(counts.ect0, 0u);
  ASSERT_EQ(state(), EcnState::kCapable);
  const auto ack = [&](std::uint64_t number, std::uint64_t more) {
    theatre.lie(kS,
                {.frames_hex = "03" + v(number) + "000000" + v(counts.ect0 + more) + v(counts.ect1) + v(counts.ce)});
  };
  ack(largest, 3);
  ASSERT_EQ(state(), EcnState::kCapable);
  ack(largest - 1, 1);
  EXPECT_EQ(state(), EcnState::kCapable);
}

// rfc9002:7.3.1-exit
TEST(receiver_rules, a_grown_count_of_ce_marks_makes_the_window_smaller) {
  for (const std::uint64_t marked : {0u, 1u}) {
    Theatre theatre;
    WireTap tap(theatre);
    theatre.ecn = Ecn::kEct0;
    theatre.open();
    theatre.silence(kC);
    theatre.client->ping();
    theatre.client_endpoint->wake(*theatre.client);
    theatre.settle();
    std::uint64_t largest = 0;
    EcnCounts counts;
    for (const SeenPacket& packet : tap.packets()) {
      if (packet.type != PacketType::kOneRtt) continue;
      if (packet.to_server) largest = packet.number;
      if (const AckFrame* ack = packet.get<AckFrame>(); ack != nullptr && !packet.to_server && ack->ecn)
        counts = *ack->ecn;
    }
    const std::uint64_t window = theatre.client->stats().congestion_window;
    theatre.lie(kS, {.frames_hex = "03" + v(largest) + "000000" + v(counts.ect0 + 1 - marked) + v(counts.ect1) +
                                   v(counts.ce + marked)});
    ASSERT_EQ(theatre.client->core().path().active().ecn().state(), EcnState::kCapable);
    if (marked != 0) {
      EXPECT_LT(theatre.client->stats().congestion_window, window);
    } else {
      EXPECT_GE(theatre.client->stats().congestion_window, window);
    }
  }
}

// A server that has a token for its client, and of what it sends the liar acknowledges what it likes.
struct TokenStage : Theatre {
  TokenStage() : tap(*this) {
    open();
    pass(1s);
    silence(kC);
  }
  void issue(std::uint8_t octet) {
    server->core().set_new_token(std::vector<std::uint8_t>(20, octet));
    act();
  }
  void act() {
    server_endpoint->wake(*server);
    settle();
  }
  std::vector<const SeenPacket*> tokens() {
    return tap.where([](const SeenPacket& p) { return !p.to_server && p.has<NewTokenFrame>(); });
  }
  void acknowledge(std::uint64_t number) { lie(kC, {.frames_hex = "02" + v(number) + "000000"}); }
  // All that was sent so far, but for what comes now.
  void lose() {
    std::uint64_t largest = 0;
    for (int i = 0; i < 12; ++i) {
      server->ping();
      act();
    }
    for (const SeenPacket& packet : tap.packets())
      if (!packet.to_server && packet.type == PacketType::kOneRtt) largest = std::max(largest, packet.number);
    acknowledge(largest);
    pass(20ms);  // late enough for losses, too early for a probe
  }
  WireTap tap;
};

// rfc9000:19.7-not-empty rfc9000:13.3-not-acknowledged-twice
TEST(receiver_rules, a_token_that_was_heard_after_all_is_not_said_a_third_time) {
  TokenStage stage;
  stage.tap.clear();
  stage.issue(7);
  ASSERT_EQ(stage.tokens().size(), 1u);
  const std::uint64_t first = stage.tokens()[0]->number;
  stage.lose();
  ASSERT_EQ(stage.tokens().size(), 2u);
  stage.acknowledge(first);
  stage.lose();
  EXPECT_EQ(stage.tokens().size(), 2u);
  for (const SeenPacket* packet : stage.tokens()) EXPECT_EQ(packet->get<NewTokenFrame>()->token.size(), 20u);
  EXPECT_FALSE(stage.verdict(kC).has_value());
}

// rfc9000:13.3-not-acknowledged-twice
TEST(receiver_rules, who_heard_of_an_earlier_token_is_told_the_later_one_until_it_is_heard) {
  TokenStage stage;
  stage.tap.clear();
  stage.issue(7);
  stage.issue(8);
  ASSERT_EQ(stage.tokens().size(), 2u);
  stage.acknowledge(stage.tokens()[0]->number);
  stage.lose();
  ASSERT_EQ(stage.tokens().size(), 3u);
  EXPECT_EQ(stage.tokens()[2]->get<NewTokenFrame>()->token[0], 8);
}

// rfc9000:12.2-other-dcid
TEST(receiver_rules, a_packet_to_another_connection_id_behind_the_first_is_passed_over) {
  Theatre theatre;
  WireTap tap(theatre);
  theatre.open();
  theatre.pass(1s);
  const auto issued = tap.where([](const SeenPacket& p) { return !p.to_server && p.has<NewConnectionIdFrame>(); });
  ASSERT_FALSE(issued.empty());
  const ConnectionId other(issued.front()->get<NewConnectionIdFrame>()->connection_id);
  for (const bool same : {false, true}) {
    // What cannot be opened for want of keys still names the connection ID of the datagram.
    std::vector<std::uint8_t> datagram =
        theatre.forge(kC, {.level = EncryptionLevel::kHandshake, .frames_hex = kPing + bytes_hex(30), .dcid = other});
    const std::vector<std::uint8_t> behind =
        same ? theatre.forge(kC, {.frames_hex = kPing, .dcid = other}) : theatre.forge(kC, {.frames_hex = kPing});
    datagram.insert(datagram.end(), behind.begin(), behind.end());
    const std::uint64_t before = theatre.server->stats().packets_received;
    theatre.inject(kC, datagram);
    EXPECT_EQ(theatre.server->stats().packets_received, before + (same ? 1 : 0));
  }
}

}  // namespace
}  // namespace hawser::quic
