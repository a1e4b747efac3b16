// session.h: HTTP/3 over one QUIC connection, for a client or a server (RFC 9114). The session is
// the connection's handler; requests, responses and bodies go through it.
//
// A server gives a new Session to the endpoint from on_accept; a client passes one to
// Endpoint::connect. All calls come on the thread that drives the endpoint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/shared_bytes.h"
#include "base/time.h"
#include "http3/encoded_head.h"
#include "http3/error.h"
#include "http3/message.h"
#include "http3/priority.h"
#include "http3/qpack/field.h"
#include "http3/settings.h"
#include "quic/connection/config.h"
#include "quic/connection/handler.h"
#include "quic/wire/types.h"

namespace hawser::http3 {

class Session;
class SessionCore;  // session_core.h: the machines behind this face
class Transport;    // transport.h

using quic::StreamId;

// The ALPN token of HTTP/3.
inline constexpr std::string_view kAlpn = "h3";

struct SessionConfig {
  // Largest field section accepted, in octets as RFC 9114 section 4.2.2 counts them, and
  // also the longest HEADERS payload (SETTINGS_MAX_FIELD_SECTION_SIZE).
  std::size_t max_field_section_size = 64 * 1'024;  // rfc9204:7.4-large-enough
  // Octets of dynamic table offered to the peer, and used at most of what it offers; 0: none.
  std::size_t qpack_decoder_table_capacity = 4'096;
  std::size_t qpack_encoder_table_capacity = 4'096;
  // Streams of the peer that may wait for insertions, and of ours at its end.
  std::size_t qpack_blocked_streams = 100;
  // Servers: accept Extended CONNECT (SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 9220).
  bool enable_connect_protocol = false;
  // Send SETTINGS_H3_DATAGRAM = 1 (RFC 9297); the transport must accept datagrams too.
  bool h3_datagram = false;
  // Further settings to send, for protocols above.
  std::vector<UnknownSetting> settings;
  // Send reserved settings, frames and streams, so that peers stay tolerant.
  bool grease = true;
  // Check messages that we send against RFC 9114 section 4 as well.
  bool check_outgoing = true;

  // Limits, with what happens past them.
  // Unidirectional streams of unknown type open at once: H3_EXCESSIVE_LOAD.
  std::size_t unknown_streams_max = 32;
  // Octets of memory for heads and trailers that have not come whole or wait for QPACK, of all streams
  // together and at least for two of max_field_section_size: H3_EXCESSIVE_LOAD.
  std::size_t head_memory_max = 512 * 1'024;
  // Requests that the peer resets or that we refuse, within `reset_window`: H3_EXCESSIVE_LOAD.
  // The window slides in halves, so that the worst burst is twice this.
  std::size_t resets_max = 1'000;
  Duration reset_window = 10s;
  // Frames without use within the same window: empty DATA, unknown frames, PRIORITY_UPDATE,
  // MAX_PUSH_ID, CANCEL_PUSH, GOAWAY. Past it: H3_EXCESSIVE_LOAD.
  std::size_t idle_frames_max = 10'000;
  // PRIORITY_UPDATE frames kept for requests that have not arrived; the oldest goes first.
  std::size_t early_priorities_max = 128;
};

// Why an operation was refused; the caller's affair.
enum class SessionError : std::uint8_t {
  kNotReady,      // the handshake is not complete: wait for on_ready
  kClosed,        // the connection is closing
  kGoingAway,     // a GOAWAY came or went: use another connection
  kStreamLimit,   // wait for on_requests_available
  kNoSuchStream,  // never opened, or over
  kWrongState,    // response before a request, body before headers, anything after the end
  kStreamReset,   // the peer stopped reading this stream, or it was cancelled
  kMalformed,     // the message breaks RFC 9114 section 4: see Session::last_fault()
  kTooLarge,      // above the peer's SETTINGS_MAX_FIELD_SECTION_SIZE
};
std::string_view to_string(SessionError error);

// Called by the session. Every view dies when the call returns. All methods of Session may
// be called from all of these. Streams are named until on_stream_closed.
class SessionHandler {
 public:
  virtual ~SessionHandler() = default;

