// frames.cc: hands each frame of an opened packet to the machine it is for.
// Before: receive.cc. After: streams/, path/, ack.cc, handshake.cc, migration.cc.
#include "quic/connection/core.h"
#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"
#include "quic/wire/frame_legality.h"
#include "quic/wire/frames/all_frames.h"
#include "quic/wire/frames/any_frame.h"

namespace hawser::quic {

Parsed<void> ConnectionCore::charge(FrameReader& in, std::uint32_t cost) {
  if (flood_guard_.spend(cost)) return {};
  const std::uint64_t moved = streams_.receive_window().consumed() + streams_.send_credit().used();
  if (flood_guard_.renew(cost, moved, times_.started, now_)) return {};
  return in.fault(TransportErrorCode::kProtocolViolation, "a flood of frames without use");
}

template <ConnectionCore::FrameHandler handler, std::uint32_t cost>
Parsed<void> ConnectionCore::guarded(FrameReader& in, ReceivedPacket& packet) {
  HAWSER_TRY_VOID(charge(in, cost));
  return (this->*handler)(in, packet);
}

constexpr ConnectionCore::FrameHandlers ConnectionCore::make_frame_handlers() {
  FrameHandlers table{};
  const auto set = [&table](std::uint64_t first, std::uint64_t last, FrameHandler handler) {
    for (std::uint64_t type = first; type <= last; ++type) table[frame_index(type)] = handler;
  };
  set(0x00, 0x00, &ConnectionCore::on_padding);
  set(0x01, 0x01, &ConnectionCore::guarded<&ConnectionCore::on_ping, FloodGuard::kCheap>);
  set(0x02, 0x03, &ConnectionCore::on_ack);
  set(0x04, 0x04, &ConnectionCore::guarded<&ConnectionCore::on_reset_stream, FloodGuard::kStreamEnd>);
  set(0x05, 0x05, &ConnectionCore::guarded<&ConnectionCore::on_stop_sending, FloodGuard::kStreamEnd>);
  set(0x06, 0x06, &ConnectionCore::guarded<&ConnectionCore::on_crypto, FloodGuard::kCheap>);
  set(0x07, 0x07, &ConnectionCore::guarded<&ConnectionCore::on_new_token, FloodGuard::kStreamEnd>);
  set(0x08, 0x0f, &ConnectionCore::on_stream);
  set(0x10, 0x10, &ConnectionCore::guarded<&ConnectionCore::on_max_data, FloodGuard::kCheap>);
  set(0x11, 0x11, &ConnectionCore::guarded<&ConnectionCore::on_max_stream_data, FloodGuard::kCheap>);
  set(0x12, 0x13, &ConnectionCore::guarded<&ConnectionCore::on_max_streams, FloodGuard::kCheap>);
  set(0x14, 0x14, &ConnectionCore::guarded<&ConnectionCore::on_data_blocked, FloodGuard::kCheap>);
  set(0x15, 0x15, &ConnectionCore::guarded<&ConnectionCore::on_stream_data_blocked, FloodGuard::kCheap>);
  set(0x16, 0x17, &ConnectionCore::guarded<&ConnectionCore::on_streams_blocked, FloodGuard::kCheap>);
  set(0x18, 0x18, &ConnectionCore::guarded<&ConnectionCore::on_new_connection_id, FloodGuard::kPath>);
  set(0x19, 0x19, &ConnectionCore::guarded<&ConnectionCore::on_retire_connection_id, FloodGuard::kPath>);
  set(0x1a, 0x1a, &ConnectionCore::guarded<&ConnectionCore::on_path_challenge, FloodGuard::kPath>);
  set(0x1b, 0x1b, &ConnectionCore::guarded<&ConnectionCore::on_path_response, FloodGuard::kCheap>);
  set(0x1c, 0x1d, &ConnectionCore::on_connection_close);
  set(0x1e, 0x1e, &ConnectionCore::guarded<&ConnectionCore::on_handshake_done, FloodGuard::kCheap>);
  set(0x1f, 0x1f, &ConnectionCore::guarded<&ConnectionCore::on_immediate_ack, FloodGuard::kCheap>);
  set(0x24, 0x24, &ConnectionCore::guarded<&ConnectionCore::on_reset_stream_at, FloodGuard::kStreamEnd>);
  set(0x30, 0x31, &ConnectionCore::on_datagram_frame);
  set(0x3e, 0x3f, &ConnectionCore::on_path_frame);
  set(0xaf, 0xaf, &ConnectionCore::guarded<&ConnectionCore::on_ack_frequency, FloodGuard::kCheap>);
  set(0x3e75, 0x3e7c, &ConnectionCore::on_path_frame);
  set(0x9f81a6, 0x9f81a7, &ConnectionCore::guarded<&ConnectionCore::on_observed_address, FloodGuard::kPath>);
  set(0x3afec701, 0x3afec702, &ConnectionCore::on_fec_frame);
  return table;
}

constinit const ConnectionCore::FrameHandlers ConnectionCore::kFrameHandlers = ConnectionCore::make_frame_handlers();

Parsed<void> ConnectionCore::dispatch_frames(Bytes payload, ReceivedPacket& packet) {
  FrameReader in(payload);
  if (ack_timestamps(packet.level)) [[unlikely]]
    in.expect_ack_timestamps();
  in.expect_path_code_points(peer_.path_code_points);
  if (phase_ != Phase::kOpen) [[unlikely]]
    return look_for_close(in, packet);
  while (!in.empty()) {
    HAWSER_TRY(const std::uint64_t type, in.next_type());
    HAWSER_TRY(const FrameRules* rules, check_frame(type, packet.level));
    packet.ack_eliciting |= rules->ack_eliciting;
    packet.probing &= rules->probing;
    if (phase_ != Phase::kOpen) return {};
    HAWSER_TRY_VOID((this->*kFrameHandlers[frame_index(type)])(in, packet));
  }
  return {};
}

// Nothing else counts any more; what stands before it may be anything, such as an acknowledgement.
Parsed<void> ConnectionCore::look_for_close(FrameReader& in, ReceivedPacket& packet) {
  while (!in.empty()) {
    FrameReader ahead = in;
    HAWSER_TRY(const std::uint64_t type, ahead.next_type());
    HAWSER_TRY_VOID(check_frame(type, packet.level));
    if (type == code_point(FrameType::kConnectionClose) || type == code_point(FrameType::kConnectionCloseApplication))
      return (this->*kFrameHandlers[frame_index(type)])(ahead, packet);
    HAWSER_TRY_VOID(parse_any_frame(in));
  }
  return {};
}

Parsed<void> ConnectionCore::on_padding(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY_VOID(parse_padding(in));
  return {};
}

Parsed<void> ConnectionCore::on_ping(FrameReader&, ReceivedPacket&) {
  return {};
}

Parsed<void> ConnectionCore::on_reset_stream(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const ResetStreamFrame frame, parse_reset_stream(in));
  return streams_.on_reset_stream(frame.stream_id, frame.error_code, frame.final_size);
}

