// flow.h: one bulk transfer of a congestion run: two endpoints, an application that always
// has more to send and one that reads at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "quic/connection/connection.h"
#include "quic/endpoint/endpoint.h"
#include "sim/congestion.h"
#include "sim/world.h"

namespace hawser::sim {

// Reads everything at once and counts it.
class BulkReceiver final : public quic::ConnectionHandler {
 public:
  void on_stream_readable(quic::Connection& connection, quic::StreamId id) override;
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::optional<Timestamp> ended_at() const { return ended_at_; }

 private:
  std::uint64_t bytes_ = 0;
  std::optional<Timestamp> ended_at_;
};

// Keeps one stream's send buffer full until `bytes` are written.
class BulkSender final : public quic::ConnectionHandler {
 public:
  explicit BulkSender(std::uint64_t bytes) : size_(bytes) {}
  void on_handshake_complete(quic::Connection& connection) override;
  void on_stream_writable(quic::Connection& connection, quic::StreamId id) override;
  void on_closed(quic::Connection& connection, const quic::CloseReason& reason) override;

  [[nodiscard]] const std::optional<std::string>& ended() const { return ended_; }
  // As of the end, once there is one.
  [[nodiscard]] const quic::ConnectionStats& last_stats() const { return last_stats_; }
  [[nodiscard]] const std::optional<quic::SavedPath>& saved_path() const { return saved_path_; }

 private:
  std::uint64_t size_;
  std::uint64_t written_ = 0;
  std::optional<std::string> ended_;
  quic::ConnectionStats last_stats_;
  std::optional<quic::SavedPath> saved_path_;
};

class Flow final : public Actor, private quic::AcceptHandler {
 public:
  // `number` makes the addresses; the nodes are added to `world` and joined there.
  Flow(const FlowSpec& spec, std::size_t number, const CongestionSetup& setup, World& world,
       std::vector<Element*> hops);
  Flow(const Flow&) = delete;
  Flow& operator=(const Flow&) = delete;

  // Connects at the start, closes at the stop.
  Timestamp on_time(Timestamp now) override;

  [[nodiscard]] Timestamp first() const { return kWorldStart + spec_.start; }
  [[nodiscard]] const FlowSpec& spec() const { return spec_; }
  [[nodiscard]] bool over() const { return sender_.ended().has_value() || receiver_.ended_at().has_value(); }
  [[nodiscard]] std::uint64_t bytes_received() const { return receiver_.bytes(); }
  [[nodiscard]] std::optional<Timestamp> completed_at() const { return receiver_.ended_at(); }
  // Why it ended before its time; empty if it did not.
  [[nodiscard]] std::string failure() const;
  [[nodiscard]] quic::ConnectionStats sender_stats() const;
  // What the next visit may know of the path.
  [[nodiscard]] std::optional<quic::SavedPath> saved_path() const;

 private:
  quic::ConnectionHandler* on_accept(quic::Connection&) override { return &receiver_; }

  FlowSpec spec_;
  Timestamp stop_;
  SeededRandom random_;
  FourTuple tuple_;
  quic::ConnectionConfig config_;
  BulkSender sender_;
  BulkReceiver receiver_;
  quic::Endpoint client_;
  quic::Endpoint server_;
  EndpointNode client_node_;
  EndpointNode server_node_;
  quic::Connection* connection_ = nullptr;
  bool stopped_ = false;
  std::string refused_;
};

}  // namespace hawser::sim