  // Our control streams are open: requests may be sent. The handshake is complete, or this is 0-RTT.
  virtual void on_ready(Session&) {}
  // After on_ready: the handshake is complete. Requests that came before may be recordings that
  // somebody sends again; what a client sent before may have been (RFC 8470).
  virtual void on_handshake_complete(Session&) {}
  // The peer's SETTINGS have come.
  virtual void on_settings(Session&, const Settings&) {}
  // A request (server), or an informational or final response (client). `fin`: nothing
  // follows it; on_message_complete comes next.
  virtual void on_headers(Session&, StreamId, const MessageHead&, bool /*fin*/) {}
  // Body octets can be read with read_body_views() or read_body(); those left unread hold
  // back the peer by flow control. For CONNECT these are the octets of the tunnel.
  virtual void on_body_readable(Session&, StreamId) {}
  virtual void on_trailers(Session&, StreamId, FieldList) {}
  // The peer's message is whole and its body has been read.
  virtual void on_message_complete(Session&, StreamId) {}
  // The peer's message will not complete: it was reset, or it was malformed and we reset it.
  virtual void on_stream_reset(Session&, StreamId, ErrorCode, std::string_view /*reason*/) {}
  // The peer does not want the rest of what we send on this stream. Clients: a response with
  // H3_NO_ERROR may be complete all the same (RFC 9114 section 4.1.1).
  virtual void on_stop_sending(Session&, StreamId, ErrorCode) {}
  // A write fell short earlier; now there is room.
  virtual void on_writable(Session&, StreamId) {}
  // Both directions are over and the transport has forgotten the stream: the last word on it.
  virtual void on_stream_closed(Session&, StreamId) {}
  // The peer allows further requests after kStreamLimit.
  virtual void on_requests_available(Session&) {}
  // The peer will not answer requests (client: stream IDs) or pushes of `id` and above.
  virtual void on_goaway(Session&, std::uint64_t /*id*/) {}

  // Takeover by protocols above (WebTransport, RFC 9297 over it). -----------------------------
  // A peer opened a stream that begins with a type unknown here. True: it is yours, with its
  // octets after the type through raw_*; false: it is refused as RFC 9114 section 6.2 asks.
  // Bidirectional streams are offered when their first frame type is unknown.
  virtual bool on_foreign_stream(Session&, StreamId, std::uint64_t /*type*/) { return false; }
  virtual void on_raw_readable(Session&, StreamId) {}
  // A QUIC datagram, starting with its Quarter Stream ID (RFC 9297 section 2.1).
  virtual void on_datagram(Session&, Bytes) {}

  // Nothing has moved for a while, see quic::ConnectionHandler: give back memory.
  virtual void on_rest(Session&) {}
  // The client's keepsakes for the next connection; see quic::ConnectionHandler. A ticket comes once
  // peer_settings() are known, which belong to it.
  virtual void on_session_ticket(Session&, Bytes) {}
  virtual void on_new_token(Session&, Bytes) {}
  // The connection is over, not by us: what has arrived of bodies can be read here, and on_message_complete told by it,
  // for the last time.
  virtual void on_last_read(Session&) {}
  // The connection is over. No call follows.
  virtual void on_closed(Session&, const quic::CloseReason&) {}
};

// What a server's tickets are bound to: quic::EndpointConfig::early_data_terms for such sessions.
std::vector<std::uint8_t> early_data_terms(const SessionConfig& config);

struct SessionStats {
  std::uint64_t requests_sent = 0;
  std::uint64_t requests_received = 0;
  std::uint64_t header_bytes_sent = 0;  // encoded field sections
  std::uint64_t header_bytes_received = 0;
  std::uint64_t body_bytes_sent = 0;
  std::uint64_t body_bytes_received = 0;
  std::uint64_t streams_malformed = 0;
  std::uint64_t streams_reset_by_peer = 0;
  std::uint64_t streams_open = 0;
};

class Session final : public quic::ConnectionHandler {
 public:
  // The handler is not owned and must outlive the session.
  Session(quic::Role role, SessionConfig config, SessionHandler& handler);
  // The same with a configuration that the sessions of a server share; not null.
  Session(quic::Role role, SessionHandler& handler, std::shared_ptr<const SessionConfig> config);
  // Over any transport; for tests and for drivers that bring their own QUIC. The caller
  // passes the events on by the on_*(StreamId) methods of core().
  Session(quic::Role role, SessionConfig config, SessionHandler& handler, Transport& transport);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Client. ---------------------------------------------------------------------------------

  // Sends a request: pseudo-header fields first, as in {":method","GET"}. `fin`: no body.
  std::expected<StreamId, SessionError> send_request(FieldList fields, bool fin);
  // The same for a head that was checked and encoded before; the octets are copied.
  std::expected<StreamId, SessionError> send_request(const EncodedHead& head, bool fin);
  // Servers schedule by it; sent as PRIORITY_UPDATE for a request that is under way.
  void update_priority(StreamId id, Priority priority);

  // Server. ---------------------------------------------------------------------------------

  // Sends a final response; `status` 200 to 999, `fields` without pseudo-header fields.
  std::expected<void, SessionError> respond(StreamId id, std::uint16_t status, FieldList fields, bool fin);
  // The same for a whole response that was encoded before, which is referred to and not copied;
  // `with_body` false ends it after the head, for HEAD. It is the caller's affair that it is legal.
  std::expected<void, SessionError> respond(StreamId id, const EncodedMessage& message, bool with_body);
  // Sends an informational response (100 or 102 to 199), any number before the final one.
  std::expected<void, SessionError> inform(StreamId id, std::uint16_t status, FieldList fields);

  // Both. -----------------------------------------------------------------------------------

