// send.cc: assembles outgoing datagrams: chooses the network path and the packets, lets each
// machine write its frames by table, seals. Before: the machines. After: endpoint/endpoint.cc.
#include "quic/connection/core.h"
#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"
#include "quic/wire/frames/ack_frequency.h"
#include "quic/wire/frames/new_token.h"

namespace hawser::quic {
namespace {

// rfc9000:6-largest-minimum
constexpr std::size_t kMinInitialDatagram = 1'200;  // RFC 9000 section 14.1
constexpr EncryptionLevel kLevels[] = {EncryptionLevel::kInitial, EncryptionLevel::kZeroRtt,
                                       EncryptionLevel::kHandshake, EncryptionLevel::kOneRtt};
// RFC 9000 section 13.2.4: a sender of nothing but ACKs asks now and then for one itself.
// rfc9000:13.2.7-padding
constexpr std::uint64_t kPingAfterAckOnly = 32;

void write_ping(PacketPayload& out) {
  out.u8(0x01);
  out.record({.kind = SentFrameKind::kPing});
  out.mark_non_probing();
}

}  // namespace

// What one datagram may and must contain.
struct ConnectionCore::DatagramPlan {
  bool may_carry_data = true;  // congestion control and pacing agree
  bool challenge = false;      // path validation frames only
  bool probes_empty = false;   // what a probe of this path could carry goes on another
  bool mtu_probe = false;
  bool repair = false;     // a repair symbol and nothing else
  bool opening = false;    // a PING that is padded, and acknowledgements
  Ecn ecn = Ecn::kNotEct;  // the mark of the whole train
  std::size_t pad_to = 0;  // octets, 0: no more than rules ask
};

// What a 1-RTT packet says besides ACKs and data, in this order.
const std::array<ConnectionCore::FrameWriter, 6> ConnectionCore::kOneRttWriters = {
    &ConnectionCore::write_handshake_done, &ConnectionCore::write_one_rtt_crypto,
    &ConnectionCore::write_cid_frames,     &ConnectionCore::write_new_token,
    &ConnectionCore::write_ack_frequency,  &ConnectionCore::write_stream_control};

bool ConnectionCore::wants_to_say() const {
  return owed_.ping || owed_.handshake_done || owed_.new_token || streams_.wants_to_send_control() ||
         ack_frequency_.owes_frame() || crypto_.wants_to_send(EncryptionLevel::kOneRtt) ||
         (multipath_ != nullptr && multipath_->has_frames());
}

// On the path at hand: packets of the handshake go on the first one alone.
bool ConnectionCore::can_seal_here(EncryptionLevel level) const {
  return keys_.can_seal(level) && path_->has_space(space_of(level));
}

// Key updates of our own, before anything is sealed (RFC 9001 section 6).
// rfc9001:6-no-tls-update
Parsed<void> ConnectionCore::maintain_keys() {
  OneRttKeys& keys = keys_.one_rtt();
  const std::uint64_t generation = keys.write_generation();
  HAWSER_TRY_VOID(keys.maintain(now_, largest_pto()));
  const bool used = config_.key_update_packets != 0 && keys.packets_sealed_with_key() >= config_.key_update_packets;
  const bool old =
      config_.key_update_interval != Duration{0} && now_ - times_.keys_since >= config_.key_update_interval;
  if ((owed_.key_update || used || old) && keys.write_generation() == generation && keys.initiate_update(now_))
    owed_.key_update = false;
  if (keys.write_generation() != generation) {
    times_.keys_since = now_;
    log_key_update(true, KeyTrigger::kLocalUpdate);
  }
  return {};
}

// rfc9002:7-window rfc9000:14.2-fit
bool ConnectionCore::next_train(TransmitTrain& train, DatagramBuilder& builder, Timestamp now) {
  begin(now);
  train.size = 0;
  owed_.turn_after_send = false;
  if (phase_ == Phase::kClosing) return next_close_train(train, builder);
  if (phase_ != Phase::kOpen) return false;
  if (datagrams() != nullptr) datagrams()->begin(now);
  // rfc9000:12.3-exhausted
  if (path_->loss().out_of_numbers()) [[unlikely]] {
    finish({.kind = CloseReason::Kind::kLocalTransport,
            .error_code = static_cast<std::uint64_t>(TransportErrorCode::kAeadLimitReached),
            .reason = "packet numbers are used up"});
    return false;
  }
  // rfc9000:21.9-work
  if (peer_is_deaf()) [[unlikely]] {
    close_for({.code = TransportErrorCode::kProtocolViolation, .frame_type = 0, .reason = "nothing is acknowledged"});
    return next_close_train(train, builder);
  }
  if (keys_.one_rtt().can_seal()) {
    if (auto kept = maintain_keys(); !kept) {
      close_for(kept.error());
      return next_close_train(train, builder);
    }
  }
  if (uses_paths()) return multipath_->next_train(train, builder);
  return next_challenge_train(train, builder) || next_probe_train(train, builder) ||
         (fec() != nullptr && next_repair_train(train, builder)) || next_train_here(train, builder);
}

bool ConnectionCore::may_carry_data() {
  return uses_paths() ? multipath_->carries_data() : path_->may_send(now_);
}

// On the path at hand.
bool ConnectionCore::next_train_here(TransmitTrain& train, DatagramBuilder& builder) {
  NetworkPath& network_path = path_->active();
  std::size_t segment = network_path.mtu();
  const std::size_t max_segments = train.max_segments;
  Fec* const fec = this->fec();
  std::uint64_t fec_blocks = 0;
  if (fec != nullptr) [[unlikely]] {
    segment -= fec->room();
    fec_blocks = fec->blocks_ended();
  }
  std::size_t capacity = std::min(train.buffer.size(), std::min<std::size_t>(segment * max_segments, 65'000));
  train.tuple = network_path.tuple();
  train.segment_size = segment;
  train.ecn = network_path.ecn().mark();
  DatagramPlan plan{.probes_empty = multipath_ != nullptr && multipath_->probes_empty(), .ecn = train.ecn};
  path_->begin_sending();
  while (train.size + segment <= capacity) {
    if (builder.unsealed_full()) seal_train(builder);
    plan.may_carry_data = may_carry_data();
    const std::size_t size = write_datagram(builder, train.buffer.subspan(train.size, segment), network_path, plan);
    train.size += size;
    if (fec != nullptr && fec->blocks_ended() != fec_blocks) [[unlikely]]
      break;
    if (size == segment) continue;
    // Datagrams that are all smaller than the MTU make a train of smaller segments.
    if (size == 0 || train.size != size || !only_datagrams_wait()) break;
    segment = train.segment_size = size;
    capacity = std::min(capacity, segment * max_segments);
  }
  seal_train(builder);
  if (emitter_.sink() != nullptr) [[unlikely]]
    log_sending(train, plan.may_carry_data);
  if (!plan.may_carry_data) {
    path_->end_sending(now_);
    // rfc9002:7.8-pacing
  } else if (train.size + segment <= capacity && !streams_.wants_to_send_data() && !has_datagrams()) {
    path_->loss().on_app_limited();
    path_->pacer().stop_waiting();
    if (path_->loss().bytes_in_flight() != 0 && repeat_tail() && train.size == 0)
      return next_train_here(train, builder);
  }
  if (train.size == 0) return false;
  if (train.size < segment) train.segment_size = train.size;
  owed_.sent_since_told = true;
  return true;
}

// The copies go into the trains that follow. Several paths have ways of their own.
bool ConnectionCore::repeat_tail() {
  if (multipath_ != nullptr) return false;
  recovery_.clear();
  const std::uint64_t sent = streams_.send_credit().used();
  if (!path_->loss().repeat_last_flight(sent, recovery_) && !path_->loss().repeat_tail(sent, recovery_)) return false;
  for (const SentFrame& frame : recovery_.lost) streams_.on_frame_lost(frame);
  return true;
}

// PATH_CHALLENGE and PATH_RESPONSE go alone, expanded, on the network path they are about.
// rfc9000:8.2.2-no-delay
bool ConnectionCore::next_challenge_train(TransmitTrain& train, DatagramBuilder& builder) {
  if (!keys_.can_seal(EncryptionLevel::kOneRtt) || !handshake_.complete) return false;
  if (write_challenge_train(train, builder, path_->active())) return true;
  for (OtherNetworkPath& other : path_->others())
    if (write_challenge_train(train, builder, other.network_path)) return true;
  return false;
}

// rfc9000:8.2.1-expanded rfc9000:8.2.2-expanded rfc9000:8.2.2-same-path rfc9000:8.2.2-amplification
// rfc9000:21.5.3-no-data
bool ConnectionCore::write_challenge_train(TransmitTrain& train, DatagramBuilder& builder, NetworkPath& network_path) {
  const PathValidator& validator = network_path.validator();
  if (!validator.challenge_due(now_) && !validator.response_owed()) return false;
  // The peer may have retired its connection ID without giving enough others.
  if (!path_->peer_cids().is_active(network_path.peer_cid_sequence())) return false;
  const std::size_t credit = network_path.anti_amplification().credit();
  const std::size_t area = std::min({kMinInitialDatagram, credit, train.buffer.size()});
  train.tuple = network_path.tuple();
  // Marks elsewhere would upset the counts by which the active path's are checked.
  train.ecn = &network_path == &path_->active() ? network_path.ecn().mark() : Ecn::kNotEct;
  const std::size_t size = write_datagram(builder, train.buffer.first(area), network_path,
                                          {.challenge = true, .ecn = train.ecn, .pad_to = area});
  seal_train(builder);
  train.size = train.segment_size = size;
  if (size == 0) return false;
  log_train(true, size, size);
  return true;
}

bool ConnectionCore::next_probe_train(TransmitTrain& train, DatagramBuilder& builder) {
  if (!handshake_.confirmed) return false;
  NetworkPath& network_path = path_->active();
  const std::size_t size = network_path.mtu_prober().next_probe(now_);
  if (size == 0 || size > train.buffer.size() || !path_->may_send(now_)) return false;
  train.tuple = network_path.tuple();
  train.ecn = Ecn::kNotEct;
  train.size = train.segment_size =
      write_datagram(builder, train.buffer.first(size), network_path, {.mtu_probe = true, .pad_to = size});
  seal_train(builder);
  log_train(true, train.size, train.segment_size);
  network_path.mtu_prober().on_probe_sent(static_cast<std::uint16_t>(train.size), now_);
  return true;
}

// Repair symbols for the packets before them, a packet each.
bool ConnectionCore::next_repair_train(TransmitTrain& train, DatagramBuilder& builder) {
  NetworkPath& network_path = path_->active();
  std::size_t segment = std::min<std::size_t>(network_path.mtu(), train.buffer.size());
  train.tuple = network_path.tuple();
  train.ecn = network_path.ecn().mark();
  while (train.segments() < train.max_segments && train.size + segment <= train.buffer.size() && fec()->repair_due()) {
    if (builder.unsealed_full()) seal_train(builder);
    const std::size_t size = write_datagram(builder, train.buffer.subspan(train.size, segment), network_path,
                                            {.repair = true, .ecn = train.ecn});
    if (size == 0) break;
    fec()->on_repair_sent(size);
    train.size += size;
    if (size != segment && train.size != size) break;
    segment = train.segment_size = size;
  }
  seal_train(builder);
  if (train.size == 0) return false;
  log_train(true, train.size, train.segment_size);
  return true;
}

// On a path that is not validated: at least `octets` without data, as far as window and credit go. One more challenge
// has room in the credit after it.
bool ConnectionCore::next_opening_train(TransmitTrain& train, DatagramBuilder& builder, std::uint64_t octets) {
  NetworkPath& network_path = path_->active();
  train.tuple = network_path.tuple();
  train.ecn = network_path.ecn().mark();
  while (train.size < octets && train.segments() < train.max_segments &&
         train.size + kMinInitialDatagram <= train.buffer.size() && path_->may_send(now_) &&
         network_path.anti_amplification().allows(2 * kMinInitialDatagram)) {
    if (builder.unsealed_full()) seal_train(builder);
    const std::size_t size =
        write_datagram(builder, train.buffer.subspan(train.size, kMinInitialDatagram), network_path,
                       {.opening = true, .ecn = train.ecn, .pad_to = kMinInitialDatagram});
    if (size == 0) break;
    train.size += size;
    train.segment_size = size;
  }
  seal_train(builder);
  if (train.size == 0) return false;
  log_train(true, train.size, train.segment_size);
  return true;
}

// Writes one datagram into `area`; returns its octets, 0 if there is nothing to say.
std::size_t ConnectionCore::write_datagram(DatagramBuilder& builder, MutableBytes area, NetworkPath& network_path,
                                           const DatagramPlan& plan) {
  if (!network_path.anti_amplification().allows(area.size())) {
    path_->loss().set_amplification_limited(true, now_);
    return 0;
  }
  builder.begin(area);
  bool has_initial = false;
  bool initial_elicits = false;
  for (const EncryptionLevel level : kLevels) {
    if (!can_seal_here(level) || !has_something_to_say(level, plan)) continue;
    OpenPacket* packet = open_packet_for(level, builder, network_path);
    if (packet == nullptr) break;
    write_frames(*packet, network_path, plan);
    if (packet->payload.empty()) {
      builder.abandon_last();
      continue;
    }
    if (level == EncryptionLevel::kInitial) {
      has_initial = true;
      initial_elicits = packet->payload.ack_eliciting();
    }
  }
  if (builder.empty()) return 0;
  if (has_initial && (!is_server() || initial_elicits)) builder.pad_to(kMinInitialDatagram);
  if (plan.pad_to != 0) {
    builder.pad_to(plan.pad_to);
  } else if (has_datagrams()) {
    builder.pad_to(even_size(builder.size(), area.size()));
  }
  seal_datagram(builder, network_path, plan);
  return builder.size();
}

// rfc9000:7.2-dcid-constant rfc9000:12.2-one-connection rfc9000:8.1.3-token-included
OpenPacket* ConnectionCore::open_packet_for(EncryptionLevel level, DatagramBuilder& builder,
                                            const NetworkPath& network_path) {
  const PacketNumberSpace space = space_of(level);
  LossDetector& loss = path_->loss();
  PacketHeaderParts parts{.level = level,
                          .version = level == EncryptionLevel::kZeroRtt ? early_data_->version : version_,
                          .dcid = path_->peer_cid(network_path).view(),
                          .scid = ids_.local.view()};
  if (level == EncryptionLevel::kInitial && !is_server()) parts.token = handshake_.token;
  if (level == EncryptionLevel::kOneRtt) parts.key_phase = keys_.one_rtt().write_key_phase();
  OpenPacket* const packet =
      builder.open(parts, loss.next_packet_number(space, cids_->random()), loss.largest_acknowledged(space));
  if (packet != nullptr) packet->payload.use_path_code_points(peer_.path_code_points);
  if (packet != nullptr && !first_octet_.plain())
    *packet->start ^= first_octet_.flips(level == EncryptionLevel::kOneRtt, network_path.spin(), cids_->random());
  return packet;
}

// rfc9002:7.5-not-blocked
bool ConnectionCore::has_something_to_say(EncryptionLevel level, const DatagramPlan& plan) const {
  const PacketNumberSpace space = space_of(level);
  if (plan.challenge || plan.mtu_probe || plan.repair || plan.opening) return level == EncryptionLevel::kOneRtt;
  if (path_->acks(space).ack_due(now_) || path_->loss().probes_owed(space) != 0) return true;
  if (handshake_stalls(level)) return true;
  if (!plan.may_carry_data) return false;
  if (crypto_.wants_to_send(level)) return true;
  if (space != PacketNumberSpace::kApplication) return false;
  return streams_.wants_to_send() || owed_.handshake_done || owed_.new_token || owed_.ping ||
         ack_frequency_.owes_frame() || has_datagrams() || std::as_const(*path_).local_cids().has_frames() ||
         path_->peer_cids().has_frames() || owes_address_report(path_->active()) ||
         (multipath_ != nullptr && multipath_->has_frames());
}

// Lost handshake octets wait for a window that early 1-RTT data fills, which the peer cannot
// acknowledge before it has those octets; with nothing in flight in their space no probe timeout
// would free them. They pass the window as a probe would (RFC 9002 section 7.5).
bool ConnectionCore::handshake_stalls(EncryptionLevel level) const {
  return level != EncryptionLevel::kOneRtt && crypto_.wants_to_send(level) &&
         !path_->loss().ack_eliciting_in_flight(space_of(level));
}

void ConnectionCore::write_frames(OpenPacket& packet, NetworkPath& network_path, const DatagramPlan& plan) {
  const PacketNumberSpace space = space_of(packet.level);
  PacketPayload& out = packet.payload;
  if (plan.mtu_probe) {
    write_ping(out);
    return;
  }
  if (plan.challenge) {
    (void)network_path.validator().write_responses(out);
    if (network_path.validator().challenge_due(now_))
      (void)network_path.validator().write_challenge(out, cids_->random(), now_, plan.pad_to >= kMinInitialDatagram);
    // address-discovery:5-bundle
    (void)write_address_report(out, network_path);
    return;
  }
  if (plan.repair) return fec()->write_repair(out);
  LossDetector& loss = path_->loss();
  const bool probe = loss.probes_owed(space) != 0;
  // rfc9000:13.2.6-same-space rfc9000:13.2.6-one-rtt rfc9000:13.2.6-zero-rtt rfc9000:17.2.3-ack-in-one-rtt
  AckTracker& acks = path_->acks(space);
  if (acks.ack_due(now_) || acks.has_news()) {
    if (fec() != nullptr && packet.level == EncryptionLevel::kOneRtt) [[unlikely]]
      fec()->write_recovered(out);
    const bool names_path = uses_paths() && space == PacketNumberSpace::kApplication;
    const auto path_id = names_path ? std::optional(path_->id()) : std::nullopt;
    // receive-ts:3-one-rtt
    ReceiveTimes* const times = ack_timestamps(packet.level) ? &receive_timestamps_->arrivals : nullptr;
    if (acks.write_ack(out, now_, kAckDelayExponent, path_id, times) == WriteResult::kDone) ++stats_.acks_sent;
    if (names_path) multipath_->write_other_acks(out);
  }
  if (plan.opening) return write_ping(out);
  const bool fills_probe = probe && !plan.probes_empty;
  if ((plan.may_carry_data || fills_probe || handshake_stalls(packet.level)) &&
      loss.can_track(space, PacketPayload::kMaxFrames)) {
    // A client has nothing for a 0-RTT packet that may not be in one: what else the table below
    // writes answers the server, and its packets are read from when 0-RTT is over.
    if (space == PacketNumberSpace::kApplication) {
      // A peer that was asked for few ACKs owes the probe one at once.
      if (probe && ack_frequency_.is_negotiated() && out.room() > 0) {
        write_immediate_ack(out, {});
        out.record({.kind = SentFrameKind::kImmediateAck});
      }
      write_application_frames(out, network_path);
    } else {
      (void)crypto_.write_crypto(out, packet.level);
      out.mark_non_probing();
    }
  }
  // RFC 9002 section 6.2.4: a probe elicits an ACK whatever else it says.
  if (probe && !out.ack_eliciting() && out.room() > 0) write_ping(out);
  // rfc9000:13.2.1-no-feedback
  if (!out.ack_eliciting() && !out.empty() && out.room() > 0 &&
      loss.packets_since_ack_eliciting(space) >= kPingAfterAckOnly)
    write_ping(out);
}

// rfc9000:13.2-include-ack rfc9000:13.2.1-with-others rfc9002:6.2.4-new-data rfc9002:6.2.4-ping
void ConnectionCore::write_application_frames(PacketPayload& out, NetworkPath& network_path) {
  out.mark_non_probing();
  if (multipath_ != nullptr && multipath_->write_copies(out)) return;
  if (owed_.ping && out.room() > 0) {
    write_ping(out);
    owed_.ping = false;
  }
  if (owes_address_report(network_path)) [[unlikely]] {
    // Nothing else goes on a path that nobody chose for it, and that may be dead.
    const bool alone = uses_paths() && multipath_->only_reports();
    if (write_address_report(out, network_path) == WriteResult::kPacketFull || alone) return;
  }
  for (const FrameWriter write : kOneRttWriters)
    if ((this->*write)(out) == WriteResult::kPacketFull) return;
  write_data(out);
}

// rfc9000:13.3-handshake-done
WriteResult ConnectionCore::write_handshake_done(PacketPayload& out) {
  if (!owed_.handshake_done) return WriteResult::kDone;
  if (out.room() < 1) return WriteResult::kPacketFull;
  out.u8(0x1e);
  out.record({.kind = SentFrameKind::kHandshakeDone});
  owed_.handshake_done = false;
  return WriteResult::kDone;
}

WriteResult ConnectionCore::write_one_rtt_crypto(PacketPayload& out) {
  if (!crypto_.wants_to_send(EncryptionLevel::kOneRtt)) return WriteResult::kDone;
  return crypto_.write_crypto(out, EncryptionLevel::kOneRtt);
}

WriteResult ConnectionCore::write_cid_frames(PacketPayload& out) {
  if (multipath_ != nullptr) return multipath_->write_frames(out);
  if (path_->peer_cids().has_frames() && path_->peer_cids().write_retirements(out) == WriteResult::kPacketFull)
    return WriteResult::kPacketFull;
  return path_->local_cids().has_frames() ? path_->local_cids().write_new_connection_ids(out) : WriteResult::kDone;
}

WriteResult ConnectionCore::write_new_token(PacketPayload& out) {
  if (!owed_.new_token) return WriteResult::kDone;
  const NewTokenFrame frame{handshake_.new_token};
  if (out.room() < new_token_size(frame)) return WriteResult::kPacketFull;
  quic::write_new_token(out, frame);
  out.record({.kind = SentFrameKind::kNewToken, .id = handshake_.new_token_number});
  owed_.new_token = false;
  return WriteResult::kDone;
}

WriteResult ConnectionCore::write_ack_frequency(PacketPayload& out) {
  if (!ack_frequency_.owes_frame()) return WriteResult::kDone;
  const WriteResult result = ack_frequency_.write(out);
  note_peer_max_ack_delay();
  return result;
}

WriteResult ConnectionCore::write_stream_control(PacketPayload& out) {
  return streams_.wants_to_send_control() ? streams_.write_control_frames(out, now_) : WriteResult::kDone;
}

// rfc9000:14.1-client-expands rfc9000:14.1-server-expands rfc9000:8.1-client-pads rfc9001:9.3-padded
// rfc9000:12.4-not-empty rfc9000:12.2-frames-together rfc9001:4-coalesce
void ConnectionCore::seal_datagram(DatagramBuilder& builder, NetworkPath& network_path, const DatagramPlan& plan) {
  builder.finish();
  for (OpenPacket& packet : builder.packets()) {
    if (emitter_.wants(EventGroup::kPackets))
      log_packet_sent(packet, network_path, plan.ecn, plan.mtu_probe,
                      path_->loss().probes_owed(space_of(packet.level)) != 0);
    seal_packet(packet, builder);
    account_packet(packet, network_path, plan);
  }
  const std::size_t size = builder.size();
  network_path.on_datagram_sent(size, plan.ecn, now_, pto());
  stats_.bytes_sent += size;
  if (multipath_ != nullptr) multipath_->on_datagram_sent(size);
  note_movement();
}

void ConnectionCore::seal_packet(OpenPacket& packet, DatagramBuilder& builder) {
  if (packet.level == EncryptionLevel::kOneRtt) return builder.seal_later(packet);
  LevelKeys& keys = keys_.level(packet.level);
  keys.write.packet.seal(kInitialPathId, packet.packet_number, packet.header(), packet.payload.pieces(),
                         packet.start + packet.layout.size);
  const HeaderMask mask = keys.write.header.mask(packet.start + packet.layout.pn_offset + kSampleOffset);
  protect(packet.start, packet.layout.pn_offset, packet.packet_number_length, mask);
}

// Tells recovery and the key schedule what just left.
// rfc9001:4.9.1-initial-keys rfc9001:4.9.1-no-initial rfc9002:7.5-counted
// rfc9000:19.21-congestion
void ConnectionCore::account_packet(OpenPacket& packet, NetworkPath& network_path, const DatagramPlan& plan) {
  if (fec() != nullptr && packet.level == EncryptionLevel::kOneRtt) [[unlikely]]
    fec()->on_packet_sent(packet);
  const bool eliciting = packet.payload.ack_eliciting();
  const bool in_flight = eliciting || packet.payload.padded();
  const bool is_active = &network_path == &path_->active();
  path_->loss().on_packet_sent({.space = space_of(packet.level),
                                .packet_number = packet.packet_number,
                                .size = packet.size(),
                                .ack_eliciting = eliciting,
                                .in_flight = in_flight,
                                .mtu_probe = plan.mtu_probe,
                                .answer = plan.challenge,
                                .other_network_path = !is_active,
                                .ecn = plan.ecn,
                                .frames = packet.payload.frames()},
                               now_);
  // rfc9002:7.7-acks
  if (in_flight && is_active) path_->pacer().on_packet_sent(packet.size(), now_);
  if (eliciting && !times_.sent_since_activity) {
    // RFC 9000 section 10.1: the first packet after silence restarts the idle timer as well.
    times_.sent_since_activity = true;
    times_.last_activity = now_;
  }
  ++stats_.packets_sent;
  if (packet.level == EncryptionLevel::kZeroRtt) early_data_->packets_end = packet.packet_number.value + 1;
  // RFC 9001 section 4.9.1: a client needs no Initial keys once it sends Handshake packets.
  if (!is_server() && packet.level == EncryptionLevel::kHandshake) discard_keys(EncryptionLevel::kInitial);
}

// Seals all 1-RTT packets of the train at once, and then protects their headers.
void ConnectionCore::seal_train(DatagramBuilder& builder) {
  std::array<const std::uint8_t*, DatagramBuilder::kMaxUnsealed> samples;
  std::array<HeaderMask, DatagramBuilder::kMaxUnsealed> masks;
  const std::span<const UnmaskedPacket> packets = builder.unmasked();
  if (packets.empty()) return;
  keys_.one_rtt().seal_run(path_->id(), builder.unsealed());
  for (std::size_t i = 0; i < packets.size(); ++i) samples[i] = packets[i].start + packets[i].pn_offset + kSampleOffset;
  keys_.one_rtt().write_header().masks({samples.data(), packets.size()}, masks);
  for (std::size_t i = 0; i < packets.size(); ++i)
    protect(packets[i].start, packets[i].pn_offset, packets[i].pn_length, masks[i]);
  builder.clear_unsealed();
}

}  // namespace hawser::quic
