// client.h: requests to one server over one connection. Connects to the first of several
// addresses that answers, by whichever network it does (RFC 8305), queues requests until the handshake is complete and
// the server allows a stream, and reports each through a sink. HTTP/3, or HTTP/0.9.
//
// With a SessionStore it resumes earlier sessions, and where it may sends safe requests in 0-RTT:
// what a server rejects then the transport sends again, what it answers with 425 (Too Early) is sent
// again here once the handshake is complete (RFC 8470), and neither is seen by the sink.
//
// While a response is outstanding the connection is kept alive, however long the server thinks or a sink takes nothing.
// Of a connection that ends, sinks get what has arrived before they hear of it.
//
// Sans-I/O like the session under it: somebody else has the endpoint, the sockets and the
// time (ClientDriver; runtime/http_client.h has one). Everything is called on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/shared_bytes.h"
#include "base/time.h"
#include "http/message.h"
#include "http/session_store.h"
#include "http3/session.h"
#include "net/attempts.h"
#include "quic/connection/connection.h"
#include "quic/connection/handler.h"

namespace hawser::http {

// Why a request did not succeed.
struct ClientFailure {
  enum class Kind : std::uint8_t {
    kConnect,      // no address answered, or the connection was refused
    kTimeout,      // the connection did not come about within connect_timeout
    kCertificate,  // the server's certificate was not accepted
    kTls,          // the handshake failed otherwise
    kRequest,      // the request cannot be sent as it is
    kReset,        // the server gave up on this request
    kClosed,       // the connection ended before the response did
    kMalformed,    // the response broke the rules of HTTP
  };
  Kind kind = Kind::kConnect;
  std::string message;  // a sentence for people
};

// Who gets a response. Calls end with on_end() or on_failure().
class ResponseSink {
 public:
  virtual ~ResponseSink() = default;
  // An informational or the final response; the views die when the call returns. HTTP/0.9
  // has none.
  virtual void on_head(const http3::MessageHead& head, Timestamp now) = 0;
  // Body octets in order. Returns how many were taken; if that is fewer than offered, the
  // rest is offered again after kRetryBody, and flow control holds the server back. kNoMore: nothing more is wanted;
  // the server is told to stop, and on_end() follows at once.
  static constexpr std::size_t kNoMore = SIZE_MAX;
  virtual std::size_t on_body(std::span<const Bytes> views, Timestamp now) = 0;
  virtual void on_end(Timestamp now) = 0;
  virtual void on_failure(const ClientFailure& failure, Timestamp now) = 0;
};

struct ClientRequest {
  std::string method = "GET";
  std::string scheme = "https";
  std::string authority;
  std::string target = "/";
  OwnedFields fields;  // lower-case names, no pseudo-header fields
  std::optional<SharedBytes> body;
  ResponseSink* sink = nullptr;  // required; not owned; must outlive the request
};

// What a client needs from whoever moves its datagrams.
class ClientDriver {
 public:
  virtual ~ClientDriver() = default;
  // Where attempts to reach `remote` begin, in order of preference; not empty.
  virtual std::vector<net::StartingPlace> places(const SocketAddress& remote) = 0;
  // Starts a QUIC connection from one of these, with the ticket and token of `kept`, which may be empty. `handler`
  // outlives it.
  virtual std::expected<quic::Connection*, ConfigError> connect(const FourTuple& way, quic::ConnectionHandler& handler,
                                                                const KeptSession& kept) = 0;
  // The connection has something to send that it did not have in a call of its own.
  virtual void wake(quic::Connection& connection) = 0;
  // Seconds since 1970, for what a SessionStore keeps.
  [[nodiscard]] virtual std::int64_t unix_time_s() const = 0;
  // How long a session ticket may be used from now on; 0: not at all.
  [[nodiscard]] virtual std::uint32_t ticket_lifetime_s(Bytes ticket) const = 0;
};

struct ClientOptions {
  http3::SessionConfig session;
  bool hq = false;              // HTTP/0.9 instead of HTTP/3
  Duration connect_timeout{0};  // for all addresses together; 0: the handshake timeout of each
  // The next address is tried when the one before has not answered for this long, or has failed (RFC 8305 section 5
  // recommends 250 ms). How long the networks of one address are apart is the driver's to say.
  Duration attempt_delay = 250ms;
  // Where sessions are kept; not owned, may be null, and is used on the client's thread alone. Which
  // version of QUIC a session is from is added to `session_key` (see SessionStore).
  SessionStore* sessions = nullptr;
  std::string session_key;
  quic::Version first_version = quic::Version::kV1;  // of first packets: whose tickets and tokens may be used
};

// A connection that came about.
struct ConnectionFacts {
  SocketAddress local;
  SocketAddress remote;
  SocketAddress observed;  // `local` as the server sees it; family kNone: it has not said
  Timestamp began;         // its first packet
  Timestamp connected;     // its handshake was complete
  std::string alpn;
  std::string quic_version;  // "1", "2"
  std::string cipher;
  std::string group;
  bool resumed = false;  // by a ticket of an earlier visit
  quic::EarlyDataStatus early_data = quic::EarlyDataStatus::kNotOffered;
  std::size_t tickets_kept = 0;  // of this connection, in ClientOptions::sessions
  quic::ConnectionStats stats;   // when it was asked for; as they began once it has ended
  quic::ReceiveTimeStats times;
  std::vector<quic::PathInfo> paths;  // as they are then
};

class ClientWire;  // http/client_wire.h: one attempt to connect
class LeftBodies;  // http/left_bodies.h
struct LeftBody;

class Client {
 public:
  // How long a sink that took less than it was offered is left alone.
  static constexpr Duration kRetryBody = 2ms;

