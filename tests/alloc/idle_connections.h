// idle_connections.h: many HTTP/3 connections between two endpoints that are joined in memory, as
// `hawser serve` and its clients have them, with the heap of each side booked apart. For tests
// and benchmarks of what a connection costs while nothing happens on it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "counted_heap.h"
#include "http/server.h"
#include "http3/session.h"
#include "memory_transfer.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {

class IdleConnections final : public AcceptHandler, public http::RequestHandler {
 public:
  explicit IdleConnections(const ConnectionConfig& config = {}) : config_(config) {
    // What happens once in the life of a connection may happen at any time from then on.
    config_.idle_timeout = 1h;
    const DevCertificate minted =
        mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
    const auto octets = [](const std::string& text) { return std::vector<std::uint8_t>(text.begin(), text.end()); };
    const std::vector<std::string> alpn{std::string(http3::kAlpn)};
    server_tls_.emplace(TlsServerContext::create({.common = {.alpn = alpn, .verification_time_s = kWallClock},
                                                  .certificates = {{.chain = octets(minted.certificate_pem),
                                                                    .key = octets(minted.key_pem)}}})
                            .value());
    client_tls_.emplace(TlsClientContext::create({.common = {.alpn = alpn, .verification_time_s = kWallClock},
                                                  .trust = {.system = false, .ca = octets(minted.certificate_pem)}})
                            .value());
    http_.emplace(http::ServerOptions{}, *this, nullptr);
    server_.emplace(EndpointConfig{.connection = config_, .tls = &*server_tls_, .accept = this, .random = &random_});
    client_.emplace(EndpointConfig{.random = &random_});
  }

  // Opens `count` more connections, a few at a time, and waits until nothing moves any more.
  void open(std::size_t count) {
    constexpr std::size_t kAtOnce = 32;
    while (count > 0) {
      const std::size_t wave = std::min(count, kAtOnce);
      for (std::size_t i = 0; i < wave; ++i) open_one();
      pass(1s);
      count -= wave;
    }
    for (const auto& client : clients_) HAWSER_CHECK(client->settled && client->connection != nullptr);
  }

  // One request on each connection.
  void request_on_each() {
    for (const auto& client : clients_) {
      {
        const heap::Charge charge(client_heap_);
        const http3::Field fields[] = {
            {":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/index.html"}};
        HAWSER_CHECK(client->session.send_request(fields, true).has_value());
        client_->wake(*client->connection);
      }
      pass(100ms);
      HAWSER_CHECK(client->answers > 0);
    }
  }

  // Time goes by, and whatever falls due in it happens.
  void pass(Duration duration) {
    const Timestamp end = now_ + duration;
    for (;;) {
      send();
      const Timestamp next =
          std::min({to_server_.next_arrival(), to_client_.next_arrival(), client_->next_timeout().value_or(kNever),
                    server_->next_timeout().value_or(kNever), http_->next_timeout().value_or(kNever), end});
      now_ = std::max(now_, next);
      if (now_ >= end && next >= end) return;
      receive();
    }
  }

  // The clients close, and both sides forget.
  void close_all() {
    for (const auto& client : clients_) {
      if (client->connection == nullptr) continue;
      const heap::Charge charge(client_heap_);
      client->session.close();
      client_->wake(*client->connection);
    }
    pass(10s);
    HAWSER_CHECK(server_->connection_count() == 0 && client_->connection_count() == 0);
    const heap::Charge charge(client_heap_);
    clients_.clear();
  }

  // The server's part.
  ConnectionHandler* on_accept(Connection& connection) override { return http_->accept(connection); }
  http::Response answer(const http::Request&) override { return http::error_page(404, "nothing here"); }

  [[nodiscard]] std::size_t count() const { return clients_.size(); }
  [[nodiscard]] const heap::Account& client_heap() const { return client_heap_; }
  [[nodiscard]] const heap::Account& server_heap() const { return server_heap_; }
  [[nodiscard]] heap::Account& server_heap() { return server_heap_; }
  [[nodiscard]] std::vector<Connection*> server_connections() const { return http_->open_connections(); }
  [[nodiscard]] std::vector<Connection*> client_connections() const {
    std::vector<Connection*> open;
    for (const auto& client : clients_) open.push_back(client->connection);
    return open;
  }

 private:
  struct Client final : http3::SessionHandler {
    http3::Session session{Role::kClient, http3::SessionConfig{}, *this};
    Connection* connection = nullptr;
    std::size_t answers = 0;
    bool settled = false;

    void on_settings(http3::Session&, const http3::Settings&) override { settled = true; }
    void on_body_readable(http3::Session& s, StreamId id) override {
      std::array<Bytes, 16> views;
      while (const std::size_t n = s.read_body_views(id, views)) {
        std::size_t total = 0;
        for (std::size_t i = 0; i < n; ++i) total += views[i].size();
        s.consume_body(id, total);
      }
    }
    void on_message_complete(http3::Session&, StreamId) override { ++answers; }
    void on_closed(http3::Session&, const CloseReason&) override { connection = nullptr; }
  };

  void open_one() {
    const heap::Charge charge(client_heap_);
    clients_.push_back(std::make_unique<Client>());
    // Every connection has a port of its own.
    const FourTuple tuple{ipv4_address({10, 0, static_cast<std::uint8_t>(next_port_ >> 16), 1},
                                       static_cast<std::uint16_t>(next_port_ | 1)),
                          ipv4_address({10, 1, 0, 2}, 443)};
    next_port_ += 2;
    Client& client = *clients_.back();
    client.connection =
        client_
            ->connect({.tuple = tuple, .server_name = "localhost", .tls = &*client_tls_, .connection = config_},
                      client.session, now_)
            .value();
    client.session.attach(*client.connection);
  }

  void send() {
    {
      const heap::Charge charge(client_heap_);
      to_server_.send_from(*client_, now_);
    }
    const heap::Charge charge(server_heap_);
    to_client_.send_from(*server_, now_);
  }

  void receive() {
    {
      const heap::Charge charge(server_heap_);
      to_server_.deliver_to(*server_, now_);
      server_->on_timeout(now_);
      http_->on_timeout(now_);
    }
    const heap::Charge charge(client_heap_);
    to_client_.deliver_to(*client_, now_);
    client_->on_timeout(now_);
  }

  ConnectionConfig config_;
  SeededRandom random_{1};
  Timestamp now_{1s};
  heap::Account client_heap_, server_heap_;
  std::optional<TlsServerContext> server_tls_;
  std::optional<TlsClientContext> client_tls_;
  std::optional<http::Server> http_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::optional<Endpoint> server_, client_;
  Wire to_server_, to_client_;
  std::uint32_t next_port_ = 1'024;
};

}  // namespace hawser::quic
