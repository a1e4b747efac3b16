// core.h: the machines of one connection and the order in which they work. The rooms of a
// datagram's way are cut apart: receive.cc opens packets, frames.cc hands each frame to its
// machine, ack.cc turns acknowledgements into what was delivered and lost, send.cc assembles
// datagrams; handshake.cc, migration.cc, close.cc, timers.cc and rest.cc hold the slow affairs, and
// deliver.cc tells the application.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "base/datagram.h"
#include "base/time.h"
#include "events/event_sink.h"
#include "quic/connection/address_reports.h"
#include "quic/connection/affairs.h"
#include "quic/connection/cid_generator.h"
#include "quic/connection/connection.h"
#include "quic/connection/datagram_builder.h"
#include "quic/connection/early_data.h"
#include "quic/connection/early_packets.h"
#include "quic/connection/event_log.h"
#include "quic/connection/extras.h"
#include "quic/connection/fec_stats.h"
#include "quic/connection/first_octet.h"
#include "quic/connection/flood_guard.h"
#include "quic/connection/key_ring.h"
#include "quic/connection/lending.h"
#include "quic/connection/network_paths.h"
#include "quic/connection/parameters.h"
#include "quic/connection/paths.h"
#include "quic/connection/receive_timestamps.h"
#include "quic/path/path.h"
#include "quic/recovery/ack_frequency.h"
#include "quic/streams/crypto_stream.h"
#include "quic/streams/stream_set.h"
#include "quic/tls/tls_session.h"
#include "quic/wire/frame_legality.h"
#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_header.h"
#include "quic/wire/transport_parameters.h"

namespace hawser::quic {

class VersionList;   // wire/version_negotiation.h
class Multipath;     // connection/multipath.h
class PathMemory;    // connection/path_memory.h
class ResumeClaims;  // connection/resume_claims.h
class AckFrame;      // wire/frames/ack.h
struct RetryPacket;  // wire/retry.h

class ConnectionCore final : private TlsHandler, private ConnectionAffairs {
 public:
  // The application is told of things through `handler`, which outlives this object.
  explicit ConnectionCore(const ConnectionParameters& parameters);
  ~ConnectionCore();
  ConnectionCore(const ConnectionCore&) = delete;
  ConnectionCore& operator=(const ConnectionCore&) = delete;

  // Set up by the endpoint right after construction. -----------------------------------------

  void attach(Connection& face, ConnectionHandler& handler) {
    face_ = &face;
    handler_ = &handler;
  }
  [[nodiscard]] TlsHandler& tls_handler() { return *this; }
  // Our transport parameters, to be handed to the session before start().
  [[nodiscard]] std::vector<std::uint8_t> encoded_transport_parameters();
  [[nodiscard]] TransportParameters transport_parameters() const;
  void set_tls(std::unique_ptr<TlsSession> tls) {
    tls_ = std::move(tls);
    tls_->set_resumption_scope(static_cast<std::uint32_t>(version_));
  }
  // Both after set_tls(). Server: 0-RTT under these terms, which outlive this object. Client: if TLS
  // offers 0-RTT with `session`, the limits remembered with it hold until the server has spoken.
  void allow_early_data(const EarlyDataTerms& terms);
  void offer_early_data(Bytes session);
  void start(Timestamp now);
  // Careful Resume, before start(); see PathMemory. `saved`: of an earlier connection, or nothing. Without
  // `careful_resume` and `pacing` in the configuration this does nothing.
  void use_path_memory(const std::optional<SavedPath>& saved, ResumeClaims* claims, Timestamp now);
  [[nodiscard]] const PathMemory* path_memory() const { return path_memory_.get(); }
  // See Connection::saved_path.
  [[nodiscard]] std::optional<SavedPath> saved_path();
  // Token for a later connection of this client, sent at once: the handshake is complete.
  void set_new_token(std::vector<std::uint8_t> token) {
    handshake_.new_token = std::move(token);
    ++handshake_.new_token_number;
    owed_.new_token = true;
  }
  // True once after a server's client proved a new address, for which its token is not good, and when a client has no
  // local address of the family of preferred_address().
  bool take_owed_of_endpoint() { return std::exchange(owed_.of_endpoint, false); }
  // Client: where the server would rather be reached, until the connection is there.
  [[nodiscard]] std::optional<SocketAddress> preferred_address() const;
  // Goes over to it from `local`, of its family, if it answers there.
  void try_preferred_address(const SocketAddress& local);

