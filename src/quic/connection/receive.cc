// receive.cc: opens the packets of received datagrams and hands their frames on.
// Before: endpoint/endpoint.cc, which chose this connection. After: frames.cc.
#include "base/reader.h"
#include "quic/connection/core.h"
#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"
#include "quic/crypto/retry_tag.h"
#include "quic/wire/retry.h"

namespace hawser::quic {
namespace {

// Header protection masks are computed for at most this many datagrams of a train at once.
constexpr std::size_t kMaskBatch = 64;
// And opened at most so many at once: what they say is read while it is in the first cache.
constexpr std::size_t kOpenBatch = 8;
// RFC 9000 section 14.1: a server discards Initial packets in smaller datagrams.
// rfc9000:14.1-small-initial
constexpr std::size_t kMinInitialDatagram = 1'200;
// Of the ClientHello, in every Initial beside the token of a Retry.
constexpr std::size_t kHelloPieceMin = 32;

LoggedPacketType logged_type(PacketType type) {
  switch (type) {
    case PacketType::kInitial:
      return LoggedPacketType::kInitial;
    case PacketType::kZeroRtt:
      return LoggedPacketType::kZeroRtt;
    case PacketType::kHandshake:
      return LoggedPacketType::kHandshake;
    case PacketType::kRetry:
      return LoggedPacketType::kRetry;
    case PacketType::kOneRtt:
      return LoggedPacketType::kOneRtt;
    case PacketType::kVersionNegotiation:
      return LoggedPacketType::kVersionNegotiation;
    default:
      return LoggedPacketType::kUnknown;
  }
}

}  // namespace

void ConnectionCore::on_datagrams(MutableBytes bytes, std::size_t segment_size, const FourTuple& tuple, Ecn ecn,
                                  Timestamp now) {
  begin(now);
  note_movement();
  log_train(false, bytes.size(), segment_size);
  stats_.bytes_received += bytes.size();
  if (!uses_paths()) return open_datagrams(bytes, segment_size, tuple, ecn);
  multipath_->on_datagrams(bytes, segment_size, tuple, ecn);
}

// To the path at hand.
void ConnectionCore::open_datagrams(MutableBytes bytes, std::size_t segment_size, const FourTuple& tuple, Ecn ecn) {
  const std::size_t cid_length = cids_->length();
  while (!bytes.empty()) {
    // Short header packets of the run share a key and an offset: their masks come together.
    std::array<const std::uint8_t*, kMaskBatch> samples;
    std::array<HeaderMask, kMaskBatch> masks;
    std::size_t count = 0;
    std::size_t sampled = 0;
    const bool batch = keys_.one_rtt().can_open();
    for (std::size_t at = 0; at < bytes.size() && count < kMaskBatch; at += segment_size, ++count) {
      const std::size_t size = std::min(segment_size, bytes.size() - at);
      const bool is_short = (bytes[at] & kLongHeaderBit) == 0 && size >= 1 + cid_length + kMinProtectedLength;
      samples[count] = batch && is_short ? &bytes[at + 1 + cid_length + kSampleOffset] : bytes.data();
      if (batch && is_short) ++sampled;
    }
    const bool use_masks = sampled == count && bytes.size() >= kSampleLength;
    if (use_masks) keys_.read_header(EncryptionLevel::kOneRtt).masks({samples.data(), count}, masks);
    std::array<PacketToOpen, kOpenBatch> ahead;
    std::size_t ahead_begin = 0;
    std::size_t ahead_end = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (use_masks && i == ahead_end && count - i > 1) {
        ahead_begin = i;
        const std::size_t together = std::min(kOpenBatch, count - i);
        ahead_end += open_ahead(bytes, segment_size, std::span(masks).subspan(i, together), ahead);
      }
      const std::size_t size = std::min(segment_size, bytes.size());
      on_datagram(bytes.first(size), {.tuple = tuple,
                                      .ecn = ecn,
                                      .datagram_size = size,
                                      .mask = use_masks ? &masks[i] : nullptr,
                                      .ahead = i < ahead_end ? &ahead[i - ahead_begin] : nullptr});
      bytes = bytes.subspan(size);
      ahead_end = std::max(ahead_end, i + 1);
    }
  }
  if (early_packets_ != nullptr) replay_early_packets();
}

