// sender_rules_test.cc: goal: what our endpoints send keeps the rules of RFC 9000, 9001 and 9002 for
// senders, packet by packet. Method: an honest pair over a network with delay and loss, whose datagrams
// are all opened and read.
#include <gtest/gtest.h>

#include <set>

#include "quic/connection/replay_guard.h"
#include "wire_tap.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kMinInitialDatagram = 1'200;

bool is_initial(const SeenPacket& packet) {
  return packet.type == PacketType::kInitial;
}
bool is_handshake(const SeenPacket& packet) {
  return packet.type == PacketType::kHandshake;
}

// Drops every tenth datagram in both directions.
void make_lossy(Pair& pair) {
  auto count = std::make_shared<int>(0);
  pair.drop = [count](bool, Bytes) { return ++*count % 10 == 0; };
}

// A request of this size and an equal answer, to the end.
void exchange(Pair& pair, std::size_t size) {
  const std::string text = pattern(size);
  pair.acceptor.recorder.on_end = [&pair](Connection& server, StreamId id) {
    echo(server, id, pair.acceptor.recorder.received[id.value]);
  };
  const StreamId id = pair.connection->open_stream(true).value();
  echo(*pair.connection, id, text);
  pair.client->wake(*pair.connection);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.ended[id.value]; }, 120s));
}

bool confirmed(Pair& pair) {
  return pair.run([&] { return pair.connection->handshake_confirmed(); });
}

// The octets of TLS that one side sent at a level, in order.
std::string tls_octets(WireTap& tap, bool to_server, PacketType type) {
  std::string all;
  for (const SeenPacket& packet : tap.packets()) {
    if (packet.to_server != to_server || packet.type != type) continue;
    for (const AnyFrame& frame : packet.frames) {
      const auto* crypto = std::get_if<CryptoFrame>(&frame);
      if (crypto == nullptr) continue;
      all.resize(std::max<std::size_t>(all.size(), crypto->offset + crypto->data.size()));
      std::copy(crypto->data.begin(), crypto->data.end(), all.begin() + static_cast<std::ptrdiff_t>(crypto->offset));
    }
  }
  return all;
}

// The types of the TLS messages in it (RFC 8446 section 4).
std::vector<int> tls_messages(const std::string& octets) {
  std::vector<int> types;
  const auto at = [&](std::size_t i) { return std::size_t{static_cast<std::uint8_t>(octets[i])}; };
  for (std::size_t i = 0; i + 4 <= octets.size(); i += 4 + (at(i + 1) << 16 | at(i + 2) << 8 | at(i + 3)))
    types.push_back(static_cast<int>(at(i)));
  return types;
}

// rfc9000:14.1-client-expands rfc9000:14.1-server-expands rfc9000:8.1-client-pads rfc9001:9.3-padded
// rfc9000:6-largest-minimum
TEST(sender_rules, datagrams_with_initial_packets_have_1200_octets) {
  Pair pair;
  WireTap tap(pair);
  make_lossy(pair);
  pair.connect();
  ASSERT_TRUE(confirmed(pair));
  std::size_t seen = 0;
  for (const SeenPacket& packet : tap.packets()) {
    if (!is_initial(packet) || (!packet.to_server && !packet.eliciting())) continue;
    EXPECT_GE(packet.datagram_size, kMinInitialDatagram);
    ++seen;
  }
  EXPECT_GE(seen, 3u);
}

// rfc9000:7.2-initial-dcid-length rfc9000:7.2-dcid-constant rfc9000:8.1-client-probe-kind rfc9002:6.2.2.1-client-sends
// rfc9002:6.2.4-eliciting
TEST(sender_rules, a_client_that_hears_nothing_repeats_initials_to_its_first_choice) {
  Pair pair;
  WireTap tap(pair);
  pair.drop = [](bool to_server, Bytes) { return !to_server; };
  pair.connect();
  pair.run([] { return false; }, 5s);
  std::set<std::vector<std::uint8_t>> dcids;
  std::set<Timestamp> times;
  for (const SeenPacket& packet : tap.packets()) {
    if (!packet.to_server) continue;
    EXPECT_TRUE(is_initial(packet));
    EXPECT_TRUE(packet.eliciting());
    dcids.insert(packet.dcid);
    times.insert(packet.sent);
  }
  EXPECT_GE(times.size(), 3u);
  ASSERT_EQ(dcids.size(), 1u);
  EXPECT_GE(dcids.begin()->size(), 8u);
}

