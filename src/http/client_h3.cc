// client_h3.cc: a client's connection over HTTP/3.
#include <algorithm>
#include <array>

#include "http/client_wire.h"
#include "http/left_bodies.h"
#include "http3/settings.h"

namespace hawser::http {
namespace {

class H3Wire final : public ClientWire, public http3::SessionHandler {
 public:
  H3Wire(Client& client, const SocketAddress& remote, Timestamp began)
      : ClientWire(client, remote, began), session_(quic::Role::kClient, client.options().session, *this) {}

  quic::ConnectionHandler& handler() override { return session_; }
  Started start(ClientRequest& request, Timestamp now) override;
  void retry_bodies(Timestamp now) override;
  void close() override {
    // Before the handshake the session does not know its connection.
    if (connection != nullptr) session_.attach(*connection);
    session_.close();
  }

  void begin_early(Bytes settings) override {
    session_.remember_settings(settings);
    session_.on_early_data(*connection);
  }
  std::vector<ClientRequest> take_back() override;

  void on_handshake_complete(http3::Session&) override { client_.on_ready(*this, now()); }
  void on_session_ticket(http3::Session& session, Bytes ticket) override {
    std::vector<std::uint8_t> settings;
    http3::append_settings_payload(settings, *session.peer_settings());
    client_.keep_ticket(*this, ticket, settings);
  }
  void on_new_token(http3::Session&, Bytes token) override { client_.keep_token(*this, token); }
  void on_headers(http3::Session& session, quic::StreamId id, const http3::MessageHead& head, bool) override {
    Exchange* const exchange = find(id);
    if (exchange == nullptr) return;
    if (head.status == 425 && exchange->early != nullptr) return send_again(session, *exchange);
    exchange->sink->on_head(head, now());
  }
  void on_body_readable(http3::Session&, quic::StreamId id) override;
  void on_message_complete(http3::Session&, quic::StreamId id) override;
  void on_stream_reset(http3::Session&, quic::StreamId id, http3::ErrorCode code, std::string_view reason) override;
  void on_stream_closed(http3::Session&, quic::StreamId id) override {
    // Whoever waits for an answer has one, whatever became of the stream.
    if (Exchange* exchange = find(id))
      fail(*exchange, {ClientFailure::Kind::kReset, "the stream was over before the response"}, now());
    forget(id);
    close_if_done();
  }
  void on_goaway(http3::Session&, std::uint64_t) override { close_if_done(); }
  void on_requests_available(http3::Session&) override { client_.on_requests_available(now()); }
  void on_last_read(http3::Session&) override;
  void on_closed(http3::Session&, const quic::CloseReason& reason) override;

 private:
  struct Exchange {
    quic::StreamId id;
    ResponseSink* sink = nullptr;  // null once it has heard the end
    bool paused = false;
    // Of what was sent in 0-RTT: it may have to be sent again. Such requests have no body.
    std::unique_ptr<ClientRequest> early;
    // At the connection's end: what the sink, which hears nothing meanwhile, is still to get.
    std::unique_ptr<LeftBody> left;
    bool whole = false;
  };

  [[nodiscard]] Timestamp now() const { return session_.connection()->now(); }
  [[nodiscard]] Exchange* find(quic::StreamId id) const {
    auto* exchange = static_cast<Exchange*>(session_.user_data(id));
    return exchange != nullptr && exchange->sink != nullptr ? exchange : nullptr;
  }
  void forget(quic::StreamId id) {
    std::erase_if(exchanges_, [id](const auto& exchange) { return exchange->id == id; });
  }
  // After a GOAWAY the connection serves nobody else (RFC 9114 section 5.2).
  void close_if_done() {
    if (session_.going_away() && exchanges_.empty()) session_.close();
  }
  void read(Exchange& exchange, Timestamp at);
  void read_out(Exchange& exchange);
  void send_again(http3::Session& session, Exchange& exchange);
  void fail(Exchange& exchange, const ClientFailure& failure, Timestamp at) {
    if (exchange.left != nullptr) {
      exchange.left->failure = failure;
      return;
    }
    ResponseSink* const sink = std::exchange(exchange.sink, nullptr);
    if (sink != nullptr) sink->on_failure(failure, at);
  }