// Opens the first packets of `bytes` at once, one for each mask, up to the first whose keys are not
// those in use. Returns how many that were. Their numbers are told by what was received before: a
// peer writes as much of a number as that takes (RFC 9000 section 17.1).
std::size_t ConnectionCore::open_ahead(MutableBytes bytes, std::size_t segment_size, std::span<const HeaderMask> masks,
                                       std::span<PacketToOpen> out) {
  if (phase_ != Phase::kOpen || !handshake_.complete) return 0;
  OneRttKeys& keys = keys_.one_rtt();
  const std::size_t pn_offset = 1 + cids_->length();
  const auto largest = path_->acks(PacketNumberSpace::kApplication).largest_received();
  std::size_t count = 0;
  for (; count < masks.size(); ++count) {
    const MutableBytes packet = bytes.first(std::min(segment_size, bytes.size()));
    const TruncatedPacketNumber truncated = unprotect(packet.data(), pn_offset, masks[count]);
    if (((packet[0] & kKeyPhaseBit) != 0) != keys.read_key_phase()) {
      protect(packet.data(), pn_offset, truncated.length, masks[count]);
      break;
    }
    const std::size_t header_size = pn_offset + truncated.length;
    out[count] = {.number = decode_packet_number(largest, truncated.value, 8u * truncated.length),
                  .header = Bytes(packet).first(header_size),
                  .sealed = packet.subspan(header_size)};
    bytes = bytes.subspan(packet.size());
  }
  keys.open_run(path_->id(), out.first(count));
  return count;
}

// rfc9000:8.1-count-all rfc9000:12.2-individually rfc9000:12.2-go-on rfc9000:10.2.1-rate rfc9000:14-no-close
// rfc9000:8.2.1-small-accepted
void ConnectionCore::on_datagram(MutableBytes datagram, const Arrival& arrival) {
  NetworkPath* network_path = path_->find(arrival.tuple);
  if (network_path == nullptr && !is_server() && !path_->knows_remote(arrival.tuple.remote)) {
    // rfc9000:9-unknown-server
    // rfc9000:9.6-new-server-address
    // RFC 9000 section 9: a client discards what comes from addresses that the server never named.
    ++stats_.packets_dropped;
    emitter_.emit(PacketDropped{
        .packet_type = LoggedPacketType::kUnknown, .size = datagram.size(), .reason = PacketDropReason::kRejected});
    return;
  }
  if (network_path != nullptr && !network_path->validated()) {
    network_path->on_datagram_received(datagram.size());
    path_->loss().set_amplification_limited(false, now_);
  }
  if (phase_ == Phase::kClosing) {
    // RFC 9000 section 10.2.1: answers become rarer with each packet.
    if (++closing_.packets_received >= closing_.packets_until_reply) {
      closing_.packets_received = 0;
      closing_.packets_until_reply *= 2;
      closing_.packet_owed = true;
    }
  }
  if (phase_ == Phase::kDraining || phase_ == Phase::kTerminated) return;
  Bytes first_dcid;
  Arrival here = arrival;
  while (!datagram.empty()) {
    const std::size_t used = on_packet(datagram, here, first_dcid);
    if (used == 0 || used >= datagram.size()) return;
    if (first_dcid.empty()) {
      if (const auto dcid = peek_destination_cid(datagram, cids_->length())) first_dcid = *dcid;
    }
    datagram = datagram.subspan(used);
    here.mask = nullptr;
  }
}