// rfc9000:8.1-client-probe-kind rfc9002:6.2.2.1-client-sends rfc9002:6.2.4-eliciting
// rfc9002:6.2.4-ping
TEST(sender_rules, a_client_with_handshake_keys_probes_with_handshake_packets) {
  Theatre theatre;
  std::vector<std::vector<std::uint8_t>> flight;
  WireTap tap(theatre);
  const auto listen = theatre.on_sent;
  theatre.on_sent = [&](Role from, Bytes datagram, const FourTuple& tuple) {
    if (from == Role::kServer) flight.emplace_back(datagram.begin(), datagram.end());
    listen(from, datagram, tuple);
  };
  theatre.silence(Role::kServer);
  theatre.settle();
  // The ServerHello arrives whole, all Handshake packets behind it are damaged: there are keys, and
  // nothing that could be acknowledged or sent again.
  theatre.silence(Role::kClient);
  for (std::vector<std::uint8_t> datagram : flight) {
    const std::size_t initial = parse_packet_header(datagram, 8)->packet_size;
    if (initial < datagram.size()) datagram.back() ^= 1;
    theatre.inject(Role::kServer, datagram);
  }
  ASSERT_FALSE(theatre.client->handshake_complete());
  tap.clear();
  theatre.pass(3s);
  const auto probes = tap.where([](const SeenPacket& p) { return p.to_server && p.eliciting(); });
  ASSERT_FALSE(probes.empty());
  for (const SeenPacket* probe : probes) EXPECT_EQ(probe->type, PacketType::kHandshake);
}

// rfc9000:7.2-server-dcid rfc9000:7.2-dcid-changed-once rfc9000:12.2-one-connection rfc9000:17.2.2-server-token
// rfc9000:17.2.5.1-scid-differs rfc9000:17.2.5.2-scid-kept
// rfc9001:4-coalesce
TEST(sender_rules, each_side_sends_to_what_the_other_chose) {
  for (const RetryPolicy retry : {RetryPolicy::kNever, RetryPolicy::kAlways}) {
    Pair pair({.server = {.retry = retry}});
    WireTap tap(pair);
    pair.connect();
    ASSERT_TRUE(confirmed(pair));
    std::vector<std::uint8_t> client_choice, server_choice, retry_choice, first_choice;
    std::map<std::size_t, std::vector<std::uint8_t>> dcid_of_datagram;
    std::size_t coalesced = 0;
    for (const SeenPacket& packet : tap.packets()) {
      const auto [place, is_first] = dcid_of_datagram.emplace(packet.datagram, packet.dcid);
      coalesced += !is_first;
      EXPECT_EQ(place->second, packet.dcid);
      if (packet.type == PacketType::kOneRtt) continue;
      if (packet.to_server) {
        if (client_choice.empty()) client_choice = packet.scid;
        if (first_choice.empty()) first_choice = packet.dcid;
        EXPECT_EQ(packet.scid, client_choice);
        // A flight that was under way when the answer came still goes to the earlier one.
        EXPECT_TRUE(packet.dcid == first_choice || packet.dcid == retry_choice || packet.dcid == server_choice);
        if (is_handshake(packet)) EXPECT_EQ(packet.dcid, server_choice);
        continue;
      }
      EXPECT_EQ(packet.dcid, client_choice);
      if (packet.type == PacketType::kRetry) {
        if (retry_choice.empty()) retry_choice = packet.scid;
        EXPECT_NE(packet.scid, first_choice);
        continue;
      }
      if (server_choice.empty()) server_choice = packet.scid;
      EXPECT_EQ(packet.scid, server_choice);
      EXPECT_TRUE(packet.token.empty());
    }
    EXPECT_GT(coalesced, 0u);
    EXPECT_EQ(retry_choice.empty(), retry == RetryPolicy::kNever);
  }
}