Parsed<void> ConnectionCore::on_reset_stream_at(FrameReader& in, ReceivedPacket&) {
  if (!config_.reset_stream_at) return in.encoding_error("RESET_STREAM_AT was not offered");
  HAWSER_TRY(const ResetStreamAtFrame frame, parse_reset_stream_at(in));
  return streams_.on_reset_stream_at(frame.stream_id, frame.error_code, frame.final_size, frame.reliable_size);
}

// rfc9000:3.5-stop-answered rfc9000:3.5-stop-code
Parsed<void> ConnectionCore::on_stop_sending(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const StopSendingFrame frame, parse_stop_sending(in));
  return streams_.on_stop_sending(frame.stream_id, frame.error_code);
}

Parsed<void> ConnectionCore::on_crypto(FrameReader& in, ReceivedPacket& packet) {
  HAWSER_TRY(const CryptoFrame frame, parse_crypto(in));
  HAWSER_TRY_VOID(crypto_.on_crypto(packet.level, frame.offset, frame.data));
  return feed_tls(packet.level);
}

// rfc9000:19.7-server rfc9000:8.1.3-token-right-server
Parsed<void> ConnectionCore::on_new_token(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const NewTokenFrame frame, parse_new_token(in));
  if (is_server()) return in.fault(TransportErrorCode::kProtocolViolation, "NEW_TOKEN from a client");
  // One connection has use for a few; a server that sends more wastes its own time.
  constexpr std::size_t kMaxTokensPerBatch = 4;
  auto& tokens = tell_.provide_rare().tokens;
  if (tokens.size() < kMaxTokensPerBatch) tokens.emplace_back(frame.token.begin(), frame.token.end());
  return {};
}

