// memory_handshakes.h: connections that come and go between two endpoints joined in memory,
// one after the other: connect, one request and its answer, close, until both sides have
// dropped the connection. For counting what a new connection costs on each side.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {

struct HandshakeOptions {
  std::string groups{kDefaultGroups};
  bool resume = false;  // each connection with the ticket of the one before
};

class Handshakes {
 public:
  // What a unit of cost is, is the caller's affair: nanoseconds, allocations.
  using Meter = std::int64_t (*)();

  explicit Handshakes(const HandshakeOptions& options) : options_(options) {
    const DevCertificate minted =
        mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
    const auto octets = [](const std::string& text) { return std::vector<std::uint8_t>(text.begin(), text.end()); };
    const TlsCommonOptions common{.alpn = {"test"}, .groups = options.groups, .verification_time_s = kWallClock};
    server_tls_.emplace(TlsServerContext::create({.common = common,
                                                  .certificates = {{.chain = octets(minted.certificate_pem),
                                                                    .key = octets(minted.key_pem)}}})
                            .value());
    client_tls_.emplace(
        TlsClientContext::create({.common = common, .trust = {.system = false, .ca = octets(minted.certificate_pem)}})
            .value());
    server_.emplace(EndpointConfig{.tls = &*server_tls_, .accept = &server_side_, .random = &random_});
    client_.emplace(EndpointConfig{.random = &random_});
  }

  // One connection from its first packet until nothing of it is left.
  void run_one() {
    client_side_.done = false;
    client_side_.resumed = false;
    metered(client_spent_, [this] { connect(); });
    for (;;) {
      client_turn();
      server_turn();
      if (client_->connection_count() + server_->connection_count() == 0) break;
      const bool flying = !to_client_.empty() || !to_server_.empty();
      const Timestamp next =
          std::min(client_->next_timeout().value_or(kNever), server_->next_timeout().value_or(kNever));
      now_ = flying ? now_ + kHop : std::max(now_, next);
    }
    HAWSER_CHECK(client_side_.done && client_side_.resumed == (options_.resume && count_ != 0));
    ++count_;
  }

  void set_meter(Meter meter) { meter_ = meter; }
  [[nodiscard]] std::int64_t server_spent() const { return server_spent_; }
  [[nodiscard]] std::int64_t client_spent() const { return client_spent_; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t datagrams_to_client() const { return to_client_.datagrams; }
  [[nodiscard]] std::uint64_t datagrams_to_server() const { return to_server_.datagrams; }

 private:
  static constexpr std::int64_t kWallClock = 1'800'000'000;
  static constexpr Duration kHop = 100us;
  static constexpr std::size_t kTrains = 8;
  static constexpr std::size_t kTrainSize = 65'536;

  struct ServerSide : ConnectionHandler, AcceptHandler {
    ConnectionHandler* on_accept(Connection&) override { return this; }
    void on_stream_readable(Connection& connection, StreamId id) override {
      std::array<std::uint8_t, 64> octets;
      (void)connection.read(id, octets);
      if (connection.at_end(id)) (void)connection.write(id, Bytes(kAnswer), true);
    }
    static constexpr std::array<std::uint8_t, 1> kAnswer{};
  };
  struct ClientSide : ConnectionHandler {
    void on_handshake_complete(Connection& connection) override {
      resumed = connection.resumed();
      static constexpr std::array<std::uint8_t, 1> kRequest{};
      (void)connection.write(connection.open_stream(true).value(), Bytes(kRequest), true);
    }
    void on_stream_readable(Connection& connection, StreamId id) override {
      std::array<std::uint8_t, 64> octets;
      (void)connection.read(id, octets);
      if (!connection.at_end(id)) return;
      done = true;
      connection.close(0, "");
    }
    void on_session_ticket(Connection&, Bytes octets) override {
      ticket.reserve(2'048);  // tickets differ by an octet or two, and its memory is not to
      ticket.assign(octets.begin(), octets.end());
    }
    std::vector<std::uint8_t> ticket;
    bool done = false;
    bool resumed = false;
  };
  // One direction: what one side sent in its last turn.
  struct Wire {
    std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(kTrains * kTrainSize);
    std::array<TransmitTrain, kTrains> trains;
    std::size_t count = 0;
    std::uint64_t datagrams = 0;
    [[nodiscard]] bool empty() const { return count == 0; }
  };

  void connect() {
    ClientParameters parameters{.tuple = {ipv4_address({10, 0, 0, 1}, 1'111), ipv4_address({10, 0, 0, 2}, 443)},
                                .server_name = "localhost",
                                .tls = &*client_tls_};
    if (options_.resume) parameters.session = client_side_.ticket;
    HAWSER_CHECK(client_->connect(std::move(parameters), client_side_, now_).has_value());
  }

  // As a driver's loop does: what came, what is due, what is to be sent.
  void turn(Endpoint& endpoint, Wire& in, Wire& out) {
    std::array<ReceivedTrain, kTrains> received;
    for (std::size_t i = 0; i < in.count; ++i) {
      const TransmitTrain& sent = in.trains[i];
      received[i] = {.bytes = sent.buffer.first(sent.size),
                     .segment_size = sent.segment_size,
                     .tuple = {sent.tuple.remote, sent.tuple.local},
                     .ecn = sent.ecn};
    }
    if (in.count != 0) endpoint.on_datagrams(std::span(received).first(in.count), now_);
    in.count = 0;
    endpoint.on_timeout(now_);
    for (std::size_t i = 0; i < kTrains; ++i)
      out.trains[i] = {.buffer = MutableBytes(out.memory.data() + i * kTrainSize, kTrainSize)};
    out.count = endpoint.next_transmits(now_, out.trains);
    for (std::size_t i = 0; i < out.count; ++i) out.datagrams += out.trains[i].segments();
  }

  // Functions of their own, so that profilers tell the sides apart.
  [[gnu::noinline]] void client_turn() {
    metered(client_spent_, [this] { turn(*client_, to_client_, to_server_); });
  }
  [[gnu::noinline]] void server_turn() {
    metered(server_spent_, [this] { turn(*server_, to_server_, to_client_); });
  }

  template <class Work>
  void metered(std::int64_t& spent, Work work) {
    const std::int64_t begin = meter_ == nullptr ? 0 : meter_();
    work();
    if (meter_ != nullptr) spent += meter_() - begin;
  }

  HandshakeOptions options_;
  SeededRandom random_{1};
  Timestamp now_{1s};
  Meter meter_ = nullptr;
  std::int64_t server_spent_ = 0;
  std::int64_t client_spent_ = 0;
  std::uint64_t count_ = 0;
  ServerSide server_side_;
  ClientSide client_side_;
  std::optional<TlsServerContext> server_tls_;
  std::optional<TlsClientContext> client_tls_;
  std::optional<Endpoint> server_, client_;
  Wire to_server_, to_client_;
};

}  // namespace hawser::quic