// rfc9000:12.3-increase rfc9000:12.3-not-reused rfc9000:12.4-not-empty rfc9000:13.2.6-same-space
// rfc9000:13.2.6-one-rtt rfc9000:17.2.3-ack-in-one-rtt rfc9000:11.2-reset-by-application
TEST(sender_rules, numbers_grow_and_acknowledgements_stay_in_their_space) {
  Pair pair;
  WireTap tap(pair);
  make_lossy(pair);
  pair.connect();
  ASSERT_TRUE(confirmed(pair));
  exchange(pair, 200'000);
  using Space = std::pair<bool, PacketType>;
  std::map<Space, std::set<std::uint64_t>> sent;
  for (const SeenPacket& packet : tap.packets()) {
    ASSERT_TRUE(packet.opened);
    EXPECT_FALSE(packet.frames.empty());
    EXPECT_FALSE(packet.has<ResetStreamFrame>()) << "no application asked for it";
    auto& numbers = sent[{packet.to_server, packet.type}];
    EXPECT_TRUE(numbers.empty() || packet.number > *numbers.rbegin());
    numbers.insert(packet.number);
  }
  std::size_t acknowledged = 0;
  for (const SeenPacket& packet : tap.packets()) {
    const AckFrame* ack = packet.get<AckFrame>();
    if (ack == nullptr) continue;
    const auto& numbers = sent[{!packet.to_server, packet.type}];
    EXPECT_TRUE(numbers.contains(ack->largest_acknowledged().value));
    ++acknowledged;
  }
  EXPECT_GT(acknowledged, 50u);
}

// rfc9000:13.2.1-no-feedback rfc9000:13.2.7-padding
TEST(sender_rules, acknowledgements_ask_seldom_for_acknowledgements) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(confirmed(pair));
  WireTap tap(pair);
  const StreamId id = pair.acceptor.connection->open_stream(false).value();
  echo(*pair.acceptor.connection, id, pattern(8'000'000));
  pair.server->wake(*pair.acceptor.connection);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.ended[id.value]; }));
  const auto answers = tap.where([](const SeenPacket& p) { return p.to_server && p.has<AckFrame>(); });
  const auto eliciting = tap.where([](const SeenPacket& p) { return p.to_server && p.has<PingFrame>(); });
  EXPECT_GT(answers.size(), 64u);
  EXPECT_LE(eliciting.size(), answers.size() / 16);
}

// rfc9000:13.3-handshake-done rfc9000:19.20-too-early
TEST(sender_rules, handshake_done_comes_with_the_end_of_the_handshake_and_until_it_is_heard) {
  Pair pair;
  WireTap tap(pair);
  int lost = 0;
  pair.drop = [&](bool to_server, Bytes) {
    if (to_server || lost == 2 || !tap.packets().back().has<HandshakeDoneFrame>()) return false;
    ++lost;
    return true;
  };
  pair.connect();
  ASSERT_TRUE(confirmed(pair));
  pair.run([] { return false; }, 1s);
  EXPECT_EQ(lost, 2);
  EXPECT_GE(tap.where([](const SeenPacket& p) { return p.has<HandshakeDoneFrame>(); }).size(), 3u);
  std::optional<Timestamp> finished;
  for (const SeenPacket& packet : tap.packets()) {
    if (packet.to_server && is_handshake(packet) && packet.has<CryptoFrame>() && !finished)
      finished = packet.sent + 10ms;
    if (!packet.has<HandshakeDoneFrame>()) continue;
    EXPECT_FALSE(packet.to_server);
    ASSERT_TRUE(finished.has_value());
    EXPECT_GE(packet.sent, *finished);
  }
}