  // Datagrams and time, from the endpoint. -----------------------------------------------------

  // A run of datagrams of one 4-tuple; packets are opened in place.
  void on_datagrams(MutableBytes bytes, std::size_t segment_size, const FourTuple& tuple, Ecn ecn, Timestamp now);
  // The batch is over: tells the application, then gives up every view into it. What streams have to tell waits
  // for a turn, and a turn of a server's connection is bounded.
  enum class Turn : bool { kWait, kNow };
  void end_batch(Timestamp now, Turn turn);
  // There is more to tell than the turn had room for.
  [[nodiscard]] bool is_behind() const;
  void on_timeout(Timestamp now);
  [[nodiscard]] Timestamp next_timeout() const;
  // Fills one train; false: nothing to send now.
  bool next_train(TransmitTrain& train, DatagramBuilder& builder, Timestamp now);
  // A datagram that ends in one of our peer's reset tokens came for no known connection ID.
  void on_stateless_reset(Timestamp now);
  // Ends it at once and in silence; `reason` is for the log and the handler.
  void abandon(std::string_view reason, Timestamp now);

  // Drained by the endpoint after each input.
  [[nodiscard]] bool has_routing_changes() const { return !routing_changes_.empty(); }
  std::vector<RoutingChange> take_routing_changes() { return std::exchange(routing_changes_, {}); }
  // Calls visit(cid) for each connection ID under which packets may be routed here.
  template <class Visit>
  void for_each_routed_cid(Visit&& visit) const {
    visit_routed_cids(&visit, [](void* context, const ConnectionId& cid) {
      (*static_cast<std::remove_reference_t<Visit>*>(context))(cid);
    });
  }
  // True once after the peer's reset tokens changed: read them anew.
  bool take_reset_tokens_changed() {
    return multipath_ == nullptr ? path_->peer_cids().take_tokens_changed() : paths_reset_tokens_changed();
  }
  template <class Visit>
  void for_each_reset_token(Visit&& visit) const {
    visit_reset_tokens(&visit, [](void* context, const StatelessResetToken& token) {
      (*static_cast<std::remove_reference_t<Visit>*>(context))(token);
    });
  }
  [[nodiscard]] bool is_reset_token(Bytes token) const;
  // Closing and draining are over: delete it.
  [[nodiscard]] bool terminated() const { return phase_ == Phase::kTerminated; }
  [[nodiscard]] bool handshake_open() const { return !handshake_.complete && phase_ == Phase::kOpen; }

  // Commands and nouns of the public face. -------------------------------------------------------

