// endpoint_test.cc: goal: two endpoints complete a handshake and move streams both ways, with
// Retry, key updates and refusals. Method: testing_pair.h. Faults over many seeds are sim's business.
#include "events/event_sink.h"
#include "quic/connection/multipath.h"
#include "quic/endpoint/testing_pair.h"

namespace hawser::quic {
namespace {

// rfc9001:4.1.2-handshake-done
// rfc9000:18.2-reset-token rfc9000:18.2-server-only rfc9000:7.3-ids-match
TEST(endpoint, handshake_completes_in_one_round_trip) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete && pair.acceptor.recorder.complete; }));
  EXPECT_EQ(pair.connection->alpn(), "test");
  EXPECT_EQ(pair.acceptor.connection->server_name(), "localhost");
  EXPECT_EQ(pair.connection->group_name(), "X25519MLKEM768");
  EXPECT_LE(pair.connection->stats().handshake_time, 25ms);
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
}

TEST(endpoint, streams_move_both_ways_intact) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete; }));
  const std::string text = pattern(3'000'000);
  pair.acceptor.recorder.on_end = [&](Connection& server, StreamId id) {
    echo(server, id, pair.acceptor.recorder.received[id.value]);
  };
  const StreamId id = c.open_stream(true).value();
  echo(c, id, text);
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.ended[id.value]; }));
  EXPECT_TRUE(pair.acceptor.recorder.received[id.value] == text);
  EXPECT_TRUE(pair.recorder.received[id.value] == text);
}

TEST(endpoint, survives_the_loss_of_every_tenth_datagram) {
  Pair pair;
  int count = 0;
  pair.drop = [&](bool, Bytes) { return ++count % 10 == 0; };
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete; }));
  const std::string text = pattern(300'000);
  const StreamId id = c.open_stream(true).value();
  echo(c, id, text);
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.ended[id.value]; }, 120s));
  EXPECT_TRUE(pair.acceptor.recorder.received[id.value] == text);
  EXPECT_GT(c.stats().packets_lost, 0u);
}

// rfc9000:17.2.5.1-use-scid rfc9001:4.7-retry-instead
TEST(endpoint, retry_validates_the_address) {
  Pair pair({.server = {.retry = RetryPolicy::kAlways}});
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete && pair.acceptor.recorder.complete; }));
  // A ClientHello of two datagrams is answered twice; the client heeds the first answer.
  EXPECT_GE(pair.server->stats().retries_sent, 1u);
  EXPECT_EQ(pair.acceptor.accepted, 1);
}

// However short those are that the server issues.
TEST(endpoint, retry_goes_with_every_length_of_connection_ids) {
  for (const std::size_t length : {4u, 7u, 8u, 20u}) {
    Pair pair({.server = {.retry = RetryPolicy::kAlways, .cid_length = length}});
    Connection& c = pair.connect();
    ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); })) << length;
    EXPECT_EQ(pair.acceptor.accepted, 1);
    EXPECT_EQ(c.core().path().peer_cid(c.core().path().active()).view().size(), length);
  }
}

// rfc9369:5-ticket-version rfc9369:5-validate rfc9368:7.2-tickets
TEST(endpoint, tickets_and_tokens_serve_the_version_they_come_from) {
  PairOptions options;
  options.server.retry = RetryPolicy::kAlways;
  options.client.versions = {Version::kV2, Version::kV1};  // begins in 1, comes to 2
  Pair pair(options);
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return !pair.recorder.token.empty() && !pair.recorder.ticket.empty(); }));
  ASSERT_EQ(pair.connection->version(), Version::kV2);
  const std::vector<std::uint8_t> token = pair.recorder.token;
  const std::vector<std::uint8_t> ticket = pair.recorder.ticket;
  EXPECT_TRUE(ticket_is_of(ticket, Version::kV2));
  EXPECT_FALSE(ticket_is_of(ticket, Version::kV1));

  struct Visit {
    Version version;
    Version claimed;  // whose token the client says it is
    bool good;
  };
  for (const Visit& visit : {Visit{Version::kV2, Version::kV2, true}, Visit{Version::kV1, Version::kV2, false},
                             Visit{Version::kV1, Version::kV1, false}}) {
    const std::uint64_t retries = pair.server->stats().retries_sent;
    pair.recorder = Recorder();
    pair.options.client.versions = {visit.version};
    pair.connect(token, visit.claimed, ticket);
    ASSERT_TRUE(pair.run([&] { return pair.recorder.complete; }));
    EXPECT_EQ(pair.server->stats().retries_sent == retries, visit.good);
    EXPECT_EQ(pair.connection->resumed(), visit.good);
  }
}

