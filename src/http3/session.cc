// session.cc: the face of a session, and how a QUIC connection's events reach its machines.
#include "http3/session.h"

#include "http3/session_core.h"

namespace hawser::http3 {

std::string_view to_string(SessionError error) {
  switch (error) {
    case SessionError::kNotReady:
      return "the handshake is not complete";
    case SessionError::kClosed:
      return "the connection is closed";
    case SessionError::kGoingAway:
      return "the connection is going away";
    case SessionError::kStreamLimit:
      return "the peer allows no further stream now";
    case SessionError::kNoSuchStream:
      return "there is no such stream";
    case SessionError::kWrongState:
      return "the message is not at this point";
    case SessionError::kStreamReset:
      return "the stream was reset";
    case SessionError::kMalformed:
      return "the message is malformed";
    case SessionError::kTooLarge:
      return "the field section is larger than the peer takes";
  }
  return "unknown";
}

Session::Session(quic::Role role, SessionConfig config, SessionHandler& handler)
    : core_(std::make_unique<SessionCore>(*this, role, std::make_shared<const SessionConfig>(std::move(config)),
                                          handler, nullptr)) {}
Session::Session(quic::Role role, SessionHandler& handler, std::shared_ptr<const SessionConfig> config)
    : core_(std::make_unique<SessionCore>(*this, role, std::move(config), handler, nullptr)) {}
Session::Session(quic::Role role, SessionConfig config, SessionHandler& handler, Transport& transport)
    : core_(std::make_unique<SessionCore>(*this, role, std::make_shared<const SessionConfig>(std::move(config)),
                                          handler, &transport)) {}
Session::~Session() = default;

std::expected<StreamId, SessionError> Session::send_request(FieldList fields, bool fin) {
  return core_->send_request(fields, fin);
}
std::expected<StreamId, SessionError> Session::send_request(const EncodedHead& head, bool fin) {
  return core_->send_request(head, fin);
}
void Session::update_priority(StreamId id, Priority priority) {
  core_->update_priority(id, priority);
}

std::expected<void, SessionError> Session::respond(StreamId id, std::uint16_t status, FieldList fields, bool fin) {
  if (status < 200) return std::unexpected(SessionError::kWrongState);
  return core_->send_response(id, status, fields, fin);
}
std::expected<void, SessionError> Session::respond(StreamId id, const EncodedMessage& message, bool with_body) {
  return core_->send_response(id, message, with_body);
}
std::expected<void, SessionError> Session::inform(StreamId id, std::uint16_t status, FieldList fields) {
  if (status >= 200) return std::unexpected(SessionError::kWrongState);
  return core_->send_response(id, status, fields, false);
}

std::expected<std::size_t, SessionError> Session::write_body(StreamId id, Bytes data, bool fin) {
  return core_->write_body(id, data, fin);
}
std::expected<void, SessionError> Session::write_body(StreamId id, SharedBytes data, bool fin) {
  return core_->write_body(id, std::move(data), fin);
}
std::size_t Session::body_room(StreamId id) const {
  return core_->body_room(id);
}
std::expected<void, SessionError> Session::send_trailers(StreamId id, FieldList fields) {
  return core_->send_trailers(id, fields);
}
std::expected<void, SessionError> Session::finish(StreamId id) {
  return core_->finish(id);
}

std::size_t Session::read_body_views(StreamId id, std::span<Bytes> out) {
  return core_->read_body_views(id, out);
}
void Session::consume_body(StreamId id, std::size_t count) {
  core_->consume_body(id, count);
}
std::size_t Session::read_body(StreamId id, MutableBytes out) {
  return core_->read_body(id, out);
}
bool Session::message_complete(StreamId id) const {
  const Stream* stream = core_->find(id);
  return stream == nullptr || stream->receive == ReceiveState::kComplete;
}

void Session::cancel(StreamId id, ErrorCode code) {
  core_->cancel(id, code);
}
void Session::stop_reading(StreamId id, ErrorCode code) {
  core_->stop_reading(id, code);
}
void Session::set_priority(StreamId id, Priority priority) {
  core_->set_priority(id, priority);
}

void Session::set_user_data(StreamId id, void* data) {
  if (Stream* stream = core_->find(id)) stream->user_data = data;
}
void* Session::user_data(StreamId id) const {
  const Stream* stream = core_->find(id);
  return stream == nullptr ? nullptr : stream->user_data;
}

void Session::shutdown() {
  core_->shutdown();
}
void Session::close(ErrorCode code, std::string_view reason) {
  core_->close(code, reason);
}

std::expected<StreamId, SessionError> Session::open_foreign_stream(bool bidirectional, std::uint64_t type) {
  return core_->open_foreign_stream(bidirectional, type);
}
std::size_t Session::raw_read_views(StreamId id, std::span<Bytes> out) {
  return core_->closed() ? 0 : core_->transport().read_views(id, out);
}
void Session::raw_consume(StreamId id, std::size_t count) {
  if (!core_->closed()) core_->transport().consume(id, count);
}
bool Session::raw_at_end(StreamId id) const {
  return core_->closed() || core_->transport().at_end(id);
}
std::expected<std::size_t, SessionError> Session::raw_write(StreamId id, Bytes data, bool fin) {
  return core_->raw_write(id, data, fin);
}

quic::Role Session::role() const {
  return core_->role();
}
bool Session::ready() const {
  return core_->ready();
}
bool Session::closed() const {
  return core_->closed();
}
bool Session::going_away() const {
  return core_->going_away();
}
std::size_t Session::open_streams() const {
  return core_->open_streams();
}
const Settings* Session::peer_settings() const {
  return core_->peer_settings();
}
std::string_view Session::last_fault() const {
  return core_->last_fault();
}
SessionStats Session::stats() const {
  return core_->stats();
}
quic::Connection* Session::connection() const {
  return core_->own_transport().connection();
}
void Session::attach(quic::Connection& connection) {
  core_->own_transport().attach(connection);
}

// quic::ConnectionHandler. -----------------------------------------------------------------------

void Session::remember_settings(Bytes payload) {
  core_->remember_settings(payload);
}
void Session::on_early_data(quic::Connection& connection) {
  attach(connection);
  core_->on_early_data();
}
void Session::on_handshake_complete(quic::Connection& connection) {
  attach(connection);
  core_->on_handshake_complete();
}
void Session::on_stream_opened(quic::Connection& connection, StreamId id) {
  attach(connection);
  core_->on_stream_opened(id);
}
void Session::on_stream_readable(quic::Connection&, StreamId id) {
  core_->on_stream_readable(id);
}
void Session::on_stream_writable(quic::Connection&, StreamId id) {
  core_->on_stream_writable(id);
}
void Session::on_stream_reset(quic::Connection&, StreamId id, quic::ApplicationErrorCode code) {
  core_->on_stream_reset(id, code);
}
void Session::on_stop_sending(quic::Connection&, StreamId id, quic::ApplicationErrorCode code) {
  core_->on_stop_sending(id, code);
}
void Session::on_stream_closed(quic::Connection&, StreamId id) {
  core_->on_stream_closed(id);
}
void Session::on_streams_available(quic::Connection&, bool bidirectional) {
  core_->on_streams_available(bidirectional);
}
void Session::on_datagram(quic::Connection&, Bytes payload) {
  core_->on_datagram(payload);
}
void Session::on_new_token(quic::Connection& connection, Bytes token) {
  attach(connection);
  core_->handler().on_new_token(*this, token);
}
void Session::on_session_ticket(quic::Connection& connection, Bytes ticket) {
  attach(connection);
  core_->on_session_ticket(ticket);
}
void Session::on_rest(quic::Connection&) {
  core_->on_rest();
  core_->handler().on_rest(*this);
}
void Session::on_closed(quic::Connection& connection, const quic::CloseReason& reason) {
  attach(connection);
  core_->on_closed(reason);
}

}  // namespace hawser::http3