// Returns the octets of the packet, 0 if the rest of the datagram cannot be read.
std::size_t ConnectionCore::on_packet(MutableBytes rest, const Arrival& arrival, Bytes first_dcid) {
  const std::optional<PacketHeader> header = parse_packet_header(rest, cids_->length(), config_.grease);
  if (!header) {
    ++stats_.packets_dropped;
    emitter_.emit(PacketDropped{
        .packet_type = LoggedPacketType::kUnknown, .size = rest.size(), .reason = PacketDropReason::kInvalid});
    return 0;
  }
  // rfc9000:12.2-other-dcid
  // RFC 9000 section 12.2: coalesced packets are all for the same connection ID.
  if (!first_dcid.empty() && !equal(first_dcid, header->dcid)) {
    drop_packet(*header, header->packet_size, PacketDropReason::kConnectionUnknown);
    return header->packet_size;
  }
  switch (header->type) {
    case PacketType::kVersionNegotiation:
      on_version_negotiation(*header, rest);
      return 0;
    case PacketType::kRetry:
      on_retry(*header, rest.first(header->packet_size));
      return 0;
    case PacketType::kUnsupportedVersion:
      drop_packet(*header, rest.size(), PacketDropReason::kUnsupported);
      return 0;
    case PacketType::kInitial:
      if (is_server() && arrival.datagram_size < kMinInitialDatagram) {
        emitter_.emit(DatagramDropped{.size = arrival.datagram_size, .reason = PacketDropReason::kInvalid});
        return 0;
      }
      break;
    default:
      break;
  }
  open_packet(rest.first(header->packet_size), *header, arrival);
  return header->packet_size;
}

// What can be said of a packet by its header alone.
// rfc9000:7.2-other-scid rfc9000:7.2-later-scid rfc9000:17.2.2-server-token rfc9001:5.6-client-discards
bool ConnectionCore::may_open(const PacketHeader& header) const {
  if (header.type == PacketType::kDiscard || !header.is_protected() ||
      header.packet_size < header.pn_offset + kMinProtectedLength)
    return false;
  if (!header.is_long()) return true;
  // RFC 9000 section 7.2: the peer's Source Connection ID stays as it was first seen; section
  // 17.2.2: a server's Initial has no token.
  if (handshake_.peer_cid_fixed && !equal(header.scid, ids_.first_peer.view())) return false;
  return is_server() || header.token.empty();
}

// rfc9001:4.1.4-buffer rfc9001:4.1.4-respond rfc9001:5.7-before-completion rfc9001:5.7-server rfc9001:5.7-client
// rfc9000:12.3-duplicates-after
void ConnectionCore::open_packet(MutableBytes packet, const PacketHeader& header, const Arrival& arrival) {
  const EncryptionLevel level = level_of(header.type);
  if (!may_open(header)) {
    drop_packet(header, packet.size(), PacketDropReason::kInvalid);
    return;
  }
  // RFC 9001 section 5.7: a server reads no 1-RTT packet before the handshake is complete.
  if (!keys_.can_open(level) || (level == EncryptionLevel::kOneRtt && !handshake_.complete)) {
    const bool may_come = level == EncryptionLevel::kZeroRtt ? awaits_zero_rtt_keys() : !keys_.discarded(level);
    if (may_come && early_packets_ == nullptr) early_packets_ = std::make_unique<EarlyPackets>();
    if (may_come && early_packets_->keep(level, packet, arrival.tuple, arrival.ecn, now_)) {
      if (emitter_.wants(EventGroup::kConnection)) log_packet_buffered(header.type, packet.size());
    } else {
      drop_packet(header, packet.size(), PacketDropReason::kKeyUnavailable);
    }
    return;
  }
  DirectionKeys* const keys = level != EncryptionLevel::kOneRtt ? read_keys(header) : nullptr;
  if (level != EncryptionLevel::kOneRtt && keys == nullptr) {
    drop_packet(header, packet.size(), PacketDropReason::kUnsupported);
    return;
  }
  const PacketNumberSpace space = space_of(level);
  if (!path_->has_space(space)) {
    drop_packet(header, packet.size(), PacketDropReason::kRejected);
    return;
  }
  AckTracker& acks = path_->acks(space);
  ReceivedPacket received{.level = level,
                          .space = space,
                          .dcid = ConnectionId(header.dcid),
                          .tuple = &arrival.tuple,
                          .ecn = arrival.ecn,
                          .datagram_size = arrival.datagram_size,
                          .spin = (packet[0] & kSpinBit) != 0,
                          .arrived = arrival.kept_since.value_or(now_)};
  const Parsed<bool> opened = arrival.ahead != nullptr ? take_opened(*arrival.ahead, received)
                                                       : open_protected(packet, header, keys, arrival, received);
  if (!opened) {
    close_for(opened.error());
  } else if (!*opened) {
    on_unopened(packet, header);
  } else if (acks.is_duplicate(received.number)) {
    drop_packet(header, packet.size(), PacketDropReason::kDuplicate);
  } else {
    if (header.is_long() && !is_server()) adopt_version(header.version);
    on_opened(packet, header, received);
  }
}