// rfc9001:4.9-highest rfc9001:8.3-no-end rfc9001:6-no-tls-update rfc9001:4.4-no-post-handshake
TEST(sender_rules, tls_messages_go_at_their_own_levels) {
  ReplayGuard guard{{.buckets = 64}};
  PairOptions options;
  options.early_data = true;
  options.server.replay_guard = &guard;
  Pair pair(std::move(options));
  std::vector<std::uint8_t> ticket;
  for (const bool again : {false, true}) {
    pair.recorder = {};
    WireTap tap(pair);
    Connection& c = pair.connect({}, Version::kV1, ticket);
    EXPECT_EQ(c.early_data() == EarlyDataStatus::kOffered, again);
    if (const auto id = c.open_stream(true)) echo(c, *id, "early");
    pair.client->wake(c);
    ASSERT_TRUE(pair.run([&] { return !pair.recorder.ticket.empty() && pair.connection->handshake_confirmed(); }));
    c.initiate_key_update();
    pair.run([] { return false; }, 1s);
    EXPECT_EQ(c.early_data() == EarlyDataStatus::kAccepted, again);
    ticket = pair.recorder.ticket;
    EXPECT_EQ(tls_messages(tls_octets(tap, true, PacketType::kInitial)), std::vector<int>{1});
    EXPECT_EQ(tls_messages(tls_octets(tap, false, PacketType::kInitial)), std::vector<int>{2});
    EXPECT_EQ(tls_messages(tls_octets(tap, true, PacketType::kHandshake)), std::vector<int>{20});
    EXPECT_EQ(tls_messages(tls_octets(tap, false, PacketType::kHandshake)),
              again ? (std::vector<int>{8, 20}) : (std::vector<int>{8, 11, 15, 20}));
    EXPECT_EQ(tls_octets(tap, true, PacketType::kOneRtt), "");
    for (const int type : tls_messages(tls_octets(tap, false, PacketType::kOneRtt))) EXPECT_EQ(type, 4);
  }
}

// rfc9000:13.2.6-zero-rtt rfc9000:17.2.3-not-after rfc9001:5.6-not-after rfc9001:5.6-server rfc9001:5.6-asked
TEST(sender_rules, early_packets_end_with_the_handshake_and_are_answered_in_later_ones) {
  ReplayGuard guard{{.buckets = 64}};
  PairOptions options;
  options.early_data = true;
  options.server.replay_guard = &guard;
  Pair pair(std::move(options));
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return !pair.recorder.ticket.empty(); }));
  for (const bool writes : {false, true}) {
    WireTap tap(pair);
    const std::vector<std::uint8_t> ticket = pair.recorder.ticket;
    pair.recorder = {};
    Connection& c = pair.connect({}, Version::kV1, ticket);
    ASSERT_EQ(c.early_data(), EarlyDataStatus::kOffered);
    if (writes) {
      echo(c, c.open_stream(true).value(), pattern(3'000));
      pair.client->wake(c);
    }
    ASSERT_TRUE(pair.run([&] { return !pair.recorder.ticket.empty() && c.handshake_confirmed(); }));
    if (writes) exchange(pair, 50'000);
    bool one_rtt = false;
    std::set<std::uint64_t> early;
    std::size_t answered = 0;
    for (const SeenPacket& packet : tap.packets()) {
      if (packet.type == PacketType::kZeroRtt) {
        EXPECT_TRUE(packet.to_server);
        EXPECT_FALSE(one_rtt);
        EXPECT_FALSE(packet.has<AckFrame>());
        early.insert(packet.number);
      }
      one_rtt |= packet.to_server && packet.type == PacketType::kOneRtt;
      if (const AckFrame* ack = packet.get<AckFrame>(); ack != nullptr && !packet.to_server)
        answered += packet.type == PacketType::kOneRtt && early.contains(ack->largest_acknowledged().value);
    }
    EXPECT_EQ(!early.empty(), writes);
    EXPECT_EQ(answered > 0, writes);
  }
}

// Which keys were given up, and when.
struct DiscardSink : EventSink {
  std::set<KeyType> discarded;
  void on_event(const EventContext&, const KeyDiscarded& e) override { discarded.insert(e.key_type); }
};

// rfc9001:4.9.1-initial-keys rfc9001:4.9.1-no-initial rfc9001:4.9.2-handshake-keys
TEST(sender_rules, keys_of_the_handshake_go_when_their_time_is_up) {
  DiscardSink sink, client_sink;
  Pair pair({.server = {.events = &sink}, .client_events = &client_sink});
  WireTap tap(pair);
  // All that answers the server's first flight is lost until it is repeated, Initial packets with it.
  const Timestamp begin = pair.now;
  pair.drop = [&](bool to_server, Bytes) {
    return to_server && pair.now > begin + pair.options.delay && pair.now < begin + 3s;
  };
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return !sink.discarded.empty(); }));
  EXPECT_TRUE(sink.discarded.contains(KeyType::kServerInitial));
  ASSERT_TRUE(confirmed(pair));
  pair.run([] { return false; }, 2s);
  EXPECT_TRUE(sink.discarded.contains(KeyType::kServerHandshake));
  EXPECT_TRUE(client_sink.discarded.contains(KeyType::kClientInitial));
  EXPECT_TRUE(client_sink.discarded.contains(KeyType::kClientHandshake));
  bool client_handshake = false;
  std::size_t initials_after = 0;  // of the server, since the client has Handshake keys
  std::optional<Timestamp> heard;
  for (const SeenPacket& packet : tap.packets()) {
    if (packet.to_server && is_initial(packet)) EXPECT_FALSE(client_handshake);
    initials_after += !packet.to_server && is_initial(packet) && client_handshake;
    if (packet.to_server && is_handshake(packet)) {
      if (!heard && packet.sent >= begin + 3s) heard = packet.sent + pair.options.delay;
      client_handshake = true;
    }
    if (!packet.to_server && is_initial(packet) && heard) EXPECT_LE(packet.sent, *heard);
  }
  EXPECT_TRUE(client_handshake);
  EXPECT_GT(initials_after, 0u);
}