Parsed<void> ConnectionCore::on_stream(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const StreamFrame frame, parse_stream(in));
  if (frame.data.empty()) [[unlikely]]
    HAWSER_TRY_VOID(charge(in, FloodGuard::kCheap));
  stats_.stream_bytes_received += frame.data.size();
  return streams_.on_stream(frame.stream_id, frame.offset, frame.data, frame.fin);
}

// rfc9000:4.1-limit-not-lowered rfc9000:13.3-outdated
Parsed<void> ConnectionCore::on_max_data(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const MaxDataFrame frame, parse_max_data(in));
  streams_.on_max_data(frame.maximum);
  return {};
}

Parsed<void> ConnectionCore::on_max_stream_data(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const MaxStreamDataFrame frame, parse_max_stream_data(in));
  return streams_.on_max_stream_data(frame.stream_id, frame.maximum);
}

// rfc9000:4.6-max-streams-not-lowered rfc9000:19.11-not-lowered
Parsed<void> ConnectionCore::on_max_streams(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const MaxStreamsFrame frame, parse_max_streams(in));
  return streams_.on_max_streams(frame.bidirectional, frame.maximum);
}

Parsed<void> ConnectionCore::on_data_blocked(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const DataBlockedFrame frame, parse_data_blocked(in));
  streams_.on_data_blocked(frame.limit);
  return {};
}

Parsed<void> ConnectionCore::on_stream_data_blocked(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const StreamDataBlockedFrame frame, parse_stream_data_blocked(in));
  return streams_.on_stream_data_blocked(frame.stream_id, frame.limit);
}

Parsed<void> ConnectionCore::on_streams_blocked(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const StreamsBlockedFrame frame, parse_streams_blocked(in));
  return streams_.on_streams_blocked(frame.bidirectional, frame.limit);
}

Parsed<void> ConnectionCore::on_new_connection_id(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const NewConnectionIdFrame frame, parse_new_connection_id(in));
  if (multipath_ != nullptr) return multipath_->on_new_cid(kInitialPathId, frame, in);
  HAWSER_TRY_VOID(path_->peer_cids().on_new_connection_id({.sequence = frame.sequence_number,
                                                           .retire_prior_to = frame.retire_prior_to,
                                                           .cid = frame.connection_id,
                                                           .token = frame.stateless_reset_token}));
  // RFC 9000 section 5.1.2: what was retired is no longer used from now on.
  path_->replace_retired_cids();
  return {};
}

Parsed<void> ConnectionCore::on_retire_connection_id(FrameReader& in, ReceivedPacket& packet) {
  HAWSER_TRY(const RetireConnectionIdFrame frame, parse_retire_connection_id(in));
  // RFC 9000 section 12.5: it answers a frame that nobody can have read by then.
  if (packet.level == EncryptionLevel::kZeroRtt)
    return in.fault(TransportErrorCode::kProtocolViolation, "RETIRE_CONNECTION_ID in a 0-RTT packet");
  if (multipath_ != nullptr) return multipath_->on_retire_cid(kInitialPathId, frame.sequence_number, packet);
  HAWSER_TRY(const std::optional<ConnectionId> retired,
             path_->local_cids().on_retire_connection_id(frame.sequence_number, packet.dcid));
  if (retired) {
    NetworkPath& active = path_->active();
    // Packets to another one may show from now on that only a NAT moved them.
    const LocalCids::Entry* used = path_->local_cids().find(packet.dcid);
    if (frame.sequence_number == active.local_cid_sequence() && *packet.tuple == active.tuple() && used != nullptr)
      active.set_local_cid_sequence(used->sequence);
    routing_changes_.push_back({.add = false, .cid = *retired});
    issue_connection_ids();
  }
  return {};
}

Parsed<void> ConnectionCore::on_path_challenge(FrameReader& in, ReceivedPacket& packet) {
  HAWSER_TRY(const PathChallengeFrame frame, parse_path_challenge(in));
  ++provide_migration().stats.challenges_received;
  // RFC 9000 section 8.2.2: answered on the 4-tuple it came on, or not at all if we have no
  // connection ID for it (section 9.5).
  if (path_->find(*packet.tuple) == nullptr) note_probed_address(packet);
  NetworkPath* network_path = path_->find(*packet.tuple);
  NetworkPath& active = path_->active();
  // A client learns its local address with the first packet.
  if (network_path == nullptr && active.tuple().local.family == AddressFamily::kNone) network_path = &active;
  if (network_path == nullptr) return {};
  network_path->validator().on_path_challenge(frame.data);
  // Section 9.3.3: the peer may ask because somebody else's copies of our packets came from
  // elsewhere; a packet that is not probing takes it back.
  // rfc9000:9.3.3-non-probing
  if (network_path == &active) owed_.ping = true;
  return {};
}