  void close(ApplicationErrorCode code, std::string_view reason);
  void close_for(const TransportError& error, CloseReason::Kind kind = CloseReason::Kind::kLocalTransport);
  std::expected<void, ConfigError> set_congestion_control(std::string_view name);
  void initiate_key_update() { owed_.key_update = true; }
  void request_ping() { owed_.ping = true; }
  void keep_alive(bool on) { times_.kept_alive = on; }
  // datagrams.cc
  std::expected<void, DatagramError> send_datagram(Bytes payload, const SendDatagramOptions& options);
  std::expected<void, DatagramError> set_datagram_flow(DatagramFlowId id, const DatagramFlow& flow);
  // stream_wishes.cc
  std::expected<void, ConfigError> set_stream_wish(StreamId stream, const StreamWish& wish);
  [[nodiscard]] StreamWish stream_wish(StreamId stream) const;
  void close_datagram_flow(DatagramFlowId id);
  [[nodiscard]] DatagramStats datagram_stats() const;
  [[nodiscard]] std::optional<DatagramStats> datagram_stats(DatagramFlowId id) const;
  [[nodiscard]] std::size_t max_datagram_payload() const;
  // The application pushed a datagram when it was told of what was sent: it is our turn again.
  [[nodiscard]] bool wants_another_turn() const { return owed_.turn_after_send; }
  // Not in 0-RTT: were it rejected, the peer would not know what was promised.
  [[nodiscard]] bool may_reset_stream_at() const { return handshake_.complete && peer_.reset_stream_at; }
  // See Connection::probe and Connection::migrate.
  std::expected<void, MigrationRefusal> probe(const SocketAddress& local, bool move);
  [[nodiscard]] std::vector<NetworkPathInfo> network_paths() const;
  [[nodiscard]] MigrationStats migration_stats() const;
  [[nodiscard]] FecStats fec_stats() const;  // core.cc
  [[nodiscard]] ReceiveTimeStats receive_time_stats() const {
    return receive_timestamps_ == nullptr ? ReceiveTimeStats{} : receive_timestamps_->delay.stats();
  }

  [[nodiscard]] StreamSet& streams() { return streams_; }
  // With several, the open one with the lowest Path ID.
  [[nodiscard]] Path& path() { return *path_; }
  [[nodiscard]] const Path& path() const { return *path_; }
  // nullptr unless both ends speak the multipath extension.
  [[nodiscard]] Multipath* multipath() { return multipath_.get(); }
  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] Version version() const { return version_; }
  [[nodiscard]] bool is_server() const { return role_ == Role::kServer; }
  [[nodiscard]] bool is_open() const { return phase_ == Phase::kOpen; }
  [[nodiscard]] bool handshake_complete() const { return handshake_.complete; }
  [[nodiscard]] bool handshake_confirmed() const { return handshake_.confirmed; }
  [[nodiscard]] EarlyDataStatus early_data() const;
  [[nodiscard]] const ConnectionConfig& config() const { return config_; }
  [[nodiscard]] const ConnectionId& original_dcid() const { return ids_.original_dcid; }
  [[nodiscard]] const ConnectionId& local_cid() const { return ids_.local; }
  [[nodiscard]] ConnectionStats stats() const;
  // Octets, with this object; see ConnectionStats::memory_bytes.
  [[nodiscard]] std::size_t memory() const;
  [[nodiscard]] Timestamp now() const { return now_; }
  // The application is being told that this stream came to its orderly end.
  [[nodiscard]] bool just_ended(StreamId id) const { return tell_.ended == id; }
  void charge_turn(std::uint32_t octets) {
    constexpr std::uint32_t kMost = 1 << 20;  // each call, so that no sum overflows
    tell_.charged = std::min(tell_.charged + std::min(octets, kMost), kMost);
  }
  // It was closed since the peer sent frames without end or use.
  [[nodiscard]] bool flooded() const { return flood_guard_.tripped(); }
  // It was closed since the peer acknowledged nothing.
  [[nodiscard]] bool peer_is_deaf() const;
  // See Connection::open_path().
  std::expected<PathId, PathRefusal> open_path(const FourTuple& tuple);
  [[nodiscard]] std::vector<PathInfo> paths() const;
  std::expected<void, ConfigError> set_path_scheduler(std::string_view name);
  [[nodiscard]] std::string_view first_path_scheduler() const;  // with which several paths begin
  std::expected<void, ConfigError> set_flow_scheduler(DemandKind kind, std::uint64_t flow, std::string_view name);
  // A packet of the peer was opened: it is who the keys say.
  [[nodiscard]] bool begun() const { return handshake_.begun; }
  // Where the rooms above tell their events of this connection.
  [[nodiscard]] const EventEmitter& events() const { return emitter_; }
  [[nodiscard]] const HandshakeFacts& facts() const { return handshake_.facts; }