// What open_ahead() did for this packet.
Parsed<bool> ConnectionCore::take_opened(const PacketToOpen& ahead, ReceivedPacket& received) {
  received.number = ahead.number;
  received.header_size = ahead.header.size();
  return keys_.one_rtt().on_opened_in_run(path_->id(), ahead, now_);
}

Parsed<bool> ConnectionCore::open_protected(MutableBytes packet, const PacketHeader& header, DirectionKeys* keys,
                                            const Arrival& arrival, ReceivedPacket& received) {
  const std::uint8_t* sample = packet.data() + header.pn_offset + kSampleOffset;
  const HeaderMask mask = arrival.mask != nullptr
                              ? *arrival.mask
                              : (keys != nullptr ? keys->header : keys_.read_header(received.level)).mask(sample);
  const TruncatedPacketNumber truncated = unprotect(packet.data(), header.pn_offset, mask);
  received.number =
      decode_packet_number(path_->acks(received.space).largest_received(), truncated.value, 8u * truncated.length);
  received.header_size = header.pn_offset + truncated.length;
  return open_payload(packet, keys, received);
}

// rfc9000:7.2-dcid-changed-once rfc9000:7.2-server-dcid rfc9000:17.2-reserved-received
// rfc9000:17.3.1-reserved-received rfc9001:7-caution
void ConnectionCore::on_opened(MutableBytes packet, const PacketHeader& header, ReceivedPacket& received) {
  if (!handshake_.peer_cid_fixed && header.is_long()) {
    // RFC 9000 section 7.2: a server chooses its connection ID with its first packet; packets go
    // there from now on. A client's is believed only here, once a packet with it was authentic:
    // were it taken from a damaged first Initial, every later one would be dropped.
    const ConnectionId before = std::exchange(ids_.first_peer, ConnectionId(header.scid));
    if (emitter_.wants(EventGroup::kConnection) && !is_server()) log_peer_cid(before, ids_.first_peer);
    path_->peer_cids().set_initial(ids_.first_peer);
    handshake_.peer_cid_fixed = true;
  }
  ++stats_.packets_received;
  const std::uint8_t reserved = header.is_long() ? kLongReservedBits : kShortReservedBits;
  if ((packet[0] & reserved) != 0) {
    close_for({TransportErrorCode::kProtocolViolation, 0, "reserved bits of a header are not 0"});
    return;
  }
  const Bytes payload =
      Bytes(packet).subspan(received.header_size, packet.size() - received.header_size - kAeadTagLength);
  if (emitter_.wants(EventGroup::kPackets)) log_packet_received(received, header, payload);
  on_payload(payload, received);
}

Parsed<bool> ConnectionCore::open_payload(MutableBytes packet, DirectionKeys* keys, const ReceivedPacket& received) {
  const Bytes header = Bytes(packet).first(received.header_size);
  const MutableBytes sealed = packet.subspan(received.header_size);
  if (keys != nullptr) return keys->packet.open(kInitialPathId, received.number, header, sealed);
  const std::uint64_t read_before = keys_.one_rtt().read_generation();
  const std::uint64_t write_before = keys_.one_rtt().write_generation();
  auto opened =
      keys_.one_rtt().open(path_->id(), received.number, (packet[0] & kKeyPhaseBit) != 0, header, sealed, now_);
  if (keys_.one_rtt().read_generation() != read_before) log_key_update(false, KeyTrigger::kRemoteUpdate);
  if (keys_.one_rtt().write_generation() != write_before) {
    times_.keys_since = now_;
    log_key_update(true, KeyTrigger::kRemoteUpdate);
  }
  return opened;
}