Parsed<void> ConnectionCore::on_path_response(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const PathResponseFrame frame, parse_path_response(in));
  NetworkPath& active = path_->active();
  const bool was_validated = active.validated();
  if (const auto proof = active.on_path_response(frame.data, now_)) {
    on_path_proof(active, *proof, was_validated);
    return {};
  }
  for (OtherNetworkPath& other : path_->others()) {
    const bool before = other.network_path.validated();
    const auto proof = other.network_path.on_path_response(frame.data, now_);
    if (!proof) continue;
    on_path_proof(other.network_path, *proof, before);
    on_probe_validated(other, proof->round_trip);
    return {};
  }
  return {};
}

Parsed<void> ConnectionCore::on_connection_close(FrameReader& in, ReceivedPacket&) {
  HAWSER_TRY(const ConnectionCloseFrame frame, parse_connection_close(in));
  enter_draining({.kind = frame.application ? CloseReason::Kind::kPeerApplication : CloseReason::Kind::kPeerTransport,
                  .error_code = frame.error_code,
                  .frame_type = frame.frame_type,
                  .reason = std::string(as_text(frame.reason_phrase))});
  return {};
}

// rfc9000:19.20-server
Parsed<void> ConnectionCore::on_handshake_done(FrameReader& in, ReceivedPacket&) {
  if (is_server()) return in.fault(TransportErrorCode::kProtocolViolation, "HANDSHAKE_DONE from a client");
  confirm_handshake();
  return {};
}

// rfc9221:5-deliver
Parsed<void> ConnectionCore::on_datagram_frame(FrameReader& in, ReceivedPacket& packet) {
  HAWSER_TRY(const DatagramFrame frame, parse_datagram(in));
  // RFC 9221 section 3.
  if (datagram_size(frame) > config_.max_datagram_frame_size)
    // rfc9221:3-too-large rfc9221:3-not-announced
    return in.fault(TransportErrorCode::kProtocolViolation, "DATAGRAM larger than max_datagram_frame_size");
  // fec:4-once
  if (fec() != nullptr && fec()->has_recovered(packet.number)) return {};
  // One that moves nothing is cheap to send and makes the application work.
  if (frame.data.empty()) [[unlikely]]
    HAWSER_TRY_VOID(charge(in, FloodGuard::kCheap));
  flood_guard_.earn(frame.data.size());
  provide_datagrams().on_received(frame.data.size());
  tell_.datagrams.push_back(frame.data);
  return {};
}

// draft-ietf-quic-ack-frequency-12 section 4.
Parsed<void> ConnectionCore::on_ack_frequency(FrameReader& in, ReceivedPacket& packet) {
  HAWSER_TRY(const AckFrequencyFrame frame, parse_ack_frequency(in));
  const Duration delay = std::chrono::microseconds(static_cast<std::int64_t>(frame.requested_max_ack_delay_us));
  if (delay < min_ack_delay())
    return in.fault(TransportErrorCode::kProtocolViolation, "ACK_FREQUENCY with a delay below min_ack_delay");
  if (!peer_ack_frequency_.accept(frame.sequence_number)) return {};
  const auto ask = [&](Path& path) {
    path.acks(packet.space).set_frequency(frame.ack_eliciting_threshold + 1, delay, frame.reordering_threshold);
  };
  ask(*path_);
  // What is asked for holds on all paths.
  if (multipath_ != nullptr) multipath_->for_each_open([&](PathSlot& slot) { ask(*slot.path); });
  return {};
}

Parsed<void> ConnectionCore::on_path_frame(FrameReader& in, ReceivedPacket& packet) {
  if (multipath_ == nullptr) return in.encoding_error("a frame of the multipath extension, which was not offered");
  return multipath_->on_frame(in, packet);
}

// ack-frequency:5-immediate
Parsed<void> ConnectionCore::on_immediate_ack(FrameReader&, ReceivedPacket& packet) {
  path_->acks(packet.space).request_immediate_ack(now_);
  return {};
}

}  // namespace hawser::quic
