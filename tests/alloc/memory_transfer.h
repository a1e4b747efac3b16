// memory_transfer.h: a bulk transfer from a client endpoint to a server endpoint that are
// joined in memory: full GSO trains, virtual time, no loss, and no allocation of its own
// once it runs. For counting allocations and for measuring the protocol alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "quic/endpoint/endpoint.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {

inline constexpr std::int64_t kWallClock = 1'800'000'000;
inline constexpr Duration kDelay = 100us;  // each way

// Sends from one static region as long as there is room; counts what it is sent.
struct Application : ConnectionHandler, AcceptHandler {
  bool complete = false;
  std::uint64_t received = 0;
  std::optional<StreamId> sending;
  std::uint64_t datagrams_received = 0;
  std::size_t datagram_size = 0;  // octets of those that it sends; 0: none
  std::vector<std::uint8_t> region = std::vector<std::uint8_t>(64 * 1024, 0x5a);

  ConnectionHandler* on_accept(Connection&) override { return this; }
  void on_handshake_complete(Connection&) override { complete = true; }
  void on_stream_writable(Connection& connection, StreamId id) override { fill(connection, id); }
  void on_stream_readable(Connection& connection, StreamId id) override {
    std::array<Bytes, 16> views;
    while (const std::size_t count = connection.read_views(id, views)) {
      std::size_t octets = 0;
      for (std::size_t i = 0; i < count; ++i) octets += views[i].size();
      connection.consume(id, octets);
      received += octets;
    }
  }
  void on_datagram(Connection&, Bytes payload) override {
    ++datagrams_received;
    received += payload.size();
  }
  void on_datagrams_writable(Connection& connection, DatagramFlowId) override { fill_datagrams(connection); }
  void fill_datagrams(Connection& connection) const {
    while (connection.send_datagram(Bytes(region).first(datagram_size)).has_value()) {
    }
  }
  void fill(Connection& connection, StreamId id) const {
    while (connection.write_room(id) != 0) {
      HAWSER_CHECK(connection.write(id, SharedBytes(region, nullptr)).has_value());
    }
  }
};

// One direction of the wire: a ring of train buffers, in the order they were sent.
class Wire {
 public:
  static constexpr std::size_t kTrainsMax = 1'024;  // more than the 24 MiB that flow control allows, in 64 KB each

  Wire() : trains_(kTrainsMax), memory_(std::make_unique_for_overwrite<std::uint8_t[]>(kTrainsMax * kTrainSize)) {}

  // Takes trains from `from` until it has nothing to send or the wire is full.
  void send_from(Endpoint& from, Timestamp now) {
    while (!is_full()) {
      TransmitTrain train{.buffer = MutableBytes(memory_.get() + sent_ % kTrainsMax * kTrainSize, kTrainSize)};
      if (from.next_transmits(now, {&train, 1}) == 0) return;
      datagrams_ += train.segments();
      trains_[sent_++ % kTrainsMax] = {.arrival = now + kDelay, .train = train};
    }
  }
  // At most so many are on it from now on; 1 to kTrainsMax.
  void hold_at_most(std::size_t trains) { trains_max_ = trains; }
  // As a socket that would block: whoever sends is not asked before a train has arrived.
  [[nodiscard]] bool is_full() const { return sent_ - delivered_ >= trains_max_; }
  [[nodiscard]] Timestamp next_arrival() const {
    return sent_ == delivered_ ? kNever : trains_[delivered_ % kTrainsMax].arrival;
  }
  // At most a few trains at a time, as a driver reads them, so that the other side gets to acknowledge them.
  void deliver_to(Endpoint& to, Timestamp now) {
    for (std::size_t count = 0; count < kBatch && next_arrival() <= now; ++count) {
      const TransmitTrain& sent = trains_[delivered_++ % kTrainsMax].train;
      ReceivedTrain train{.bytes = sent.buffer.first(sent.size),
                          .segment_size = sent.segment_size,
                          .tuple = {sent.tuple.remote, sent.tuple.local},
                          .ecn = sent.ecn};
      to.on_datagrams({&train, 1}, now);
    }
  }
  [[nodiscard]] std::uint64_t datagrams() const { return datagrams_; }

 private:
  static constexpr std::size_t kTrainSize = 65'536;
  static constexpr std::size_t kBatch = 4;
  struct Flying {
    Timestamp arrival{};
    TransmitTrain train;
  };
  std::size_t trains_max_ = kTrainsMax;
  std::vector<Flying> trains_;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::uint64_t sent_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t datagrams_ = 0;
};

