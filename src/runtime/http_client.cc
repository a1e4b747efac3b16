// http_client.cc: the worker's half of HttpClients, driven by it for its timers alone; the
// datagrams go to the endpoint beside it.
#include "runtime/http_client.h"

#include <time.h>

#include "events/tee.h"
#include "http/saved_path_record.h"
#include "http3/settings.h"
#include "quic/congestion/congestion_controller.h"
#include "runtime/clock.h"
#include "runtime/endpoint_protocol.h"
#include "runtime/path_manager.h"
#include "runtime/qlog_log.h"

namespace hawser::runtime {
namespace {

void open_windows(quic::ConnectionConfig& connection) {
  connection.stream_receive_window = connection.stream_receive_window_max;
  connection.connection_receive_window = connection.connection_receive_window_max;
}

// One server's client, and what its connections are made with.
class ClientSlot final : public http::ClientDriver, public ConnectionOwner {
 public:
  ClientSlot(EndpointProtocol& endpoint, quic::TlsClientContext tls, HttpConnectionOptions options)
      : endpoint_(endpoint), tls_(std::move(tls)), options_(std::move(options)), client_(options_.http, *this) {}

  std::vector<net::StartingPlace> places(const SocketAddress& remote) override { return endpoint_.places(remote); }
  std::expected<quic::Connection*, ConfigError> connect(const FourTuple& way, quic::ConnectionHandler& handler,
                                                        const http::KeptSession& kept) override {
    quic::ClientParameters parameters{.tuple = way,
                                      .server_name = options_.server_name,
                                      .tls = &tls_,
                                      .connection = options_.connection,
                                      .token = kept.token,
                                      .token_version = options_.http.first_version,
                                      .session = kept.ticket,
                                      .saved_path = http::read_saved_path(kept.path, unix_time_s())};
    // A server that jumps must find the window open (RFC 9959 section 4.10), and one that gave a token may.
    if (parameters.connection.careful_resume && !kept.token.empty()) open_windows(parameters.connection);
    return endpoint_.connect(std::move(parameters), handler, options_.udp);
  }
  void wake(quic::Connection& connection) override { endpoint_.endpoint().wake(connection); }
  [[nodiscard]] std::int64_t unix_time_s() const override { return static_cast<std::int64_t>(::time(nullptr)); }

  [[nodiscard]] std::uint32_t ticket_lifetime_s(Bytes ticket) const override {
    const auto view = quic::parse_session_ticket(ticket);
    return view ? view->lifetime_s : 0;
  }

  [[nodiscard]] quic::Connection* current_connection() override { return client_.connection(); }
  [[nodiscard]] http::Client& client() { return client_; }
  void start() { client_.connect(options_.addresses, current_time()); }

 private:
  EndpointProtocol& endpoint_;
  quic::TlsClientContext tls_;
  HttpConnectionOptions options_;
  http::Client client_;
};

}  // namespace

class HttpClients::Protocol final : public DatagramProtocol {
 public:
  Protocol(EndpointProtocol& endpoint, PathManager* paths, ClientMigration* migration, std::unique_ptr<QlogLog> qlog,
           std::unique_ptr<EventTee> events)
      : endpoint_(endpoint), paths_(paths), migration_(migration), qlog_(std::move(qlog)), events_(std::move(events)) {}

  std::size_t open(quic::TlsClientContext tls, HttpConnectionOptions options) {
    slots_.push_back(std::make_unique<ClientSlot>(endpoint_, std::move(tls), std::move(options)));
    slots_.back()->start();
    return slots_.size() - 1;
  }
  [[nodiscard]] http::Client& client(std::size_t index) { return slots_.at(index)->client(); }
  [[nodiscard]] ConnectionOwner& owner(std::size_t index) { return *slots_.at(index); }
  [[nodiscard]] EndpointProtocol& endpoint() { return endpoint_; }
  [[nodiscard]] PathManager* paths() { return paths_; }
  void close_clients() {
    for (const auto& slot : slots_) slot->client().close();
  }

  // Connections before what they refer to.
  void end(Worker& worker) {
    close_clients();
    std::vector<DatagramProtocol*> all{&endpoint_};
    if (paths_ != nullptr) all.push_back(paths_);
    if (migration_ != nullptr) all.push_back(migration_);
    all.push_back(this);
    worker.retire(std::move(all));
  }

  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp now) override {
    for (const auto& slot : slots_) slot->client().on_timeout(now);
  }
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override {
    std::optional<Timestamp> next;
    for (const auto& slot : slots_) {
      const std::optional<Timestamp> time = slot->client().next_timeout();
      if (time && (!next || *time < *next)) next = time;
    }
    return next;
  }
  void close(Timestamp) override {
    for (const auto& slot : slots_) slot->client().give_up_bodies();
  }
  [[nodiscard]] bool idle() const override { return true; }

