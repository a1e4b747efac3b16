// http_server.cc: what one worker has of the server, and how they are started and ended.
#include "runtime/http_server.h"

#include <algorithm>
#include <optional>

#include "http3/settings.h"
#include "net/address.h"
#include "runtime/clock.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/qlog_log.h"
#include "runtime/system_random.h"

namespace hawser::runtime {

// What can fail is made before any worker starts to listen.
struct HttpServer::Parts {
  quic::TlsServerContext tls;
  http::StaticFiles files;
  std::unique_ptr<QlogLog> qlog;  // may be null
};

// One worker's server. Members are ordered by who must outlive whom: the endpoint, whose
// connections refer to all others, goes first.
class HttpServer::WorkerServer final : public DatagramProtocol, public quic::AcceptHandler {
 public:
  WorkerServer(Worker& worker, std::unique_ptr<Parts> parts, const HttpServerOptions& options,
               const std::array<std::uint8_t, 32>& secret, quic::ReplayGuard* replay_guard,
               quic::ResumeClaims* resume_claims)
      : parts_(std::move(parts)) {
    if (options.access_log_fd >= 0) log_.emplace(options.access_log_fd);
    server_.emplace(options.http, parts_->files, log_ ? &*log_ : nullptr);
    quic::EndpointConfig config{.connection = options.connection,
                                .tls = &parts_->tls,
                                .accept = this,
                                .retry = options.retry,
                                .replay_guard = replay_guard,
                                .early_data_terms = http3::early_data_terms(options.http.session),
                                .resume_claims = resume_claims,
                                .secret = secret,
                                .handshakes_max = options.handshakes_max,
                                .admission = options.admission,
                                .stream_memory_max = options.stream_memory_max,
                                .events = parts_->qlog ? &parts_->qlog->sink() : nullptr};
    endpoint_.emplace(worker, std::move(config),
                      Goodbye{.code = static_cast<quic::ApplicationErrorCode>(http3::ErrorCode::kNoError),
                              .reason = "the server stops"});
  }

  void shutdown() {
    server_->shutdown();
    for (quic::Connection* connection : server_->open_connections()) endpoint_->endpoint().wake(*connection);
  }
  [[nodiscard]] std::size_t connection_count() { return endpoint_->endpoint().connection_count(); }
  [[nodiscard]] quic::EndpointStats stats() { return endpoint_->endpoint().stats(); }
  [[nodiscard]] quic::PathTotals path_totals() { return endpoint_->endpoint().path_totals(); }

  [[nodiscard]] http::ServerStats http_stats() const {
    http::ServerStats stats = server_->stats();
    stats.refused_for_memory = parts_->files.refused_for_memory();
    return stats;
  }

  quic::ConnectionHandler* on_accept(quic::Connection& connection) override { return server_->accept(connection); }

  void on_datagrams(std::span<ReceivedTrain> batch, Timestamp now) override { endpoint_->on_datagrams(batch, now); }
  std::size_t next_transmits(Timestamp now, std::span<TransmitTrain> trains) override {
    return endpoint_->next_transmits(now, trains);
  }
  void on_timeout(Timestamp now) override {
    endpoint_->on_timeout(now);
    server_->on_timeout(now);
    for (quic::Connection* const connection : server_->stalled()) endpoint_->endpoint().wake(*connection);
    if (log_) log_->on_timeout(now);
  }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override {
    std::optional<Timestamp> next = endpoint_->next_timeout();
    for (const std::optional<Timestamp> other : {server_->next_timeout(), log_ ? log_->next_timeout() : std::nullopt}) {
      if (other && (!next || *other < *next)) next = other;
    }
    return next;
  }
  void close(Timestamp now) override { endpoint_->close(now); }
  [[nodiscard]] bool idle() const override { return endpoint_->idle(); }

