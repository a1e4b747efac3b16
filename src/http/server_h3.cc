// server_h3.cc: the life of a request over HTTP/3.
#include "http/server_h3.h"

#include <algorithm>
#include <array>

#include "http/file_body.h"
#include "http/server.h"
#include "quic/connection/connection.h"

namespace hawser::http {
namespace {

constexpr std::string_view kEarlyData = "early-data";

}  // namespace

H3ServerConnection::H3ServerConnection(Server& server, quic::Connection& connection)
    : server_(server), connection_(connection), session_(quic::Role::kServer, *this, server.session_config()) {
  session_.attach(connection);
}

H3ServerConnection::~H3ServerConnection() = default;

Exchange& H3ServerConnection::begin(quic::StreamId id, const http3::MessageHead& head) {
  exchanges_.push_back(server_.exchanges().take());
  Exchange& exchange = *exchanges_.back();
  exchange.place = exchanges_.size() - 1;
  exchange.began = connection_.now();
  exchange.is_head = head.method == "HEAD";
  if (server_.logs()) exchange.set_words(head);
  session_.set_user_data(id, &exchange);
  return exchange;
}

// By our own handshake, or by the word of a proxy; whatever that says, for several or invalid ones count as one that
// says so (RFC 8470 section 5.1).
bool H3ServerConnection::is_early(const http3::MessageHead& head) const {
  if (!connection_.handshake_complete()) return true;
  return std::ranges::any_of(head.fields, [](const Field& field) { return field.name == kEarlyData; });
}

Response H3ServerConnection::answer_early(const Request& request, bool has_body) {
  const bool permitted = server_.options().early.permit(request.method, request.target, has_body);
  server_.note_early(permitted);
  if (!permitted)
    return error_page(425, "This request is not answered before the connection is established. Send it again.");
  std::vector<Field> fields(request.fields.begin(), request.fields.end());
  if (!request.find(kEarlyData)) fields.push_back({kEarlyData, "1"});
  Request marked = request;
  marked.fields = fields;
  marked.early = true;
  return server_.handler().answer(marked);
}

void H3ServerConnection::on_headers(http3::Session&, quic::StreamId id, const http3::MessageHead& head, bool fin) {
  const WallClock& clock = server_.wall_clock(connection_.now());
  const Request request{.method = head.method,
                        .scheme = head.scheme,
                        .authority = head.authority,
                        .target = head.path,
                        .fields = head.fields,
                        .clock = clock};
  Response response = is_early(head) ? answer_early(request, !fin) : server_.handler().answer(request);
  if (response.kept != nullptr) return respond_kept(id, head, clock, std::move(response), fin);
  respond(id, begin(id, head), clock, std::move(response));
}

// All of it goes to the transport at once; what remains to be told is when it was acknowledged,
// and a body of the request that is still to come has to be counted.
void H3ServerConnection::respond_kept(quic::StreamId id, const http3::MessageHead& head, const WallClock& clock,
                                      Response response, bool request_over) {
  const bool with_body = head.method != "HEAD";
  if (server_.logs() || !request_over) {
    Exchange& exchange = begin(id, head);
    exchange.status = response.status;
    if (with_body) exchange.body_octets = response.kept->body_size();
  }
  if (!session_.respond(id, response.kept->at(clock), with_body)) session_.cancel(id, http3::ErrorCode::kInternalError);
}

void H3ServerConnection::respond(quic::StreamId id, Exchange& exchange, const WallClock& clock, Response response) {
  if (exchange.is_head) response.body.reset();
  exchange.status = response.status;
  exchange.body = std::move(response.body);
  fields_.clear();
  fields_.push_back({"date", clock.date});
  if (!server_.options().name.empty()) fields_.push_back({"server", server_.options().name});
  for (const auto& [name, value] : response.fields) fields_.push_back({name, value});
  if (!session_.respond(id, response.status, fields_, exchange.body == nullptr)) {
    exchange.body.reset();
    return session_.cancel(id, http3::ErrorCode::kInternalError);
  }
  if (exchange.body != nullptr) {
    connection_.charge_turn(kTurnPerBody);
    if (const auto octets = server_.buffer_for_new(exchanges_.size(), connection_.now()))
      connection_.limit_buffer(id, *octets);
  }
  pump(id, exchange);
}

// Writes until the stream is full. The last write is always one that the stream has no room
// for all of: that is what makes it report room later.
void H3ServerConnection::pump(quic::StreamId id, Exchange& exchange) {
  while (exchange.body != nullptr) {
    const std::size_t room = session_.body_room(id);
    std::optional<BodyChunk> chunk = exchange.body->next(wish_for(room));
    if (!chunk) {
      // The promised length cannot be kept: the client must not take this for the whole.
      exchange.body.reset();
      return session_.cancel(id, http3::ErrorCode::kInternalError);
    }
    const std::size_t size = chunk->bytes.size();
    if (chunk->last) exchange.body.reset();
    if (!session_.write_body(id, std::move(chunk->bytes), chunk->last)) {
      exchange.body.reset();
      return;
    }
    exchange.body_octets += size;
    if (size >= room) return;
  }
}

void H3ServerConnection::on_body_readable(http3::Session&, quic::StreamId id) {
  Exchange* exchange = find(id);
  std::array<Bytes, 16> views;
  while (const std::size_t count = session_.read_body_views(id, views)) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) size += views[i].size();
    session_.consume_body(id, size);
    if (exchange != nullptr) exchange->dropped_octets += size;
  }
  if (exchange != nullptr && exchange->dropped_octets > kDroppedBodyMax)
    session_.stop_reading(id, http3::ErrorCode::kNoError);
}

void H3ServerConnection::on_writable(http3::Session&, quic::StreamId id) {
  if (Exchange* exchange = find(id)) pump(id, *exchange);
}

void H3ServerConnection::on_stop_sending(http3::Session&, quic::StreamId id, http3::ErrorCode) {
  if (Exchange* exchange = find(id)) exchange->body.reset();
}

void H3ServerConnection::on_stream_closed(http3::Session&, quic::StreamId id) {
  Exchange* exchange = find(id);
  if (exchange != nullptr) end(*exchange);
}

void H3ServerConnection::end(Exchange& exchange) {
  const Timestamp now = connection_.now();
  if (server_.logs())
    server_.log({.peer = connection_.tuple().remote,
                 .method = exchange.method(),
                 .target = exchange.target(),
                 .protocol = "HTTP/3",
                 .status = exchange.status,
                 .body_octets = exchange.body_octets,
                 .referer = exchange.referer(),
                 .user_agent = exchange.user_agent(),
                 .duration = now - exchange.began},
                now);
  const std::size_t place = exchange.place;
  std::swap(exchanges_[place], exchanges_.back());
  exchanges_[place]->place = place;
  server_.exchanges().put(std::move(exchanges_.back()));
  exchanges_.pop_back();
}

void H3ServerConnection::on_rest(http3::Session&) {
  fields_ = std::vector<Field>();
  exchanges_.shrink_to_fit();
}

void H3ServerConnection::on_closed(http3::Session&, const quic::CloseReason&) {
  while (!exchanges_.empty()) end(*exchanges_.back());
}

}  // namespace hawser::http