  // `driver` is not owned. Connections must be gone before this object is.
  Client(ClientOptions options, ClientDriver& driver);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Tries `addresses` in order; not empty.
  void connect(std::vector<SocketAddress> addresses, Timestamp now);
  // Sends it as soon as possible.
  void send(ClientRequest request, Timestamp now);
  // Ends the connection; requests under way fail.
  void close();
  // What has arrived and is still left to sinks fails too, of connections that have ended.
  void give_up_bodies();

  void on_timeout(Timestamp now);
  [[nodiscard]] std::optional<Timestamp> next_timeout() const;

  // Of the connection in use; nothing before it came about.
  [[nodiscard]] std::optional<ConnectionFacts> facts() const;

  // The connection in use; null before it came about and once it has ended.
  [[nodiscard]] quic::Connection* connection() const;

  // For ClientWire. -----------------------------------------------------------------------------
  [[nodiscard]] const ClientOptions& options() const { return options_; }
  void on_ready(ClientWire& wire, Timestamp now);
  void on_over(ClientWire& wire, const quic::CloseReason& reason, Timestamp now);
  void on_requests_available(Timestamp now);
  void retry_body_later(Timestamp now);
  // Of a connection that has ended: what its sink is to get, unless we ended it.
  void leave_body(LeftBody body, const quic::CloseReason& reason, Timestamp now);
  // A request that was answered with 425 (Too Early).
  void send_again(ClientRequest request, Timestamp now);
  // `settings`: the server's, as a SETTINGS payload; empty with HTTP/0.9.
  void keep_ticket(const ClientWire& wire, Bytes ticket, Bytes settings);
  void keep_token(const ClientWire& wire, Bytes token);
  void keep_path(const ClientWire& wire);

 private:
  void start_early(ClientWire& wire, Bytes settings, Timestamp now);
  void start_early_queued(Timestamp now);
  void take_back_early(const ClientWire* unless);
  [[nodiscard]] std::string session_key(quic::Version version) const;
  void start_attempt(Timestamp now);
  void start_queued(Timestamp now);
  void fail_all(const ClientFailure& failure, Timestamp now);

  ClientOptions options_;
  ClientDriver& driver_;
  SocketAddress first_address_;
  net::Attempts attempts_;
  std::vector<std::unique_ptr<ClientWire>> wires_;  // kept to the end: connections refer to them
  std::size_t open_attempts_ = 0;
  ClientWire* chosen_ = nullptr;
  ClientWire* early_ = nullptr;  // in 0-RTT, until one is chosen
  KeptSession kept_;             // for the first attempt
  std::deque<ClientRequest> queue_;
  std::optional<ClientFailure> failure_;  // why no connection came about, or why it ended
  std::optional<ConnectionFacts> facts_;
  std::optional<Timestamp> next_attempt_;
  std::optional<Timestamp> connect_deadline_;
  std::optional<Timestamp> retry_body_;
  std::unique_ptr<LeftBodies> left_bodies_;  // null: none
};

}  // namespace hawser::http
