// endpoint_test.cc: goal: two endpoints complete a handshake and move streams both ways, with
// Retry, key updates and refusals. Method: an in-memory network with a settable delay and
// virtual time; drops are chosen by a callback. Faults over many seeds are sim's business.
#include "quic/endpoint/endpoint.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "events/event_sink.h"
#include "quic/connection/core.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {
namespace {

constexpr std::int64_t kWallClock = 1'800'000'000;

const DevCertificate& certificate() {
  static const DevCertificate minted =
      mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
  return minted;
}

struct Recorder : ConnectionHandler {
  bool complete = false;
  std::map<std::uint64_t, std::string> received;
  std::map<std::uint64_t, bool> ended;
  std::optional<CloseReason> closed;
  std::vector<std::string> datagrams;
  std::vector<std::uint8_t> token, ticket;
  int rests = 0;
  std::function<void(Connection&, StreamId)> on_end;

  void on_handshake_complete(Connection&) override { complete = true; }
  void on_stream_readable(Connection& c, StreamId id) override {
    std::array<Bytes, 16> views;
    while (const std::size_t n = c.read_views(id, views)) {
      std::size_t total = 0;
      for (std::size_t i = 0; i < n; ++i) {
        received[id.value] += as_text(views[i]);
        total += views[i].size();
      }
      c.consume(id, total);
    }
    if (c.at_end(id) && !ended[id.value]) {
      ended[id.value] = true;
      if (on_end) on_end(c, id);
    }
  }
  void on_datagram(Connection&, Bytes d) override { datagrams.emplace_back(as_text(d)); }
  void on_new_token(Connection&, Bytes t) override { token.assign(t.begin(), t.end()); }
  void on_session_ticket(Connection&, Bytes t) override { ticket.assign(t.begin(), t.end()); }
  void on_rest(Connection&) override { ++rests; }
  void on_closed(Connection&, const CloseReason& r) override { closed = r; }
};

struct Acceptor : AcceptHandler {
  Recorder recorder;
  Connection* connection = nullptr;
  int accepted = 0;
  bool refuse = false;
  ConnectionHandler* on_accept(Connection& c) override {
    if (refuse) return nullptr;
    ++accepted;
    connection = &c;
    return &recorder;
  }
};

struct PairOptions {
  EndpointConfig server;
  ConnectionConfig client;
  Duration delay = 10ms;
};

// A client and a server endpoint joined by a network of fixed delay.
class Pair {
 public:
  Pair() : Pair(PairOptions()) {}
  explicit Pair(PairOptions o) : options(std::move(o)) {
    server_tls.emplace(
        TlsServerContext::create({.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                                  .certificates = {{.chain = bytes_of_text(certificate().certificate_pem),
                                                    .key = bytes_of_text(certificate().key_pem)}}})
            .value());
    client_tls.emplace(
        TlsClientContext::create({.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                                  .trust = {.system = false, .ca = bytes_of_text(certificate().certificate_pem)}})
            .value());
    options.server.tls = &*server_tls;
    options.server.accept = &acceptor;
    options.server.random = &random;
    server = std::make_unique<Endpoint>(options.server);
    client = std::make_unique<Endpoint>(EndpointConfig{.secret = client_secret(), .random = &random});
  }

  Connection& connect(std::vector<std::uint8_t> token = {}, Version token_version = Version::kV1,
                      std::vector<std::uint8_t> session = {}) {
    auto connected = client->connect({.tuple = {client_address, server_address},
                                      .server_name = "localhost",
                                      .tls = &*client_tls,
                                      .connection = options.client,
                                      .token = std::move(token),
                                      .token_version = token_version,
                                      .session = std::move(session)},
                                     recorder, now);
    connection = connected.value();
    return *connection;
  }

  static std::array<std::uint8_t, 32> client_secret() { return {1, 2, 3}; }

  // Runs until `done` or for `limit` of virtual time; true if done.
  bool run(const std::function<bool()>& done, Duration limit = 30s) {
    const Timestamp end = now + limit;
    for (;;) {
      flush(*client, true);
      flush(*server, false);
      if (done()) return true;
      Timestamp next = std::min(client->next_timeout().value_or(kNever), server->next_timeout().value_or(kNever));
      if (!wire.empty()) next = std::min(next, wire.begin()->first);
      if (next > end) return false;
      now = std::max(now, next);
      deliver();
      client->on_timeout(now);
      server->on_timeout(now);
      if (++steps > 1'000'000) return false;
    }
  }

  PairOptions options;
  SeededRandom random{1};
  Timestamp now{1s};
  SocketAddress client_address = ipv4_address({10, 0, 0, 1}, 1111);
  SocketAddress server_address = ipv4_address({10, 0, 0, 2}, 443);
  std::optional<TlsServerContext> server_tls;
  std::optional<TlsClientContext> client_tls;
  Recorder recorder;
  Acceptor acceptor;
  std::unique_ptr<Endpoint> server, client;
  Connection* connection = nullptr;
  std::function<bool(bool to_server, Bytes)> drop = [](bool, Bytes) { return false; };
  std::uint64_t to_server_bytes = 0, to_client_bytes = 0;
  int steps = 0;

