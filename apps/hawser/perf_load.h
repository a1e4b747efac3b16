// perf_load.h: what the client of `hawser perf` does on its connections: streams that
// transfer and requests that repeat, or connections that come and go. Everything here runs
// on a worker's thread; the counters are read from another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "milestone.h"
#include "perf_datagrams.h"
#include "perf_histogram.h"
#include "perf_paths.h"
#include "perf_pause.h"
#include "perf_protocol.h"
#include "quic/endpoint/endpoint.h"
#include "runtime/endpoint_protocol.h"

namespace hawser::perf {

// The share of the work that one connection does.
struct Plan {
  std::uint64_t exchanges = 0;  // requests in all; kUnlimited: until stop()
  std::size_t streams = 1;      // requests at a time
  std::uint64_t request_size = 0;
  std::uint64_t response_size = 0;
  // From the beginning of one request to that of the next; 0: the next as soon as one is over.
  Duration period{0};
  DatagramPlan datagrams;  // instead of requests
};

struct Counters {
  explicit Counters(Bell* bell) : ready(bell), idle(bell), failed(bell), reports(bell) {}

  Milestone ready;    // connections whose handshake is complete
  Milestone idle;     // connections that have done their share
  Milestone failed;   // connections that ended against our will
  Counter exchanges;  // requests, or connections in handshake mode
  Counter resumed;    // of those connections
  Counter early;      // of those connections, answered in 0-RTT
  Counter octets_received;
  Counter octets_queued;  // of uploads, handed to the transport
  Counter reports_requested;
  Milestone reports;
};

// How a worker's client starts connections.
struct Dialer {
  runtime::EndpointProtocol& protocol;
  quic::ClientParameters parameters;
};

// A connection that works through a plan.
class LoadConnection final : public quic::ConnectionHandler {
 public:
  LoadConnection(const Plan& plan, Counters& counters, Histogram& latencies)
      : plan_(plan), counters_(counters), latencies_(latencies) {
    if (plan.datagrams.size != 0) datagrams_.emplace(plan.datagrams);
  }

  std::expected<void, ConfigError> connect(Dialer& dialer, quic::ClientParameters parameters);

  // Commands from tasks; they wake the endpoint themselves.
  void start(quic::Endpoint& endpoint);
  // Begins the exchange of a plan with a period that has fallen due.
  void start_due(quic::Endpoint& endpoint, Timestamp now);
  // No further requests; open uploads end where they are, open downloads are stopped.
  void stop(quic::Endpoint& endpoint);
  void request_report(quic::Endpoint& endpoint);

  [[nodiscard]] const quic::Connection* connection() const { return connection_; }
  [[nodiscard]] const std::optional<ServerReport>& report() const { return report_; }
  // Of the same report.
  [[nodiscard]] const std::vector<PathReport>& path_reports() const { return path_reports_; }
  // Between two pieces of downloads.
  [[nodiscard]] Duration longest_pause() const { return pause_.longest(); }
  // When the next exchange of a plan with a period begins; kNever while one is under way.
  [[nodiscard]] Timestamp due() const {
    if (datagrams_) return connection_ == nullptr ? kNever : datagrams_->due();
    return begun_ == ended_ ? due_ : kNever;
  }
  [[nodiscard]] DatagramAccount datagrams() const {
    return datagrams_ ? datagrams_->account(connection_) : DatagramAccount{};
  }
  // When the last exchange so far ended.
  [[nodiscard]] Timestamp last_end() const { return last_end_; }
  // Why the connection ended early; empty: it did not.
  [[nodiscard]] const std::string& failure() const { return failure_; }
  // The server's latest, for the next visit; empty: none.
  [[nodiscard]] Bytes token() const { return token_; }

