// close.cc: the end of a connection: closing, draining, gone (RFC 9000 section 10).
#include "quic/connection/core.h"
#include "quic/connection/multipath.h"
#include "quic/wire/frames/connection_close.h"

namespace hawser::quic {

// rfc9000:10.3-close-if-able rfc9000:11-signal rfc9000:11.1-close
void ConnectionCore::close(ApplicationErrorCode code, std::string_view reason) {
  if (phase_ != Phase::kOpen) return;
  enter_closing({.kind = CloseReason::Kind::kLocalApplication, .error_code = code, .reason = std::string(reason)},
                true);
}

// rfc9000:11-appropriate rfc9000:5.2-undo-or-error
void ConnectionCore::close_for(const TransportError& error, CloseReason::Kind kind) {
  if (phase_ != Phase::kOpen) return;
  std::string reason(error.reason);
  // TLS knows better what went wrong than an alert number says.
  if (tls_ != nullptr && !tls_->failure().empty()) reason = tls_->failure();
  enter_closing({.kind = kind,
                 .error_code = static_cast<std::uint64_t>(error.code),
                 .frame_type = error.frame_type,
                 .reason = std::move(reason)},
                true);
}

// rfc9000:10.2-three-pto rfc9000:10.2-not-early
void ConnectionCore::enter_closing(CloseReason reason, bool tell_peer) {
  phase_ = Phase::kClosing;
  closing_.reason = std::make_unique<CloseReason>(std::move(reason));
  closing_.packet_owed = tell_peer;
  // Section 10.2: three PTOs, in which late packets are answered.
  closing_.deadline = now_ + 3 * largest_pto();
  log_state(LoggedConnectionState::kClosing);
  emit_closed();
}

// rfc9000:10.2.2-silent rfc9000:10.2.2-no-more
void ConnectionCore::enter_draining(CloseReason reason) {
  if (phase_ == Phase::kDraining || phase_ == Phase::kTerminated) return;
  const bool was_open = phase_ == Phase::kOpen;
  phase_ = Phase::kDraining;
  closing_.deadline = now_ + 3 * largest_pto();
  log_state(LoggedConnectionState::kDraining);
  if (!was_open) return;
  closing_.reason = std::make_unique<CloseReason>(std::move(reason));
  emit_closed();
}

// Over at once: nobody is there to be told.
// rfc9000:10.2-discard
void ConnectionCore::finish(CloseReason reason) {
  if (phase_ == Phase::kTerminated) return;
  const bool was_open = phase_ == Phase::kOpen;
  phase_ = Phase::kTerminated;
  closing_.deadline = kNever;
  if (was_open) {
    closing_.reason = std::make_unique<CloseReason>(std::move(reason));
    emit_closed();
  }
  log_end();
}

void ConnectionCore::abandon(std::string_view reason, Timestamp now) {
  begin(now);
  finish({.kind = CloseReason::Kind::kLocalTransport,
          .error_code = static_cast<std::uint64_t>(TransportErrorCode::kConnectionRefused),
          .reason = std::string(reason)});
}

// rfc9000:10.3.1-drain
void ConnectionCore::on_stateless_reset(Timestamp now) {
  begin(now);
  enter_draining({.kind = CloseReason::Kind::kStatelessReset, .reason = "the peer no longer knows this connection"});
}

// rfc9000:10.2.3-one-rtt rfc9000:10.2.3-server-both rfc9000:10.2.3-before-confirmed rfc9000:10.2.3-server-initial
// rfc9000:10.2.1-unvalidated rfc9000:11.1-repeat
bool ConnectionCore::next_close_train(TransmitTrain& train, DatagramBuilder& builder) {
  if (!closing_.packet_owed) return false;
  closing_.packet_owed = false;
  const AtHand way(*this, multipath_ == nullptr ? *path_ : multipath_->best_path());
  NetworkPath& network_path = path_->active();
  const std::size_t area = std::min<std::size_t>(
      std::min<std::uint64_t>(network_path.anti_amplification().credit(), kBaseMtu), train.buffer.size());
  builder.begin(train.buffer.first(area));
  bool has_initial = false;
  for (const EncryptionLevel level :
       {EncryptionLevel::kInitial, EncryptionLevel::kHandshake, EncryptionLevel::kOneRtt}) {
    // Section 10.2.3: while the handshake is open, at every level the peer may have keys for.
    if (!can_seal_here(level) || (level != EncryptionLevel::kOneRtt && handshake_.confirmed)) continue;
    OpenPacket* packet = open_packet_for(level, builder, network_path);
    if (packet == nullptr) break;
    write_close(level, packet->payload);
    if (packet->payload.empty()) {
      builder.abandon_last();
      continue;
    }
    has_initial |= level == EncryptionLevel::kInitial;
  }
  if (builder.empty()) return false;
  if (has_initial && !is_server()) builder.pad_to(area);
  builder.finish();
  for (OpenPacket& packet : builder.packets()) {
    if (emitter_.wants(EventGroup::kPackets)) log_packet_sent(packet, network_path, Ecn::kNotEct, false, false);
    seal_packet(packet, builder);
    path_->loss().on_packet_sent(
        {.space = space_of(packet.level), .packet_number = packet.packet_number, .size = packet.size()}, now_);
    ++stats_.packets_sent;
  }
  seal_train(builder);
  train.tuple = network_path.tuple();
  train.ecn = Ecn::kNotEct;
  train.size = train.segment_size = builder.size();
  network_path.on_datagram_sent(train.size, Ecn::kNotEct, now_, pto());
  stats_.bytes_sent += train.size;
  log_train(true, train.size, train.segment_size);
  return true;
}

// rfc9000:10.2.3-converted rfc9000:10.2.3-reason-cleared
void ConnectionCore::write_close(EncryptionLevel level, PacketPayload& out) const {
  const CloseReason& reason = *closing_.reason;
  ConnectionCloseFrame frame{.application = reason.kind == CloseReason::Kind::kLocalApplication,
                             .error_code = reason.error_code,
                             .frame_type = reason.frame_type,
                             .reason_phrase = as_bytes(reason.reason)};
  if (frame.application && level != EncryptionLevel::kOneRtt) {
    // Section 10.2.3: an application's words are not shown to whoever may be listening.
    frame = {.application = false,
             .error_code = static_cast<std::uint64_t>(TransportErrorCode::kApplicationError),
             .frame_type = 0,
             .reason_phrase = {}};
  }
  if (const auto fitted = fit_connection_close(frame, out.room())) write_connection_close(out, *fitted);
}

void ConnectionCore::emit_closed() {
  const CloseReason& reason = *closing_.reason;
  const bool transport =
      reason.kind == CloseReason::Kind::kLocalTransport || reason.kind == CloseReason::Kind::kPeerTransport;
  ConnectionClosed event{.initiator = reason.kind == CloseReason::Kind::kPeerApplication ||
                                              reason.kind == CloseReason::Kind::kPeerTransport
                                          ? Owner::kRemote
                                          : Owner::kLocal,
                         .reason = reason.reason};
  if (transport) event.connection_error = reason.error_code;
  if (reason.is_application()) event.application_error = reason.error_code;
  switch (reason.kind) {
    case CloseReason::Kind::kIdleTimeout:
      event.trigger = CloseTrigger::kIdleTimeout;
      break;
    case CloseReason::Kind::kHandshakeTimeout:
      event.trigger = CloseTrigger::kHandshakeTimeout;
      break;
    case CloseReason::Kind::kStatelessReset:
      event.trigger = CloseTrigger::kStatelessReset;
      break;
    case CloseReason::Kind::kVersionMismatch:
      event.trigger = CloseTrigger::kVersionMismatch;
      break;
    default:
      event.trigger = transport ? CloseTrigger::kError : CloseTrigger::kApplication;
      break;
  }
  emitter_.emit(event);
}

std::string describe(const CloseReason& reason) {
  const auto with_code = [&reason](std::string text, std::string_view name) {
    char code[32];
    std::snprintf(code, sizeof code, " (0x%llx)", static_cast<unsigned long long>(reason.error_code));
    text += name;
    text += code;
    if (!reason.reason.empty()) text += ": " + reason.reason;
    return text;
  };
  const std::string_view transport = to_string(static_cast<TransportErrorCode>(reason.error_code));
  switch (reason.kind) {
    case CloseReason::Kind::kLocalApplication:
      return with_code("closed here with application error", "");
    case CloseReason::Kind::kPeerApplication:
      return with_code("closed by the peer with application error", "");
    case CloseReason::Kind::kLocalTransport:
      if (transport == "CRYPTO_ERROR") return with_code("the TLS handshake failed", "");
      return with_code("closed because the peer broke a rule: ", transport);
    case CloseReason::Kind::kPeerTransport:
      return with_code("closed by the peer's transport: ", transport);
    case CloseReason::Kind::kIdleTimeout:
      return "the connection timed out: nothing was received for the idle timeout";
    case CloseReason::Kind::kHandshakeTimeout:
      return "the handshake timed out: no answer from the peer";
    case CloseReason::Kind::kStatelessReset:
      return "reset by the peer, which no longer knows this connection";
    case CloseReason::Kind::kVersionMismatch:
      return reason.reason;
  }
  return reason.reason;
}

}  // namespace hawser::quic