// rfc9000:8.1.3-token-included rfc9000:8.1.3-token-used rfc9000:8.1.3-token-good rfc9000:8.1.3-token-validated
TEST(endpoint, a_token_spares_the_next_visit_the_retry) {
  Pair pair({.server = {.retry = RetryPolicy::kAlways}});
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return !pair.recorder.token.empty(); }));
  const std::vector<std::uint8_t> token = pair.recorder.token;
  const std::uint64_t retries = pair.server->stats().retries_sent;
  pair.recorder = {};
  pair.connect(token);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete; }));
  EXPECT_EQ(pair.server->stats().retries_sent, retries);
}

// rfc9000:8.1-three-times rfc9000:8-three-times rfc9000:14.1-server-limit rfc9000:8.1-count-all
TEST(endpoint, server_never_sends_three_times_what_it_got_before_validation) {
  Pair pair;
  // The client's first flight arrives, nothing else does.
  bool first = true;
  std::uint64_t arrived = 0;
  pair.drop = [&](bool to_server, Bytes d) {
    if (!to_server) return true;
    if (!first) return true;
    arrived += d.size();
    return false;
  };
  pair.connect();
  pair.run([&] { return pair.acceptor.accepted == 1 && (first = false, false); }, 9s);
  EXPECT_GT(pair.to_client_bytes, 0u);
  EXPECT_LE(pair.to_client_bytes, 3 * arrived);
}

// rfc9000:5.2.2-refused
TEST(endpoint, refusal_reaches_the_client_with_its_code) {
  Pair pair;
  pair.acceptor.refuse = true;
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.closed.has_value(); }));
  EXPECT_EQ(pair.recorder.closed->kind, CloseReason::Kind::kPeerTransport);
  EXPECT_EQ(pair.recorder.closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kConnectionRefused));
  EXPECT_EQ(pair.server->connection_count(), 0u);
}

// The connections of a log that did not end.
struct OpenLogs final : EventSink {
  std::set<std::uint64_t> begun, closed;
  using EventSink::on_event;
  void on_event(const hawser::EventContext& context, const hawser::PacketReceived&) override {
    begun.insert(context.connection);
  }
  void on_event(const hawser::EventContext& context, const hawser::PacketDropped&) override {
    begun.insert(context.connection);
  }
  void on_event(const hawser::EventContext& context, const hawser::ConnectionStateUpdated& e) override {
    begun.insert(context.connection);
    if (e.new_state == hawser::LoggedConnectionState::kClosed) closed.insert(context.connection);
  }
};

TEST(endpoint, a_refused_connection_ends_its_log) {
  OpenLogs logs;
  PairOptions options;
  options.server.events = &logs;
  Pair pair(std::move(options));
  pair.acceptor.refuse = true;
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.closed.has_value(); }));
  logs.begun.erase(0);  // the endpoint's own
  EXPECT_FALSE(logs.begun.empty());
  EXPECT_EQ(logs.begun, logs.closed);
}

