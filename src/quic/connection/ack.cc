// ack.cc: an acknowledgement, from the frame to every machine it concerns: recovery first,
// then congestion, path MTU and ECN, then the frames that arrived or were lost.
// Before: frames.cc. After: recovery/loss.cc, streams/, path/.
#include "quic/wire/frames/ack.h"
#include "quic/connection/ack_delay.h"
#include "quic/connection/core.h"
#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"
#include "quic/connection/path_memory.h"

namespace hawser::quic {
namespace {

// Closed ranges, as the loss detector wants them, over a frame's half-open ones.
class ClosedRanges {
 public:
  struct Closed {
    std::uint64_t smallest;
    std::uint64_t largest;
  };
  class Iterator {
   public:
    explicit Iterator(AckFrame::Iterator at) : at_(at) {}
    Closed operator*() const { return {at_->begin, at_->end - 1}; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator& o) const { return at_ == o.at_; }

   private:
    AckFrame::Iterator at_;
  };

  explicit ClosedRanges(const AckFrame& frame) : frame_(&frame) {}
  [[nodiscard]] Iterator begin() const { return Iterator(frame_->begin()); }
  [[nodiscard]] Iterator end() const { return Iterator(frame_->end()); }

 private:
  const AckFrame* frame_;
};

bool reaches_below(const AckFrame& frame, std::uint64_t number) {
  for (const auto& range : frame)
    if (range.begin < number) return true;
  return false;
}

}  // namespace

Parsed<void> ConnectionCore::on_ack(FrameReader& in, ReceivedPacket& packet) {
  HAWSER_TRY(const AckFrame frame, parse_ack(in));
  if (multipath_ != nullptr && packet.space == PacketNumberSpace::kApplication)
    return multipath_->on_initial_path_ack(frame, in);
  return take_ack(frame, packet.space, in, now_ - packet.arrived);
}

// Of packets of the path at hand. `waited`: for the keys of its packet.
Parsed<void> ConnectionCore::take_ack(const AckFrame& frame, PacketNumberSpace space, FrameReader& in,
                                      Duration waited) {
  ++stats_.acks_received;
  if (frame.timestamps) [[unlikely]]
    HAWSER_TRY_VOID(on_receive_timestamps(in, frame));
  const bool application = space == PacketNumberSpace::kApplication;
  // rfc9001:4.6.2-rejected-acknowledged
  if (early_data_ != nullptr && early_data_->rejected && application && path_->id() == kInitialPathId &&
      reaches_below(frame, early_data_->packets_end)) [[unlikely]]
    return in.fault(TransportErrorCode::kProtocolViolation, "acknowledges 0-RTT that was rejected");
  recovery_.clear();
  recovery_.wants_numbers = emitter_.wants(EventGroup::kPackets);
  LossDetector& loss = path_->loss();
  const AckReceived ack{
      .space = space,
      .largest_acknowledged = frame.largest_acknowledged(),
      .ack_delay = application ? decoded_ack_delay(frame.ack_delay, peer_.ack_delay_exponent) : Duration{0},
      .waited = waited,
      .detoured = multipath_ != nullptr && multipath_->ack_detoured(),
      .now = now_};
  HAWSER_TRY(const RecoveryOutcome outcome, loss.on_ack_received(ack, ClosedRanges(frame), recovery_));
  if (outcome.acked_packets != 0) {
    if (outcome.largest_increased && (multipath_ == nullptr || !multipath_->ack_merged())) {
      EcnValidator& ecn = path_->active().ecn();
      const EcnState ecn_before = ecn.state();
      const std::uint64_t ce =
          ecn.on_ack(static_cast<std::size_t>(space), outcome.acked_ect0, outcome.acked_ect1, frame.ecn);
      log_ecn_state(ecn_before, ecn.state());
      if (ce != 0) loss.on_ecn_ce(ce, outcome.largest_acked_sent_time, now_);
    }
    if (application) keys_.one_rtt().on_acknowledged(path_->id(), frame.largest_acknowledged(), now_);
    if (emitter_.wants(EventGroup::kPackets)) log_acked(space, outcome.acked_packets);
    if (!is_server() && space == PacketNumberSpace::kHandshake) loss.on_peer_completed_address_validation(now_);
    // RFC 9001 section 4.1.2: a server reads 1-RTT packets only after the handshake. That confirms it
    // when HANDSHAKE_DONE was lost. Of 0-RTT packets this would not be true.
    const bool of_zero_rtt = early_data_ != nullptr && path_->id() == kInitialPathId &&
                             frame.largest_acknowledged().value < early_data_->packets_end;
    if (!is_server() && application && !of_zero_rtt) confirm_handshake();
  }
  if (multipath_ != nullptr && outcome.acked_packets != 0) multipath_->on_acknowledged(outcome);
  apply_recovery(outcome);
  on_frames_recovered(space);
  // It may come late, or beside data; of nothing but old news no peer has much to tell.
  if (outcome.acked_packets == 0) [[unlikely]]
    return charge(in, FloodGuard::kCheap);
  return {};
}

// What acknowledged and lost packets mean for the path.
void ConnectionCore::apply_recovery(const RecoveryOutcome& outcome) {
  stats_.packets_lost += outcome.lost_packets;
  stats_.spurious_losses += outcome.spurious_losses;
  if (path_->active().on_recovery(outcome, now_)) {
    path_->on_mtu_changed();
    log_mtu();
  }
  if (now_ >= times_.path_memory_due) [[unlikely]]
    look_at_path();
  if (outcome.acked_packets != 0 || outcome.lost_packets != 0) path_->update_pacing_rate();
  if (uses_paths()) {
    multipath_->on_recovery(outcome);
  } else if (outcome.rtt_sampled) {
    streams_.set_rtt(path_->loss().rtt().smoothed());
  }
  if (outcome.acked_packets != 0 && handshake_.confirmed && multipath_ == nullptr)
    ack_frequency_.update(path_->controller().congestion_window() / path_->active().mtu(),
                          path_->loss().rtt().smoothed(), path_->loss().packet_threshold(),
                          path_->controller().paces_smoothly());
  if (fec() != nullptr) [[unlikely]]
    fec()->on_recovery(outcome);
  if (emitter_.wants(EventGroup::kRecovery)) log_recovery(outcome);
}

void ConnectionCore::look_at_path() {
  times_.path_memory_due = path_memory_->look(now_);
  // Where a server keeps it is the client.
  if (path_memory_->take_news() && is_server() && handshake_.complete) owed_.of_endpoint = true;
}

void ConnectionCore::forget_path_memory() {
  times_.path_memory_due = kNever;
  path_memory_.reset();
}

// Of what the peer was asked for last; it holds on all paths.
void ConnectionCore::note_peer_max_ack_delay() {
  const Duration delay = ack_frequency_.peer_max_ack_delay();
  path_->loss().set_peer_max_ack_delay(delay);
  if (multipath_ == nullptr) return;
  multipath_->for_each_open([delay](PathSlot& slot) { slot.path->loss().set_peer_max_ack_delay(delay); });
}

void ConnectionCore::on_frames_recovered(PacketNumberSpace space) {
  recovery_.for_each_acked([&](const SentFrame& frame) { on_frame_acked(frame, space); });
  for (const SentFrame& frame : recovery_.late_acked) on_frame_acked(frame, space);
  for (const SentFrame& frame : recovery_.lost) on_frame_lost(frame, space);
}

void ConnectionCore::on_frame_acked(const SentFrame& frame, PacketNumberSpace space) {
  switch (frame.kind) {
    case SentFrameKind::kAck:
      if (Path* const of = path_of(frame.id); of != nullptr && of->has_space(space))
        of->acks(space).on_ack_acked(frame);
      return;
    case SentFrameKind::kCrypto:
      crypto_.on_frame_acked(frame);
      return;
    case SentFrameKind::kNewConnectionId:
      if (multipath_ != nullptr) return multipath_->on_frame_acked(frame);
      path_->local_cids().on_new_connection_id_acked(frame.id);
      return;
    case SentFrameKind::kRetireConnectionId:
      if (multipath_ != nullptr) return multipath_->on_frame_acked(frame);
      path_->peer_cids().on_retirement_acked(frame.id);
      return;
    case SentFrameKind::kPathAbandon:
    case SentFrameKind::kPathStatus:
    case SentFrameKind::kMaxPathId:
    case SentFrameKind::kPathsBlocked:
    case SentFrameKind::kPathCidsBlocked:
      return multipath_->on_frame_acked(frame);
    case SentFrameKind::kNewToken:
      if (frame.id != handshake_.new_token_number) return;  // of the address before
      handshake_.new_token = std::vector<std::uint8_t>();
      owed_.new_token = false;
      return;
    case SentFrameKind::kAckFrequency:
      ack_frequency_.on_frame_acked(frame);
      note_peer_max_ack_delay();
      return;
    case SentFrameKind::kDatagram:
      on_datagram_frame_resolved(frame, true);
      return;
    case SentFrameKind::kDatagramCopy:
      return;
    case SentFrameKind::kObservedAddress:
      migration_->addresses.on_acked(frame.id);
      return;
    case SentFrameKind::kStreamCopy: {
      SentFrame carried = frame;
      carried.kind = SentFrameKind::kStream;
      return streams_.on_frame_acked(carried);
    }
    default:
      streams_.on_frame_acked(frame);
      return;
  }
}

void ConnectionCore::on_frame_lost(const SentFrame& frame, PacketNumberSpace space) {
  switch (frame.kind) {
    case SentFrameKind::kAck:
      // A probe timeout of one space reports what is in flight of another.
      if (Path* const of = path_of(frame.id); of != nullptr && of->has_space(space))
        of->acks(space).on_ack_lost(frame.offset, now_);
      return;
    case SentFrameKind::kCrypto:
      crypto_.on_frame_lost(frame);
      return;
    case SentFrameKind::kNewConnectionId:
      if (multipath_ != nullptr) return multipath_->on_frame_lost(frame);
      path_->local_cids().on_new_connection_id_lost(frame.id);
      return;
    case SentFrameKind::kRetireConnectionId:
      if (multipath_ != nullptr) return multipath_->on_frame_lost(frame);
      path_->peer_cids().on_retirement_lost(frame.id);
      return;
    case SentFrameKind::kPathAbandon:
    case SentFrameKind::kPathStatus:
    case SentFrameKind::kMaxPathId:
    case SentFrameKind::kPathsBlocked:
    case SentFrameKind::kPathCidsBlocked:
      return multipath_->on_frame_lost(frame);
    case SentFrameKind::kAckFrequency:
      ack_frequency_.on_frame_lost(frame);
      return;
    case SentFrameKind::kHandshakeDone:
      owed_.handshake_done = true;
      return;
    case SentFrameKind::kObservedAddress:
      on_address_report_lost(frame.id);
      return;
    case SentFrameKind::kNewToken:
      // A copy that was thought lost may have been acknowledged since.
      owed_.new_token = !handshake_.new_token.empty();
      return;
    case SentFrameKind::kDatagram:
      on_datagram_frame_resolved(frame, false);
      return;
    case SentFrameKind::kDatagramCopy:
      return;  // the packet that carried it first is still waited for
    default:
      streams_.on_frame_lost(frame);
      return;
  }
}

}  // namespace hawser::quic
