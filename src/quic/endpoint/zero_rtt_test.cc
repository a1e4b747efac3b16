// zero_rtt_test.cc: goal: what a client says in 0-RTT packets is answered in one round trip, once,
// and nothing is lost when it is rejected. Method: two endpoints over an in-memory network with a
// delay and virtual time; a first visit brings a ticket, later ones use it under various mishaps.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "quic/connection/replay_guard.h"
#include "quic/endpoint/early_datagrams.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {
namespace {

constexpr std::int64_t kWallClock = 1'800'000'000;
constexpr Duration kDelay = 20ms;
const FourTuple kClientTuple{ipv4_address({10, 0, 0, 1}, 1'111), ipv4_address({10, 0, 0, 2}, 443)};
const FourTuple kServerTuple{kClientTuple.remote, kClientTuple.local};

std::vector<std::uint8_t> octets(std::string_view text) {
  return {text.begin(), text.end()};
}

struct Visitor : ConnectionHandler {
  std::string received;
  bool complete = false;
  std::optional<Timestamp> first_octet;
  std::optional<CloseReason> closed;
  std::vector<std::uint8_t> ticket, token;

  void on_handshake_complete(Connection&) override { complete = true; }
  void on_stream_readable(Connection& c, StreamId id) override {
    std::array<std::uint8_t, 4'096> buffer;
    while (const std::size_t size = c.read(id, buffer)) {
      received += as_text(Bytes(buffer).first(size));
      if (!first_octet) first_octet = c.now();
    }
  }
  void on_session_ticket(Connection&, Bytes t) override { ticket.assign(t.begin(), t.end()); }
  void on_new_token(Connection&, Bytes t) override { token.assign(t.begin(), t.end()); }
  void on_closed(Connection&, const CloseReason& reason) override { closed = reason; }
};

// Answers every stream with its length, as soon as it ends.
struct Answerer : ConnectionHandler {
  std::map<std::uint64_t, std::string> received;
  int early = 0;
  int answered_early = 0;
  std::string alpn_when_early;

  void on_early_data(Connection& c) override {
    ++early;
    alpn_when_early = c.alpn();
  }
  void on_stream_readable(Connection& c, StreamId id) override {
    std::array<std::uint8_t, 4'096> buffer;
    while (const std::size_t size = c.read(id, buffer)) received[id.value] += as_text(Bytes(buffer).first(size));
    if (!c.at_end(id)) return;
    if (!c.handshake_complete()) ++answered_early;
    (void)c.write(id, as_bytes("answer of " + std::to_string(received[id.value].size())), true);
  }
};

struct Town final : AcceptHandler {
  struct Options {
    ConnectionConfig server;
    ConnectionConfig client;
    RetryPolicy retry = RetryPolicy::kNever;
    std::string terms = "terms";
    std::string groups{kDefaultGroups};
    bool early_data = true;
  };
  Town() : Town(Options()) {}
  explicit Town(const Options& o) : options(o) {
    const DevCertificate minted =
        mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
    server_tls.emplace(TlsServerContext::create(
                           {.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                            .certificates = {{.chain = octets(minted.certificate_pem), .key = octets(minted.key_pem)}},
                            .ticket_secret = std::vector<std::uint8_t>(32, 7),
                            .early_data = options.early_data})
                           .value());
    client_tls.emplace(
        TlsClientContext::create({.common = {.alpn = {"test"}, .groups = o.groups, .verification_time_s = kWallClock},
                                  .trust = {.system = false, .ca = octets(minted.certificate_pem)},
                                  .early_data = true})
            .value());
    client.emplace(EndpointConfig{.random = &random});
    start_server();
  }
  void start_server() {
    server.emplace(EndpointConfig{.connection = options.server,
                                  .tls = &*server_tls,
                                  .accept = this,
                                  .retry = options.retry,
                                  .replay_guard = options.early_data ? &guard : nullptr,
                                  .early_data_terms = octets(options.terms),
                                  .random = &random});
  }
  ConnectionHandler* on_accept(Connection& connection) override {
    served.push_back(std::make_unique<Answerer>());
    server_connections.push_back(&connection);
    return served.back().get();
  }

  Connection& connect(Visitor& visitor, const Visitor* earlier = nullptr) {
    Connection* connection = client
                                 ->connect({.tuple = kClientTuple,
                                            .server_name = "localhost",
                                            .tls = &*client_tls,
                                            .connection = options.client,
                                            .token = earlier != nullptr && use_tokens ? earlier->token : octets(""),
                                            .session = earlier != nullptr ? earlier->ticket : octets("")},
                                           visitor, now)
                                 .value();
    began = now;
    return *connection;
  }
  // Asks on a stream of its own.
  void ask(Connection& connection, std::string_view question) {
    const StreamId id = connection.open_stream(true).value();
    ASSERT_EQ(connection.write(id, as_bytes(question), true).value(), question.size());
    client->wake(connection);
  }
  // A visit that brings a ticket and a token.
  void prepare(Visitor& visitor) {
    Connection& connection = connect(visitor);
    ASSERT_TRUE(run([&] { return !visitor.ticket.empty() && !visitor.token.empty(); }));
    connection.close(0, "");
    client->wake(connection);
    pass(2s);
    served.clear();
    server_connections.clear();
    to_server.clear();
  }

  bool run(const std::function<bool()>& done, Duration limit = 20s) {
    const Timestamp end = now + limit;
    for (int steps = 0; steps < 200'000; ++steps) {
      flush(*client, true);
      flush(*server, false);
      if (done()) return true;
      Timestamp next = std::min(client->next_timeout().value_or(kNever), server->next_timeout().value_or(kNever));
      if (!wire.empty()) next = std::min(next, wire.begin()->first);
      if (next > end) {
        now = end;
        return false;
      }
      now = std::max(now, next);
      while (!wire.empty() && wire.begin()->first <= now) {
        Datagram datagram = std::move(wire.begin()->second);
        wire.erase(wire.begin());
        deliver(std::move(datagram.octets), datagram.up, kClientTuple);
      }
      client->on_timeout(now);
      server->on_timeout(now);
    }
    return false;
  }
  void pass(Duration time) {
    (void)run([] { return false; }, time);
  }
  void deliver(std::vector<std::uint8_t> datagram, bool up, const FourTuple& from) {
    ReceivedTrain train{
        .bytes = datagram, .segment_size = datagram.size(), .tuple = up ? FourTuple{from.remote, from.local} : from};
    (up ? *server : *client).on_datagrams({&train, 1}, now);
  }
  void flush(Endpoint& endpoint, bool up) {
    std::vector<std::uint8_t> buffer(65'507);
    TransmitTrain train{.buffer = buffer, .max_segments = 16};
    while (endpoint.next_transmits(now, {&train, 1}) == 1) {
      for (std::size_t at = 0; at < train.size; at += train.segment_size) {
        const Bytes segment = Bytes(buffer).subspan(at, std::min(train.segment_size, train.size - at));
        if (up) to_server.emplace_back(segment.begin(), segment.end());
        if (drop(up, segment)) continue;
        wire.insert({now + kDelay + hold(up, segment), {up, {segment.begin(), segment.end()}}});
      }
    }
  }

  struct Datagram {
    bool up;
    std::vector<std::uint8_t> octets;
  };
  Options options;
  SeededRandom random{1};
  ReplayGuard guard{{.buckets = 64}};
  std::optional<TlsServerContext> server_tls;
  std::optional<TlsClientContext> client_tls;
  std::vector<std::unique_ptr<Answerer>> served;
  std::vector<Connection*> server_connections;
  std::optional<Endpoint> client, server;
  std::multimap<Timestamp, Datagram> wire;
  std::vector<std::vector<std::uint8_t>> to_server;
  std::function<bool(bool, Bytes)> drop = [](bool, Bytes) { return false; };
  std::function<Duration(bool, Bytes)> hold = [](bool, Bytes) { return Duration{0}; };
  Timestamp now{100s};
  Timestamp began;
  bool use_tokens = true;
};

// One question in 0-RTT; false unless it was answered.
bool visit(Town& town, const Visitor& earlier, Visitor& visitor, std::string_view question) {
  Connection& connection = town.connect(visitor, &earlier);
  if (connection.early_data() != EarlyDataStatus::kOffered) return false;
  town.ask(connection, question);
  return town.run([&] { return visitor.received == "answer of " + std::to_string(question.size()); });
}

// rfc9000:7.4.1-non-zero
TEST(zero_rtt, a_question_is_answered_after_one_round_trip) {
  Town town;
  Visitor first, second;
  town.prepare(first);
  ASSERT_TRUE(visit(town, first, second, "question"));
  EXPECT_EQ(*second.first_octet - town.began, 2 * kDelay);
  ASSERT_EQ(town.served.size(), 1u);
  EXPECT_EQ(town.served[0]->early, 1);
  EXPECT_EQ(town.served[0]->answered_early, 1);
  EXPECT_EQ(town.served[0]->alpn_when_early, "test");
  town.pass(1s);
  EXPECT_TRUE(second.complete);
  EXPECT_EQ(town.server_connections[0]->early_data(), EarlyDataStatus::kAccepted);
  EXPECT_FALSE(second.ticket.empty()) << "for the visit after this one";
}

TEST(zero_rtt, speaks_version_2_as_well) {
  Town::Options options;
  options.client.versions = {Version::kV2, Version::kV1};
  options.client.first_version = Version::kV2;
  Town town(options);
  Visitor first;
  town.prepare(first);
  Visitor second;
  Connection& connection = town.connect(second, &first);
  ASSERT_EQ(connection.early_data(), EarlyDataStatus::kOffered);
  town.ask(connection, "early");
  ASSERT_TRUE(town.run([&] { return second.received == "answer of 5"; }));
  EXPECT_EQ(*second.first_octet - town.began, 2 * kDelay);
  EXPECT_EQ(connection.early_data(), EarlyDataStatus::kAccepted);
  EXPECT_EQ(connection.version(), Version::kV2);
}

// RFC 9369 section 4.1: 0-RTT packets keep the version of the first flight.
TEST(zero_rtt, is_read_in_the_version_it_came_in_where_the_server_goes_on_in_another) {
  Town::Options options;
  options.server.versions = {Version::kV1};
  Town town(options);
  Visitor first;
  town.prepare(first);
  town.options.server.versions = {Version::kV2, Version::kV1};
  town.options.server.own_version_order = true;
  town.start_server();
  Visitor second;
  Connection& connection = town.connect(second, &first);
  ASSERT_EQ(connection.early_data(), EarlyDataStatus::kOffered);
  town.ask(connection, "early");
  ASSERT_TRUE(town.run([&] { return second.received == "answer of 5"; }));
  EXPECT_EQ(connection.early_data(), EarlyDataStatus::kAccepted);
  EXPECT_EQ(connection.version(), Version::kV2);
  EXPECT_EQ(*second.first_octet - town.began, 2 * kDelay);
}

TEST(zero_rtt, a_ticket_serves_one_visit_and_the_next_is_asked_again_without_loss) {
  Town town;
  Visitor first, second, third;
  town.prepare(first);
  ASSERT_TRUE(visit(town, first, second, "question"));
  Connection& connection = town.connect(third, &first);
  ASSERT_EQ(connection.early_data(), EarlyDataStatus::kOffered);
  const std::string longer(9'000, 'x');
  town.ask(connection, longer);
  town.ask(connection, "other");
  ASSERT_TRUE(town.run([&] { return third.received.size() == std::string("answer of 9000answer of 5").size(); }));
  EXPECT_EQ(connection.early_data(), EarlyDataStatus::kRejected);
  EXPECT_TRUE(connection.resumed());
  EXPECT_EQ(town.served[1]->early, 0);
  EXPECT_EQ(town.served[1]->received[0], longer);
}

// rfc9001:9.2-replay
TEST(zero_rtt, a_recorded_first_flight_is_answered_once) {
  Town town;
  Visitor first, second;
  town.prepare(first);
  ASSERT_TRUE(visit(town, first, second, "question"));
  const auto recorded = town.to_server;
  town.start_server();  // another worker: nothing is shared but the guard
  FourTuple elsewhere = kClientTuple;
  elsewhere.local.port = 2'222;
  for (const auto& datagram : recorded) town.deliver(datagram, true, elsewhere);
  town.flush(*town.server, false);
  ASSERT_EQ(town.served.size(), 2u);
  EXPECT_EQ(town.served[1]->early, 0);
  EXPECT_TRUE(town.served[1]->received.empty());
}

TEST(zero_rtt, many_packets_of_a_first_flight_arrive) {
  Town town;
  Visitor first, second;
  town.prepare(first);
  const std::string question(60'000, 'q');
  ASSERT_TRUE(visit(town, first, second, question));
  EXPECT_EQ(town.served[0]->received[0], question);
  EXPECT_EQ(town.served[0]->early, 1);
}

TEST(zero_rtt, packets_before_the_initial_wait_for_it) {
  Town::Options options;
  options.groups = "X25519";
  Town town(options);
  Visitor first, second;
  town.prepare(first);
  bool held = false;
  town.hold = [&](bool up, Bytes) { return up && !std::exchange(held, true) ? 5ms : 0ms; };
  Connection& connection = town.connect(second, &first);
  town.ask(connection, std::string(5'000, 'q'));
  ASSERT_TRUE(town.run([&] { return second.received == "answer of 5000"; }));
  EXPECT_EQ(*second.first_octet - town.began, 2 * kDelay + 5ms);
  EXPECT_EQ(town.served[0]->answered_early, 1);
}

TEST(zero_rtt, a_lost_first_flight_is_sent_again) {
  for (const int lost : {1, 2, 3, 5, 9}) {
    Town town;
    Visitor first, second;
    town.prepare(first);
    int sent = 0;
    town.drop = [&](bool up, Bytes) { return up && ++sent <= lost; };
    ASSERT_TRUE(visit(town, first, second, std::string(4'000, 'q'))) << lost;
    EXPECT_EQ(town.served.size(), 1u) << lost;
    EXPECT_EQ(town.served[0]->early, 1) << lost;
  }
}

TEST(zero_rtt, survives_a_retry) {
  Town::Options options;
  options.retry = RetryPolicy::kAlways;
  Town town(options);
  Visitor first, second;
  town.prepare(first);
  town.use_tokens = false;
  ASSERT_TRUE(visit(town, first, second, std::string(3'000, 'q')));
  EXPECT_EQ(*second.first_octet - town.began, 4 * kDelay);
  EXPECT_EQ(town.served[0]->answered_early, 1);
}

// rfc9001:4.6.2-rejected-unprocessed rfc9000:7.4.1-reject-unsupported
TEST(zero_rtt, is_rejected_when_limits_shrank_or_terms_changed) {
  Town town;
  Visitor first;
  town.prepare(first);
  const auto refused = [&](const char* what) {
    town.start_server();
    Visitor visitor;
    EXPECT_TRUE(visit(town, first, visitor, std::string(3'000, 'q'))) << what;
    EXPECT_EQ(town.served.back()->early, 0) << what;
  };
  town.options.server.max_streams_bidi = 99;
  refused("streams");
  town.options.server.max_streams_bidi = 200;
  town.options.server.stream_receive_window = ByteCount{1'000};
  refused("window: the rest waits for credit");
  town.options.server.stream_receive_window = ByteCount{2 << 20};
  town.options.terms = "other";
  refused("terms");
  town.options.terms = "terms";
  town.start_server();
  Visitor visitor;
  EXPECT_TRUE(visit(town, first, visitor, "q"));
  EXPECT_EQ(town.served.back()->early, 1) << "larger limits harm nobody, and no refusal used the ticket up";
}

// Fewer streams are allowed now than were opened: the rest goes as soon as the server lets it.
TEST(zero_rtt, streams_beyond_a_new_limit_wait_for_it) {
  Town town;
  Visitor first, second;
  town.prepare(first);
  town.options.server.max_streams_bidi = 2;
  town.start_server();
  Connection& connection = town.connect(second, &first);
  for (int i = 0; i < 5; ++i) town.ask(connection, "question");
  ASSERT_TRUE(town.run([&] { return second.received.size() == 5 * std::string("answer of 8").size(); }));
  EXPECT_EQ(town.served[0]->received.size(), 5u);
}

TEST(early_datagrams, keep_little_of_each_and_of_all_and_not_for_long) {
  EarlyDatagrams early;
  const auto datagram = [](std::uint64_t cid, Timestamp at, std::size_t size = 1'200) {
    return EarlyDatagram{.cid = cid, .arrived = at, .octets = std::vector<std::uint8_t>(size)};
  };
  const Timestamp start{1s};
  EXPECT_FALSE(early.keep(datagram(1, start, EarlyDatagrams::kMaxOctets + 1)));
  for (std::size_t i = 0; i < EarlyDatagrams::kMaxOfOne; ++i) EXPECT_TRUE(early.keep(datagram(1, start)));
  EXPECT_FALSE(early.keep(datagram(1, start)));
  for (std::uint64_t cid = 2; cid < 200; ++cid) EXPECT_TRUE(early.keep(datagram(cid, start)));
  EXPECT_EQ(early.size(), EarlyDatagrams::kMax);
  EXPECT_TRUE(early.take(1, start).empty()) << "the oldest made room";
  EXPECT_EQ(early.take(199, start).size(), 1u);
  EXPECT_TRUE(early.take(198, start + EarlyDatagrams::kLifetime + 1ms).empty());
  EXPECT_TRUE(early.keep(datagram(1, start + 1s)));
  EXPECT_EQ(early.size(), 1u) << "what is too old goes";
}

}  // namespace
}  // namespace hawser::quic
