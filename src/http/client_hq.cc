// client_hq.cc: a client's connection over HTTP/0.9, for the interop runner.
#include <algorithm>
#include <array>
#include <iterator>

#include "http/client_wire.h"
#include "http/left_bodies.h"

namespace hawser::http {
namespace {

class HqWire final : public ClientWire, public quic::ConnectionHandler {
 public:
  using ClientWire::ClientWire;

  quic::ConnectionHandler& handler() override { return *this; }
  Started start(ClientRequest& request, Timestamp now) override;
  void retry_bodies(Timestamp now) override;
  void close() override {
    if (connection != nullptr) connection->close(0, {});
  }

  void begin_early(Bytes) override {}
  std::vector<ClientRequest> take_back() override {
    std::vector<ClientRequest> requests;
    for (Exchange& exchange : exchanges_)
      if (exchange.early) requests.push_back(*std::move(exchange.early));
    std::erase_if(exchanges_, [](const Exchange& exchange) { return exchange.early.has_value(); });
    return requests;
  }

  void on_handshake_complete(quic::Connection& c) override {
    connection = &c;
    for (Exchange& exchange : exchanges_) exchange.early.reset();
    client_.on_ready(*this, c.now());
  }
  void on_session_ticket(quic::Connection&, Bytes ticket) override { client_.keep_ticket(*this, ticket, {}); }
  void on_new_token(quic::Connection&, Bytes token) override { client_.keep_token(*this, token); }
  void on_stream_readable(quic::Connection& c, quic::StreamId id) override {
    if (Exchange* exchange = find(id)) read(*exchange, c.now());
  }
  void on_stream_reset(quic::Connection& c, quic::StreamId id, quic::ApplicationErrorCode) override {
    fail(id, {ClientFailure::Kind::kReset, "the server reset the stream: it has no such file, or could not send it"},
         c.now());
  }
  void on_streams_available(quic::Connection& c, bool bidirectional) override {
    if (bidirectional) client_.on_requests_available(c.now());
  }
  void on_closed(quic::Connection& c, const quic::CloseReason& reason) override {
    const Timestamp at = c.now();
    if (c.handshake_complete()) read_out(reason, at);
    // What was started before the connection came about goes back to the client.
    while (c.handshake_complete() && !exchanges_.empty())
      fail(exchanges_.back().id, {ClientFailure::Kind::kClosed, describe(reason)}, at);
    client_.on_over(*this, reason, at);
    exchanges_.clear();
  }

 private:
  struct Exchange {
    quic::StreamId id;
    ResponseSink* sink = nullptr;
    bool paused = false;
    std::optional<ClientRequest> early;  // until the handshake is complete
  };

  Exchange* find(quic::StreamId id) {
    const auto found = std::ranges::find(exchanges_, id, &Exchange::id);
    return found == exchanges_.end() ? nullptr : &*found;
  }
  // Takes the exchange off the list; nullptr if it is over already.
  ResponseSink* remove(quic::StreamId id) {
    const auto found = std::ranges::find(exchanges_, id, &Exchange::id);
    if (found == exchanges_.end()) return nullptr;
    ResponseSink* const sink = found->sink;
    exchanges_.erase(found);
    if (exchanges_.empty()) connection->keep_alive(false);
    return sink;
  }
  void fail(quic::StreamId id, const ClientFailure& failure, Timestamp at) {
    if (ResponseSink* sink = remove(id)) sink->on_failure(failure, at);
  }
  void read(Exchange& exchange, Timestamp at);
  void read_out(const quic::CloseReason& reason, Timestamp at);

  std::vector<Exchange> exchanges_;
};

ClientWire::Started HqWire::start(ClientRequest& request, Timestamp at) {
  if (request.method != "GET" || request.body) {
    request.sink->on_failure({ClientFailure::Kind::kRequest, "HTTP/0.9 knows GET without a body only"}, at);
    return Started::kNever;
  }
  const auto id = connection->open_stream(true);
  if (!id && id.error() == quic::StreamError::kLimit) return Started::kLater;
  if (!id) {
    request.sink->on_failure({ClientFailure::Kind::kClosed, "the connection is closing"}, at);
    return Started::kNever;
  }
  exchanges_.push_back({.id = *id, .sink = request.sink, .paused = false, .early = std::nullopt});
  connection->keep_alive(true);
  (void)connection->write(*id, SharedBytes::copy(as_bytes("GET " + request.target + "\r\n")), true);
  if (!connection->handshake_complete()) exchanges_.back().early = std::move(request);
  return Started::kYes;
}

void HqWire::read(Exchange& exchange, Timestamp at) {
  const quic::StreamId id = exchange.id;
  exchange.paused = false;
  std::array<Bytes, 64> views;
  while (const std::size_t count = connection->read_views(id, views)) {
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += views[i].size();
    const std::size_t taken = exchange.sink->on_body(std::span(views).first(count), at);
    if (taken == ResponseSink::kNoMore) {
      (void)connection->stop_sending(id, quic::ApplicationErrorCode{0});
      return remove(id)->on_end(at);
    }
    connection->consume(id, taken);
    if (taken < offered) {
      exchange.paused = true;
      return client_.retry_body_later(at);
    }
  }
  if (!connection->at_end(id)) return;
  if (ResponseSink* sink = remove(id)) sink->on_end(at);
}

void HqWire::retry_bodies(Timestamp at) {
  std::vector<quic::StreamId> paused;
  for (const Exchange& exchange : exchanges_)
    if (exchange.paused) paused.push_back(exchange.id);
  for (const quic::StreamId id : paused)
    if (Exchange* exchange = find(id)) read(*exchange, at);
}

// What sinks that are behind will not find in the connection any more.
void HqWire::read_out(const quic::CloseReason& reason, Timestamp at) {
  const auto behind = std::ranges::partition(exchanges_, [](const Exchange& exchange) { return !exchange.paused; });
  const std::vector<Exchange> unread(std::make_move_iterator(behind.begin()), std::make_move_iterator(behind.end()));
  exchanges_.erase(behind.begin(), behind.end());
  for (const Exchange& exchange : unread) {
    LeftBody left{.sink = exchange.sink, .octets = {}, .failure = {}};
    std::array<Bytes, 64> views;
    while (const std::size_t count = connection->read_views(exchange.id, views))
      connection->consume(exchange.id, left.append(std::span(views).first(count)));
    if (!connection->at_end(exchange.id)) left.failure = {ClientFailure::Kind::kClosed, describe(reason)};
    client_.leave_body(std::move(left), reason, at);
  }
}

}  // namespace

std::unique_ptr<ClientWire> make_hq_wire(Client& client, const SocketAddress& remote, Timestamp began) {
  return std::make_unique<HqWire>(client, remote, began);
}

}  // namespace hawser::http
