// client.h: requests to one server over one connection. Connects to the first of several
// addresses that answers (RFC 8305), queues requests until the handshake is complete and the
// server allows a stream, and reports each through a sink. HTTP/3, or HTTP/0.9.
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
#include "http3/session.h"
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
  // rest is offered again after kRetryBody, and flow control holds the server back.
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
  // Starts a QUIC connection. `handler` outlives it.
  virtual std::expected<quic::Connection*, ConfigError> connect(const SocketAddress& remote,
                                                                quic::ConnectionHandler& handler) = 0;
  // The connection has something to send that it did not have in a call of its own.
  virtual void wake(quic::Connection& connection) = 0;
};

struct ClientOptions {
  http3::SessionConfig session;
  bool hq = false;              // HTTP/0.9 instead of HTTP/3
  Duration connect_timeout{0};  // for all addresses together; 0: the handshake timeout of each
  // The next address is tried when the one before has not answered for this long, or has
  // failed (RFC 8305 section 5 recommends 250 ms).
  Duration attempt_delay = 250ms;
};

// A connection that came about.
struct ConnectionFacts {
  SocketAddress local;
  SocketAddress remote;
  Timestamp began;      // its first packet
  Timestamp connected;  // its handshake was complete
  std::string alpn;
  std::string quic_version;  // "1", "2"
  std::string cipher;
  std::string group;
};

class ClientWire;  // http/client_wire.h: one attempt to connect

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

  void on_timeout(Timestamp now);
  [[nodiscard]] std::optional<Timestamp> next_timeout() const;

  // Of the connection in use; nothing before it came about.
  [[nodiscard]] const std::optional<ConnectionFacts>& facts() const { return facts_; }

  // For ClientWire. -----------------------------------------------------------------------------
  [[nodiscard]] const ClientOptions& options() const { return options_; }
  void on_ready(ClientWire& wire, Timestamp now);
  void on_over(ClientWire& wire, const quic::CloseReason& reason, Timestamp now);
  void on_requests_available(Timestamp now);
  void retry_body_later(Timestamp now);

 private:
  void start_attempt(Timestamp now);
  void start_queued(Timestamp now);
  void fail_all(const ClientFailure& failure, Timestamp now);

  ClientOptions options_;
  ClientDriver& driver_;
  std::vector<SocketAddress> addresses_;
  std::size_t next_address_ = 0;
  std::vector<std::unique_ptr<ClientWire>> wires_;  // kept to the end: connections refer to them
  std::size_t open_attempts_ = 0;
  ClientWire* chosen_ = nullptr;
  std::deque<ClientRequest> queue_;
  std::optional<ClientFailure> failure_;  // why no connection came about, or why it ended
  std::optional<ConnectionFacts> facts_;
  std::optional<Timestamp> next_attempt_;
  std::optional<Timestamp> connect_deadline_;
  std::optional<Timestamp> retry_body_;
};

}  // namespace hawser::http
