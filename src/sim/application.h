// application.h: the application at one end of a scenario: opens the planned streams, writes
// them, reads the peer's and checks every octet, resets and stops some on the way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "quic/connection/connection.h"
#include "quic/endpoint/endpoint.h"
#include "sim/datagram_traffic.h"
#include "sim/setup.h"
#include "sim/transfer_plan.h"
#include "sim/verdict.h"
#include "sim/world.h"

namespace hawser::sim {

// The client's addresses, each in a network of its own.
inline SocketAddress client_address(std::size_t index) {
  return ipv4_address({10, 0, static_cast<std::uint8_t>(index), 2}, 50'000);
}

struct ApplicationOptions {
  quic::Role role = quic::Role::kClient;
  ApplicationProfile mine;
  ApplicationProfile peers;
  const TransferPlan* plan = nullptr;
  quic::Endpoint* endpoint = nullptr;
  Verdict* verdict = nullptr;
  std::uint64_t seed = 1;  // of what it does at random
};

class Application final : public quic::ConnectionHandler, public Actor {
 public:
  explicit Application(const ApplicationOptions& options)
      : o_(options),
        random_(options.seed),
        datagrams_(options.role, o_.mine, *options.verdict, options.seed ^ kDatagramSeed) {}

  void attach(quic::Connection& connection) { connection_ = &connection; }

  void on_handshake_complete(quic::Connection& connection) override;
  void on_stream_opened(quic::Connection&, quic::StreamId id) override;
  void on_stream_readable(quic::Connection&, quic::StreamId id) override;
  void on_stream_writable(quic::Connection&, quic::StreamId id) override;
  void on_stream_reset(quic::Connection&, quic::StreamId id, quic::ApplicationErrorCode code) override;
  void on_stop_sending(quic::Connection&, quic::StreamId id, quic::ApplicationErrorCode code) override;
  void on_stream_closed(quic::Connection&, quic::StreamId id) override;
  void on_streams_available(quic::Connection&, bool bidirectional) override;
  void on_datagram(quic::Connection&, Bytes payload) override { datagrams_.on_received(payload); }
  void on_datagram_reports(quic::Connection& connection, std::span<const quic::DatagramReport> reports) override {
    datagrams_.on_reports(connection, reports);
  }
  void on_datagrams_writable(quic::Connection& connection, quic::DatagramFlowId) override {
    if (!acts_at_times()) datagrams_.send(connection, UINT32_MAX);
  }
  void on_closed(quic::Connection&, const quic::CloseReason& reason) override;

  // The reading clock.
  Timestamp on_time(Timestamp now) override;

  // Closes from outside a handler call.
  void close(quic::ApplicationErrorCode code);
  void run_command(const ScheduledCommand& command);

  [[nodiscard]] bool handshake_complete() const { return handshake_complete_; }
  [[nodiscard]] const std::optional<quic::CloseReason>& close_reason() const { return close_reason_; }
  // The handshake was confirmed when the connection closed.
  [[nodiscard]] bool was_confirmed() const { return was_confirmed_; }
  // How often the connection moved; known once it is closed.
  [[nodiscard]] std::uint64_t moves() const { return moves_; }
  // Every planned stream of both ends has run its course here.
  [[nodiscard]] bool done() const;
  // What is missing, for the report of a deadlock.
  [[nodiscard]] std::string unfinished() const;
  [[nodiscard]] std::uint64_t bytes_received() const { return bytes_received_; }
  // What was acknowledged to this end has arrived at `peer`, if that end lived to see it.
  void check_datagrams(const Application& peer) { datagrams_.check_arrivals(peer.datagrams_); }
  // The connection while it is open for this application, else nullptr.
  [[nodiscard]] quic::Connection* connection() const { return close_reason_.has_value() ? nullptr : connection_; }

 private:
  struct Sending {
    std::uint64_t offset = 0;
    bool ended = false;
  };
  struct Receiving {
    std::uint64_t offset = 0;
    bool ended = false;
    bool stopped = false;  // we asked for the end
  };

  [[nodiscard]] quic::Role peer() const { return quic::peer_of(o_.role); }
  [[nodiscard]] bool reads_now() const;
  [[nodiscard]] std::string name(quic::StreamId id) const;
  void fail(quic::StreamId id, const std::string& what);
  void open_streams(bool bidirectional, std::uint32_t most);
  void start_stream(quic::StreamId id, bool opened_here);
  void push(quic::StreamId id, std::size_t most);
  std::size_t write_chunk(quic::StreamId id, MutableBytes chunk, bool fin, bool& refused);
  void pull(quic::StreamId id, std::size_t limit);
  void check_end(quic::StreamId id, Receiving& receiving);
  void stop(quic::StreamId id, Receiving& receiving);
  void send_datagrams(std::uint32_t burst) {
    if (connection() != nullptr) datagrams_.send(*connection_, burst);
  }
  void act();
  [[nodiscard]] bool acts_at_times() const { return o_.mine.act_interval > Duration{0}; }
  [[nodiscard]] Timestamp next_act();

  static constexpr std::uint64_t kDatagramSeed = 0xda7a;  // so that its draws are others than those of streams

  ApplicationOptions o_;
  SeededRandom random_;
  DatagramTraffic datagrams_;
  Timestamp act_at_{};
  quic::Connection* connection_ = nullptr;
  std::map<std::uint64_t, Sending> sending_;
  std::map<std::uint64_t, Receiving> receiving_;
  std::vector<std::uint8_t> chunk_;
  std::optional<quic::CloseReason> close_reason_;
  Timestamp now_ = kWorldStart;
  bool handshake_complete_ = false;
  bool was_confirmed_ = false;
  std::uint64_t moves_ = 0;
  std::uint32_t opened_bidi_ = 0;
  std::uint32_t opened_uni_ = 0;
  std::uint64_t streams_closed_ = 0;
  std::uint64_t bytes_received_ = 0;
};

}  // namespace hawser::sim