 private:
  friend class Multipath;  // what several Paths need of the rooms below
  friend class Fec;        // likewise
  // While it lives, another Path is the one at hand.
  class AtHand {
   public:
    AtHand(ConnectionCore& core, Path& path) : core_(core), before_(std::exchange(core.path_, &path)) {}
    ~AtHand() { core_.path_ = before_; }
    AtHand(const AtHand&) = delete;
    AtHand& operator=(const AtHand&) = delete;

   private:
    ConnectionCore& core_;
    Path* before_;
  };
  enum class Phase : std::uint8_t { kOpen, kClosing, kDraining, kTerminated };

  // One opened packet while its frames are dispatched.
  struct ReceivedPacket {
    EncryptionLevel level = EncryptionLevel::kInitial;
    PacketNumberSpace space = PacketNumberSpace::kInitial;
    PacketNumber number;
    ConnectionId dcid;
    const FourTuple* tuple = nullptr;
    Ecn ecn = Ecn::kNotEct;
    std::size_t datagram_size = 0;  // octets, for the anti-amplification credit of a new address
    std::size_t header_size = 0;    // with the packet number
    bool ack_eliciting = false;
    bool probing = true;  // only probing frames so far
    bool spin = false;    // the spin bit
    Timestamp arrived{};  // before now if it had to wait for its keys
  };
  using FrameHandler = Parsed<void> (ConnectionCore::*)(FrameReader&, ReceivedPacket&);
  using FrameHandlers = std::array<FrameHandler, kFrameTableSize>;
  static const FrameHandlers kFrameHandlers;
  static constexpr FrameHandlers make_frame_handlers();

  // receive.cc
  // Where a packet came from and with what.
  struct Arrival {
    const FourTuple& tuple;
    Ecn ecn = Ecn::kNotEct;
    std::size_t datagram_size = 0;
    const HeaderMask* mask = nullptr;     // already computed, or null
    const PacketToOpen* ahead = nullptr;  // already opened, or null; the mask is removed then
    std::optional<Timestamp> kept_since;  // of packets that waited for their keys
  };
  void open_datagrams(MutableBytes bytes, std::size_t segment_size, const FourTuple& tuple, Ecn ecn);
  std::size_t open_ahead(MutableBytes bytes, std::size_t segment_size, std::span<const HeaderMask> masks,
                         std::span<PacketToOpen> out);
  void on_datagram(MutableBytes datagram, const Arrival& arrival);
  std::size_t on_packet(MutableBytes rest, const Arrival& arrival, Bytes first_dcid);
  [[nodiscard]] bool may_open(const PacketHeader& header) const;
  [[nodiscard]] bool awaits_zero_rtt_keys() const;
  void open_packet(MutableBytes packet, const PacketHeader& header, const Arrival& arrival);
  Parsed<bool> take_opened(const PacketToOpen& ahead, ReceivedPacket& received);
  Parsed<bool> open_protected(MutableBytes packet, const PacketHeader& header, DirectionKeys* keys,
                              const Arrival& arrival, ReceivedPacket& received);
  Parsed<bool> open_payload(MutableBytes packet, DirectionKeys* keys, const ReceivedPacket& received);
  void on_opened(MutableBytes packet, const PacketHeader& header, ReceivedPacket& received);
  void on_unopened(MutableBytes packet, const PacketHeader& header);
  void on_payload(Bytes payload, ReceivedPacket& received);
  void on_packet_accepted(const ReceivedPacket& received);
  void replay_early_packets();
  void on_retry(const PacketHeader& header, Bytes packet);
  bool token_fits(const RetryPacket& retry);  // or the connection is over
  void drop_packet(const PacketHeader& header, std::size_t size, PacketDropReason reason);
  void note_spin(const ReceivedPacket& received);

