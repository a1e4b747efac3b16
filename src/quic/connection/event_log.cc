// event_log.cc: what happens in a connection, as events. Nothing here runs unless someone listens.
#include "quic/connection/event_log.h"

#include <algorithm>
#include <array>

#include "quic/connection/core.h"
#include "quic/recovery/ack_tracker.h"
#include "quic/wire/version_negotiation.h"

namespace hawser::quic {
namespace {

LoggedPacketType logged_type(EncryptionLevel level) {
  switch (level) {
    case EncryptionLevel::kInitial:
      return LoggedPacketType::kInitial;
    case EncryptionLevel::kZeroRtt:
      return LoggedPacketType::kZeroRtt;
    case EncryptionLevel::kHandshake:
      return LoggedPacketType::kHandshake;
    default:
      return LoggedPacketType::kOneRtt;
  }
}

// What a side declared. What it left out stands with the value that this means.
// An optional parameter that is absent has no name and is passed over.
using ParameterList = std::array<NamedValue, 19>;

ParameterList values_of(const TransportParameters& p) {
  return {{{"max_idle_timeout", p.max_idle_timeout_ms},
           {"max_udp_payload_size", p.max_udp_payload_size},
           {"initial_max_data", p.initial_max_data},
           {"initial_max_stream_data_bidi_local", p.initial_max_stream_data_bidi_local},
           {"initial_max_stream_data_bidi_remote", p.initial_max_stream_data_bidi_remote},
           {"initial_max_stream_data_uni", p.initial_max_stream_data_uni},
           {"initial_max_streams_bidi", p.initial_max_streams_bidi},
           {"initial_max_streams_uni", p.initial_max_streams_uni},
           {"ack_delay_exponent", p.ack_delay_exponent},
           {"max_ack_delay", p.max_ack_delay_ms},
           // Ours. 0: not offered; an offer of 0 looks the same and is as good as none.
           {"min_ack_delay", p.min_ack_delay_us.value_or(0)},
           {"active_connection_id_limit", p.active_connection_id_limit},
           {"max_datagram_frame_size", p.max_datagram_frame_size},
           {"disable_active_migration", p.disable_active_migration, true},
           {"grease_quic_bit", p.grease_quic_bit, true},
           {"reset_stream_at", p.reset_stream_at, true},
           {p.max_receive_timestamps_per_ack ? "max_receive_timestamps_per_ack" : "",
            p.max_receive_timestamps_per_ack.value_or(0)},
           {p.address_discovery ? "address_discovery" : "", p.address_discovery.value_or(0)},
           {p.fec_schemes ? "fec" : "", p.fec_schemes.value_or(0)}}};
}

}  // namespace

EventLog& ConnectionCore::event_log() {
  if (event_log_ == nullptr) event_log_ = std::make_unique<EventLog>();
  return *event_log_;
}

void ConnectionCore::log_start(const FourTuple& tuple, const TransportParameters& ours) {
  emitter_.emit(ConnectionStarted{.local = tuple.local, .remote = tuple.remote});
  (void)log_tuple(tuple);
  log_parameters(Owner::kLocal, ours);
  log_state(LoggedConnectionState::kAttempted);
  if (!emitter_.wants(EventGroup::kRecovery)) return;
  const std::uint64_t datagram = path_->active().mtu();
  emitter_.emit(RecoveryParametersSet{.reordering_threshold = kPacketThreshold,
                                      .time_threshold = {1'125},  // 9/8, RFC 9002 section 6.1.2
                                      .timer_granularity = 1ms,
                                      .initial_rtt = config_.initial_rtt,
                                      .max_datagram_size = datagram,
                                      .initial_congestion_window = path_->controller().congestion_window(),
                                      .minimum_congestion_window = minimum_window(datagram),
                                      .persistent_congestion_threshold = kPersistentCongestionThreshold,
                                      .congestion_control = path_->controller().name()});
}

// The number of a 4-tuple, which is told when it is seen first.
std::uint64_t ConnectionCore::log_tuple(const FourTuple& tuple) {
  std::vector<FourTuple>& tuples = event_log().tuples;
  const auto found = std::find(tuples.begin(), tuples.end(), tuple);
  if (found != tuples.end()) return static_cast<std::uint64_t>(found - tuples.begin());
  // A client learns its own address with the first packet: that is no other tuple.
  if (tuples.size() == 1 && tuples[0].remote == tuple.remote && tuples[0].local.family == AddressFamily::kNone) {
    tuples[0] = tuple;
    return 0;
  }
  if (tuples.size() == EventLog::kTuplesMax) tuples.pop_back();
  tuples.push_back(tuple);
  const std::uint64_t id = tuples.size() - 1;
  emitter_.emit(TupleAssigned{.tuple_id = id, .remote = tuple.remote, .local = tuple.local});
  return id;
}

void ConnectionCore::log_packet_sent(const OpenPacket& packet, const NetworkPath& network_path, Ecn ecn, bool mtu_probe,
                                     bool probe) {
  EventLog& log = event_log();
  // A copy of the payload object, since closing its pieces is for the sealing that follows.
  PacketPayload payload = packet.payload;
  std::vector<std::uint8_t>& plain = log.frames.plain();
  plain.clear();
  for (const Bytes& piece : payload.pieces()) plain.insert(plain.end(), piece.begin(), piece.end());
  log.frames.read(plain, kAckDelayExponent, ack_timestamps(packet.level), peer_.path_code_points);
  const bool is_long = packet.level != EncryptionLevel::kOneRtt;
  const Version version = packet.level == EncryptionLevel::kZeroRtt ? early_data_->version : version_;
  PacketSent event{.packet_type = logged_type(packet.level),
                   .packet_number = packet.packet_number.value,
                   .path_id = logged_path(),
                   .pn_length = packet.packet_number_length,
                   .version = is_long ? static_cast<std::uint32_t>(version) : 0,
                   .scid = is_long ? ids_.local.view() : Bytes{},
                   .dcid = path_->peer_cid(network_path).view(),
                   .size = packet.size(),
                   .payload_size = plain.size(),
                   .frames = log.frames.frames(),
                   .is_mtu_probe = mtu_probe,
                   .trigger = probe ? PacketSentTrigger::kPtoProbe : PacketSentTrigger::kNone,
                   .ecn = static_cast<LoggedEcn>(ecn)};
  if (!is_long) {
    event.spin_bit = (*packet.start & kSpinBit) != 0;
    event.key_phase = keys_.one_rtt().write_generation();
  }
  emitter_.set_tuple(log_tuple(network_path.tuple()));
  emitter_.emit(event);
  emitter_.set_tuple(0);
}

void ConnectionCore::log_packet_received(const ReceivedPacket& received, const PacketHeader& header, Bytes payload) {
  EventLog& log = event_log();
  log.frames.read(payload, peer_.ack_delay_exponent, ack_timestamps(received.level), peer_.path_code_points);
  const bool is_long = received.level != EncryptionLevel::kOneRtt;
  PacketReceived event{.packet_type = logged_type(received.level),
                       .packet_number = received.number.value,
                       .path_id = logged_path(),
                       .version = is_long ? static_cast<std::uint32_t>(header.version) : 0,
                       .scid = header.scid,
                       .dcid = received.dcid.view(),
                       .size = header.packet_size,
                       .payload_size = payload.size(),
                       .frames = log.frames.frames(),
                       .trigger = log.replaying ? PacketReceivedTrigger::kKeysAvailable : PacketReceivedTrigger::kNone,
                       .ecn = static_cast<LoggedEcn>(received.ecn)};
  if (!is_long) {
    event.spin_bit = received.spin;
    event.key_phase = keys_.one_rtt().read_generation();
  }
  emitter_.set_tuple(log_tuple(*received.tuple));
  emitter_.emit(event);
  emitter_.set_tuple(0);
}

void ConnectionCore::log_packet_buffered(PacketType type, std::size_t size) {
  emitter_.emit(PacketBuffered{
      .packet_type = logged_type(level_of(type)), .size = size, .trigger = PacketBufferReason::kKeysUnavailable});
}

void ConnectionCore::log_train(bool sent, std::size_t size, std::size_t segment_size) {
  if (!emitter_.wants(EventGroup::kPackets) || size == 0 || segment_size == 0) return;
  const std::uint64_t count = (size + segment_size - 1) / segment_size;
  const LoggedTrain train{.size = size, .segment_size = segment_size};
  if (sent) {
    emitter_.emit(DatagramsSent{.count = count, .train = train});
  } else {
    emitter_.emit(DatagramsReceived{.count = count, .train = train});
  }
}

// What a side declared, once it took effect.
void ConnectionCore::log_parameters(Owner side, const TransportParameters& parameters) {
  const ParameterList values = values_of(parameters);
  const auto view = [](const std::optional<ConnectionId>& id) { return id ? id->view() : Bytes{}; };
  emitter_.emit(ParametersSet{.initiator = side,
                              .original_destination_connection_id = view(parameters.original_destination_connection_id),
                              .initial_source_connection_id = view(parameters.initial_source_connection_id),
                              .retry_source_connection_id = view(parameters.retry_source_connection_id),
                              .parameters = values});
}

// What a client goes by in 0-RTT packets.
void ConnectionCore::log_restored_parameters(const TransportParameters& remembered) {
  if (!emitter_.wants(EventGroup::kConnection)) return;
  const NamedValue values[] = {{"max_idle_timeout", remembered.max_idle_timeout_ms},
                               {"max_udp_payload_size", remembered.max_udp_payload_size},
                               {"active_connection_id_limit", remembered.active_connection_id_limit},
                               {"initial_max_data", remembered.initial_max_data},
                               {"initial_max_stream_data_bidi_local", remembered.initial_max_stream_data_bidi_local},
                               {"initial_max_stream_data_bidi_remote", remembered.initial_max_stream_data_bidi_remote},
                               {"initial_max_stream_data_uni", remembered.initial_max_stream_data_uni},
                               {"initial_max_streams_bidi", remembered.initial_max_streams_bidi},
                               {"initial_max_streams_uni", remembered.initial_max_streams_uni},
                               {"max_datagram_frame_size", remembered.max_datagram_frame_size}};
  emitter_.emit(ParametersRestored{.parameters = values});
}

void ConnectionCore::log_acked(PacketNumberSpace space, std::uint64_t count) {
  std::vector<Range>& numbers = event_log().acked;
  // An ACK frame lists from the largest down.
  numbers.assign(recovery_.acked_numbers.rbegin(), recovery_.acked_numbers.rend());
  emitter_.emit(PacketsAcked{
      .space = static_cast<LoggedSpace>(space), .path_id = logged_path(), .count = count, .packet_numbers = numbers});
}

void ConnectionCore::log_recovery(const RecoveryOutcome& outcome) {
  for (const LostPacket& lost : recovery_.lost_packets)
    emitter_.emit(PacketLost{
        .packet_type = lost.space == PacketNumberSpace::kInitial     ? LoggedPacketType::kInitial
                       : lost.space == PacketNumberSpace::kHandshake ? LoggedPacketType::kHandshake
                                                                     : LoggedPacketType::kOneRtt,
        .packet_number = lost.packet_number,
        .path_id = logged_path(),
        .size = lost.size,
        .is_mtu_probe = lost.mtu_probe,
        .trigger = lost.by_time ? PacketLossTrigger::kTimeThreshold : PacketLossTrigger::kReorderingThreshold});
  if (!recovery_.lost.empty()) {
    event_log().frames.remember(recovery_.lost);
    const auto frames = event_log().frames.frames();
    if (!frames.empty()) emitter_.emit(MarkedForRetransmit{.frames = frames});
  }
  log_recovery_metrics();
  log_congestion_state(outcome.persistent_congestion ? CongestionTrigger::kPersistentCongestion
                       : outcome.lost_packets != 0   ? CongestionTrigger::kLoss
                                                     : CongestionTrigger::kNone);
}

void ConnectionCore::log_recovery_metrics() {
  const LossDetector& loss = path_->loss();
  const CongestionSnapshot congestion = loss.controller().snapshot();
  RecoveryMetricsUpdated metrics{.path_id = logged_path(),
                                 .smoothed_rtt = loss.rtt().smoothed(),
                                 .latest_rtt = loss.rtt().latest(),
                                 .rtt_variance = loss.rtt().variation(),
                                 .pto_count = loss.pto_count(),
                                 .congestion_window = congestion.congestion_window,
                                 .bytes_in_flight = loss.bytes_in_flight(),
                                 .pacing_rate = path_->pacer().rate_bytes_per_second() * 8};
  if (loss.rtt().has_sample()) metrics.min_rtt = loss.rtt().min();
  if (congestion.ssthresh != UINT64_MAX) metrics.ssthresh = congestion.ssthresh;
  emitter_.emit(metrics);
}

void ConnectionCore::log_congestion_state(CongestionTrigger trigger) {
  EventLog& log = event_log();
  const std::string_view state = to_string(path_->controller().snapshot().phase);
  if (log.congestion_state == state) return;
  CongestionStateUpdated event{.path_id = logged_path(), .new_state = state, .trigger = trigger};
  if (log.congestion_state) event.old_state = *log.congestion_state;
  log.congestion_state = state;
  emitter_.emit(event);
}

void ConnectionCore::log_mtu() {
  if (!emitter_.wants(EventGroup::kConnection)) return;
  EventLog& log = event_log();
  MtuUpdated event{.new_mtu = path_->active().mtu(), .done = path_->active().mtu_prober().search_complete()};
  event.old_mtu = std::exchange(log.mtu, event.new_mtu);
  emitter_.emit(event);
}

// At the end of each turn to send.
void ConnectionCore::log_sending(const TransmitTrain& train, bool may_carry_data) {
  log_train(true, train.size, train.segment_size);
  if (emitter_.wants(EventGroup::kRecovery) && handshake_.begun) log_blocked(may_carry_data);
  if (emitter_.wants(EventGroup::kTimers)) log_loss_timer(false);
}

// What keeps us from sending, after everything was sent that could be.
void ConnectionCore::log_blocked(bool may_carry_data) {
  const LossDetector& loss = path_->loss();
  BlockedReason reason = BlockedReason::kNone;
  if (!may_carry_data) {
    // Pacing is the usual course of sending and would be told with every train.
    if (!loss.window_open()) reason = BlockedReason::kCongestionControl;
  } else if (!path_->active().anti_amplification().allows(path_->active().mtu())) {
    reason = BlockedReason::kAmplification;
  } else if (!streams_.wants_to_send_data()) {
    reason = streams_.blocked_reason();
  }
  EventLog& log = event_log();
  if (log.blocked == reason) return;
  const auto state = [](BlockedReason r) {
    return r == BlockedReason::kNone ? BlockedState::kUnblocked : BlockedState::kBlocked;
  };
  ConnectionDataBlockedUpdated event{.new_state = state(reason), .reason = reason};
  if (log.blocked) event.old_state = state(*log.blocked);
  log.blocked = reason;
  emitter_.emit(event);
}

// The loss detection timer, if it is another one than was told last (RFC 9002 appendix A.8).
void ConnectionCore::log_loss_timer(bool expired) {
  EventLog& log = event_log();
  bool is_pto = false;
  const Timestamp deadline = path_->loss().next_timeout(is_pto);
  const auto timer = [](bool pto) { return pto ? LoggedTimer::kPto : LoggedTimer::kLossTimeout; };
  if (expired) emitter_.emit(TimerUpdated{.timer = timer(log.loss_timer_is_pto), .action = TimerAction::kExpired});
  if (deadline == log.loss_deadline && is_pto == log.loss_timer_is_pto) return;
  if (deadline == kNever) {
    emitter_.emit(TimerUpdated{.timer = timer(log.loss_timer_is_pto), .action = TimerAction::kCancelled});
  } else {
    emitter_.emit(TimerUpdated{.timer = timer(is_pto), .action = TimerAction::kSet, .delta = deadline - now_});
  }
  log.loss_deadline = deadline;
  log.loss_timer_is_pto = is_pto;
}

void ConnectionCore::log_peer_cid(const ConnectionId& before, const ConnectionId& now) {
  if (before == now) return;
  emitter_.emit(ConnectionIdUpdated{.initiator = Owner::kRemote, .old_id = before.view(), .new_id = now.view()});
}

void ConnectionCore::log_ecn_state(quic::EcnState before, quic::EcnState now) {
  if (before == now) return;
  const auto logged = [](quic::EcnState state) {
    switch (state) {
      case quic::EcnState::kTesting:
        return hawser::EcnState::kTesting;
      case quic::EcnState::kUnknown:
        return hawser::EcnState::kUnknown;
      case quic::EcnState::kCapable:
        return hawser::EcnState::kCapable;
      case quic::EcnState::kFailed:
        return hawser::EcnState::kFailed;
    }
    return hawser::EcnState::kUnknown;
  };
  emitter_.emit(EcnStateUpdated{.old_state = logged(before), .new_state = logged(now)});
}

// Our own key (`write`) or the peer's came into its next phase.
void ConnectionCore::log_key_update(bool write, KeyTrigger trigger) {
  const OneRttKeys& keys = keys_.one_rtt();
  emitter_.emit(KeyUpdated{.key_type = is_server() == write ? KeyType::kServerOneRtt : KeyType::kClientOneRtt,
                           .key_phase = write ? keys.write_generation() : keys.read_generation(),
                           .trigger = trigger});
}

// What a Version Negotiation packet brought.
void ConnectionCore::log_versions(const VersionList& server, std::optional<Version> choice) {
  if (!emitter_.wants(EventGroup::kConnection)) return;
  std::array<std::uint32_t, 16> theirs;  // longer lists are cut: nobody speaks as many
  const std::size_t count = std::min(theirs.size(), server.size());
  for (std::size_t i = 0; i < count; ++i) theirs[i] = static_cast<std::uint32_t>(server[i]);
  std::array<std::uint32_t, VersionPreference::kMax> ours;
  const std::span<const Version> view = config_.versions.view();
  for (std::size_t i = 0; i < view.size(); ++i) ours[i] = static_cast<std::uint32_t>(view[i]);
  emitter_.emit(
      VersionInformation{.server_versions = {theirs.data(), count},
                         .client_versions = {ours.data(), view.size()},
                         .chosen_version = static_cast<std::uint32_t>(choice.value_or(Version::kNegotiation))});
}

void ConnectionCore::log_state(LoggedConnectionState state) {
  if (!emitter_.wants(EventGroup::kConnection)) return;
  EventLog& log = event_log();
  emitter_.emit(ConnectionStateUpdated{.old_state = std::exchange(log.state, state), .new_state = state});
}

// Nothing is told of the connection after this.
void ConnectionCore::log_end() {
  if (emitter_.sink() == nullptr) return;
  log_state(LoggedConnectionState::kClosed);
  emitter_.stop();
  event_log_.reset();
}

}  // namespace hawser::quic