 private:
  std::unique_ptr<Parts> parts_;
  std::optional<http::AccessLog> log_;
  std::optional<http::Server> server_;
  std::optional<EndpointProtocol> endpoint_;
};

HttpServer::HttpServer(Runtime& runtime, HttpServerOptions options) : runtime_(runtime), options_(std::move(options)) {}
HttpServer::~HttpServer() {
  quic::wipe(secret_);
  quic::wipe(options_.tls.ticket_secret);
}

std::expected<void, ConfigError> HttpServer::prepare() {
  SystemRandom random;
  random.fill(secret_);
  options_.files.server_name = options_.http.name;
  for (std::uint64_t& word : options_.files.hash_key) word = random.next_u64();
  quic::TlsServerOptions& tls = options_.tls;
  if (tls.common.alpn.empty()) tls.common.alpn = {std::string(http3::kAlpn), std::string(http::kHqAlpn)};
  if (tls.early_data) {
    replay_guard_ = std::make_unique<quic::ReplayGuard>(
        quic::ReplayGuard::Options{.key = {random.next_u64(), random.next_u64()},
                                   .tickets_outlive_process = !tls.ticket_secret.empty(),
                                   .start = current_time()});
  }
  if (options_.connection.careful_resume)
    resume_claims_ = std::make_unique<quic::ResumeClaims>(std::array{random.next_u64(), random.next_u64()});
  if (tls.ticket_secret.empty()) {
    tls.ticket_secret.resize(32);
    random.fill(tls.ticket_secret);
  }
  for (std::size_t i = 0; i < runtime_.size(); ++i) {
    HAWSER_TRY(auto context, quic::TlsServerContext::create(tls));
    HAWSER_TRY(auto files, http::StaticFiles::create(options_.files));
    auto parts = std::make_unique<Parts>(Parts{.tls = std::move(context), .files = std::move(files), .qlog = nullptr});
    HAWSER_TRY(parts->qlog, QlogLog::create(options_.qlog));
    parts_.push_back(std::move(parts));
  }
  return {};
}

std::unique_ptr<HttpServer::WorkerServer> HttpServer::make_worker_server(Worker& worker) {
  auto server = std::make_unique<WorkerServer>(worker, std::move(parts_.at(worker.index())), options_, secret_,
                                               replay_guard_.get(), resume_claims_.get());
  servers_.emplace_back(&worker, server.get());
  return server;
}

std::expected<std::unique_ptr<HttpServer>, ConfigError> HttpServer::start(Runtime& runtime, HttpServerOptions options) {
  // rfc9114:6.2-three
  if (options.connection.max_streams_uni < http3::kPeerStreamsMin)
    return std::unexpected(ConfigError{"max_streams_uni must be at least 3: HTTP/3 needs that many of each client"});
  std::unique_ptr<HttpServer> server{new HttpServer(runtime, std::move(options))};
  HAWSER_TRY_VOID(server->prepare());
  // listen() asks one worker after the other and waits for each, so they share this safely.
  HAWSER_TRY(server->local_, runtime.listen(server->options_.udp,
                                            [&server](Worker& worker) { return server->make_worker_server(worker); }));
  const quic::ConnectionConfig& connection = server->options_.connection;
  auto preferred = server->serve_preferred(connection.preferred_ipv4);
  if (preferred) preferred = server->serve_preferred(connection.preferred_ipv6);
  if (!preferred) {
    // The workers serve already, and the server goes.
    runtime.stop();
    runtime.join();
    return std::unexpected(std::move(preferred).error());
  }
  return server;
}

// A socket at the address that clients are asked to go over to, unless the first one serves it.
std::expected<void, ConfigError> HttpServer::serve_preferred(const SocketAddress& preferred) {
  if (preferred.family == AddressFamily::kNone) return {};
  const bool family =
      local_.family == preferred.family || (local_.family == AddressFamily::kIpv6 && options_.udp.dual_stack);
  if (family && net::is_unspecified(local_) && local_.port == preferred.port) return {};
  if (local_ == preferred) return {};
  net::UdpOptions udp = options_.udp;
  udp.local = preferred;
  return runtime_.listen_too(udp, [this](Worker& worker) -> DatagramProtocol& {
    return *std::ranges::find(servers_, &worker, [](const auto& entry) { return entry.first; })->second;
  });
}

void HttpServer::shutdown() {
  for (const auto& [worker, server] : servers_) worker->post([server = server](Worker&) { server->shutdown(); });
}

std::size_t HttpServer::connection_count() {
  std::size_t count = 0;
  for (const auto& [worker, server] : servers_) {
    count += worker->call([server = server](Worker&) { return server->connection_count(); }).value_or(0);
  }
  return count;
}

http::ServerStats HttpServer::http_stats() {
  http::ServerStats sum;
  for (const auto& [worker, server] : servers_) {
    if (const auto stats = worker->call([server = server](Worker&) { return server->http_stats(); })) sum += *stats;
  }
  return sum;
}

quic::PathTotals HttpServer::path_totals() {
  quic::PathTotals sum;
  for (const auto& [worker, server] : servers_) {
    if (const auto totals = worker->call([server = server](Worker&) { return server->path_totals(); })) sum += *totals;
  }
  return sum;
}

quic::EndpointStats HttpServer::stats() {
  quic::EndpointStats sum;
  for (const auto& [worker, server] : servers_) {
    if (const auto stats = worker->call([server = server](Worker&) { return server->stats(); })) sum += *stats;
  }
  return sum;
}

}  // namespace hawser::runtime