  // version.cc
  [[nodiscard]] const VersionKeyTable& key_table() const;
  void set_initial_keys();
  [[nodiscard]] std::vector<std::uint8_t> version_information() const;
  [[nodiscard]] Version original_version() const;
  [[nodiscard]] bool may_adopt(Version version) const;
  DirectionKeys* read_keys(const PacketHeader& header);
  void adopt_version(Version version);
  [[nodiscard]] Version choice_for(const VersionList& offered) const;
  Parsed<void> agree_on_version(const TransportParameters& peer);
  void on_version_negotiation(const PacketHeader& header, Bytes packet);
  void restart_in(Version version);

  // frames.cc
  Parsed<void> dispatch_frames(Bytes payload, ReceivedPacket& packet);
  Parsed<void> look_for_close(FrameReader& in, ReceivedPacket& packet);
  // `handler` behind the flood guard, so that frames which carry data pay nothing for it.
  template <FrameHandler handler, std::uint32_t cost>
  Parsed<void> guarded(FrameReader& in, ReceivedPacket& packet);
  // A frame of the peer that moves nothing: PROTOCOL_VIOLATION once there are far too many.
  Parsed<void> charge(FrameReader& in, std::uint32_t cost);
  Parsed<void> on_padding(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_ping(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_ack(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_reset_stream(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_reset_stream_at(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_stop_sending(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_crypto(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_new_token(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_stream(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_max_data(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_max_stream_data(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_max_streams(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_data_blocked(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_stream_data_blocked(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_streams_blocked(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_new_connection_id(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_retire_connection_id(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_path_challenge(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_path_response(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_connection_close(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_handshake_done(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_datagram_frame(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_ack_frequency(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_immediate_ack(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_path_frame(FrameReader& in, ReceivedPacket& packet);
  Parsed<void> on_fec_frame(FrameReader& in, ReceivedPacket& packet);         // fec.cc
  [[nodiscard]] Path* path_of(std::uint64_t id);                              // multipath.cc
  [[nodiscard]] Path* first_path() { return path_of(kInitialPathId.value); }  // nullptr: it is forgotten
  [[nodiscard]] bool paths_reset_tokens_changed();
  using CidVisitor = void (*)(void* context, const ConnectionId& cid);
  using TokenVisitor = void (*)(void* context, const StatelessResetToken& token);
  void visit_routed_cids(void* context, CidVisitor visit) const;  // core.cc, as the next
  void visit_reset_tokens(void* context, TokenVisitor visit) const;
  Parsed<void> on_observed_address(FrameReader& in, ReceivedPacket& packet);  // address_reports.cc

  // ack.cc
  Parsed<void> take_ack(const AckFrame& frame, PacketNumberSpace space, FrameReader& in, Duration waited = {});
  void on_frames_recovered(PacketNumberSpace space);
  void on_frame_acked(const SentFrame& frame, PacketNumberSpace space);
  void on_frame_lost(const SentFrame& frame, PacketNumberSpace space);
  void apply_recovery(const RecoveryOutcome& outcome);
  void note_peer_max_ack_delay();

  // send.cc
  struct DatagramPlan;
  [[nodiscard]] bool can_seal_here(EncryptionLevel level) const;
  Parsed<void> maintain_keys();
  bool next_train_here(TransmitTrain& train, DatagramBuilder& builder);
  [[nodiscard]] bool may_carry_data();
  bool repeat_tail();
  bool next_challenge_train(TransmitTrain& train, DatagramBuilder& builder);
  bool write_challenge_train(TransmitTrain& train, DatagramBuilder& builder, NetworkPath& network_path);
  bool next_probe_train(TransmitTrain& train, DatagramBuilder& builder);
  bool next_repair_train(TransmitTrain& train, DatagramBuilder& builder);
  bool next_opening_train(TransmitTrain& train, DatagramBuilder& builder, std::uint64_t octets);
  std::size_t write_datagram(DatagramBuilder& builder, MutableBytes area, NetworkPath& network_path,
                             const DatagramPlan& plan);
  OpenPacket* open_packet_for(EncryptionLevel level, DatagramBuilder& builder, const NetworkPath& network_path);
  [[nodiscard]] bool has_something_to_say(EncryptionLevel level, const DatagramPlan& plan) const;
  [[nodiscard]] bool handshake_stalls(EncryptionLevel level) const;
  void write_frames(OpenPacket& packet, NetworkPath& network_path, const DatagramPlan& plan);
  void write_application_frames(PacketPayload& out, NetworkPath& network_path);
  void seal_datagram(DatagramBuilder& builder, NetworkPath& network_path, const DatagramPlan& plan);
  void seal_packet(OpenPacket& packet, DatagramBuilder& builder);
  void account_packet(OpenPacket& packet, NetworkPath& network_path, const DatagramPlan& plan);
  void seal_train(DatagramBuilder& builder);
  using FrameWriter = WriteResult (ConnectionCore::*)(PacketPayload&);
  static const std::array<FrameWriter, 6> kOneRttWriters;
  // Any of them has something to write, or a PING is owed.
  [[nodiscard]] bool wants_to_say() const;
  WriteResult write_handshake_done(PacketPayload& out);
  WriteResult write_one_rtt_crypto(PacketPayload& out);
  WriteResult write_cid_frames(PacketPayload& out);
  WriteResult write_new_token(PacketPayload& out);
  WriteResult write_ack_frequency(PacketPayload& out);
  WriteResult write_stream_control(PacketPayload& out);

  // datagrams.cc
  [[nodiscard]] DatagramQueue* datagrams() const { return extras_ != nullptr ? extras_->datagrams.get() : nullptr; }
  [[nodiscard]] bool has_datagrams() const { return datagrams() != nullptr && !datagrams()->empty(); }
  DatagramQueue& provide_datagrams();
  [[nodiscard]] std::size_t one_rtt_room() const;
  void write_data(PacketPayload& out);
  void write_datagrams_and_streams(PacketPayload& out);
  [[nodiscard]] bool only_datagrams_wait() const;
  [[nodiscard]] std::size_t even_size(std::size_t size, std::size_t area) const;
  void on_datagram_frame_resolved(const SentFrame& frame, bool acked);
  void deliver_datagrams();

  // handshake.cc
  void on_secret(EncryptionLevel level, SecretDirection direction, CipherSuite suite, Bytes secret) override;
  void on_crypto_to_send(EncryptionLevel level, Bytes bytes) override;
  Parsed<void> on_peer_transport_parameters(Bytes encoded) override;
  bool on_early_data_offered(const EarlyDataOffer& offer) override;
  void on_handshake_complete() override;
  void on_session_ticket(Bytes ticket) override;
  void on_alert(std::uint8_t alert) override;
  Parsed<void> check_peer_cids(const TransportParameters& parameters) const;
  void apply_peer_parameters(const TransportParameters& peer);
  [[nodiscard]] bool speaks_draft17(const TransportParameters& peer) const;
  [[nodiscard]] std::optional<std::uint64_t> offered_max_path_id(const TransportParameters& peer) const;
  void apply_peer_limits(const TransportParameters& peer);
  Parsed<void> feed_tls(EncryptionLevel level);
  void confirm_handshake();
  void release_handshake();
  void discard_keys(EncryptionLevel level);
  void issue_connection_ids();
  void issue_connection_ids(LocalCids& cids);
  void begin_multipath();  // multipath.cc; nothing, if it has begun or an end did not offer it
  [[nodiscard]] bool uses_paths() const { return multipath_ != nullptr && handshake_.complete; }

  // early_data.cc
  void conclude_early_data();
  void take_back_early_data();
  void release_early_data();
  void on_early_data_timeout();

  // migration.cc
  void note_peer_address(const ReceivedPacket& packet, bool is_newest);
  void note_probed_address(const ReceivedPacket& packet);
  [[nodiscard]] std::optional<std::uint64_t> cid_towards(const ReceivedPacket& packet);
  [[nodiscard]] NetworkPath make_network_path(const FourTuple& tuple, std::uint64_t peer_cid_sequence, bool validated);
  [[nodiscard]] std::optional<NetworkPath> new_network_path(const ReceivedPacket& packet);
  void follow_to_preferred(const ReceivedPacket& packet, OtherNetworkPath* known);
  void note_local_cid(const ReceivedPacket& packet);
  void follow_peer(NetworkPath to);
  void return_to_previous(MigrationState how);
  void start_validation(NetworkPath& network_path);
  void on_path_proof(NetworkPath& network_path, const PathProof& proof, bool was_validated);
  void on_active_validated();
  void probe_after_move();
  void on_validation_failed();
  void on_other_path_timeouts();
  std::expected<void, MigrationRefusal> probe_tuple(const FourTuple& tuple, bool move);
  void on_probe_validated(OtherNetworkPath& other, Duration round_trip);
  void move_to(OtherNetworkPath& other);
  [[nodiscard]] bool prefers_another_address() const;  // core.cc
  void note_preferred_address(const PreferredAddress& preferred);
  void reach_preferred_address(const SocketAddress& local);
  void log_migration(MigrationState state, const FourTuple& tuple);
  void tell_network_path(NetworkPathEvent::Kind kind, const FourTuple& tuple, Duration round_trip = Duration{0});

  // address_reports.cc
  void note_peer_address_discovery(std::optional<std::uint64_t> parameter);
  [[nodiscard]] bool owes_address_report(const NetworkPath& network_path) const;
  WriteResult write_address_report(PacketPayload& out, NetworkPath& network_path);
  void on_address_report_lost(std::uint64_t sequence);

  // receive_timestamps.cc
  void negotiate_receive_timestamps(const TransportParameters& peer);
  Parsed<void> on_receive_timestamps(FrameReader& in, const AckFrame& frame);
  // Whether ACK frames of packets of this level end in receive timestamps.
  [[nodiscard]] bool ack_timestamps(EncryptionLevel level) const {
    return receive_timestamps_ != nullptr && level == EncryptionLevel::kOneRtt;
  }

  // fec.cc
  void negotiate_fec(const TransportParameters& peer);
  // nullptr unless both sides declared it.
  [[nodiscard]] Fec* fec() const { return extras_ != nullptr ? extras_->fec.get() : nullptr; }
  [[nodiscard]] const StreamWishes* stream_wishes() const {
    return extras_ != nullptr ? extras_->stream_wishes.get() : nullptr;
  }

  // close.cc
  void enter_closing(CloseReason reason, bool tell_peer);
  void enter_draining(CloseReason reason);
  void finish(CloseReason reason);
  bool next_close_train(TransmitTrain& train, DatagramBuilder& builder);
  void write_close(EncryptionLevel level, PacketPayload& out) const;
  void emit_closed();

  // ack.cc
  void look_at_path();
  void forget_path_memory();  // its path is gone

  // timers.cc
  [[nodiscard]] Timestamp idle_deadline() const;
  [[nodiscard]] Timestamp open_deadline() const;
  [[nodiscard]] Duration idle_timeout() const;
  [[nodiscard]] Timestamp keep_alive_deadline() const;
  [[nodiscard]] Timestamp path_deadline() const;
  [[nodiscard]] Duration largest_pto() const;  // core.cc
  void on_path_timer();
  void on_loss_timeout();
  void on_path_timeouts();
  void restart_idle_timer() {
    times_.last_activity = now_;
    times_.sent_since_activity = false;
  }
  [[nodiscard]] Duration min_ack_delay() const { return declared_min_ack_delay(config_); }
  [[nodiscard]] Duration pto() const { return path_->loss().pto(PacketNumberSpace::kApplication); }

  // rest.cc
  [[nodiscard]] Timestamp rest_deadline() const;
  void rest();
  void note_movement() {
    times_.last_moved = now_;
    times_.resting = false;
  }

  // deliver.cc
  void deliver_events(Turn turn);
  void deliver_rare_events();
  void deliver_stream_events();
  void deliver_stream_event(const StreamEvent& event);

  // event_log.cc
  EventLog& event_log();
  void log_start(const FourTuple& tuple, const TransportParameters& ours);
  std::uint64_t log_tuple(const FourTuple& tuple);
  void log_packet_sent(const OpenPacket& packet, const NetworkPath& network_path, Ecn ecn, bool mtu_probe, bool probe);
  void log_packet_received(const ReceivedPacket& received, const PacketHeader& header, Bytes payload);
  void log_packet_buffered(PacketType type, std::size_t size);
  void log_train(bool sent, std::size_t size, std::size_t segment_size);
  void log_parameters(Owner side, const TransportParameters& parameters);
  void log_acked(PacketNumberSpace space, std::uint64_t count);
  void log_recovery(const RecoveryOutcome& outcome);
  void log_recovery_metrics();
  void log_congestion_state(CongestionTrigger trigger);
  void log_mtu();
  void log_sending(const TransmitTrain& train, bool may_carry_data);
  void log_blocked(bool may_carry_data);
  void log_loss_timer(bool expired);
  void log_peer_cid(const ConnectionId& before, const ConnectionId& now);
  void log_restored_parameters(const TransportParameters& remembered);
  void log_key_update(bool write, KeyTrigger trigger);
  void log_ecn_state(EcnState before, EcnState now);
  void log_state(LoggedConnectionState state);
  // Of the path at hand, where there may be several.
  [[nodiscard]] std::optional<std::uint64_t> logged_path() const {
    return multipath_ == nullptr ? std::nullopt : std::optional(path_->id().value);
  }
  void log_end();
  void log_versions(const VersionList& server, std::optional<Version> choice);

  Extras& provide_extras() {
    if (extras_ == nullptr) extras_ = std::make_unique<Extras>();
    return *extras_;
  }
  void begin(Timestamp now) {
    now_ = now;
    emitter_.set_now(now);
  }

  Migration& provide_migration();

  Role role_;
  Version version_;
  std::shared_ptr<const ConnectionConfig> shared_config_;
  const ConnectionConfig& config_;
  Ids ids_;
  CidGenerator* cids_;
  EventEmitter emitter_;
  std::unique_ptr<EventLog> event_log_;  // while someone listens
  Connection* face_ = nullptr;
  ConnectionHandler* handler_ = nullptr;
  Timestamp now_{};

  FirstOctet first_octet_;
  KeyRing keys_;
  std::unique_ptr<TlsSession> tls_;
  CryptoStreams crypto_;
  StreamSet streams_;
  std::unique_ptr<Path> initial_path_;  // until there may be others
  // The Path at hand: that of the packet which is being read or written; else see path().
  Path* path_;
  std::unique_ptr<Multipath> multipath_;
  std::unique_ptr<Extras> extras_;                             // made on demand
  std::unique_ptr<EarlyPackets> early_packets_;                // while there are any
  std::unique_ptr<EarlyData> early_data_;                      // while 0-RTT may come or go
  std::unique_ptr<ReceiveTimestampState> receive_timestamps_;  // where both sides declared them
  AckFrequencySender ack_frequency_;
  AckFrequencyReceiver peer_ack_frequency_;
  RecoveryFrames& recovery_;  // lent

  Phase phase_ = Phase::kOpen;
  Handshake handshake_;
  Peer peer_;
  Owed owed_;
  Closing closing_;
  Times times_;
  Tell tell_;
  std::unique_ptr<Migration> migration_;
  std::unique_ptr<PathMemory> path_memory_;  // with Careful Resume
  std::vector<RoutingChange> routing_changes_;
  ConnectionStats stats_;
  FloodGuard flood_guard_;
};

}  // namespace hawser::quic