TEST(endpoint, a_connection_that_never_began_ends_its_log) {
  OpenLogs logs;
  PairOptions options;
  options.server.events = &logs;
  Pair pair(std::move(options));
  std::vector<std::uint8_t> damaged;
  pair.on_sent = [&](bool to_server, Bytes datagram, const FourTuple&) {
    if (to_server && damaged.empty()) damaged.assign(datagram.begin(), datagram.end());
  };
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete; }));
  const std::set<std::uint64_t> before = logs.begun;
  damaged[6] ^= 1;  // another connection ID, so another connection
  damaged.back() ^= 1;
  ReceivedTrain train{
      .bytes = damaged, .segment_size = damaged.size(), .tuple = {pair.server_address, ipv4_address({10, 0, 0, 9}, 9)}};
  pair.server->on_datagrams({&train, 1}, pair.now);
  EXPECT_EQ(pair.server->connection_count(), 1u);
  logs.begun.erase(0);
  ASSERT_GT(logs.begun.size(), before.size() - before.count(0)) << "it is in the log";
  for (const std::uint64_t id : logs.begun)
    if (!before.contains(id)) EXPECT_TRUE(logs.closed.contains(id)) << id;
}

// A Retry of TLS makes the server state its parameters twice; a client must hear of each connection ID there is.
TEST(endpoint, a_second_client_hello_issues_no_further_connection_id) {
  PairOptions options{.server_groups = "P-256"};
  options.server.connection.preferred_ipv4 = ipv4_address({10, 0, 0, 7}, 443);
  Pair pair(std::move(options));
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  EXPECT_EQ(pair.connection->group_name(), "secp256r1");
  pair.run([] { return false; }, 1s);
  EXPECT_EQ(pair.acceptor.connection->core().path().local_cids().entries().size(),
            pair.connection->core().path().peer_cids().active());
}

TEST(endpoint, a_token_without_room_in_a_first_datagram_is_left_out) {
  Pair pair;
  pair.connect(std::vector<std::uint8_t>(1'150, 7));
  EXPECT_TRUE(pair.run([&] { return pair.recorder.complete; }, 1s));
}

// As a client that has another address to try.
TEST(endpoint, nobody_connects_while_all_is_closed) {
  Pair pair;
  struct Again final : Recorder {
    Pair* pair = nullptr;
    int refused = 0;
    void on_closed(Connection& c, const CloseReason& r) override {
      Recorder::on_closed(c, r);
      refused += !pair->client->connect({.tuple = {pair->client_address, pair->server_address},
                                         .server_name = "localhost",
                                         .tls = &*pair->client_tls},
                                        *this, pair->now);
    }
  } again;
  again.pair = &pair;
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(pair.client->connect(
        {.tuple = {pair.client_address, pair.server_address}, .server_name = "localhost", .tls = &*pair.client_tls},
        again, pair.now));
  pair.client->close_all(0, "", pair.now);
  EXPECT_EQ(again.refused, 3);
  EXPECT_EQ(pair.client->connection_count(), 3u);
}

// rfc9000:11.1-close rfc9000:10.2-discard rfc9000:11-signal
TEST(endpoint, close_reaches_the_peer_and_both_sides_forget) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.complete; }));
  pair.run([] { return false; }, 500ms);
  c.close(77, "enough");
  pair.client->wake(c);
  // At once, and not only in answer to what the peer says.
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.closed.has_value(); }, pair.options.delay));
  EXPECT_EQ(pair.acceptor.recorder.closed->kind, CloseReason::Kind::kPeerApplication);
  EXPECT_EQ(pair.acceptor.recorder.closed->error_code, 77u);
  EXPECT_EQ(pair.acceptor.recorder.closed->reason, "enough");
  ASSERT_TRUE(pair.run([&] { return pair.client->connection_count() + pair.server->connection_count() == 0; }));
}

// rfc9114:5.1-not-kept
TEST(endpoint, silence_ends_in_an_idle_timeout_on_both_sides) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  ASSERT_TRUE(pair.run([&] { return pair.recorder.closed && pair.acceptor.recorder.closed; }, 120s));
  EXPECT_EQ(pair.recorder.closed->kind, CloseReason::Kind::kIdleTimeout);
  EXPECT_EQ(pair.server->connection_count(), 0u);
}

