// Goal: sessions work over real QUIC connections, with loss and with small windows. Method: two
// endpoints joined by an in-memory network in virtual time; requests of every shape, compared at
// the end.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>

#include "base/random.h"
#include "http3/quic_transport.h"
#include "http3/session.h"
#include "http3/session_core.h"
#include "http3/settings.h"
#include "quic/connection/replay_guard.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::http3 {
namespace {

using quic::Connection;
using quic::Endpoint;
using quic::Role;

constexpr std::int64_t kWallClock = 1'800'000'000;

std::vector<std::uint8_t> octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

struct Exchange {
  std::string body;
  std::uint16_t status = 0;
  std::string path;
  bool complete = false;
  bool closed = false;
  std::string to_send;
  std::size_t sent = 0;
};

// Reads everything; what is put into to_send goes out as room allows.
class Side : public SessionHandler {
 public:
  std::map<std::uint64_t, Exchange> exchanges;
  std::function<void(Session&, StreamId)> on_complete;
  bool ready = false;
  std::optional<quic::CloseReason> closed;
  std::vector<std::uint8_t> ticket, settings;  // of the client, for another visit
  int answered_early = 0;                      // heads that came before the handshake was complete

  void on_session_ticket(Session& session, Bytes t) override {
    ticket.assign(t.begin(), t.end());
    settings.clear();
    append_settings_payload(settings, *session.peer_settings());
  }
  void push(Session& session, StreamId id) {
    Exchange& e = exchanges[id.value];
    while (e.sent < e.to_send.size()) {
      const auto taken = session.write_body(id, as_bytes(e.to_send).subspan(e.sent), true);
      ASSERT_TRUE(taken) << to_string(taken.error());
      if (*taken == 0) return;
      e.sent += *taken;
    }
  }
  void on_ready(Session&) override { ready = true; }
  void on_headers(Session& session, StreamId id, const MessageHead& head, bool) override {
    if (!session.connection()->handshake_complete()) ++answered_early;
    exchanges[id.value].status = head.status;
    exchanges[id.value].path = head.path;
  }
  void on_body_readable(Session& session, StreamId id) override {
    std::array<Bytes, 4> views;
    while (const std::size_t n = session.read_body_views(id, views)) {
      std::size_t total = 0;
      for (std::size_t i = 0; i < n; ++i) {
        exchanges[id.value].body += as_text(views[i]);
        total += views[i].size();
      }
      session.consume_body(id, total);
    }
  }
  void on_message_complete(Session& session, StreamId id) override {
    exchanges[id.value].complete = true;
    if (on_complete) on_complete(session, id);
  }
  void on_writable(Session& session, StreamId id) override { push(session, id); }
  void on_stream_closed(Session&, StreamId id) override { exchanges[id.value].closed = true; }
  void on_closed(Session&, const quic::CloseReason& reason) override { closed = reason; }
};

// A real connection whose QPACK encoder stream can be held back, as if its packets came late.
class HoldingTransport final : public Transport {
 public:
  void attach(Connection& connection) { quic_.attach(connection); }
  void hold() { holds_ = true; }
  void release() {
    holds_ = false;
    (void)quic_.write(kEncoder, held_, false);
  }

  std::expected<StreamId, quic::StreamError> open_stream(bool bidirectional) override {
    return quic_.open_stream(bidirectional);
  }
  std::expected<std::size_t, quic::StreamError> write(StreamId id, Bytes data, bool fin) override {
    if (!holds_ || id != kEncoder) return quic_.write(id, data, fin);
    held_.insert(held_.end(), data.begin(), data.end());
    return data.size();
  }
  std::expected<void, quic::StreamError> write(StreamId id, SharedBytes data, bool fin) override {
    return quic_.write(id, std::move(data), fin);
  }
  [[nodiscard]] std::size_t write_room(StreamId id) const override { return quic_.write_room(id); }
  void finish(StreamId id) override { quic_.finish(id); }
  void reset_stream(StreamId id, std::uint64_t code) override { quic_.reset_stream(id, code); }
  void stop_sending(StreamId id, std::uint64_t code) override { quic_.stop_sending(id, code); }
  std::size_t read_views(StreamId id, std::span<Bytes> out) override { return quic_.read_views(id, out); }
  void consume(StreamId id, std::size_t count) override { quic_.consume(id, count); }
  [[nodiscard]] bool at_end(StreamId id) const override { return quic_.at_end(id); }
  [[nodiscard]] bool has_all(StreamId id) const override { return quic_.has_all(id); }
  void set_priority(StreamId id, std::uint8_t urgency, bool incremental) override {
    quic_.set_priority(id, urgency, incremental);
  }
  void close(std::uint64_t code, std::string_view reason) override { quic_.close(code, reason); }
  void keep_alive(bool on) override { quic_.keep_alive(on); }
  [[nodiscard]] bool is_open() const override { return quic_.is_open(); }
  [[nodiscard]] Timestamp now() const override { return quic_.now(); }