 private:
  struct Datagram {
    bool to_server;
    std::vector<std::uint8_t> octets;
    FourTuple tuple;  // as the receiver sees it
    Ecn ecn;
  };
  static std::vector<std::uint8_t> bytes_of_text(std::string_view text) { return {text.begin(), text.end()}; }

  void flush(Endpoint& endpoint, bool to_server) {
    std::vector<std::uint8_t> memory(65'536);
    for (;;) {
      TransmitTrain train{.buffer = memory};
      if (endpoint.next_transmits(now, {&train, 1}) == 0) return;
      for (std::size_t at = 0; at < train.size; at += train.segment_size) {
        const Bytes datagram = Bytes(memory).subspan(at, std::min(train.segment_size, train.size - at));
        (to_server ? to_server_bytes : to_client_bytes) += datagram.size();
        if (drop(to_server, datagram)) continue;
        FourTuple tuple =
            to_server ? FourTuple{server_address, client_address} : FourTuple{client_address, server_address};
        wire.emplace(now + options.delay, Datagram{to_server, {datagram.begin(), datagram.end()}, tuple, train.ecn});
      }
    }
  }

  void deliver() {
    while (!wire.empty() && wire.begin()->first <= now) {
      Datagram datagram = std::move(wire.begin()->second);
      wire.erase(wire.begin());
      ReceivedTrain train{.bytes = datagram.octets,
                          .segment_size = datagram.octets.size(),
                          .tuple = datagram.tuple,
                          .ecn = datagram.ecn};
      (datagram.to_server ? *server : *client).on_datagrams({&train, 1}, now);
    }
  }

  std::multimap<Timestamp, Datagram> wire;
};

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

void echo(Connection& c, StreamId id, const std::string& text) {
  EXPECT_EQ(c.write(id, SharedBytes::copy(as_bytes(text)), true).has_value(), true);
}

// rfc9001:4.1.2-handshake-done
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

// rfc9000:8.1.2-token-repeated rfc9000:17.2.5.1-use-scid rfc9000:17.2.5.3-same-message rfc9000:17.2.5.2-scid-kept
TEST(endpoint, retry_validates_the_address) {
  Pair pair({.server = {.retry = RetryPolicy::kAlways}});
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete && pair.acceptor.recorder.complete; }));
  // A ClientHello of two datagrams is answered twice; the client heeds the first answer.
  EXPECT_GE(pair.server->stats().retries_sent, 1u);
  EXPECT_EQ(pair.acceptor.accepted, 1);
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

// rfc9000:11.1-close rfc9000:10.2-discard rfc9000:11-signal
TEST(endpoint, close_reaches_the_peer_and_both_sides_forget) {
  Pair pair;
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.complete; }));
  c.close(77, "enough");
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.closed.has_value(); }));
  EXPECT_EQ(pair.acceptor.recorder.closed->kind, CloseReason::Kind::kPeerApplication);
  EXPECT_EQ(pair.acceptor.recorder.closed->error_code, 77u);
  EXPECT_EQ(pair.acceptor.recorder.closed->reason, "enough");
  ASSERT_TRUE(pair.run([&] { return pair.client->connection_count() + pair.server->connection_count() == 0; }));
}

TEST(endpoint, silence_ends_in_an_idle_timeout_on_both_sides) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  ASSERT_TRUE(pair.run([&] { return pair.recorder.closed && pair.acceptor.recorder.closed; }, 120s));
  EXPECT_EQ(pair.recorder.closed->kind, CloseReason::Kind::kIdleTimeout);
  EXPECT_EQ(pair.server->connection_count(), 0u);
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