  void on_handshake_complete(quic::Connection&) override { counters_.ready.add(1); }
  void on_new_token(quic::Connection&, Bytes token) override { token_.assign(token.begin(), token.end()); }
  void on_stream_readable(quic::Connection& connection, quic::StreamId id) override;
  void on_stream_writable(quic::Connection& connection, quic::StreamId id) override;
  void on_stream_reset(quic::Connection& connection, quic::StreamId id, quic::ApplicationErrorCode) override;
  void on_streams_available(quic::Connection& connection, bool bidirectional) override;
  void on_datagram(quic::Connection& connection, Bytes payload) override;
  void on_datagrams_writable(quic::Connection& connection, quic::DatagramFlowId) override;
  void on_closed(quic::Connection& connection, const quic::CloseReason& reason) override;

 private:
  struct Exchange {
    Timestamp begin{};
    OutgoingBody request;
    bool is_report = false;
  };

  void open_exchanges(quic::Connection& connection);
  void send_datagrams(quic::Connection& connection, Timestamp now);
  bool open(quic::Connection& connection, const RequestHeader& header, Timestamp begin);
  void end_exchange(quic::Connection& connection, quic::StreamId id);
  void read(quic::Connection& connection, quic::StreamId id, const Exchange& exchange);

  Plan plan_;
  Counters& counters_;
  Histogram& latencies_;
  quic::Connection* connection_ = nullptr;  // null before connect() and once closed
  std::unordered_map<std::uint64_t, Exchange> exchanges_;
  std::uint64_t begun_ = 0;
  std::uint64_t ended_ = 0;
  bool stopped_ = false;
  bool told_idle_ = false;
  Timestamp due_ = kNever;
  bool overdue_ = false;  // it fell due while the exchange before was under way
  std::optional<DatagramLoad> datagrams_;
  std::vector<std::uint8_t> report_octets_;
  std::vector<std::uint8_t> token_;
  std::optional<ServerReport> report_;
  std::vector<PathReport> path_reports_;
  Pause pause_;
  Timestamp last_end_{};
  std::string failure_;
};

// Begins the exchanges of plans with a period on time: driven by the worker for its timer alone.
class Pacer final : public runtime::DatagramProtocol {
 public:
  Pacer(const std::vector<std::unique_ptr<LoadConnection>>& connections, quic::Endpoint& endpoint)
      : connections_(connections), endpoint_(endpoint) {}

  void on_datagrams(std::span<ReceivedTrain>, Timestamp) override {}
  void on_timeout(Timestamp now) override;
  std::size_t next_transmits(Timestamp, std::span<TransmitTrain>) override { return 0; }
  [[nodiscard]] std::optional<Timestamp> next_timeout() const override;
  void close(Timestamp) override {}
  [[nodiscard]] bool idle() const override { return true; }

 private:
  const std::vector<std::unique_ptr<LoadConnection>>& connections_;
  quic::Endpoint& endpoint_;
};

struct LoopOptions {
  bool resume = false;  // and in 0-RTT, where TLS allows it
  bool request = true;
};

// Connects, has one empty request answered, closes, and begins anew. The answer proves that
// the server has finished its side of the handshake too. Without requests, the close comes
// with the last flight of the handshake.
class HandshakeLoop final : public quic::ConnectionHandler {
 public:
  HandshakeLoop(Dialer& dialer, Counters& counters, Histogram& latencies, const LoopOptions& options)
      : dialer_(dialer), counters_(counters), latencies_(latencies), options_(options) {}

  std::expected<void, ConfigError> connect();
  void stop() { stopped_ = true; }
  [[nodiscard]] const std::string& failure() const { return failure_; }

  void on_handshake_complete(quic::Connection& connection) override;
  void on_stream_readable(quic::Connection& connection, quic::StreamId id) override;
  void on_session_ticket(quic::Connection& connection, Bytes ticket) override;
  void on_closed(quic::Connection& connection, const quic::CloseReason& reason) override;

 private:
  void ask(quic::Connection& connection);
  void end(quic::Connection& connection);

  Dialer& dialer_;
  Counters& counters_;
  Histogram& latencies_;
  LoopOptions options_;
  std::vector<std::uint8_t> ticket_;
  Timestamp began_{};
  bool asked_ = false;
  bool early_ = false;  // the request was made in 0-RTT
  bool answered_ = false;
  bool stopped_ = false;
  std::string failure_;
};

}  // namespace hawser::perf
