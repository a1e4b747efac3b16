// fec_send.cc: the sending half of forward error correction: which packets are protected, when their repair symbols
// go, and how many they are. Before: send.cc, ack.cc. After: quic/fec.
#include <algorithm>

#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"

namespace hawser::quic {
namespace {

// How long a block waits for another packet. An eighth of a round trip is what loss detection waits for late packets
// (RFC 9002 section 6.1.2); the bounds are those of timers and of what an ear hears.
constexpr Duration kWaitMin = 1ms;
constexpr Duration kWaitMax = 20ms;

// RFC 9218 has no urgency beyond this.
constexpr std::uint8_t kLeastUrgent = 7;

Duration wait_for(Duration smoothed_rtt) {
  return std::clamp(smoothed_rtt / 8, kWaitMin, kWaitMax);
}

}  // namespace

bool Fec::sends() const {
  return may_send_ && core_.handshake_.confirmed;
}

Fec::Sender& Fec::sender() {
  Lane& here = lane();
  if (here.sender == nullptr) here.sender = std::make_unique<Sender>(config_);
  return *here.sender;
}

// Whether there may be data that is not protected.
bool Fec::protects_some() const {
  return config_.asked_only || config_.urgency_max < kLeastUrgent || core_.stream_wishes() != nullptr ||
         (core_.datagrams() != nullptr && core_.datagrams()->has_fec_wishes());
}

// fec:4-urgency
bool Fec::protects(FlowFec wish, std::uint8_t urgency) const {
  if (wish != FlowFec::kByUrgency) return wish == FlowFec::kAlways;
  return !config_.asked_only && urgency <= config_.urgency_max;
}

bool Fec::protects_datagrams_of(DatagramFlowId flow) const {
  return protects(core_.datagrams()->fec_of(flow), core_.datagrams()->urgency_of(flow));
}

bool Fec::protects_stream(const Stream& stream) const {
  return protects(core_.stream_wish(stream.id).fec, stream.priority.urgency);
}

bool Fec::wants_repair(const SentFrame& frame) const {
  const bool is_stream = frame.kind == SentFrameKind::kStream;
  if (!is_stream && frame.kind != SentFrameKind::kDatagram) return false;
  if (!protects_some()) return true;
  if (!is_stream) return protects_datagrams_of(frame.offset);
  const Stream* const stream = core_.streams_.find(StreamId{frame.id});
  return stream != nullptr && protects_stream(*stream);
}

// Whether what goes next is for the open block.
bool Fec::protected_data_waits() const {
  if (!protects_some()) return core_.streams_.wants_to_send_data() || core_.has_datagrams();
  if (core_.has_datagrams()) {
    const auto next = core_.datagrams()->next(SIZE_MAX);
    if (next && protects_datagrams_of(next->flow)) return true;
  }
  const Stream* const next = core_.streams_.next_to_send();
  return next != nullptr && protects_stream(*next);
}

// fec:4-protected fec:4-same-path
void Fec::on_packet_sent(OpenPacket& packet) {
  if (!sends()) return;
  bool carries_data = false;
  bool ends_stream = false;
  for (const SentFrame& frame : packet.payload.frames()) {
    if (!wants_repair(frame)) continue;
    carries_data = true;
    ends_stream |= frame.kind == SentFrameKind::kStream && frame.fin;
  }
  const std::size_t size = packet.payload.size();
  const std::size_t mtu_room = core_.path_->active().mtu() - packet.layout.size - kAeadTagLength;
  if (!carries_data || size > kMaxFecPayload || size + kFecRoom > mtu_room) return;
  Sender& here = sender();
  const std::uint64_t number = packet.packet_number.value;
  if (here.encoder.count() != 0 && !here.encoder.can_take(number)) {
    end_block(here, here.redundancy.repairs_for(here.encoder.count()));
    // Its symbols are kept where the next block's would be.
    if (here.encoder.pending() != 0) return;
  }
  if (here.encoder.count() == 0) {
    stats_.repairs_given_up += here.encoder.pending();
    here.encoder.begin(here.redundancy.shape());
    here.first = number;
  }
  here.encoder.add(number, packet.payload.pieces());
  ++stats_.packets_protected;
  stats_.protected_bytes += size;
  here.said_all = ends_stream;
  here.end_at = core_.now_ + wait_for(core_.path_->loss().rtt().smoothed());
  if (here.encoder.room() == 0) end_block(here, here.encoder.shape().repairs);
}

void Fec::end_block(Sender& here, std::size_t repairs) {
  const std::size_t packets = here.encoder.count();
  here.encoder.end(repairs);
  here.end_at = kNever;
  if (here.encoder.pending() == 0) return;
  ++blocks_ended_;
  core_.emitter_.emit(FecBlockEnded{.path_id = core_.logged_path(),
                                    .first_packet_number = here.first,
                                    .packet_count = packets,
                                    .repair_count = here.encoder.pending(),
                                    .loss_ppm = static_cast<std::uint64_t>(here.redundancy.loss() * 1e6)});
}

// fec:5-window
bool Fec::repair_due() {
  Lane* const here = find(core_.path_->id());
  if (here == nullptr || here->sender == nullptr) return false;
  Sender& sender = *here->sender;
  const bool data_waits = protected_data_waits();
  if (sender.encoder.count() != 0 && (core_.now_ >= sender.end_at || (sender.said_all && !data_waits)))
    end_block(sender, sender.redundancy.repairs_for(sender.encoder.count()));
  if (sender.encoder.pending() == 0) return false;
  // A window that holds no half of a block is left to data while any waits: acknowledgements tell of a loss before the
  // block is complete, so that symbols would only take data's place.
  const std::uint64_t half = sender.encoder.shape().sources * core_.path_->active().mtu() / 2;
  const bool in_the_way = data_waits && core_.path_->controller().congestion_window() < half;
  return !in_the_way && core_.path_->may_send(core_.now_);
}

void Fec::write_repair(PacketPayload& out) {
  Sender& here = sender();
  const FecRepairFrame frame = here.encoder.next_repair();
  here.encoder.pop_repair();
  // The MTU may have sunk since the packets left.
  if (fec_repair_size(frame) > out.room()) {
    ++stats_.repairs_given_up;
    return;
  }
  write_fec_repair(out, frame);
  out.record({.kind = SentFrameKind::kFecRepair});
  out.mark_non_probing();
  here.began = true;
  ++stats_.repairs_sent;
}

// fec:5-loss
void Fec::on_recovery(const RecoveryOutcome& outcome) {
  if (!sends() || outcome.acked_packets + outcome.lost_packets == 0) return;
  // What was thought lost and came after all was counted as lost then.
  const std::uint64_t lost =
      outcome.lost_packets - std::min<std::uint64_t>(outcome.lost_packets, outcome.spurious_losses);
  sender().redundancy.on_packets(outcome.acked_packets + outcome.lost_packets, lost);
}

Timestamp Fec::next_timeout() const {
  Timestamp deadline = kNever;
  for (const Lane& lane : lanes_)
    if (lane.sender != nullptr) deadline = std::min(deadline, lane.sender->end_at);
  return deadline;
}

// The symbols go with the next train.
void Fec::on_timeout() {
  for (Lane& lane : lanes_) {
    if (lane.sender == nullptr || core_.now_ < lane.sender->end_at) continue;
    Path* const path = core_.path_of(lane.path.value);
    if (path == nullptr) {
      lane.sender->end_at = kNever;
      continue;
    }
    const ConnectionCore::AtHand hand(core_, *path);
    end_block(*lane.sender, lane.sender->redundancy.repairs_for(lane.sender->encoder.count()));
  }
}

}  // namespace hawser::quic
