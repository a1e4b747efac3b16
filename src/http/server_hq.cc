// server_hq.cc: a request line in, a bare body out. What cannot be served is a reset stream,
// since HTTP/0.9 has no way to say so.
#include "http/server_hq.h"

#include <algorithm>
#include <array>

#include "http/file_body.h"
#include "http/server.h"
#include "quic/connection/connection.h"

namespace hawser::http {
namespace {

constexpr std::string_view kGet = "GET ";

}  // namespace

HqServerConnection::~HqServerConnection() = default;

HqServerConnection::Exchange& HqServerConnection::exchange_of(quic::StreamId id) {
  const auto found = std::ranges::find_if(exchanges_, [id](const auto& exchange) { return exchange->id == id; });
  if (found != exchanges_.end()) return **found;
  exchanges_.push_back(std::make_unique<Exchange>());
  exchanges_.back()->id = id;
  exchanges_.back()->began = connection_.now();
  return *exchanges_.back();
}

void HqServerConnection::on_stream_readable(quic::Connection& connection, quic::StreamId id) {
  // A client's unidirectional stream means nothing here.
  if (!id.is_bidirectional()) return (void)connection.stop_sending(id, 0);
  Exchange& exchange = exchange_of(id);
  std::array<std::uint8_t, 1'024> octets;
  while (const std::size_t count = connection.read(id, octets)) {
    if (!exchange.answered) exchange.line += as_text(Bytes(octets).first(count));
    if (exchange.line.size() <= kHqLineMax) continue;
    exchange.answered = true;
    (void)connection.stop_sending(id, 0);
    (void)connection.reset_stream(id, 0);
    return;
  }
  exchange.whole = exchange.line.find('\n') != std::string::npos || connection.at_end(id);
  answer_if_whole(exchange);
}

// What may not be answered early waits for the handshake: HTTP/0.9 cannot say 425.
void HqServerConnection::answer_if_whole(Exchange& exchange) {
  if (exchange.answered || !exchange.whole) return;
  std::string_view target = std::string_view(exchange.line).substr(0, exchange.line.find_first_of("\r\n"));
  target.remove_prefix(std::min(target.size(), kGet.size()));
  if (connection_.handshake_complete() || server_.options().early.permit("GET", target, false)) answer(exchange);
}

void HqServerConnection::on_handshake_complete(quic::Connection&) {
  for (const auto& exchange : exchanges_) answer_if_whole(*exchange);
}

void HqServerConnection::answer(Exchange& exchange) {
  exchange.answered = true;
  std::string_view line = exchange.line;
  line = line.substr(0, line.find_first_of("\r\n"));
  if (!line.starts_with(kGet)) return (void)connection_.reset_stream(exchange.id, 0);
  exchange.target = line.substr(kGet.size());
  Response response = server_.handler().answer(
      {.method = "GET", .scheme = "https", .authority = {}, .target = exchange.target, .fields = {}});
  exchange.status = response.status;
  if (response.status != 200) return (void)connection_.reset_stream(exchange.id, 0);
  exchange.body = std::move(response.body);
  if (exchange.body == nullptr) return (void)connection_.finish(exchange.id);
  connection_.charge_turn(kTurnPerBody);
  if (const auto octets = server_.buffer_for_new(exchanges_.size(), connection_.now()))
    connection_.limit_buffer(exchange.id, *octets);
  pump(exchange);
}

void HqServerConnection::pump(Exchange& exchange) {
  while (exchange.body != nullptr) {
    const std::size_t room = connection_.write_room(exchange.id);
    std::optional<BodyChunk> chunk = exchange.body->next(wish_for(room));
    if (!chunk) {
      exchange.body.reset();
      return (void)connection_.reset_stream(exchange.id, 0);
    }
    const std::size_t size = chunk->bytes.size();
    if (chunk->last) exchange.body.reset();
    if (!connection_.write(exchange.id, std::move(chunk->bytes), chunk->last)) return exchange.body.reset();
    exchange.body_octets += size;
    // The same reasoning as in server_h3.cc: end with a write that arms on_stream_writable.
    if (size >= room) return;
  }
}

void HqServerConnection::on_stream_writable(quic::Connection&, quic::StreamId id) {
  pump(exchange_of(id));
}

void HqServerConnection::on_stop_sending(quic::Connection&, quic::StreamId id, quic::ApplicationErrorCode) {
  if (id.is_bidirectional()) exchange_of(id).body.reset();
}

void HqServerConnection::on_stream_reset(quic::Connection& connection, quic::StreamId id, quic::ApplicationErrorCode) {
  if (!id.is_bidirectional()) return;
  Exchange& exchange = exchange_of(id);
  if (exchange.answered) return;
  exchange.answered = true;
  (void)connection.reset_stream(id, 0);
}

void HqServerConnection::on_stream_closed(quic::Connection&, quic::StreamId id) {
  const auto found = std::ranges::find_if(exchanges_, [id](const auto& exchange) { return exchange->id == id; });
  if (found == exchanges_.end()) return;
  end(**found);
  exchanges_.erase(found);
}

void HqServerConnection::end(Exchange& exchange) {
  const Timestamp now = connection_.now();
  server_.log({.peer = connection_.tuple().remote,
               .method = "GET",
               .target = exchange.target,
               .protocol = "HTTP/0.9",
               .status = exchange.status,
               .body_octets = exchange.body_octets,
               .referer = {},
               .user_agent = {},
               .duration = now - exchange.began},
              now);
}

void HqServerConnection::on_closed(quic::Connection&, const quic::CloseReason&) {
  for (const auto& exchange : exchanges_) end(*exchange);
  exchanges_.clear();
}

}  // namespace hawser::http