TEST(endpoint, who_keeps_a_connection_alive_keeps_to_the_shorter_idle_timeout) {
  PairOptions options;
  options.server.connection.idle_timeout = 2s;
  Pair pair(std::move(options));
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  c.keep_alive(true);
  pair.client->wake(c);
  const auto over = [&] { return pair.recorder.closed || pair.acceptor.recorder.closed; };
  EXPECT_FALSE(pair.run(over, 30s));
  c.keep_alive(false);
  pair.client->wake(c);
  EXPECT_TRUE(pair.run(over, 10s));
}

TEST(endpoint, a_peer_that_is_gone_ends_a_connection_that_is_kept_alive) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  c.keep_alive(true);
  pair.client->wake(c);
  pair.drop = [](const auto&...) { return true; };
  ASSERT_TRUE(pair.run([&] { return pair.recorder.closed.has_value(); }, 120s));
  EXPECT_EQ(pair.recorder.closed->kind, CloseReason::Kind::kIdleTimeout);
}

TEST(endpoint, key_updates_do_not_disturb_a_transfer) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  const std::string text = pattern(2'000'000);
  const StreamId id = c.open_stream(false).value();
  c.initiate_key_update();
  echo(c, id, text);
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.ended[id.value]; }));
  EXPECT_TRUE(pair.acceptor.recorder.received[id.value] == text);
  EXPECT_EQ(c.stats().key_updates, 1u);
  EXPECT_EQ(pair.acceptor.connection->stats().key_updates, 1u);
}

// rfc9000:9-validate-change rfc9000:9.3-follow
TEST(endpoint, nat_rebinding_is_followed_after_validation) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  const std::string text = pattern(1'000'000);
  const StreamId id = c.open_stream(true).value();
  pair.acceptor.recorder.on_end = [&](Connection& server, StreamId sid) { echo(server, sid, text); };
  echo(c, id, text);
  pair.client->wake(c);
  pair.run([] { return false; }, 30ms);
  pair.client_address.port = 2222;
  ASSERT_TRUE(pair.run([&] { return pair.recorder.ended[id.value]; }, 60s));
  EXPECT_EQ(pair.acceptor.connection->tuple().remote.port, 2222);
  EXPECT_EQ(pair.acceptor.connection->migration_stats().paths_validated, 1u);
  EXPECT_TRUE(pair.recorder.received[id.value] == text);
}

// A token is good for the address that it was given to, so a client that moved needs another.
// rfc9000:9.3-new-token rfc9000:8.1.4-new-token-address
TEST(endpoint, a_client_that_moved_gets_a_token_for_its_new_address) {
  Pair pair({.server = {.retry = RetryPolicy::kAlways}});
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed() && !pair.recorder.token.empty(); }));
  const std::vector<std::uint8_t> old_token = std::exchange(pair.recorder.token, {});
  const auto speak = [&] {
    c.ping();
    pair.client->wake(c);
  };
  // Another port is the same address.
  pair.client_address.port = 2222;
  speak();
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.connection->tuple().remote.port == 2222; }));
  pair.run([] { return false; }, 5s);
  EXPECT_TRUE(pair.recorder.token.empty());
  pair.client_address = ipv4_address({10, 0, 0, 99}, 3333);
  speak();
  ASSERT_TRUE(pair.run([&] { return !pair.recorder.token.empty(); }));
  const std::vector<std::uint8_t> token = pair.recorder.token;
  for (const bool fresh : {false, true}) {
    const std::uint64_t retries = pair.server->stats().retries_sent;
    pair.recorder = {};
    pair.connect(fresh ? token : old_token);
    ASSERT_TRUE(pair.run([&] { return pair.recorder.complete; }));
    EXPECT_EQ(pair.server->stats().retries_sent == retries, fresh);
  }
}

// rfc9221:5-deliver rfc9221:5-keys rfc9221:6-keys
TEST(endpoint, datagrams_arrive) {
  PairOptions options;
  options.server.connection.max_datagram_frame_size = 65'535;
  options.client.max_datagram_frame_size = 65'535;
  Pair pair(std::move(options));
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete && pair.acceptor.recorder.complete; }));
  EXPECT_TRUE(c.send_datagram(as_bytes("hello")));
  EXPECT_FALSE(c.send_datagram(Bytes(std::vector<std::uint8_t>(5'000))));
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return !pair.acceptor.recorder.datagrams.empty(); }));
  EXPECT_EQ(pair.acceptor.recorder.datagrams[0], "hello");
}