// What a transfer spends its time on. The wire itself costs a few instructions per train.
enum class Stage : std::uint8_t { kSend, kReceive, kSendAcks, kReceiveAcks };

// Runs the work of a stage, with a look at a clock around it or whatever else measures it.
class StageMeter {
 public:
  virtual ~StageMeter() = default;
  virtual void run(Stage stage, void (*work)(void*), void* argument) = 0;
};

class Transfer {
 public:
  explicit Transfer(const ConnectionConfig& config) {
    const DevCertificate minted =
        mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
    const auto octets = [](const std::string& text) { return std::vector<std::uint8_t>(text.begin(), text.end()); };
    server_tls_.emplace(TlsServerContext::create({.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                                                  .certificates = {{.chain = octets(minted.certificate_pem),
                                                                    .key = octets(minted.key_pem)}}})
                            .value());
    client_tls_.emplace(TlsClientContext::create({.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                                                  .trust = {.system = false, .ca = octets(minted.certificate_pem)}})
                            .value());
    server_.emplace(
        EndpointConfig{.connection = config, .tls = &*server_tls_, .accept = &receiver, .random = &random_});
    client_.emplace(EndpointConfig{.random = &random_});
    const FourTuple tuple{ipv4_address({10, 0, 0, 1}, 1'111), ipv4_address({10, 0, 0, 2}, 443)};
    connection = client_
                     ->connect({.tuple = tuple, .server_name = "localhost", .tls = &*client_tls_, .connection = config},
                               sender, now_)
                     .value();
  }

  // Runs until the sender's endpoint has sent `packets` more, or nothing happens any more.
  bool run_packets(std::uint64_t packets) {
    const std::uint64_t end = to_server_.datagrams() + packets;
    return run([&] { return to_server_.datagrams() >= end; });
  }
  bool run_until_open() {
    return run([&] { return sender.complete && receiver.complete; });
  }
  void start_sending() {
    sender.sending = connection->open_stream(true).value();
    sender.fill(*connection, *sender.sending);
    client_->wake(*connection);
  }

  // Keeps a queue of datagrams of `size` octets full and the wire with them, once the path's MTU is known to take them.
  void start_datagrams(std::size_t size, const DatagramFlow& flow = {.drop = DatagramDrop::kNewest}) {
    HAWSER_CHECK(run([&] { return connection->max_datagram_payload() >= size; }));
    to_server_.hold_at_most(kDatagramTrains);
    sender.datagram_size = size;
    HAWSER_CHECK(connection->set_datagram_flow(0, flow).has_value());
    sender.fill_datagrams(*connection);
    client_->wake(*connection);
  }

  // Null: nobody measures. Not owned.
  void set_meter(StageMeter* meter) { meter_ = meter; }
  [[nodiscard]] std::uint64_t datagrams_sent() const { return to_server_.datagrams(); }
  [[nodiscard]] std::uint64_t ack_datagrams_sent() const { return to_client_.datagrams(); }

  Application sender, receiver;
  Connection* connection = nullptr;

 private:
  // No flow control holds datagrams back, and without loss the congestion window grows as long as it is used up.
  static constexpr std::size_t kDatagramTrains = 32;

  template <class Done>
  bool run(Done done) {
    while (!done()) {
      measured(Stage::kSend, [this] { to_server_.send_from(*client_, now_); });
      measured(Stage::kSendAcks, [this] { to_client_.send_from(*server_, now_); });
      const Timestamp next = std::min({to_server_.next_arrival(), to_client_.next_arrival(),
                                       to_server_.is_full() ? kNever : client_->next_timeout().value_or(kNever),
                                       server_->next_timeout().value_or(kNever)});
      if (next == kNever) return false;
      now_ = std::max(now_, next);
      measured(Stage::kReceive, [this] { to_server_.deliver_to(*server_, now_); });
      measured(Stage::kReceiveAcks, [this] { to_client_.deliver_to(*client_, now_); });
      client_->on_timeout(now_);
      server_->on_timeout(now_);
    }
    return true;
  }
  template <class Work>
  void measured(Stage stage, Work work) {
    if (meter_ == nullptr) {
      work();
    } else {
      meter_->run(stage, [](void* argument) { (*static_cast<Work*>(argument))(); }, &work);
    }
  }

  StageMeter* meter_ = nullptr;
  SeededRandom random_{1};
  Timestamp now_{1s};
  std::optional<TlsServerContext> server_tls_;
  std::optional<TlsClientContext> client_tls_;
  std::optional<Endpoint> server_, client_;
  Wire to_server_, to_client_;
};

}  // namespace hawser::quic
