// datagrams.cc: DATAGRAM frames between the application and packets (RFC 9221): what may be sent, in which
// order beside streams, and what the application hears of it.
#include "quic/connection/core.h"
#include "quic/connection/fec.h"
#include "quic/connection/multipath.h"
#include "quic/wire/frames/datagram.h"

namespace hawser::quic {
namespace {

// A packet that lacks no more than this is filled up while datagrams wait, so that it makes a train with
// its neighbours: 32 octets more on the wire cost less than a system call of its own. An ACK frame that
// only the first packet of a train has is shorter.
constexpr std::size_t kEvenOutMax = 32;

constexpr std::uint8_t kLastUrgency = kUrgencies - 1;

}  // namespace

static_assert(DatagramQueue::kUrgencyLevels == kUrgencies, "datagrams and streams are ordered by one scale");

DatagramQueue& ConnectionCore::provide_datagrams() {
  Extras& extras = provide_extras();
  if (extras.datagrams == nullptr) [[unlikely]]
    extras.datagrams = std::make_unique<DatagramQueue>(
        DatagramLimits{.count = std::max<std::size_t>(config_.datagram_queue_max, 1),
                       .octets = std::max<std::size_t>(config_.datagram_queue_octets_max, 1)},
        emitter_);
  return *extras.datagrams;
}

// ---- The application's commands. ----

// Octets of frames in a 1-RTT packet that is as large as the MTU of every path, whatever its number.
std::size_t ConnectionCore::one_rtt_room() const {
  constexpr std::size_t kPacketNumberMax = 4;
  const std::size_t mtu = multipath_ != nullptr ? multipath_->least_mtu() : path_->active().mtu();
  const std::size_t cid = multipath_ != nullptr ? multipath_->longest_cid() : path_->peer_cid(path_->active()).length();
  const std::size_t others = fec() != nullptr ? fec()->room_to_come() : 0;
  return mtu - (1 + cid + kPacketNumberMax + kAeadTagLength + others);
}

std::size_t ConnectionCore::max_datagram_payload() const {
  // rfc9000:19.21-understood rfc9221:3-after-parameter rfc9221:3-size
  if (peer_.max_datagram_frame_size == 0) return 0;
  const std::size_t room = std::min<std::uint64_t>(one_rtt_room(), peer_.max_datagram_frame_size);
  const std::size_t header = datagram_header_size(room, true);
  return room > header ? room - header : 0;
}

std::expected<void, DatagramError> ConnectionCore::send_datagram(Bytes payload, const SendDatagramOptions& options) {
  if (!is_open()) return std::unexpected(DatagramError::kClosed);
  const std::size_t most = max_datagram_payload();
  if (most == 0) return std::unexpected(DatagramError::kUnsupported);
  if (payload.size() > most) return std::unexpected(DatagramError::kTooLarge);
  HAWSER_TRY_VOID(provide_datagrams().push(payload, options));
  owed_.turn_after_send |= owed_.sent_since_told;
  emitter_.emit(
      DatagramDataMoved{.from = DataPlace::kApplication, .to = DataPlace::kTransport, .length = payload.size()});
  return {};
}

std::expected<void, DatagramError> ConnectionCore::set_datagram_flow(DatagramFlowId id, const DatagramFlow& flow) {
  if (!is_open()) return std::unexpected(DatagramError::kClosed);
  return provide_datagrams().set_flow(id, flow);
}

void ConnectionCore::close_datagram_flow(DatagramFlowId id) {
  if (datagrams() != nullptr) datagrams()->close_flow(id);
  if (multipath_ != nullptr) multipath_->forget_flow(DemandKind::kDatagram, id);
}

DatagramStats ConnectionCore::datagram_stats() const {
  return datagrams() != nullptr ? datagrams()->stats() : DatagramStats{};
}

std::optional<DatagramStats> ConnectionCore::datagram_stats(DatagramFlowId id) const {
  if (datagrams() != nullptr) return datagrams()->stats(id);
  return id == 0 ? std::optional(DatagramStats{}) : std::nullopt;
}

// ---- Out. ----

void ConnectionCore::write_data(PacketPayload& out) {
  if (!has_datagrams()) [[likely]] {
    (void)streams_.write_stream_frames(out, now_, kLastUrgency);
    return;
  }
  write_datagrams_and_streams(out);
}

// By urgency. Where datagrams and streams are equally urgent they take turns at being first in a packet, so
// that neither starves; a datagram waits for one packet at most then. What the first leave of a packet
// goes to the others.
// rfc9221:5-keys rfc9221:6-keys rfc9221:5.4-congestion rfc9221:5-soon rfc9221:5.1-priorities
void ConnectionCore::write_datagrams_and_streams(PacketPayload& out) {
  DatagramQueue& queue = *datagrams();
  const std::size_t packet_room = one_rtt_room();
  std::vector<DatagramToCopy>* const copies = multipath_ != nullptr ? multipath_->datagrams_to_copy() : nullptr;
  std::uint8_t streams = streams_.next_urgency();
  if (streams == queue.next_urgency() && std::exchange(owed_.streams_turn, false)) {
    if (streams_.write_stream_frames(out, now_, streams) == WriteResult::kPacketFull) return;
    streams = streams_.next_urgency();
  }
  // Level by level, for a stream may stand between two flows.
  while (out.room() > 0 && (!queue.empty() || streams <= kLastUrgency)) {
    if (queue.next_urgency() <= streams) {
      owed_.streams_turn |= queue.next_urgency() == streams;
      if (queue.write(out, packet_room, std::min(streams, kLastUrgency), copies) == WriteResult::kPacketFull) {
        // What is too little for a datagram is enough for a stream.
        (void)streams_.write_stream_frames(out, now_, kLastUrgency);
        return;
      }
    } else {
      const auto last = static_cast<std::uint8_t>(queue.next_urgency() - 1);
      if (streams_.write_stream_frames(out, now_, last) == WriteResult::kPacketFull) return;
    }
    streams = streams_.next_urgency();
  }
}

bool ConnectionCore::only_datagrams_wait() const {
  return handshake_.confirmed && has_datagrams() && !streams_.wants_to_send();
}

// The size to fill a packet of `size` octets up to, in the `area` that it may have.
std::size_t ConnectionCore::even_size(std::size_t size, std::size_t area) const {
  return area - size <= kEvenOutMax && only_datagrams_wait() ? area : 0;
}

// ---- What became of them. ----

void ConnectionCore::on_datagram_frame_resolved(const SentFrame& frame, bool acked) {
  if (datagrams() == nullptr) return;
  if (acked) {
    datagrams()->on_acked(frame);
  } else {
    datagrams()->on_lost(frame);
  }
}

void ConnectionCore::deliver_datagrams() {
  for (const Bytes& datagram : tell_.datagrams) {
    emitter_.emit(
        DatagramDataMoved{.from = DataPlace::kTransport, .to = DataPlace::kApplication, .length = datagram.size()});
    handler_->on_datagram(*face_, datagram);
  }
  datagrams()->deliver(
      [this](std::span<const DatagramReport> reports) { handler_->on_datagram_reports(*face_, reports); },
      [this](DatagramFlowId flow) { handler_->on_datagrams_writable(*face_, flow); });
}

}  // namespace hawser::quic