// rfc9000:14.2-discover
TEST(endpoint, path_mtu_discovery_reaches_the_configured_size) {
  Pair pair;
  pair.connect();
  pair.run([] { return false; }, 2s);
  EXPECT_EQ(pair.connection->stats().max_datagram_size, 1'452u);
}

// rfc9000:5.2.2-version-negotiation rfc9000:10.3-short-header rfc9000:10.3.3-smaller rfc9000:5.2.2-vn-if-long
TEST(endpoint, unknown_packet_gets_a_reset_and_unknown_version_a_negotiation) {
  Pair pair;
  std::vector<std::uint8_t> unknown(100, 0x55);
  unknown[0] = 0x41;
  ReceivedTrain train{
      .bytes = unknown, .segment_size = unknown.size(), .tuple = {pair.server_address, pair.client_address}};
  pair.server->on_datagrams({&train, 1}, pair.now);
  EXPECT_EQ(pair.server->stats().stateless_resets_sent, 1u);
  std::vector<std::uint8_t> version(1'200, 0);
  const auto head = from_hex("c0 11223344 08 0102030405060708 04 0a0b0c0d");
  std::copy(head.begin(), head.end(), version.begin());
  train.bytes = version;
  train.segment_size = version.size();
  pair.server->on_datagrams({&train, 1}, pair.now);
  EXPECT_EQ(pair.server->stats().version_negotiations_sent, 1u);
  std::vector<std::uint8_t> memory(65'536);
  TransmitTrain out{.buffer = memory};
  ASSERT_EQ(pair.server->next_transmits(pair.now, {&out, 1}), 1u);
  EXPECT_LT(out.size, 100u);
  ASSERT_EQ(pair.server->next_transmits(pair.now, {&out, 1}), 1u);
  EXPECT_EQ(to_hex(Bytes(memory).subspan(1, 4)), "00000000");
}

struct Strays : StrayHandler {
  std::vector<std::vector<std::uint8_t>> datagrams;
  void on_stray(const ReceivedTrain& datagram) override {
    datagrams.emplace_back(datagram.bytes.begin(), datagram.bytes.end());
  }
};

// A client that lost its state answers by a reset, which comes to the worker beside the right one.
// What the endpoint says to a datagram at once.
std::vector<std::uint8_t> answer(Endpoint& endpoint, std::vector<std::uint8_t>& octets, Timestamp now) {
  std::vector<std::uint8_t> memory(65'536);
  ReceivedTrain train{.bytes = octets, .segment_size = octets.size(), .tuple = {}};
  endpoint.on_datagrams({&train, 1}, now);
  TransmitTrain out{.buffer = memory};
  const std::size_t count = endpoint.next_transmits(now, {&out, 1});
  memory.resize(count * out.size);
  return memory;
}

// A stateless reset that a client who has forgotten the connection sends to the pair's server.
std::vector<std::uint8_t> provoke_reset(Pair& pair) {
  pair.connect();
  EXPECT_TRUE(pair.run([&] { return pair.recorder.complete && pair.acceptor.recorder.complete; }));
  // From elsewhere, so that the server takes a connection ID with a token (RFC 9000 section 9.5).
  EXPECT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  pair.client_address.port = 2'222;
  EXPECT_TRUE(pair.connection->migrate(pair.client_address));
  echo(*pair.connection, pair.connection->open_stream(true).value(), "from a new port");
  pair.client->wake(*pair.connection);
  pair.run([] { return false; }, 5s);
  std::vector<std::uint8_t> to_client;
  pair.drop = [&](bool to_server, Bytes datagram) {
    if (!to_server) to_client.assign(datagram.begin(), datagram.end());
    return true;
  };
  echo(*pair.acceptor.connection, pair.acceptor.connection->open_stream(true).value(), pattern(500));
  pair.server->wake(*pair.acceptor.connection);
  pair.run([&] { return !to_client.empty(); });

  EndpointConfig config{.tls = &*pair.server_tls, .accept = &pair.acceptor, .secret = pair.client_secret()};
  config.random = &pair.random;
  Endpoint restarted(config);
  return answer(restarted, to_client, pair.now);
}

TEST(endpoint, reset_that_reaches_another_worker_is_passed_on_and_heard) {
  Pair pair;
  std::vector<std::uint8_t> reset = provoke_reset(pair);
  ASSERT_GE(reset.size(), 21u);

  Strays strays;
  EndpointConfig other_config{.tls = &*pair.server_tls, .accept = &pair.acceptor, .worker = 1, .workers = 2};
  other_config.strays = &strays;
  other_config.random = &pair.random;
  Endpoint other(other_config);
  answer(other, reset, pair.now);
  ASSERT_EQ(strays.datagrams.size(), 1u);
  EXPECT_FALSE(pair.acceptor.recorder.closed);
  pair.server->on_stray(Bytes(strays.datagrams[0]).first(20), pair.now);  // too small
  EXPECT_FALSE(pair.acceptor.recorder.closed);
  pair.server->on_stray(strays.datagrams[0], pair.now);
  ASSERT_TRUE(pair.acceptor.recorder.closed);
  EXPECT_EQ(pair.acceptor.recorder.closed->kind, CloseReason::Kind::kStatelessReset);
}

// rfc9000:10.3.1-compare
TEST(endpoint, reset_is_heard_by_the_token_of_each_of_eight_paths) {
  for (std::uint64_t path = 0; path < kMaxPaths; ++path) {
    PairOptions options;
    options.client.max_paths = options.server.connection.max_paths = kMaxPaths;
    Pair pair(options);
    pair.several_interfaces = true;
    Connection& c = pair.connect();
    ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
    for (std::uint8_t i = 1; i < kMaxPaths; ++i) {
      pair.run([] { return false; }, 100ms);
      ASSERT_TRUE(c.open_path({ipv4_address({10, 1, i, 1}, 1111), pair.server_address}).has_value()) << int{i};
      pair.client->wake(c);
    }
    pair.run([] { return false; }, 1s);
    ASSERT_EQ(c.paths().size(), kMaxPaths);
    std::vector<std::uint8_t> reset(40, 0x41);
    bool found = false;
    c.core().multipath()->find(PathId{path})->path->peer_cids().for_each_token([&](const StatelessResetToken& token) {
      std::ranges::copy(token, reset.end() - static_cast<std::ptrdiff_t>(token.size()));
      found = true;
    });
    ASSERT_TRUE(found) << path;
    answer(*pair.client, reset, pair.now);
    ASSERT_TRUE(pair.recorder.closed) << path;
    EXPECT_EQ(pair.recorder.closed->kind, CloseReason::Kind::kStatelessReset);
  }
}

// rfc9000:10.3-any-packet
// rfc9000:10.3.1-compare rfc9000:10.3.1-drain rfc9000:10.3.2-length-known
TEST(endpoint, reset_is_heard_whatever_its_header_looks_like) {
  for (const std::uint8_t first : {0x40, 0x00, 0xc0, 0xff}) {
    Pair pair;
    std::vector<std::uint8_t> reset = provoke_reset(pair);
    ASSERT_GE(reset.size(), 21u);
    reset[0] = static_cast<std::uint8_t>(first | (reset[0] & 0x3f));
    EXPECT_TRUE(answer(*pair.server, reset, pair.now).empty());
    ASSERT_TRUE(pair.acceptor.recorder.closed) << int{first};
    EXPECT_EQ(pair.acceptor.recorder.closed->kind, CloseReason::Kind::kStatelessReset);
  }
}

// What an interoperability test reads from a log.
struct FactSink : EventSink {
  std::map<std::string, std::uint64_t> peer_parameters;
  std::vector<hawser::EcnState> ecn_states;
  std::map<std::pair<KeyType, KeyTrigger>, int> key_updates;
  void on_event(const EventContext&, const ParametersSet& e) override {
    for (const NamedValue& value : e.parameters) peer_parameters[std::string(value.name)] = value.value;
  }
  void on_event(const EventContext&, const EcnStateUpdated& e) override { ecn_states.push_back(e.new_state); }
  void on_event(const EventContext&, const KeyUpdated& e) override {
    if (e.trigger != KeyTrigger::kTls) ++key_updates[{e.key_type, e.trigger}];
  }
};

TEST(endpoint, events_tell_the_peers_parameters_and_that_ecn_works) {
  FactSink sink;
  PairOptions options{.server = {.events = &sink}};
  options.client.max_streams_bidi = 77;
  Pair pair(std::move(options));
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete && pair.acceptor.recorder.complete; }));
  EXPECT_EQ(sink.peer_parameters["initial_max_streams_bidi"], 77u);
  EXPECT_EQ(sink.peer_parameters["max_ack_delay"], 25u);
  pair.acceptor.recorder.on_end = [&](Connection& server, StreamId id) {
    echo(server, id, pair.acceptor.recorder.received[id.value]);
  };
  const StreamId id = c.open_stream(true).value();
  echo(c, id, pattern(100'000));
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.ended[id.value]; }));
  ASSERT_FALSE(sink.ecn_states.empty());
  EXPECT_EQ(sink.ecn_states.back(), hawser::EcnState::kCapable);
}

