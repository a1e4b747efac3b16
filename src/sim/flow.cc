// flow.cc: endpoints and applications of a bulk transfer.
#include "sim/flow.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sim/bulk_io.h"
#include "sim/tls_contexts.h"

namespace hawser::sim {
namespace {

// More than any bandwidth-delay product and queue of the tables, 1 Gbit/s over 200 ms being
// 25 MB, so that neither flow control nor the send buffer is what limits a flow.
constexpr ByteCount kWindow{256 << 20};

Bytes zeros(std::uint64_t, std::size_t size) {
  static const std::array<std::uint8_t, kBulkChunk> kZeros{};
  return Bytes(kZeros).first(size);
}

FourTuple addresses(std::size_t number) {
  const auto high = static_cast<std::uint8_t>(number >> 8);
  const auto low = static_cast<std::uint8_t>(number);
  return {ipv4_address({10, 1, high, low}, 50'000), ipv4_address({192, 168, high, low}, 443)};
}

quic::ConnectionConfig config_of(const FlowSpec& spec) {
  quic::ConnectionConfig config;
  config.stream_receive_window = config.stream_receive_window_max = kWindow;
  config.connection_receive_window = config.connection_receive_window_max = kWindow;
  config.stream_send_buffer = kWindow;
  config.congestion_control = spec.controller;
  config.ecn = spec.ecn;
  config.pacing = spec.pacing;
  config.careful_resume = spec.careful_resume;
  return config;
}

quic::EndpointConfig endpoint_config(const quic::ConnectionConfig& connection, Random& random, EventSink* events) {
  return {.connection = connection, .random = &random, .events = events};
}

quic::EndpointConfig server_config(const quic::ConnectionConfig& connection, quic::AcceptHandler& accept,
                                   Random& random, EventSink* events) {
  quic::EndpointConfig config = endpoint_config(connection, random, events);
  config.tls = &*tls_contexts().server;
  config.accept = &accept;
  return config;
}

LinkSpec link_of(const FlowSpec& spec, const std::vector<Element*>& hops) {
  LinkSpec link;
  for (Element* hop : hops) {
    link.push_back(up(through(*hop)));
    link.push_back(delay(spec.rtt / (2 * static_cast<std::int64_t>(hops.size()))));
  }
  if (spec.loss > 0) link.push_back(drop(spec.loss));
  if (spec.jitter > Duration{0}) link.push_back(jitter(spec.jitter));
  return link;
}

}  // namespace

void BulkReceiver::on_stream_readable(quic::Connection& connection, quic::StreamId id) {
  bytes_ += read_all(connection, id);
  if (connection.at_end(id)) ended_at_ = connection.now();
}

void BulkSender::on_handshake_complete(quic::Connection& connection) {
  const auto id = connection.open_stream(false);
  if (id.has_value()) on_stream_writable(connection, *id);
}

void BulkSender::on_stream_writable(quic::Connection& connection, quic::StreamId id) {
  write_all(connection, id, written_, size_, &zeros);
}

void BulkSender::on_closed(quic::Connection& connection, const quic::CloseReason& reason) {
  ended_ = quic::describe(reason);
  last_stats_ = connection.stats();
  saved_path_ = connection.saved_path();
}

Flow::Flow(const FlowSpec& spec, std::size_t number, const CongestionSetup& setup, World& world,
           std::vector<Element*> hops)
    : spec_(spec),
      stop_(kWorldStart + std::min(spec.stop.value_or(setup.duration), setup.duration)),
      random_(setup.seed * 1'000 + number),
      tuple_(addresses(number)),
      config_(config_of(spec)),
      sender_(spec.bytes),
      client_(endpoint_config(config_, random_, setup.events)),
      server_(server_config(config_, *this, random_, setup.events)),
      client_node_(client_),
      server_node_(server_) {
  const NodeId client = world.add(client_node_, tuple_.local);
  const NodeId server = world.add(server_node_, tuple_.remote);
  world.connect(client, server, link_of(spec_, hops));
  world.add_actor(*this, first());
}

Timestamp Flow::on_time(Timestamp now) {
  if (connection_ == nullptr && refused_.empty()) {
    const auto connected = client_.connect({.tuple = tuple_,
                                            .server_name = std::string{kSimServerName},
                                            .tls = &*tls_contexts().client,
                                            .connection = config_,
                                            .token = {},
                                            .session = {},
                                            .saved_path = spec_.saved_path},
                                           sender_, now);
    if (!connected.has_value()) {
      refused_ = connected.error().message;
      return kNever;
    }
    connection_ = *connected;
    return std::max(stop_, now + 1ns);
  }
  if (!over() && connection_ != nullptr) {
    stopped_ = true;
    connection_->close(0, "the flow's time is over");
    client_.wake(*connection_);
  }
  return kNever;
}

std::string Flow::failure() const {
  if (!refused_.empty()) return refused_;
  return sender_.ended().has_value() && !stopped_ ? *sender_.ended() : "";
}

quic::ConnectionStats Flow::sender_stats() const {
  if (connection_ == nullptr || sender_.ended().has_value()) return sender_.last_stats();
  return connection_->stats();
}

std::optional<quic::SavedPath> Flow::saved_path() const {
  if (connection_ == nullptr || sender_.ended().has_value()) return sender_.saved_path();
  return connection_->saved_path();
}

}  // namespace hawser::sim