// RFC 9000 section 10.3.1: a packet that cannot be opened may be a stateless reset.
void ConnectionCore::on_unopened(MutableBytes packet, const PacketHeader& header) {
  if (header.type == PacketType::kOneRtt && packet.size() >= 5 + kStatelessResetTokenLength &&
      is_reset_token(Bytes(packet).last(kStatelessResetTokenLength))) {
    on_stateless_reset(now_);
    return;
  }
  drop_packet(header, packet.size(), PacketDropReason::kDecryptionFailure);
}

// rfc9000:12.4-empty rfc9000:13.1-processed-first
void ConnectionCore::on_payload(Bytes payload, ReceivedPacket& received) {
  if (phase_ != Phase::kOpen) {
    // Only the peer's own CONNECTION_CLOSE still matters (RFC 9000 section 10.2.1).
    (void)dispatch_frames(payload, received);
    return;
  }
  if (payload.empty()) {
    close_for({TransportErrorCode::kProtocolViolation, 0, "packet without frames"});
    return;
  }
  if (!handshake_.begun) {
    handshake_.begun = true;
    log_state(LoggedConnectionState::kHandshakeStarted);
  }
  AckTracker& acks = path_->acks(received.space);
  const std::optional<PacketNumber> largest = acks.largest_received();
  const bool is_newest = !largest || received.number > *largest;
  if (auto dispatched = dispatch_frames(payload, received); !dispatched) {
    close_for(dispatched.error());
    return;
  }
  // rfc9000:13.2.5-key-delay
  acks.on_packet_received(received.number, received.ack_eliciting, received.ecn, received.arrived);
  // Of one number space: with multipath PATH_ACK frames acknowledge, which have no times.
  if (ack_timestamps(received.level) && path_->id() == kInitialPathId) [[unlikely]]
    receive_timestamps_->arrivals.on_packet_received(received.number, now_);
  if (received.ecn == Ecn::kCe) ++stats_.ecn_ce_received;
  if (phase_ != Phase::kOpen) return;
  release_handshake();
  on_packet_accepted(received);
  if (received.level != EncryptionLevel::kOneRtt) return;
  if (fec() != nullptr) [[unlikely]]
    fec()->on_packet(payload, received);
  if (first_octet_.spins() && is_newest) [[unlikely]]
    note_spin(received);
  note_peer_address(received, is_newest);
}

// RFC 9000 section 17.4: a server shows the bit as it came, a client the other one. Where the bit does not
// spin, what comes is not looked at.
// rfc9000:17.4-ignored
void ConnectionCore::note_spin(const ReceivedPacket& received) {
  NetworkPath* const network_path = path_->find(*received.tuple);
  if (network_path == nullptr) return;
  const bool spin = received.spin == is_server();
  if (network_path == &path_->active() && network_path->spin() != spin) emitter_.emit(SpinBitUpdated{.state = spin});
  network_path->set_spin(spin);
}

void ConnectionCore::on_packet_accepted(const ReceivedPacket& received) {
  times_.last_received = now_;
  restart_idle_timer();
  if (received.level != EncryptionLevel::kHandshake) return;
  if (is_server()) {
    // RFC 9000 section 8.1, RFC 9001 section 4.9.1.
    if (!path_->active().validated()) {
      path_->active().on_validated();
      path_->loss().set_amplification_limited(false, now_);
    }
    discard_keys(EncryptionLevel::kInitial);
  }
}

// The ClientHello that offers 0-RTT is not whole yet: once it is, Handshake keys come with the verdict.
bool ConnectionCore::awaits_zero_rtt_keys() const {
  return is_server() && early_data_ != nullptr && !handshake_.complete &&
         !keys_.can_seal(EncryptionLevel::kHandshake) && !keys_.discarded(EncryptionLevel::kZeroRtt);
}