TEST(endpoint, events_tell_the_version_of_each_long_header) {
  struct VersionSink final : hawser::EventSink {
    std::map<std::pair<hawser::LoggedPacketType, std::uint32_t>, int> sent, received;
    using EventSink::on_event;
    void on_event(const hawser::EventContext&, const hawser::PacketSent& e) override {
      ++sent[{e.packet_type, e.version}];
    }
    void on_event(const hawser::EventContext&, const hawser::PacketReceived& e) override {
      ++received[{e.packet_type, e.version}];
    }
  } sink;
  PairOptions options{.client_events = &sink};
  options.client.versions = {Version::kV2, Version::kV1};  // begins in 1, comes to 2
  Pair pair(std::move(options));
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete && pair.acceptor.recorder.complete; }));
  using Type = hawser::LoggedPacketType;
  constexpr auto kV1 = static_cast<std::uint32_t>(Version::kV1);
  constexpr auto kV2 = static_cast<std::uint32_t>(Version::kV2);
  EXPECT_GT((sink.sent[{Type::kInitial, kV1}]), 0);
  EXPECT_GT((sink.received[{Type::kInitial, kV2}]), 0);
  EXPECT_GT((sink.sent[{Type::kHandshake, kV2}]), 0);
  EXPECT_EQ((sink.sent[{Type::kHandshake, kV1}]), 0);
  EXPECT_EQ((sink.received[{Type::kHandshake, kV1}]), 0);
}

TEST(endpoint, keys_change_by_themselves_after_the_configured_packets) {
  FactSink sink;
  PairOptions options{.server = {.events = &sink}};
  options.client.key_update_packets = 100;
  Pair pair(std::move(options));
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  const std::string text = pattern(3'000'000);
  const StreamId id = c.open_stream(true).value();
  echo(c, id, text);
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.ended[id.value]; }));
  EXPECT_TRUE(pair.acceptor.recorder.received[id.value] == text);
  EXPECT_GE(c.stats().key_updates, 1u);
  EXPECT_EQ(pair.acceptor.connection->stats().key_updates, c.stats().key_updates);
  const int updates = static_cast<int>(c.stats().key_updates);
  using Changes = std::map<std::pair<KeyType, KeyTrigger>, int>;
  EXPECT_EQ(sink.key_updates, (Changes{{{KeyType::kServerOneRtt, KeyTrigger::kRemoteUpdate}, updates},
                                       {{KeyType::kClientOneRtt, KeyTrigger::kRemoteUpdate}, updates}}));
}

}  // namespace
}  // namespace hawser::quic