// rfc9000:10.2.3-one-rtt rfc9000:10.2-three-pto rfc9000:10.2-not-early
TEST(sender_rules, a_close_after_confirmation_is_one_rtt) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(confirmed(pair));
  WireTap tap(pair);
  c.close(7, "done");
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.closed.has_value(); }));
  const auto closes = tap.where([](const SeenPacket& p) { return p.has<ConnectionCloseFrame>(); });
  ASSERT_FALSE(closes.empty());
  for (const SeenPacket* close : closes) EXPECT_EQ(close->type, PacketType::kOneRtt);
  // Both stay for three PTOs, each a round trip at least, and then go.
  const Timestamp heard = pair.now;
  ASSERT_TRUE(pair.run([&] { return pair.client->connection_count() + pair.server->connection_count() == 1; }));
  EXPECT_GE(pair.now - heard, 3 * 2 * pair.options.delay - pair.options.delay);
  ASSERT_TRUE(pair.run([&] { return pair.server->connection_count() == 0; }));
}

// rfc9000:10.2.3-converted rfc9000:10.2.3-reason-cleared rfc9000:10.2.3-server-both rfc9000:10.2.3-server-initial
TEST(sender_rules, an_applications_close_in_the_handshake_says_nothing_of_it) {
  Pair pair;
  WireTap tap(pair);
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.accepted == 1; }));
  pair.acceptor.connection->close(7, "a secret");
  c.close(8, "another");
  pair.server->wake(*pair.acceptor.connection);
  pair.client->wake(c);
  pair.run([] { return false; }, 100ms);
  std::size_t seen = 0;
  std::set<PacketType> of_server;
  for (const SeenPacket& packet : tap.packets()) {
    const auto* close = packet.get<ConnectionCloseFrame>();
    if (close == nullptr || packet.type == PacketType::kOneRtt) continue;
    if (!packet.to_server) of_server.insert(packet.type);
    EXPECT_FALSE(close->application);
    EXPECT_EQ(close->error_code, static_cast<std::uint64_t>(TransportErrorCode::kApplicationError));
    EXPECT_TRUE(close->reason_phrase.empty());
    ++seen;
  }
  EXPECT_GE(seen, 2u);
  EXPECT_EQ(of_server, (std::set{PacketType::kInitial, PacketType::kHandshake}));
}

// rfc9000:10.2.3-before-confirmed
TEST(sender_rules, a_close_between_completion_and_confirmation_goes_at_both_levels) {
  Pair pair;
  WireTap tap(pair);
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.handshake_complete(); }));
  ASSERT_FALSE(c.handshake_confirmed());
  tap.clear();
  c.close(7, "enough");
  pair.client->wake(c);
  pair.run([] { return false; }, 1ms);
  std::set<PacketType> closes;
  std::set<std::size_t> datagrams;
  for (const SeenPacket* close : tap.where([](const SeenPacket& p) { return p.has<ConnectionCloseFrame>(); })) {
    closes.insert(close->type);
    datagrams.insert(close->datagram);
  }
  EXPECT_EQ(closes, (std::set{PacketType::kHandshake, PacketType::kOneRtt}));
  EXPECT_EQ(datagrams.size(), 1u);
}

