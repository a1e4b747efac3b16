// server.h: the HTTP servers of one worker's connections. Each new connection is given to
// accept(); once its ALPN is known it speaks HTTP/3, or HTTP/0.9 for "hq-interop".
//
// Everything is called on the worker's thread. The endpoint, the timers and the sockets are
// somebody else's: runtime/http_server.h joins them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "http/access_log.h"
#include "http/early_requests.h"
#include "http/exchange.h"
#include "http/http_date.h"
#include "http/message.h"
#include "http3/session.h"
#include "quic/connection/handler.h"

namespace hawser::http {

// HTTP/0.9 over QUIC, as the QUIC interop runner uses it: "GET /path\r\n" on a bidirectional
// stream, answered by the bare body.
inline constexpr std::string_view kHqAlpn = "hq-interop";

struct ServerOptions {
  http3::SessionConfig session;
  std::string name = "hawser";  // the Server field; empty: none
  // Which requests are answered while they may be recordings, by 0-RTT here or at a proxy before us
  // (Early-Data: 1); the others get 425 Too Early.
  EarlyRequestRules early;
  // A connection with requests under way on which fewer than stall_octets octets of streams move either
  // way in this time is closed with H3_EXCESSIVE_LOAD: requests that never end, responses that nobody
  // reads. 0: never. A client whose window is a megabyte shows every half of that how far it has read. While
  // the handler is short of memory, a thirtieth of the time has to do.
  // rfc9000:21.6-slowloris
  Duration stall_timeout = 300s;
  std::uint64_t stall_octets = 4'096;
};

struct ServerStats {
  std::uint64_t connections_stalled = 0;  // closed for stall_timeout
  std::uint64_t refused_for_memory = 0;   // requests that got 503 since bodies of others hold too much
  std::uint64_t requests_early = 0;       // that came in 0-RTT, here or by the word of a proxy
  std::uint64_t requests_too_early = 0;   // of those, that got 425

  ServerStats& operator+=(const ServerStats& o) {
    connections_stalled += o.connections_stalled;
    refused_for_memory += o.refused_for_memory;
    requests_early += o.requests_early;
    requests_too_early += o.requests_too_early;
    return *this;
  }
};

class Server;

// What is buffered ahead of a client that may not read, while the handler is short of memory.
inline constexpr std::size_t kBufferWhenShort = 48 * 1'024;
// Responses of a connection beside which further ones have to wait, as their streams are sent one after the other or
// share what the path carries: those begin with a page each and get more as it leaves. Else who asks for a hundred
// files and reads none makes us read 50 MB, at a cost that all others wait for.
inline constexpr std::size_t kResponsesReadAhead = 2;
inline constexpr std::size_t kBufferBehindOthers = 4 * 1'024;
// What a response with a body to draw from counts as in its connection's turn, beside what is read of it: a file is
// looked up, opened and closed, in some 6 us.
inline constexpr std::uint32_t kTurnPerBody = 16 * 1'024;

// A connection of either protocol, as Server keeps it.
class ServerConnection : public quic::ConnectionHandler {
 public:
  // Says that requests under way complete and new ones are not taken.
  virtual void shutdown() = 0;
  // Null once it is closed.
  [[nodiscard]] virtual quic::Connection* connection() const = 0;
  // That have begun, and whose answers are not all acknowledged.
  [[nodiscard]] virtual std::size_t requests_open() const = 0;

  // For Server: octets of streams at the beginning of the time in which they have to grow; kNever: no
  // request was open then.
  std::uint64_t moved_before = 0;
  Timestamp moving_since = kNever;
  std::size_t place = 0;  // in the server's list, so that the end costs no search
};

class Server {
 public:
  // `handler` and `log` (may be null) are not owned and must outlive this object; this
  // object must outlive the connections that it accepted.
  Server(ServerOptions options, RequestHandler& handler, AccessLog* log);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Who handles a new connection; null after shutdown(), which refuses it.
  quic::ConnectionHandler* accept(quic::Connection& connection);

  // Sends GOAWAY on every connection and refuses new ones. Clients close when they have what
  // they asked for; whoever waits for that decides how long.
  void shutdown();
  // Connections that are open: `wake` them in the endpoint after shutdown().
  [[nodiscard]] std::vector<quic::Connection*> open_connections() const;

  // Frees connections that are over, and closes those that are stalled.
  void on_timeout(Timestamp now);
  [[nodiscard]] std::optional<Timestamp> next_timeout() const;
  // Connections that the latest on_timeout() closed: `wake` them in the endpoint at once.
  [[nodiscard]] const std::vector<quic::Connection*>& stalled() const { return stalled_; }
  [[nodiscard]] const ServerStats& stats() const { return stats_; }

  // For connections. ----------------------------------------------------------------------------
  [[nodiscard]] const ServerOptions& options() const { return options_; }
  [[nodiscard]] const std::shared_ptr<const http3::SessionConfig>& session_config() const { return session_config_; }
  [[nodiscard]] RequestHandler& handler() { return handler_; }
  [[nodiscard]] bool logs() const { return log_ != nullptr; }
  // Nothing where there is no log; logs() saves who asks first the trouble of an entry.
  void log(const AccessLogEntry& entry, Timestamp now) {
    if (logs()) log_->append(entry, now);
  }
  [[nodiscard]] ExchangePool& exchanges() { return exchanges_; }
  // The wall clock as it was when the batch of `now` came.
  const WallClock& wall_clock(Timestamp now);
  // A request came in 0-RTT; not permitted: it gets 425.
  void note_early(bool permitted) {
    ++stats_.requests_early;
    stats_.requests_too_early += permitted ? 0 : 1;
  }
  // Octets to buffer of a response before any of it has left, where its connection answers `responses` with it.
  std::optional<std::size_t> buffer_for_new(std::size_t responses, Timestamp now);
  // `connection` has seen its last event. It is freed later, since it is still being called.
  void on_over(ServerConnection& connection, Timestamp now);

 private:
  void note_memory_short(Timestamp now);
  void look_for_stalled(Timestamp now);
  [[nodiscard]] Duration patience() const;
  [[nodiscard]] bool is_stalled(ServerConnection& connection, Timestamp now) const;

  ServerOptions options_;
  std::shared_ptr<const http3::SessionConfig> session_config_ =
      std::make_shared<const http3::SessionConfig>(options_.session);  // of all connections
  RequestHandler& handler_;
  AccessLog* log_;
  ExchangePool exchanges_;
  WallClock clock_;
  Timestamp clock_read_at_ = kNever;
  std::array<char, kHttpDateSize> date_{};  // of clock_
  bool shutting_down_ = false;
  std::vector<std::unique_ptr<ServerConnection>> connections_;
  std::vector<std::unique_ptr<ServerConnection>> over_;
  std::optional<Timestamp> bury_at_;
  std::optional<Timestamp> look_at_;  // for stalled connections, while there are any
  std::size_t next_look_ = 0;         // the first connection of that look
  std::vector<quic::Connection*> stalled_;
  ServerStats stats_;
};

}  // namespace hawser::http
