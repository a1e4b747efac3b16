// endpoint_impl.h: what an endpoint holds. Included by endpoint.cc and new_clients.cc only.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "base/flat_map.h"
#include "base/hash_index.h"
#include "base/timer_wheel.h"
#include "quic/connection/core.h"
#include "quic/connection/path_totals.h"
#include "quic/connection/resume_claims.h"
#include "quic/crypto/secret.h"
#include "quic/endpoint/address_token.h"
#include "quic/endpoint/early_datagrams.h"
#include "quic/endpoint/endpoint.h"
#include "quic/endpoint/stateless_replies.h"
#include "quic/endpoint/waiting_clients.h"

namespace hawser::quic {

// Peers choose connection IDs, so the hash is keyed.
struct RouteHash {
  std::uint64_t key[2];
  std::uint64_t operator()(Bytes octets) const { return siphash13(key, octets.data(), octets.size()); }
};

// One path, that is: the network path in use and those beside it, with a connection ID each.
inline constexpr std::size_t kResetTokensPerPath = kMaxOtherNetworkPaths + 1;
inline constexpr std::size_t kMaxResetTokens = kMaxPaths * kResetTokensPerPath;

struct Endpoint::Impl {
  // One connection with what the endpoint knows of it.
  struct Entry final : TimerNode, Connection {
    using Connection::Connection;
    // Hashes of the peer's reset tokens in by_reset_token; 0: none. No more are in use at a time on one path.
    std::array<std::uint64_t, kResetTokensPerPath> reset_tokens{};
    // And those of the other paths of a connection that has several: kMaxPaths * kResetTokensPerPath in all.
    std::unique_ptr<std::vector<std::uint64_t>> more_reset_tokens;
    std::uint32_t place = 0;  // in entries
    bool ready = false;       // stands in ready_
    bool touched = false;     // stands in touched_
    bool behind = false;      // stands in behind_
    bool handshake_counted = true;
    bool fixed_local = false;  // ClientParameters
    bool admitted = false;     // stands in admission with what follows, while handshake_counted
    bool validated = false;    // by a token
    Admission::Source source;
    std::uint32_t open_place = 0;        // in open_handshakes, while admitted and handshake_counted
    std::uint32_t handshake_memory = 0;  // octets, when it was last looked at
  };

  explicit Impl(EndpointConfig c);
  ~Impl() { wipe(config.secret); }

  EndpointConfig config;
  // Of all connections that are accepted, and of the latest that was opened.
  std::shared_ptr<const ConnectionConfig> accept_config = std::make_shared<ConnectionConfig>(config.connection);
  std::shared_ptr<const ConnectionConfig> connect_config = accept_config;
  CidGenerator cids;
  AddressTokens tokens;
  StatelessReplies replies;
  std::unique_ptr<Admission> admission;        // servers only
  Lending lending;                             // outlives the connections
  std::unique_ptr<EarlyDataTerms> early_data;  // likewise; null: 0-RTT is rejected
  std::unique_ptr<ResumeClaims> own_claims;    // where nobody shares any
  EarlyDatagrams early_datagrams;
  WaitingClients waiting;
  // Handshakes that may still begin before the next look at the socket.
  std::size_t handshakes_to_begin = kHandshakesAtOnce;
  static constexpr std::size_t kHandshakesAtOnce = 1;
  std::vector<std::unique_ptr<Entry>> entries;
  std::vector<Entry*> open_handshakes;  // those that were admitted
  RouteHash hash;
  HashIndex<Entry> by_cid;  // a packet that comes to the wrong one by its hash does not open there
  HashIndex<Entry> by_reset_token;
  TimerWheel timers;
  std::vector<Entry*> ready;    // have something to send, in turns
  std::vector<Entry*> touched;  // got something in the batch at hand
  // Their applications have more to do than a turn; they take further ones in rotation, one a round.
  std::vector<Entry*> behind;
  std::size_t next_behind = 0;
  std::vector<WaitingClient> begun;  // kept to the end of the batch: what the application reads may lie there
  // Datagrams from before, likewise.
  std::vector<std::vector<EarlyDatagram>> replayed;
  std::size_t next_ready = 0;
  DatagramBuilder builder;
  EndpointStats stats;
  std::unique_ptr<PathTotals> ended_paths;  // of connections that are gone; made when the first is that had several
  std::size_t handshakes = 0;
  std::uint64_t turnover = 0;
  std::uint64_t next_handle = 1;
  bool refuses_new = false;

  static ConnectionCore& core(Entry& entry) { return entry.Connection::core(); }

  void on_train(const ReceivedTrain& train, Timestamp now);
  Entry* route(Bytes datagram);
  void on_unrouted(MutableBytes datagram, const ReceivedTrain& train, Timestamp now);
  bool on_reset(Bytes datagram, Timestamp now);
  void end_batch(Timestamp now);
  void end_batch_of(Entry& entry, Timestamp now);
  void take_behind(Entry& entry);
  void give_turn(Timestamp now);
  [[nodiscard]] bool is_short_of_memory() const {
    const BufferPools& pools = lending.buffers;
    return config.tls != nullptr &&
           pools.send.octets_in_use() + pools.receive.octets_in_use() > config.stream_memory_max;
  }
  void end_if_hoarding(Entry& entry, Timestamp now);
  void on_new_client(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train, Timestamp now);
  void accept(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train,
              const std::optional<AddressTokens::Verdict>& verdict, Timestamp now);
  void admit(MutableBytes datagram, const PacketHeader& header, const ReceivedTrain& train,
             const std::optional<AddressTokens::Verdict>& verdict, Admission::Source source, Timestamp now);
  void begin_waiting(Timestamp now);
  [[nodiscard]] bool has_handshake_room() const {
    return handshakes < config.handshakes_max && admission->has_memory();
  }
  Entry* find_yielding(Admission::Source source);
  Admission::Room room_for(Admission::Source source);
  bool make_room(Admission::Source source, Timestamp now);
  void send_retry(const PacketHeader& header, const ReceivedTrain& train, Timestamp now);
  // Whether one more stateless reply may go there.
  bool may_reply(const SocketAddress& to, Timestamp now) {
    return admission->on_reply(admission->source_of(to), now) && replies.admit(now);
  }
  void end_handshake(Entry& entry, Timestamp now);
  void give_owed(Entry& entry, Timestamp now);
  void give_token(Entry& entry, Timestamp now);
  void replay_early_datagrams(Entry& entry, std::uint64_t cid, Timestamp now);
  Entry& add(ConnectionParameters parameters);
  const std::shared_ptr<const ConnectionConfig>& shared(const ConnectionConfig& wanted);
  void touch(Entry& entry);
  void make_ready(Entry& entry);
  void settle(Entry& entry, Timestamp now);
  void apply_routing(Entry& entry);
  void forget_reset_tokens(Entry& entry);
  void remove(Entry& entry, Timestamp now);
  void emit_endpoint(const auto& event, Timestamp now) {
    const Vantage vantage = config.tls != nullptr ? Vantage::kServer : Vantage::kClient;
    EventEmitter(config.events, {.connection = 0, .original_destination_cid = {}, .now = now, .vantage = vantage})
        .emit(event);
  }
};

}  // namespace hawser::quic