// rfc9000:10.2.1-unvalidated
TEST(sender_rules, a_server_that_closes_pays_an_unproven_address_no_more_than_three_times) {
  Pair pair;
  pair.drop = [](bool to_server, Bytes) { return !to_server; };
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.accepted == 1; }));
  pair.run([] { return false; }, 1ms);
  pair.drop = [](bool, Bytes) { return true; };
  // As if all that may be sent had been sent.
  AntiAmplification& credit = pair.acceptor.connection->core().path().active().anti_amplification();
  credit.on_sent(credit.credit());
  const std::uint64_t sent = pair.to_client_bytes;
  pair.acceptor.connection->close(7, std::string(1'000, 'x'));
  pair.server->wake(*pair.acceptor.connection);
  pair.run([] { return false; }, 100ms);
  EXPECT_EQ(pair.to_client_bytes, sent);
}

// rfc9000:10.2.2-silent rfc9000:10.2.2-no-more
TEST(sender_rules, who_was_told_of_the_end_is_silent) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(confirmed(pair));
  echo(*pair.acceptor.connection, pair.acceptor.connection->open_stream(false).value(), pattern(400'000));
  pair.server->wake(*pair.acceptor.connection);
  pair.run([] { return false; }, 15ms);
  c.close(7, "enough");
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.closed.has_value(); }));
  WireTap tap(pair);
  // A late packet of the client's does not wake it either.
  pair.run([] { return false; }, 5s);
  EXPECT_TRUE(tap.where([](const SeenPacket& p) { return !p.to_server; }).empty());
}

// rfc9000:10.1-three-pto
TEST(sender_rules, an_idle_timeout_leaves_time_for_three_probes) {
  PairOptions options;
  options.client.idle_timeout = 1ms;
  options.server.connection.idle_timeout = 1ms;
  options.client.mtu_discovery = options.server.connection.mtu_discovery = false;
  Pair pair(std::move(options));
  WireTap tap(pair);
  pair.connect();
  ASSERT_TRUE(confirmed(pair)) << "it would not even have lived so long";
  ASSERT_TRUE(pair.run([&] { return pair.recorder.closed.has_value(); }));
  EXPECT_EQ(pair.recorder.closed->kind, CloseReason::Kind::kIdleTimeout);
  Timestamp last{};
  for (const SeenPacket& packet : tap.packets())
    if (!packet.to_server) last = packet.sent + 10ms;
  EXPECT_GE(pair.now - last, 3 * 2 * pair.options.delay) << "a PTO is at least a round trip";
}

// rfc9000:8.1.3-retry-token-once rfc9000:8.1.3-retry-token-now rfc9000:8.1.3-token-right-server
TEST(sender_rules, a_retry_token_is_for_nobody_to_keep) {
  PairOptions options{.server = {.retry = RetryPolicy::kAlways}};
  options.server.send_new_token = false;
  Pair pair(std::move(options));
  WireTap tap(pair);
  pair.connect();
  ASSERT_TRUE(confirmed(pair));
  const auto with_token = [](const SeenPacket& p) { return p.to_server && !p.token.empty(); };
  EXPECT_FALSE(tap.where(with_token).empty());
  pair.run([] { return false; }, 1s);
  EXPECT_TRUE(pair.recorder.token.empty());
  tap.clear();
  pair.connect();
  pair.run([] { return false; }, 5ms);
  EXPECT_TRUE(tap.where(with_token).empty());
}

// rfc9000:17.2.5.3-same-message
TEST(sender_rules, the_client_hello_after_a_retry_is_the_one_before) {
  Pair pair({.server = {.retry = RetryPolicy::kAlways}});
  WireTap tap(pair);
  // Each with the token that its packets had; HelloRetryRequest would change the message, and none comes.
  pair.connect();
  ASSERT_TRUE(confirmed(pair));
  std::map<bool, std::string> hello;
  for (const SeenPacket& packet : tap.packets()) {
    if (!packet.to_server || !is_initial(packet)) continue;
    for (const AnyFrame& frame : packet.frames) {
      const auto* crypto = std::get_if<CryptoFrame>(&frame);
      if (crypto == nullptr) continue;
      std::string& all = hello[packet.token.empty()];
      all.resize(std::max<std::size_t>(all.size(), crypto->offset + crypto->data.size()));
      std::copy(crypto->data.begin(), crypto->data.end(), all.begin() + static_cast<std::ptrdiff_t>(crypto->offset));
    }
  }
  EXPECT_GT(hello[true].size(), 200u);
  EXPECT_EQ(hello[false], hello[true]);
}