 private:
  static constexpr StreamId kEncoder = StreamId::of(Role::kServer, false, 1);
  QuicTransport quic_;
  bool holds_ = false;
  std::vector<std::uint8_t> held_;
};

// What a client brings from an earlier visit, and what the server says on this one.
struct Visit {
  SessionConfig server;
  std::vector<std::uint8_t> ticket, settings;
  bool honest = true;  // tickets are bound to the settings
};

class Network : public quic::AcceptHandler {
 public:
  explicit Network(quic::ConnectionConfig config = {}, Visit visit = {})
      : server(Role::kServer, visit.server, server_side, server_transport) {
    const auto minted = quic::mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
    server_tls_.emplace(
        quic::TlsServerContext::create(
            {.common = {.alpn = {std::string(kAlpn)}, .verification_time_s = kWallClock},
             .certificates = {{.chain = octets_of(minted.certificate_pem), .key = octets_of(minted.key_pem)}},
             .ticket_secret = std::vector<std::uint8_t>(32, 7),
             .early_data = true})
            .value());
    client_tls_.emplace(
        quic::TlsClientContext::create({.common = {.alpn = {std::string(kAlpn)}, .verification_time_s = kWallClock},
                                        .trust = {.system = false, .ca = octets_of(minted.certificate_pem)},
                                        .early_data = true})
            .value());
    quic::EndpointConfig server_config;
    server_config.connection = config;
    server_config.tls = &*server_tls_;
    server_config.accept = this;
    server_config.replay_guard = &guard_;
    server_config.early_data_terms = visit.honest ? early_data_terms(visit.server) : octets_of("anything");
    server_config.random = &random_;
    server_endpoint_ = std::make_unique<Endpoint>(server_config);
    client_endpoint_ = std::make_unique<Endpoint>(quic::EndpointConfig{.random = &random_});
    connection_ = client_endpoint_
                      ->connect({.tuple = {client_address_, server_address_},
                                 .server_name = "localhost",
                                 .tls = &*client_tls_,
                                 .connection = config,
                                 .session = visit.ticket},
                                client, now_)
                      .value();
    client.attach(*connection_);
    if (connection_->early_data() != quic::EarlyDataStatus::kOffered) return;
    client.remember_settings(visit.settings);
    client.on_early_data(*connection_);
  }
  [[nodiscard]] const Connection& connection() const { return *connection_; }

  quic::ConnectionHandler* on_accept(Connection& connection) override {
    server.attach(connection);
    server_transport.attach(connection);
    return &server;
  }

  // After what was done to the server from outside.
  void wake_server() {
    server_endpoint_->wake(*server.connection());
    flush(*server_endpoint_, false);
  }

  bool run(const std::function<bool()>& done, Duration limit = 60s) {
    const Timestamp end = now_ + limit;
    for (int steps = 0; steps < 300'000; ++steps) {
      if (!client_side.closed) client_endpoint_->wake(*connection_);
      flush(*client_endpoint_, true);
      flush(*server_endpoint_, false);
      if (done()) return true;
      Timestamp next = std::min(client_endpoint_->next_timeout().value_or(kNever),
                                server_endpoint_->next_timeout().value_or(kNever));
      if (!wire_.empty()) next = std::min(next, wire_.begin()->first);
      if (next > end) return false;
      now_ = std::max(now_, next);
      deliver();
      client_endpoint_->on_timeout(now_);
      server_endpoint_->on_timeout(now_);
    }
    return false;
  }

  Side client_side, server_side;
  HoldingTransport server_transport;
  Session client{Role::kClient, {}, client_side};
  Session server;
  int drop_every = 0;

 private:
  struct Datagram {
    bool to_server;
    std::vector<std::uint8_t> octets;
  };

