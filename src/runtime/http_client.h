// http_client.h: HTTP clients on one worker: http/client.h joined to an endpoint, TLS, time
// and qlog. Made and used from another thread, usually main().
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/client.h"
#include "net/udp_socket.h"
#include "quic/connection/config.h"
#include "quic/tls/tls_context.h"
#include "runtime/client_migration.h"
#include "runtime/path_control.h"
#include "runtime/path_plan.h"
#include "runtime/qlog_log.h"
#include "runtime/worker.h"

namespace hawser {
class EventSink;  // events/event_sink.h
}

namespace hawser::runtime {

// Windows of a client, which asked for what comes: open from the start for what a sender reaches within its first
// round trips on a fast path, and as far as 1 Gbit/s over 80 ms takes with losses. Octets are held only where the
// network loses some before them, or the application does not read.
[[nodiscard]] inline quic::ConnectionConfig client_connection_config() {
  quic::ConnectionConfig config;
  config.stream_receive_window = ByteCount{8 << 20};
  config.connection_receive_window = ByteCount{12 << 20};
  config.stream_receive_window_max = ByteCount{64 << 20};
  config.connection_receive_window_max = ByteCount{96 << 20};
  return config;
}

struct HttpConnectionOptions {
  std::vector<SocketAddress> addresses;  // tried in this order; not empty
  std::string server_name;               // for SNI and the certificate
  quic::TlsClientOptions tls;            // common.alpn empty: by http.hq
  quic::ConnectionConfig connection = client_connection_config();
  net::UdpOptions udp;  // of the sockets, for the first connection of a family
  // http.sessions: used on the worker's thread; http.first_version is set by `connection`.
  http::ClientOptions http;
};

// What all connections of HttpClients share.
struct HttpClientsOptions {
  QlogSettings qlog;
  MigrationOptions migration;        // when connections change their network; not with `paths`
  std::optional<PathOptions> paths;  // several networks at once
  EventSink* events = nullptr;       // hears what qlog hears; not owned, outlives the worker
};

class HttpClients {
 public:
  // The worker is not owned.
  static std::expected<std::unique_ptr<HttpClients>, ConfigError> create(Worker& worker,
                                                                         const HttpClientsOptions& options = {});
  // Leaves its protocols to the worker, whose end ends them unless end() was called.
  ~HttpClients();
  HttpClients(const HttpClients&) = delete;
  HttpClients& operator=(const HttpClients&) = delete;

  // Starts to connect. Returns what names the connection in the other calls, or what is
  // wrong with the TLS options.
  std::expected<std::size_t, ConfigError> open(HttpConnectionOptions options);
  // Sends a request; its sink is called on the worker's thread, also when it fails.
  void send(std::size_t connection, http::ClientRequest request);
  // What is known of a connection; nothing before it came about.
  std::optional<http::ConnectionFacts> facts(std::size_t connection);
  // The paths of a connection. Used while this object lives.
  [[nodiscard]] std::unique_ptr<PathControl> paths(std::size_t connection);
  // Closes all connections; what is under way fails.
  void close();
  // Does so and gives the sockets back once the connections are over; the last call to this object. Sinks hear of the
  // end of their requests before.
  void end();

 private:
  class Protocol;
  HttpClients(Worker& worker, Protocol& protocol) : worker_(worker), protocol_(protocol) {}

  Worker& worker_;
  Protocol& protocol_;  // the worker's
};

}  // namespace hawser::runtime