// rfc9000:8.1.3-token-included rfc9001:9.2-opaque
TEST(sender_rules, a_token_goes_back_as_it_came_in_every_initial) {
  Pair pair;
  WireTap tap(pair);
  std::vector<std::uint8_t> token(77);
  pair.random.fill(token);
  pair.drop = [](bool to_server, Bytes) { return !to_server; };
  pair.connect(token);
  pair.run([] { return false; }, 3s);
  const auto initials = tap.where([](const SeenPacket& p) { return p.to_server && is_initial(p); });
  EXPECT_GE(initials.size(), 4u);
  for (const SeenPacket* initial : initials) EXPECT_EQ(initial->token, token);
}

// rfc9000:19.7-client rfc9000:19.7-not-empty rfc9000:5.1-issued-once rfc9000:18.2-cid-limit
// rfc9000:9.5-provide-cids
TEST(sender_rules, tokens_come_from_servers_and_connection_ids_once) {
  Pair pair({.server = {.retry = RetryPolicy::kAlways}});
  WireTap tap(pair);
  pair.connect();
  ASSERT_TRUE(confirmed(pair));
  exchange(pair, 10'000);
  std::set<std::vector<std::uint8_t>> seen;
  std::map<bool, std::uint64_t> next{{false, 1}, {true, 1}};
  std::size_t tokens = 0;
  for (const SeenPacket& packet : tap.packets()) {
    for (const AnyFrame& frame : packet.frames) {
      if (const auto* token = std::get_if<NewTokenFrame>(&frame)) {
        EXPECT_FALSE(packet.to_server);
        EXPECT_FALSE(token->token.empty());
        ++tokens;
      }
      const auto* cid = std::get_if<NewConnectionIdFrame>(&frame);
      if (cid == nullptr) continue;
      EXPECT_EQ(cid->sequence_number, next[packet.to_server]++);
      const Bytes octets = cid->connection_id.view();
      EXPECT_TRUE(seen.insert({octets.begin(), octets.end()}).second);
    }
  }
  EXPECT_GE(tokens, 1u);
  EXPECT_GE(seen.size(), 2u);
  EXPECT_GE(configured_parameters(ConnectionConfig()).active_connection_id_limit, 2u);
}

// rfc9000:12.2-frames-together rfc9000:14.2-fit rfc9000:14.2-no-discovery rfc9000:13.2.1-with-others
TEST(sender_rules, a_datagram_has_one_packet_of_each_level_and_fits_the_path) {
  for (const bool discovery : {true, false}) {
    PairOptions options;
    options.client.mtu_discovery = options.server.connection.mtu_discovery = discovery;
    Pair pair(std::move(options));
    WireTap tap(pair);
    make_lossy(pair);
    pair.connect();
    ASSERT_TRUE(confirmed(pair));
    exchange(pair, 300'000);
    std::set<std::pair<std::size_t, PacketType>> seen;
    std::size_t with_data = 0, with_both = 0, large = 0;
    std::size_t probed[2] = {1'200, 1'200};
    for (const SeenPacket& packet : tap.packets()) {
      EXPECT_TRUE(seen.insert({packet.datagram, packet.type}).second);
      const bool probe = packet.has<PingFrame>() && !packet.has<StreamFrame>() && !packet.has<AckFrame>();
      std::size_t& allowed = probed[packet.to_server ? 1 : 0];
      if (probe) allowed = std::max(allowed, packet.datagram_size);
      EXPECT_LE(packet.datagram_size, allowed);
      large += packet.datagram_size > 1'200;
      with_data += packet.has<StreamFrame>();
      with_both += packet.has<StreamFrame>() && packet.has<AckFrame>();
    }
    EXPECT_EQ(large > 0, discovery);
    EXPECT_GT(with_data, 400u);
    EXPECT_GT(with_both, 0u);
  }
}

}  // namespace
}  // namespace hawser::quic