// rfc9000:9-validate-change rfc9000:9.3-follow rfc9000:9.3-protect
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
  EXPECT_TRUE(pair.recorder.received[id.value] == text);
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
TEST(endpoint, reset_that_reaches_another_worker_is_passed_on_and_heard) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.recorder.complete && pair.acceptor.recorder.complete; }));
  // From elsewhere, so that the server takes a connection ID with a token (RFC 9000 section 9.5).
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  pair.client_address.port = 2'222;
  ASSERT_TRUE(pair.connection->migrate(pair.client_address));
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

  std::vector<std::uint8_t> memory(65'536);
  const auto answer = [&](Endpoint& endpoint, std::vector<std::uint8_t>& octets) {
    ReceivedTrain train{.bytes = octets, .segment_size = octets.size(), .tuple = {}};
    endpoint.on_datagrams({&train, 1}, pair.now);
    TransmitTrain out{.buffer = memory};
    const std::size_t count = endpoint.next_transmits(pair.now, {&out, 1});
    return std::vector<std::uint8_t>(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(count * out.size));
  };
  EndpointConfig config{.tls = &*pair.server_tls, .accept = &pair.acceptor, .secret = pair.client_secret()};
  config.random = &pair.random;
  Endpoint restarted(config);
  std::vector<std::uint8_t> reset = answer(restarted, to_client);
  ASSERT_GE(reset.size(), 21u);

  Strays strays;
  EndpointConfig other_config{.tls = &*pair.server_tls, .accept = &pair.acceptor, .worker = 1, .workers = 2};
  other_config.strays = &strays;
  other_config.random = &pair.random;
  Endpoint other(other_config);
  answer(other, reset);
  ASSERT_EQ(strays.datagrams.size(), 1u);
  EXPECT_FALSE(pair.acceptor.recorder.closed);
  pair.server->on_stray(Bytes(strays.datagrams[0]).first(20), pair.now);  // too small
  EXPECT_FALSE(pair.acceptor.recorder.closed);
  pair.server->on_stray(strays.datagrams[0], pair.now);
  ASSERT_TRUE(pair.acceptor.recorder.closed);
  EXPECT_EQ(pair.acceptor.recorder.closed->kind, CloseReason::Kind::kStatelessReset);
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

// Both sides are confirmed and have rested once.
void open_and_rest(Pair& pair) {
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  ASSERT_TRUE(pair.run([&] { return pair.recorder.rests == 1 && pair.acceptor.recorder.rests == 1; }, 5s));
}

// The client sends `size` octets and has them back.
void exchange(Pair& pair, std::size_t size) {
  const std::string text = pattern(size);
  pair.acceptor.recorder.on_end = [&](Connection& server, StreamId id) {
    echo(server, id, pair.acceptor.recorder.received[id.value]);
  };
  const StreamId id = pair.connection->open_stream(true).value();
  echo(*pair.connection, id, text);
  pair.client->wake(*pair.connection);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.ended[id.value]; }, 60s));
  EXPECT_TRUE(pair.recorder.received[id.value] == text);
}

TEST(rest, comes_once_after_a_second_of_silence_and_again_after_the_next) {
  Pair pair;
  open_and_rest(pair);
  pair.run([] { return false; }, 10s);
  EXPECT_EQ(pair.recorder.rests, 1);
  exchange(pair, 100'000);
  EXPECT_EQ(pair.recorder.rests, 1);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.rests == 2 && pair.acceptor.recorder.rests == 2; }, 5s));
  exchange(pair, 100'000);
}

TEST(rest, leaves_nothing_to_do_until_the_idle_timeout) {
  Pair pair;
  open_and_rest(pair);
  const int steps = pair.steps;
  pair.run([] { return false; }, 20s);
  EXPECT_LE(pair.steps, steps + 2);
}

TEST(rest, does_not_forget_what_is_in_flight) {
  Pair pair;
  open_and_rest(pair);
  // Silence of three seconds in the midst of a transfer: both sides rest with data on its way.
  Timestamp begin = kNever, end = kNever;
  pair.drop = [&](bool, Bytes) { return pair.now >= begin && pair.now < end; };
  begin = pair.now + 30ms;
  end = begin + 3s;
  exchange(pair, 1'000'000);
  EXPECT_GE(pair.recorder.rests, 1);
}

TEST(rest, of_either_side_is_ended_by_a_key_update) {
  for (const bool by_client : {true, false}) {
    Pair pair;
    open_and_rest(pair);
    exchange(pair, 10);  // acknowledged packets allow an update
    ASSERT_TRUE(pair.run([&] { return pair.recorder.rests == 2 && pair.acceptor.recorder.rests == 2; }, 5s));
    Connection& initiator = by_client ? *pair.connection : *pair.acceptor.connection;
    initiator.initiate_key_update();
    exchange(pair, 10'000);
    EXPECT_EQ(pair.connection->stats().key_updates, 1u);
    EXPECT_EQ(pair.acceptor.connection->stats().key_updates, 1u);
  }
}

TEST(rest, is_ended_by_a_client_at_a_new_address) {
  Pair pair;
  open_and_rest(pair);
  pair.client_address.port = 2'222;
  exchange(pair, 100'000);
  EXPECT_EQ(pair.acceptor.connection->tuple().remote.port, 2'222);
}

TEST(rest, ends_in_a_close_that_the_peer_understands) {
  Pair pair;
  open_and_rest(pair);
  pair.connection->close(7, "good night");
  pair.client->wake(*pair.connection);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.closed.has_value(); }));
  EXPECT_EQ(pair.acceptor.recorder.closed->error_code, 7u);
}

TEST(rest, is_not_for_connections_that_are_kept_alive_more_often) {
  PairOptions options;
  options.client.keep_alive = 500ms;
  Pair pair(std::move(options));
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  pair.run([] { return false; }, 10s);
  EXPECT_EQ(pair.recorder.rests, 0);
  EXPECT_EQ(pair.acceptor.recorder.rests, 0);
}

}  // namespace
}  // namespace hawser::quic
