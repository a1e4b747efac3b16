// memory_http.h: connections of `hawser load` and the server of `hawser serve`, joined in memory
// in virtual time: full GSO trains, no loss, and no allocation of its own once it runs. For
// accounting that must not depend on a clock, and for counting allocations.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "../alloc/memory_transfer.h"
#include "http/server.h"
#include "load_connection.h"
#include "quic/connection/replay_guard.h"
#include "quic/endpoint/endpoint.h"

namespace hawser::load {

// What a run spends its time on; receiving includes what the application does with it.
enum class HttpStage : std::uint8_t { kServerReceive, kServerSend, kClientReceive, kClientSend };

class MemoryHttp final : public LoadDriver, public quic::AcceptHandler {
 public:
  MemoryHttp(const LoadOptions& options, http::RequestHandler& handler, http::AccessLog* log = nullptr,
             unsigned tickets = 1)
      : options_(options), handler_(handler), server_(http::ServerOptions{}, handler, log) {
    const quic::DevCertificate minted =
        quic::mint_dev_certificate({.names = {"localhost"}, .not_before_s = quic::kWallClock - 60}).value();
    const auto octets = [](const std::string& text) { return std::vector<std::uint8_t>(text.begin(), text.end()); };
    server_tls_.emplace(quic::TlsServerContext::create(
                            {.common = {.alpn = {"h3"}, .verification_time_s = quic::kWallClock},
                             .certificates = {{.chain = octets(minted.certificate_pem), .key = octets(minted.key_pem)}},
                             .tickets = tickets,
                             .early_data = options.arguments.early_data})
                            .value());
    client_tls_.emplace(
        quic::TlsClientContext::create({.common = {.alpn = {"h3"}, .verification_time_s = quic::kWallClock},
                                        .trust = {.system = false, .ca = octets(minted.certificate_pem)},
                                        .early_data = options.arguments.early_data})
            .value());
    if (options.arguments.early_data) replay_guard_.emplace(quic::ReplayGuard::Options{});
    server_endpoint_.emplace(quic::EndpointConfig{.tls = &*server_tls_,
                                                  .accept = this,
                                                  .replay_guard = replay_guard_ ? &*replay_guard_ : nullptr,
                                                  .early_data_terms = http3::early_data_terms({}),
                                                  .random = &random_});
    client_endpoint_.emplace(quic::EndpointConfig{.random = &random_});
  }

  LoadConnection& add_connection(const Share& share) {
    connections_.push_back(std::make_unique<LoadConnection>(options_, share, *this, progress, stats));
    HAWSER_CHECK(connections_.back()->connect().has_value());
    return *connections_.back();
  }

  // Runs until `done()`, or nothing happens any more: false.
  template <class Done>
  bool run(Done done) {
    while (!done()) {
      timed(HttpStage::kClientSend, [this] { to_server_.send_from(*client_endpoint_, now); });
      timed(HttpStage::kServerSend, [this] { to_client_.send_from(*server_endpoint_, now); });
      const Timestamp next = next_time();
      if (next == kNever) return false;
      now = std::max(now, next);
      if (now >= server_stalls_until)
        timed(HttpStage::kServerReceive, [this] { to_server_.deliver_to(*server_endpoint_, now); });
      timed(HttpStage::kClientReceive, [this] { to_client_.deliver_to(*client_endpoint_, now); });
      client_endpoint_->on_timeout(now);
      if (now >= server_stalls_until) server_endpoint_->on_timeout(now);
      server_.on_timeout(now);
      send_due();
    }
    return true;
  }

  void start(const Window& window, double rate) {
    if (rate != 0) schedule_ = Schedule(window.begin, rate);
    open_loop_ = rate != 0;
    window_ = window;
    for (const auto& connection : connections_) {
      connection->start(window, schedule_, now);
      client_endpoint_->wake(*connection->connection());
    }
  }

  std::expected<quic::Connection*, ConfigError> connect(http3::Session& session,
                                                        const http::KeptSession& kept) override {
    const FourTuple tuple{ipv4_address({10, 0, 0, 1}, 1'111), ipv4_address({10, 0, 0, 2}, 443)};
    return client_endpoint_->connect(
        {.tuple = tuple, .server_name = "localhost", .tls = &*client_tls_, .token = kept.token, .session = kept.ticket},
        session, now);
  }
  void bury(std::unique_ptr<http3::Session> session) override { buried_.push_back(std::move(session)); }
  void reconnect_soon(LoadConnection& connection) override { connection.on_reconnect(); }
  quic::ConnectionHandler* on_accept(quic::Connection& connection) override {
    return (next_server_ ? *next_server_ : server_).accept(connection);
  }

  // The server says GOAWAY on its connections and goes on with new ones, as behind a balancer.
  void go_away() {
    server_.shutdown();
    for (quic::Connection* connection : server_.open_connections()) server_endpoint_->wake(*connection);
    next_server_.emplace(http::ServerOptions{}, handler_, nullptr);
  }

  // Nanoseconds of some clock; called around every stage once set.
  using StageClock = std::int64_t (*)();
  void set_clock(StageClock clock) { clock_ = clock; }
  [[nodiscard]] std::int64_t spent(HttpStage stage) const { return spent_[static_cast<std::size_t>(stage)]; }

  Timestamp now{1s};
  Timestamp server_stalls_until{};  // it reads nothing and sends nothing before
  Progress progress{nullptr};
  Stats stats;

 private:
  template <class Work>
  void timed(HttpStage stage, Work work) {
    const std::int64_t begin = clock_ == nullptr ? 0 : clock_();
    work();
    if (clock_ != nullptr) spent_[static_cast<std::size_t>(stage)] += clock_() - begin;
  }
  Timestamp next_time() const {
    Timestamp next = std::min(to_client_.next_arrival(), client_endpoint_->next_timeout().value_or(kNever));
    Timestamp of_server = std::min(to_server_.next_arrival(), server_endpoint_->next_timeout().value_or(kNever));
    if (of_server != kNever) of_server = std::max(of_server, server_stalls_until);
    if (open_loop_ && schedule_.due(ticks_) < window_.end) next = std::min(next, schedule_.due(ticks_));
    return std::min(next, of_server);
  }
  void send_due() {
    for (; open_loop_ && schedule_.due(ticks_) < window_.end && schedule_.due(ticks_) <= now; ++ticks_) {
      LoadConnection& connection = *connections_[ticks_ % connections_.size()];
      if (connection.send_more(now)) client_endpoint_->wake(*connection.connection());
    }
  }

  const LoadOptions& options_;
  http::RequestHandler& handler_;
  SeededRandom random_{1};
  std::optional<quic::TlsServerContext> server_tls_;
  std::optional<quic::ReplayGuard> replay_guard_;
  std::optional<quic::TlsClientContext> client_tls_;
  http::Server server_;
  std::optional<http::Server> next_server_;
  std::vector<std::unique_ptr<http3::Session>> buried_;
  std::vector<std::unique_ptr<LoadConnection>> connections_;
  std::optional<quic::Endpoint> server_endpoint_, client_endpoint_;
  quic::Wire to_server_, to_client_;
  Schedule schedule_;
  Window window_;
  StageClock clock_ = nullptr;
  std::array<std::int64_t, 4> spent_{};
  bool open_loop_ = false;
  std::uint64_t ticks_ = 0;
};

}  // namespace hawser::load
