// http_server.h: serves a folder over HTTP/3 with every worker of a runtime: endpoints, TLS,
// access log and qlog joined to http/server.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/server.h"
#include "http/static_files.h"
#include "net/udp_socket.h"
#include "quic/connection/path_totals.h"
#include "quic/connection/replay_guard.h"
#include "quic/connection/resume_claims.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/tls_context.h"
#include "runtime/qlog_log.h"
#include "runtime/runtime.h"

namespace hawser::runtime {

struct HttpServerOptions {
  net::UdpOptions udp;  // udp.local: where to listen
  quic::ConnectionConfig connection;
  quic::RetryPolicy retry = quic::RetryPolicy::kUnderLoad;
  // Of each worker, as EndpointConfig has them.
  std::size_t handshakes_max = 10'000;
  quic::AdmissionLimits admission;
  std::size_t stream_memory_max = quic::EndpointConfig{}.stream_memory_max;
  // common.alpn empty: HTTP/3, and HTTP/0.9 beside it. ticket_secret empty: drawn once for
  // all workers, so that each resumes the others' sessions.
  // tls.early_data: which requests are answered in 0-RTT is for http.early to say. One ReplayGuard of
  // all workers sees to it that a first flight which somebody sends again is not answered twice.
  quic::TlsServerOptions tls;
  http::ServerOptions http;
  http::StaticFilesOptions files;
  int access_log_fd = -1;  // -1: no access log; stays the caller's
  QlogSettings qlog;
};

class HttpServer {
 public:
  // Listens with all workers. The error says which option to change, and `runtime` may be at its end then. It must
  // outlive this object only until runtime.stop() and join(); handles stay valid after.
  static std::expected<std::unique_ptr<HttpServer>, ConfigError> start(Runtime& runtime, HttpServerOptions options);
  // Call after the runtime has been joined.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens, with the port that the kernel chose for port 0.
  [[nodiscard]] const SocketAddress& local_address() const { return local_; }

  // The owner's thread. ------------------------------------------------------------------------
  // GOAWAY on every connection; requests under way complete, new connections are refused.
  void shutdown();
  // Connections that the endpoints still hold, those that are closing included.
  [[nodiscard]] std::size_t connection_count();
  // Of all workers together; of what is the most that there was, the sum of each worker's. These three from any thread
  // but a worker's.
  [[nodiscard]] quic::EndpointStats stats();
  [[nodiscard]] http::ServerStats http_stats();
  // Of connections over several paths.
  [[nodiscard]] quic::PathTotals path_totals();

 private:
  class WorkerServer;
  HttpServer(Runtime& runtime, HttpServerOptions options);
  std::unique_ptr<WorkerServer> make_worker_server(Worker& worker);
  std::expected<void, ConfigError> prepare();
  std::expected<void, ConfigError> serve_preferred(const SocketAddress& preferred);

  Runtime& runtime_;
  HttpServerOptions options_;
  std::array<std::uint8_t, 32> secret_{};              // of tokens and resets, the same for all workers
  std::unique_ptr<quic::ReplayGuard> replay_guard_;    // null: no 0-RTT
  std::unique_ptr<quic::ResumeClaims> resume_claims_;  // of all workers; null: no Careful Resume
  SocketAddress local_;
  // Made by prepare() for one worker each, taken by the workers in turn.
  struct Parts;
  std::vector<std::unique_ptr<Parts>> parts_;
  std::vector<std::pair<Worker*, WorkerServer*>> servers_;
};

}  // namespace hawser::runtime