 private:
  EndpointProtocol& endpoint_;
  PathManager* paths_;             // null: one path
  ClientMigration* migration_;     // null: none
  std::unique_ptr<QlogLog> qlog_;  // the endpoint's, which ends before this
  std::unique_ptr<EventTee> events_;
  std::vector<std::unique_ptr<ClientSlot>> slots_;
};

std::expected<std::unique_ptr<HttpClients>, ConfigError> HttpClients::create(Worker& worker,
                                                                             const HttpClientsOptions& options) {
  HAWSER_TRY(std::unique_ptr<QlogLog> qlog, QlogLog::create(options.qlog));
  auto events = std::make_unique<EventTee>();
  if (qlog) events->add(qlog->sink());
  if (options.events != nullptr) events->add(*options.events);
  std::expected<PathManager*, ConfigError> managed{nullptr};
  const auto protocol = worker.call([&](Worker& w) {
    // The worker destroys them in this order, connections before what they refer to.
    auto& endpoint = static_cast<EndpointProtocol&>(w.attach(std::make_unique<EndpointProtocol>(
        w, quic::EndpointConfig{.events = events->size() != 0 ? events.get() : nullptr},
        Goodbye{.code = static_cast<quic::ApplicationErrorCode>(http3::ErrorCode::kNoError), .reason = {}})));
    ClientMigration* migration = nullptr;
    if (options.paths) {
      managed = PathManager::attach(w, endpoint, *options.paths);
    } else {
      migration = ClientMigration::attach(w, endpoint, options.migration);
    }
    auto& made = static_cast<Protocol&>(w.attach(std::make_unique<Protocol>(
        endpoint, managed.value_or(nullptr), migration, std::move(qlog), std::move(events))));
    if (!managed) made.end(w);
    return &made;
  });
  if (!protocol) return std::unexpected(ConfigError{"the worker has ended"});
  if (!managed) return std::unexpected(managed.error());
  return std::unique_ptr<HttpClients>{new HttpClients(worker, **protocol)};
}

HttpClients::~HttpClients() = default;

std::expected<std::size_t, ConfigError> HttpClients::open(HttpConnectionOptions options) {
  if (options.tls.common.alpn.empty())
    options.tls.common.alpn = {std::string(options.http.hq ? std::string_view("hq-interop") : http3::kAlpn)};
  // rfc9114:6.2-three
  if (!options.http.hq && options.connection.max_streams_uni < http3::kPeerStreamsMin)
    return std::unexpected(ConfigError{"max_streams_uni must be at least 3: HTTP/3 needs that many of the server"});
  const quic::ConnectionConfig& connection = options.connection;
  if (const auto known = quic::make_congestion_controller(connection.congestion_control, 1'200); !known)
    return std::unexpected(known.error());
  options.http.first_version = connection.first_version != quic::Version::kNegotiation
                                   ? connection.first_version
                                   : connection.versions.first_flight();
  HAWSER_TRY(auto context, quic::TlsClientContext::create(options.tls));
  const auto opened = worker_.call([&](Worker&) { return protocol_.open(std::move(context), std::move(options)); });
  if (!opened) return std::unexpected(ConfigError{"the worker has ended"});
  return *opened;
}

void HttpClients::send(std::size_t connection, http::ClientRequest request) {
  worker_.post([&protocol = protocol_, connection, request = std::move(request)](Worker&) mutable {
    protocol.client(connection).send(std::move(request), current_time());
  });
}

std::optional<http::ConnectionFacts> HttpClients::facts(std::size_t connection) {
  const auto facts = worker_.call([&](Worker&) { return protocol_.client(connection).facts(); });
  return facts ? *facts : std::nullopt;
}

std::unique_ptr<PathControl> HttpClients::paths(std::size_t connection) {
  auto control = worker_.call([&](Worker&) {
    return std::make_unique<PathControl>(worker_, protocol_.endpoint(), protocol_.paths(), protocol_.owner(connection));
  });
  return control ? std::move(*control) : nullptr;
}

void HttpClients::end() {
  worker_.post([&protocol = protocol_](Worker& w) { protocol.end(w); });
}

void HttpClients::close() {
  // The protocol is the worker's and outlives this object, which may be gone by then.
  worker_.post([&protocol = protocol_](Worker&) { protocol.close_clients(); });
}

}  // namespace hawser::runtime