  void flush(Endpoint& endpoint, bool to_server) {
    std::vector<std::uint8_t> memory(65'536);
    for (;;) {
      TransmitTrain train{.buffer = memory};
      if (endpoint.next_transmits(now_, {&train, 1}) == 0) return;
      for (std::size_t at = 0; at < train.size; at += train.segment_size) {
        if (drop_every > 0 && ++count_ % drop_every == 0) continue;
        const Bytes datagram = Bytes(memory).subspan(at, std::min(train.segment_size, train.size - at));
        wire_.emplace(now_ + 5ms, Datagram{to_server, {datagram.begin(), datagram.end()}});
      }
    }
  }

  // All that is due goes to each side as one batch.
  void deliver() {
    std::vector<Datagram> due;
    while (!wire_.empty() && wire_.begin()->first <= now_) {
      due.push_back(std::move(wire_.begin()->second));
      wire_.erase(wire_.begin());
    }
    for (const bool to_server : {true, false}) {
      std::vector<ReceivedTrain> batch;
      for (Datagram& datagram : due) {
        if (datagram.to_server != to_server) continue;
        ReceivedTrain& train = batch.emplace_back();
        train.bytes = datagram.octets;
        train.segment_size = datagram.octets.size();
        train.tuple =
            to_server ? FourTuple{server_address_, client_address_} : FourTuple{client_address_, server_address_};
      }
      if (!batch.empty()) (to_server ? *server_endpoint_ : *client_endpoint_).on_datagrams(batch, now_);
    }
  }

  SeededRandom random_{9};
  quic::ReplayGuard guard_{{.buckets = 64}};
  Timestamp now_{1s};
  SocketAddress client_address_ = ipv4_address({10, 0, 0, 1}, 1'111);
  SocketAddress server_address_ = ipv4_address({10, 0, 0, 2}, 443);
  std::optional<quic::TlsServerContext> server_tls_;
  std::optional<quic::TlsClientContext> client_tls_;
  std::unique_ptr<Endpoint> server_endpoint_, client_endpoint_;
  Connection* connection_ = nullptr;
  std::multimap<Timestamp, Datagram> wire_;
  int count_ = 0;
};

// Every request is answered with its own body, twice over.
void echo_twice(Network& network) {
  network.server_side.on_complete = [&network](Session& session, StreamId id) {
    ASSERT_TRUE(session.respond(id, 200, fields_of({{"server", "hawser"}, {"content-type", "text/plain"}}), false));
    Exchange& e = network.server_side.exchanges[id.value];
    e.to_send = e.body + e.body;
    if (e.to_send.empty()) ASSERT_TRUE(session.finish(id));
    network.server_side.push(session, id);
  };
}

StreamId post(Network& network, const std::string& path, const std::string& body) {
  const auto id = network.client.send_request(fields_of({{":method", "POST"},
                                                         {":scheme", "https"},
                                                         {":authority", "localhost"},
                                                         {":path", path},
                                                         {"user-agent", "hawser"}}),
                                              body.empty());
  EXPECT_TRUE(id) << to_string(id.error());
  network.client_side.exchanges[id->value].to_send = body;
  if (!body.empty()) network.client_side.push(network.client, *id);
  return *id;
}

void exchange(Network& network, std::size_t count, std::size_t body_size) {
  echo_twice(network);
  ASSERT_TRUE(network.run([&] { return network.client_side.ready && network.client.peer_settings() != nullptr; }));
  std::map<std::uint64_t, std::string> expected;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string body = pattern(body_size * i / count);
    expected[post(network, "/" + std::to_string(i), body).value] = body + body;
  }
  const auto all_closed = [&] {
    for (const auto& [id, body] : expected) {
      if (!network.client_side.exchanges[id].closed) return false;
    }
    return true;
  };
  ASSERT_TRUE(network.run(all_closed)) << (network.client_side.closed ? describe(*network.client_side.closed)
                                                                      : "still open");
  for (const auto& [id, body] : expected) {
    ASSERT_TRUE(network.client_side.exchanges[id].complete);
    ASSERT_EQ(network.client_side.exchanges[id].status, 200);
    ASSERT_TRUE(network.client_side.exchanges[id].body == body) << id;
  }
  EXPECT_FALSE(network.client_side.closed);
  EXPECT_EQ(network.client.open_streams(), 0u);
  ASSERT_TRUE(network.run([&] { return network.server.open_streams() == 0; }));
}

// A first visit to a server with these settings.
Visit first_visit(const SessionConfig& config, bool honest = true) {
  Network network({}, {.server = config, .ticket = {}, .settings = {}, .honest = honest});
  EXPECT_TRUE(network.run([&] { return !network.client_side.ticket.empty(); }));
  return {.server = config,
          .ticket = network.client_side.ticket,
          .settings = network.client_side.settings,
          .honest = honest};
}

// rfc9114:5.1-outstanding
TEST(http3_over_quic, a_connection_stays_while_a_response_is_outstanding_and_not_longer) {
  Network network({.idle_timeout = 5s});
  ASSERT_TRUE(network.run([&] { return network.client_side.ready && network.client.peer_settings() != nullptr; }));
  const StreamId slow = post(network, "/slow", "");
  const auto over = [&] { return network.client_side.closed || network.server_side.closed; };
  ASSERT_TRUE(network.run([&] { return network.server_side.exchanges[slow.value].complete; }));
  const std::uint64_t packets = network.connection().stats().packets_sent;
  EXPECT_FALSE(network.run(over, 60s));
  // Often enough that one or two may be lost, and no more often.
  EXPECT_LE(network.connection().stats().packets_sent - packets, 40u);
  // The answer comes with that to another request, in whose call the server may write.
  network.server_side.on_complete = [&](Session& session, StreamId id) {
    for (const StreamId each : {slow, id}) ASSERT_TRUE(session.respond(each, 200, FieldList{}, true));
  };
  const StreamId other = post(network, "/other", "");
  ASSERT_TRUE(network.run([&] {
    return network.client_side.exchanges[slow.value].closed && network.client_side.exchanges[other.value].closed;
  }));
  EXPECT_EQ(network.client_side.exchanges[slow.value].status, 200);
  ASSERT_TRUE(network.run(over, 60s));
  EXPECT_EQ(network.client_side.closed.value_or(quic::CloseReason{}).kind, quic::CloseReason::Kind::kIdleTimeout);
}

// rfc9114:7.2.4.2-store rfc9114:7.2.4.2-stored
TEST(http3_over_quic, a_request_in_early_data_keeps_to_the_settings_of_the_last_visit) {
  SessionConfig config;
  config.max_field_section_size = 500;
  const Visit visit = first_visit(config);
  Network network({}, visit);
  ASSERT_EQ(network.connection().early_data(), quic::EarlyDataStatus::kOffered);
  ASSERT_TRUE(network.client_side.ready);
  echo_twice(network);
  const std::string large(500, 'x');
  const auto refused = network.client.send_request(
      fields_of(
          {{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/"}, {"large", large}}),
      true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), SessionError::kTooLarge);
  const StreamId id = post(network, "/", "");
  ASSERT_TRUE(network.run([&] { return network.client_side.exchanges[id.value].complete; }));
  EXPECT_EQ(network.connection().early_data(), quic::EarlyDataStatus::kAccepted);
  EXPECT_EQ(network.server_side.answered_early, 1);
}

// rfc9114:7.2.4.2-incompatible rfc9114:7.2.4.2-not-reduced rfc9204:3.2.3-remembered
TEST(http3_over_quic, a_server_whose_settings_changed_rejects_early_data_and_nothing_is_lost) {
  Visit visit = first_visit({});
  visit.server.max_field_section_size = 5'000;
  Network network({}, visit);
  ASSERT_EQ(network.connection().early_data(), quic::EarlyDataStatus::kOffered);
  echo_twice(network);
  const StreamId id = post(network, "/", "body");
  ASSERT_TRUE(network.run([&] { return network.client_side.exchanges[id.value].complete; }));
  EXPECT_EQ(network.connection().early_data(), quic::EarlyDataStatus::kRejected);
  EXPECT_EQ(network.server_side.answered_early, 0);
  EXPECT_EQ(network.client_side.exchanges[id.value].body, "bodybody");
  EXPECT_FALSE(network.client_side.closed);
}

// rfc9114:7.2.4.2-violated rfc9114:7.2.4.2-omitted
TEST(http3_over_quic, settings_reduced_under_accepted_early_data_are_an_error) {
  for (const bool omitted : {false, true}) {
    SessionConfig config;
    config.max_field_section_size = 10'000;
    config.qpack_decoder_table_capacity = 4'096;
    Visit visit = first_visit(config, false);
    if (omitted) visit.server.qpack_decoder_table_capacity = 0;
    if (!omitted) visit.server.max_field_section_size = 9'999;
    Network network({}, visit);
    ASSERT_TRUE(network.run([&] { return network.client_side.closed.has_value(); }));
    EXPECT_EQ(network.connection().early_data(), quic::EarlyDataStatus::kAccepted);
    EXPECT_EQ(network.client_side.closed->error_code, static_cast<std::uint64_t>(ErrorCode::kSettingsError));
  }
}

TEST(http3_over_quic, carries_many_requests_at_once) {
  Network network;
  exchange(network, 60, 20'000);
  // Names and values that repeat were learned by the peer.
  EXPECT_LT(network.client.stats().header_bytes_sent, 60u * 20u);
}

TEST(http3_over_quic, a_response_that_waits_for_insertions_completes_after_its_stream_closed) {
  Network network;
  ASSERT_TRUE(network.run([&] { return network.client_side.ready && network.server.peer_settings() != nullptr; }));
  network.server_side.on_complete = [](Session& session, StreamId id) {
    ASSERT_TRUE(session.respond(id, 204, fields_of({{"x-field", "a value to be inserted"}}), true));
  };
  network.server_transport.hold();
  const StreamId id = post(network, "/", "");
  Exchange& exchange = network.client_side.exchanges[id.value];
  const auto forgotten = [&] {
    const Stream* stream = network.client.core().find(id);
    return stream == nullptr || stream->transport_closed;
  };
  ASSERT_TRUE(network.run(forgotten));
  EXPECT_EQ(network.client.core().qpack_decoder().blocked_streams(), 1u);
  EXPECT_EQ(exchange.status, 0);
  EXPECT_FALSE(exchange.closed);
  network.server_transport.release();
  network.wake_server();
  ASSERT_TRUE(network.run([&] { return exchange.closed; }));
  EXPECT_EQ(exchange.status, 204);
  EXPECT_TRUE(exchange.complete);
  EXPECT_EQ(network.client.open_streams(), 0u);
}

TEST(http3_over_quic, carries_bodies_larger_than_every_window) {
  quic::ConnectionConfig config;
  config.stream_receive_window = config.stream_receive_window_max = ByteCount{16'384};
  config.connection_receive_window = config.connection_receive_window_max = ByteCount{40'000};
  config.stream_send_buffer = ByteCount{20'000};
  Network network(config);
  exchange(network, 6, 500'000);
}

TEST(http3_over_quic, survives_loss) {
  Network network;
  network.drop_every = 7;
  exchange(network, 40, 30'000);
}

TEST(http3_over_quic, tells_the_peer_why_it_closes) {
  Network network;
  ASSERT_TRUE(network.run([&] { return network.client_side.ready && network.server_side.ready; }));
  network.client.close(ErrorCode::kNoError, "done");
  ASSERT_TRUE(network.run([&] { return network.server_side.closed.has_value(); }));
  EXPECT_EQ(network.server_side.closed->kind, quic::CloseReason::Kind::kPeerApplication);
  EXPECT_EQ(network.server_side.closed->error_code, 0x100u);
}

TEST(http3_over_quic, responses_that_came_with_the_end_of_the_connection_are_told) {
  Network network;
  ASSERT_TRUE(network.run([&] { return network.client_side.ready && network.server.peer_settings() != nullptr; }));
  std::vector<StreamId> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(post(network, "/" + std::to_string(i), ""));
  ASSERT_TRUE(network.run([&] {
    return std::ranges::all_of(ids, [&](StreamId id) { return network.server_side.exchanges[id.value].complete; });
  }));
  // Each teaches the client's QPACK decoder something that it acknowledges.
  for (const StreamId id : ids) {
    const std::string value = "a value to be inserted " + std::to_string(id.value);
    ASSERT_TRUE(network.server.respond(id, 200, fields_of({{"x-field", value}}), true));
  }
  network.wake_server();
  network.server.close(ErrorCode::kNoError, "done");
  network.wake_server();
  ASSERT_TRUE(network.run([&] { return network.client_side.closed.has_value(); }));
  EXPECT_EQ(network.client_side.closed->kind, quic::CloseReason::Kind::kPeerApplication);
  EXPECT_EQ(network.client_side.closed->error_code, 0x100u);
  for (const StreamId id : ids) {
    EXPECT_EQ(network.client_side.exchanges[id.value].status, 200);
    EXPECT_TRUE(network.client_side.exchanges[id.value].complete);
  }
}

// rfc9114:5.2-no-error rfc9114:3.3-goaway
TEST(http3_over_quic, goes_away_gracefully) {
  Network network;
  ASSERT_TRUE(network.run([&] { return network.client_side.ready && network.server_side.ready; }));
  const StreamId id = post(network, "/last", "");
  ASSERT_TRUE(network.run([&] { return network.server_side.exchanges[id.value].complete; }));
  network.server.shutdown();
  ASSERT_TRUE(network.server.respond(id, 200, {}, true));
  ASSERT_TRUE(network.run([&] { return network.client_side.exchanges[id.value].closed; }));
  EXPECT_TRUE(network.client.going_away());
  EXPECT_EQ(network.client_side.exchanges[id.value].status, 200);
}

}  // namespace
}  // namespace hawser::http3