  // Sends body octets in a DATA frame. Returns how many were taken; a short count is followed
  // by on_writable. `fin` ends the message if all were taken.
  std::expected<std::size_t, SessionError> write_body(StreamId id, Bytes data, bool fin = false);
  // Without copying; takes all whatever the buffer limit: pace yourself by body_room(). The
  // memory must not change until it is released.
  std::expected<void, SessionError> write_body(StreamId id, SharedBytes data, bool fin = false);
  // Octets that write_body() takes now.
  [[nodiscard]] std::size_t body_room(StreamId id) const;
  // Ends the message with trailers, or without.
  std::expected<void, SessionError> send_trailers(StreamId id, FieldList fields);
  std::expected<void, SessionError> finish(StreamId id);

  // Body octets that can be read now, at most to the end of the current DATA frame: call
  // again after consume_body() until it returns 0. Views are valid until consume_body() or
  // the end of the handler's call.
  std::size_t read_body_views(StreamId id, std::span<Bytes> out);
  void consume_body(StreamId id, std::size_t count);
  // Copies into `out` and consumes, over frame boundaries; returns the octets copied.
  std::size_t read_body(StreamId id, MutableBytes out);
  // The peer's message is whole and read.
  [[nodiscard]] bool message_complete(StreamId id) const;

  // Abandons a stream in both directions. Servers use kRequestRejected for requests they did
  // not act upon, kNoError to stop reading after a full response. Of a stream that only waits for
  // QPACK's insertions on_stream_closed comes before this or stop_reading() returns.
  void cancel(StreamId id, ErrorCode code = ErrorCode::kRequestCancelled);
  // Stops reading only; what we send goes on.
  void stop_reading(StreamId id, ErrorCode code = ErrorCode::kNoError);

  // Overrides how urgent our data on this stream is (RFC 9218); otherwise the request says.
  void set_priority(StreamId id, Priority priority);

  // The application's own pointer per stream; nullptr until set and after it is over.
  void set_user_data(StreamId id, void* data);
  [[nodiscard]] void* user_data(StreamId id) const;

  // Connection. -------------------------------------------------------------------------------

  // Sends GOAWAY: requests under way complete, new ones are refused with
  // H3_REQUEST_REJECTED. A second call is needless; ids never rise.
  void shutdown();
  // Closes at once; streams under way are lost.
  void close(ErrorCode code = ErrorCode::kNoError, std::string_view reason = {});

  // Raw octets of a foreign stream that on_foreign_stream() claimed or open_foreign_*() made.
  std::expected<StreamId, SessionError> open_foreign_stream(bool bidirectional, std::uint64_t type);
  std::size_t raw_read_views(StreamId id, std::span<Bytes> out);
  void raw_consume(StreamId id, std::size_t count);
  [[nodiscard]] bool raw_at_end(StreamId id) const;
  std::expected<std::size_t, SessionError> raw_write(StreamId id, Bytes data, bool fin);

  [[nodiscard]] quic::Role role() const;
  [[nodiscard]] bool ready() const;
  [[nodiscard]] bool closed() const;
  [[nodiscard]] bool going_away() const;  // GOAWAY came or went
  [[nodiscard]] std::size_t open_streams() const;
  // The peer's, or nothing before they came.
  [[nodiscard]] const Settings* peer_settings() const;
  // Why the last operation was kMalformed; a literal.
  [[nodiscard]] std::string_view last_fault() const;
  [[nodiscard]] SessionStats stats() const;
  // Null before the connection is known: set by attach() or by its first event.
  [[nodiscard]] quic::Connection* connection() const;
  // Lets requests queue no earlier than on_ready, but gives connection() at once.
  void attach(quic::Connection& connection);
  // Client, before on_early_data(): the server's settings of the visit that the ticket is from, as
  // append_settings_payload() wrote them. Until new ones come they are what requests keep to.
  void remember_settings(Bytes payload);
  [[nodiscard]] SessionCore& core() { return *core_; }

  // The application's own pointer, untouched by the session.
  void* application_data = nullptr;

  // quic::ConnectionHandler.
  // A client calls it itself, where Connection::early_data() is kOffered after Endpoint::connect().
  void on_early_data(quic::Connection& connection) override;
  void on_handshake_complete(quic::Connection& connection) override;
  void on_stream_opened(quic::Connection& connection, StreamId id) override;
  void on_stream_readable(quic::Connection& connection, StreamId id) override;
  void on_stream_writable(quic::Connection& connection, StreamId id) override;
  void on_stream_reset(quic::Connection& connection, StreamId id, quic::ApplicationErrorCode code) override;
  void on_stop_sending(quic::Connection& connection, StreamId id, quic::ApplicationErrorCode code) override;
  void on_stream_closed(quic::Connection& connection, StreamId id) override;
  void on_streams_available(quic::Connection& connection, bool bidirectional) override;
  void on_datagram(quic::Connection& connection, Bytes payload) override;
  void on_new_token(quic::Connection& connection, Bytes token) override;
  void on_session_ticket(quic::Connection& connection, Bytes ticket) override;
  void on_rest(quic::Connection& connection) override;
  void on_closed(quic::Connection& connection, const quic::CloseReason& reason) override;

 private:
  std::unique_ptr<SessionCore> core_;
};

}  // namespace hawser::http3