// Keys that came with this batch may open packets that came before them.
void ConnectionCore::replay_early_packets() {
  auto& replayed = tell_.provide_rare().replayed;
  replayed.reserve(EarlyPackets::kMaxPackets);  // references stay good
  for (const EncryptionLevel level :
       {EncryptionLevel::kZeroRtt, EncryptionLevel::kHandshake, EncryptionLevel::kOneRtt}) {
    const bool ready = keys_.can_open(level) && (level != EncryptionLevel::kOneRtt || handshake_.complete);
    const bool in_vain = level == EncryptionLevel::kZeroRtt ? !awaits_zero_rtt_keys() : keys_.discarded(level);
    if (!ready && !in_vain) continue;
    for (EarlyPacket& early : early_packets_->take(level)) {
      if (!ready || phase_ != Phase::kOpen) continue;
      // Kept until the end of the batch, for what the application reads may lie in it.
      EarlyPacket& kept = replayed.emplace_back(std::move(early));
      if (event_log_ != nullptr) event_log_->replaying = true;
      const Arrival arrival{
          .tuple = kept.tuple, .ecn = kept.ecn, .datagram_size = kept.octets.size(), .kept_since = kept.arrived};
      if (uses_paths()) {
        multipath_->on_early_packet(kept.octets, arrival);
      } else {
        (void)on_packet(kept.octets, arrival, {});
      }
      if (event_log_ != nullptr) event_log_->replaying = false;
    }
  }
  if (early_packets_->empty()) early_packets_.reset();
}

void ConnectionCore::drop_packet(const PacketHeader& header, std::size_t size, PacketDropReason reason) {
  ++stats_.packets_dropped;
  emitter_.emit(PacketDropped{.packet_type = logged_type(header.type), .size = size, .reason = reason});
}

// Every Initial has the whole token, and no path has to carry larger datagrams than the first ones of a connection.
// With one that leaves no room there is nothing that the server would listen to, CONNECTION_CLOSE included.
bool ConnectionCore::token_fits(const RetryPacket& retry) {
  const LongHeader header{.type = PacketType::kInitial,
                          .version = version_,
                          .dcid = retry.scid,
                          .scid = ids_.local.view(),
                          .token = retry.token,
                          .packet_number_length = 4};
  const std::size_t datagram = path_->active().mtu();
  if (long_header_size(header) + kHelloPieceMin + kAeadTagLength <= datagram) return true;
  finish({.kind = CloseReason::Kind::kLocalTransport,
          .error_code = static_cast<std::uint64_t>(TransportErrorCode::kInternalError),
          .reason = "the server's Retry has a token of " + std::to_string(retry.token.size()) +
                    " octets, with which no Initial fits a datagram of " + std::to_string(datagram)});
  return false;
}

// rfc9000:17.2.5.1-use-scid rfc9000:17.2.5.2-one rfc9000:17.2.5.2-after-initial rfc9000:17.2.5.2-tag
// rfc9000:17.2.5.2-scid-kept rfc9000:17.2.5.3-same-message rfc9000:8.1.2-token-repeated
// rfc9000:17.2.5.1-scid-same
void ConnectionCore::on_retry(const PacketHeader& header, Bytes packet) {
  // RFC 9000 section 17.2.5.2: one Retry, and none after another packet of the server.
  const std::optional<RetryPacket> retry = parse_retry(header, packet);
  if (is_server() || handshake_.begun || handshake_.retried || phase_ != Phase::kOpen || !retry ||
      !equal(header.dcid, ids_.local.view()) || equal(header.scid, ids_.original_dcid.view()) ||
      // rfc9369:4.1-same-version
      header.version != version_ || !verify_retry_integrity_tag(key_table(), ids_.original_dcid, packet)) {
    drop_packet(header, packet.size(), PacketDropReason::kRejected);
    return;
  }
  handshake_.retried = true;
  if (!token_fits(*retry)) return;
  ids_.retry_scid = ConnectionId(retry->scid);
  // rfc9000:8.1.3-retry-token-once rfc9000:8.1.3-retry-token-now
  handshake_.token.assign(retry->token.begin(), retry->token.end());
  const ConnectionId before = std::exchange(ids_.first_peer, *ids_.retry_scid);
  if (emitter_.wants(EventGroup::kConnection)) log_peer_cid(before, ids_.first_peer);
  path_->peer_cids().set_initial(ids_.first_peer);
  set_initial_keys();
  keys_.drop_alternate();
  recovery_.clear();
  path_->loss().on_retry(recovery_, now_);
  on_frames_recovered(PacketNumberSpace::kInitial);
  restart_idle_timer();
}

}  // namespace hawser::quic