  http3::Session session_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::vector<Field> fields_;  // of the request being sent
};

ClientWire::Started H3Wire::start(ClientRequest& request, Timestamp at) {
  fields_.clear();
  fields_.push_back({":method", request.method});
  fields_.push_back({":scheme", request.scheme});
  // rfc9114:4.3.1-authority
  fields_.push_back({":authority", request.authority});
  fields_.push_back({":path", request.target});
  for (const auto& [name, value] : request.fields) {
    fields_.push_back({name, value, name == "authorization" || name == "cookie"});
  }
  const auto id = session_.send_request(fields_, !request.body);
  if (!id && (id.error() == http3::SessionError::kStreamLimit || id.error() == http3::SessionError::kNotReady))
    return Started::kLater;
  if (!id) {
    const std::string_view why =
        id.error() == http3::SessionError::kMalformed ? session_.last_fault() : to_string(id.error());
    request.sink->on_failure({ClientFailure::Kind::kRequest, "the request cannot be sent: " + std::string(why)}, at);
    return Started::kNever;
  }
  exchanges_.push_back(
      std::make_unique<Exchange>(Exchange{.id = *id, .sink = request.sink, .early = nullptr, .left = nullptr}));
  session_.set_user_data(*id, exchanges_.back().get());
  // The whole body is in memory, so it is handed over at once and sent as the server takes it.
  if (request.body) (void)session_.write_body(*id, *std::move(request.body), true);
  if (!connection->handshake_complete()) exchanges_.back()->early = std::make_unique<ClientRequest>(std::move(request));
  return Started::kYes;
}

void H3Wire::on_body_readable(http3::Session&, quic::StreamId id) {
  if (Exchange* exchange = find(id)) read(*exchange, now());
}

void H3Wire::read(Exchange& exchange, Timestamp at) {
  const quic::StreamId id = exchange.id;
  exchange.paused = false;
  std::array<Bytes, 64> views;
  while (const std::size_t count = session_.read_body_views(id, views)) {
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += views[i].size();
    const std::size_t taken = exchange.sink->on_body(std::span(views).first(count), at);
    if (taken == ResponseSink::kNoMore) {
      ResponseSink* const sink = std::exchange(exchange.sink, nullptr);
      session_.cancel(id);
      return sink->on_end(at);
    }
    if (taken < offered) {
      exchange.paused = true;
      client_.retry_body_later(at);
    }
    session_.consume_body(id, taken);
    if (taken < offered || find(id) != &exchange) return;
  }
}

void H3Wire::retry_bodies(Timestamp at) {
  // Reading may end an exchange and with it its place in the list.
  std::vector<quic::StreamId> paused;
  for (const auto& exchange : exchanges_)
    if (exchange->paused) paused.push_back(exchange->id);
  for (const quic::StreamId id : paused)
    if (Exchange* exchange = find(id)) read(*exchange, at);
}

void H3Wire::on_message_complete(http3::Session&, quic::StreamId id) {
  Exchange* exchange = find(id);
  if (exchange == nullptr) return;
  exchange->whole = true;
  if (exchange->left == nullptr) std::exchange(exchange->sink, nullptr)->on_end(now());
}

// rfc9114:4.1.1-partial-unused
void H3Wire::on_stream_reset(http3::Session&, quic::StreamId id, http3::ErrorCode code, std::string_view reason) {
  Exchange* exchange = find(id);
  if (exchange == nullptr) return;
  const auto kind =
      code == http3::ErrorCode::kMessageError ? ClientFailure::Kind::kMalformed : ClientFailure::Kind::kReset;
  std::string words = "the response was cut off: " + std::string(to_string(code));
  if (!reason.empty()) words.append(" (").append(reason).append(")");
  fail(*exchange, {kind, std::move(words)}, now());
}

// Nobody reads the page that explains the 425.
void H3Wire::send_again(http3::Session& session, Exchange& exchange) {
  exchange.sink = nullptr;
  session.stop_reading(exchange.id, http3::ErrorCode::kRequestCancelled);
  client_.send_again(std::move(*exchange.early), now());
}

std::vector<ClientRequest> H3Wire::take_back() {
  std::vector<ClientRequest> requests;
  for (const auto& exchange : exchanges_) {
    if (exchange->sink == nullptr || exchange->early == nullptr) continue;
    exchange->sink = nullptr;
    requests.push_back(std::move(*exchange->early));
  }
  return requests;
}

void H3Wire::on_last_read(http3::Session&) {
  std::vector<quic::StreamId> behind;
  for (const auto& exchange : exchanges_)
    if (exchange->paused) behind.push_back(exchange->id);
  for (const quic::StreamId id : behind)
    if (Exchange* exchange = find(id)) read_out(*exchange);
}

void H3Wire::read_out(Exchange& exchange) {
  exchange.left = std::make_unique<LeftBody>(LeftBody{.sink = exchange.sink, .octets = {}, .failure = {}});
  std::array<Bytes, 64> views;
  while (const std::size_t count = session_.read_body_views(exchange.id, views))
    session_.consume_body(exchange.id, exchange.left->append(std::span(views).first(count)));
}

// Any of them may have been processed: none is sent again, unless the connection never came about.
// rfc9114:5.4-maybe-processed rfc9114:4.1.1-retry
void H3Wire::on_closed(http3::Session&, const quic::CloseReason& reason) {
  const Timestamp at = now();
  if (session_.connection()->handshake_complete()) {
    const std::vector<std::unique_ptr<Exchange>> unfinished = std::move(exchanges_);
    exchanges_.clear();
    for (const auto& exchange : unfinished) {
      if (!exchange->whole && (exchange->left == nullptr || !exchange->left->failure))
        fail(*exchange, {ClientFailure::Kind::kClosed, describe(reason)}, at);
      if (exchange->left != nullptr) client_.leave_body(std::move(*exchange->left), reason, at);
    }
  }
  client_.on_over(*this, reason, at);
  exchanges_.clear();
}

}  // namespace

std::unique_ptr<ClientWire> make_h3_wire(Client& client, const SocketAddress& remote, Timestamp began) {
  return std::make_unique<H3Wire>(client, remote, began);
}

}  // namespace hawser::http
