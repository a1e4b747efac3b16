// send_stream.cc: choosing the next STREAM frame and following the states of section 3.1.
#include "quic/streams/send_stream.h"

#include <algorithm>
#include <utility>

#include "base/varint.h"

namespace hawser::quic {

namespace {
constexpr std::uint8_t kStreamFrameType = 0x08;  // RFC 9000 section 19.8
constexpr std::uint8_t kOffsetBit = 0x04;
constexpr std::uint8_t kLengthBit = 0x02;
constexpr std::uint8_t kFinBit = 0x01;
constexpr std::uint8_t kResetStreamFrameType = 0x04;        // section 19.4
constexpr std::uint8_t kResetStreamAtFrameType = 0x24;      // draft-ietf-quic-reliable-stream-reset-10
constexpr std::uint8_t kStreamDataBlockedFrameType = 0x15;  // section 19.13
// A frame that would carry less than this waits for the next packet, unless it is the rest.
constexpr std::size_t kWorthwhileOctets = 32;

std::size_t header_size(StreamId id, std::uint64_t offset) {
  return 1 + varint_size(id.value) + (offset > 0 ? varint_size(offset) : 0);
}
}  // namespace

void SendStream::start(StreamId id, bool exists, std::uint64_t peer_limit, std::uint64_t buffer_cap) {
  buffer_.clear();
  credit_.reset();
  credit_.on_limit(peer_limit);
  id_ = id;
  state_ = SendState::kReady;
  exists_ = exists;
  fin_ = fin_sent_ = fin_acked_ = cut_short_ = reset_at_ = reset_at_acked_ = false;
  reset_code_ = 0;
  reset_final_size_ = reliable_size_ = 0;
  buffer_cap_ = buffer_cap;
  buffer_limit_ = std::min(kSendBufferInitial, buffer_cap);
}

bool SendStream::can_rest() const {
  if (!exists_) return true;
  return (state_ == SendState::kReady || state_ == SendState::kSend) && !is_finished() && !cut_short_ &&
         buffer_.buffered() == 0 && !buffer_.has_lost() && buffer_.acked_ranges() == 0;
}

void SendStream::resume(StreamId id, bool exists, const Resting& resting, std::uint64_t buffer_cap) {
  start(id, exists, resting.limit, buffer_cap);
  buffer_.start_at(resting.offset);
  credit_.use(resting.offset);
  buffer_limit_ = resting.buffer_limit;
  if (resting.offset > 0) state_ = SendState::kSend;
}

std::uint64_t SendStream::room() const {
  return buffer_limit_ > buffer_.buffered() ? buffer_limit_ - buffer_.buffered() : 0;
}

std::size_t SendStream::write(Bytes bytes) {
  if (!is_open() || is_finished()) return 0;
  const std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), room()));
  cut_short_ |= taken < bytes.size();
  buffer_.append_copy(bytes.first(taken));
  return taken;
}

// Takes all of it whatever the buffer limit: memory that is only referred to costs the
// connection nothing (the public contract of Connection::write). Past the limit the
// application is told when there is room again.
std::size_t SendStream::write(SharedBytes bytes) {
  if (!is_open() || is_finished()) return 0;
  const std::size_t taken = bytes.size();
  if (taken >= room()) cut_short_ = true;
  buffer_.append(std::move(bytes));
  return taken;
}

void SendStream::finish() {
  if (is_open() && !reset_at_) fin_ = true;
}

// rfc9000:3.5-stop-lost-data
bool SendStream::reset(ApplicationErrorCode code) {
  if (!is_open()) return false;
  state_ = SendState::kResetSent;
  // The peer may know code and size from RESET_STREAM_AT.
  // reset-stream-at:5.2-same
  if (!reset_at_) reset_code_ = code;
  reset_final_size_ = buffer_.next();
  buffer_.clear();
  return true;
}

// reset-stream-at:5-reliable reset-stream-at:5-beyond reset-stream-at:5.2-not-increased reset-stream-at:5.2-same
bool SendStream::reset_at(ApplicationErrorCode code, std::uint64_t reliable_size) {
  reliable_size = std::min(reliable_size, buffer_.end());
  if (!is_open() || (reset_at_ && reliable_size >= reliable_size_)) return false;
  if (!reset_at_) reset_code_ = code;
  reset_at_ = true;
  reset_at_acked_ = false;
  reliable_size_ = reliable_size;
  fin_ = cut_short_ = false;
  fin_sent_ = true;
  buffer_.cut(reliable_size);
  // What was sent fixes the final size; the rest of the promise goes first, under the peer's limits.
  // reset-stream-at:4-limits
  state_ = buffer_.next() == buffer_.end() ? SendState::kDataSent : SendState::kSend;
  return true;
}

// reset-stream-at:5.2-reduced
void SendStream::on_reset_at_acked(const SentFrame& frame) {
  if (!reset_at_ || !is_open() || frame.offset != reliable_size_) return;
  reset_at_acked_ = true;
  if (buffer_.buffered() == 0) state_ = SendState::kDataRecvd;
}

bool SendStream::take_writable_notice() {
  // A quarter of the buffer: a writer that is woken should find room for more than one frame, and not be late.
  if (!cut_short_ || !is_open() || room() < buffer_limit_ / 4) return false;
  cut_short_ = false;
  return true;
}

bool SendStream::can_send_without_credit() const {
  if (!is_open()) return false;
  return buffer_.has_lost() || (fin_pending() && buffer_.next() == buffer_.end());
}

// Chooses the octets of the next frame for `room` octets of packet. False if nothing can be
// written; `wanted` then says whether a larger packet would have helped.
// rfc9000:2.2-within-limits rfc9000:4.1-sender-limits rfc9000:19.10-kept rfc9000:13.3-lost-first
bool SendStream::plan_frame(Frame& frame, std::size_t room, std::uint64_t connection_credit, bool& wanted) {
  std::uint64_t available = 0;
  if (buffer_.has_lost()) {
    const Range lost = buffer_.lowest_lost();
    frame.offset = lost.begin;
    available = lost.size();
  } else {
    frame.offset = buffer_.next();
    available = std::min({buffer_.end() - frame.offset, connection_credit, credit_.available()});
  }
  const bool only_fin = available == 0 && fin_pending() && frame.offset == buffer_.end();
  wanted = available > 0 || only_fin;
  if (!wanted) return false;

  const std::size_t header = header_size(id_, frame.offset);
  if (room < header + 1) return false;
  frame.data = buffer_.view(frame.offset, std::min<std::uint64_t>(available, room - header));
  frame.with_length = frame.data.size() < room - header;
  if (frame.with_length) {
    // The length field takes its octets from the data if both do not fit.
    const std::size_t largest = room - header - varint_size(frame.data.size());
    frame.data = frame.data.first(std::min(frame.data.size(), largest));
  }
  if (frame.data.size() < std::min<std::uint64_t>(available, kWorthwhileOctets) &&
      room < header + 2 + kWorthwhileOctets)
    return false;
  frame.fin = fin_ && frame.offset + frame.data.size() == buffer_.end();
  return !frame.data.empty() || frame.fin;
}

void SendStream::put_frame(PacketPayload& payload, const Frame& frame, SentFrameKind kind) {
  std::uint8_t type = kStreamFrameType;
  if (frame.offset > 0) type |= kOffsetBit;
  if (frame.with_length) type |= kLengthBit;
  if (frame.fin) type |= kFinBit;
  payload.u8(type);
  payload.varint(id_.value);
  if (frame.offset > 0) payload.varint(frame.offset);
  if (frame.with_length) payload.varint(frame.data.size());
  payload.reference(frame.data);
  payload.mark_non_probing();
  payload.record({.kind = kind,
                  .fin = frame.fin,
                  .length = static_cast<std::uint32_t>(frame.data.size()),
                  .id = id_.value,
                  .offset = frame.offset});
}

void SendStream::note_sent(const Frame& frame, std::uint64_t buffer_most) {
  buffer_.on_sent(frame.offset, frame.data.size());
  if (frame.fin) fin_sent_ = true;
  if (state_ == SendState::kReady) state_ = SendState::kSend;
  if (state_ == SendState::kSend && fin_sent_ && buffer_.next() == buffer_.end()) state_ = SendState::kDataSent;
  if (2 * buffer_.in_flight() > buffer_limit_)
    buffer_limit_ = std::max(buffer_limit_, std::min({buffer_cap_, buffer_most, buffer_limit_ * 2}));
}

SendStream::Written SendStream::write_stream_frame(PacketPayload& payload, std::uint64_t connection_credit,
                                                   std::uint64_t buffer_most) {
  HAWSER_DCHECK(is_open());  // a stream that is reset or done is not scheduled
  Frame frame;
  bool wanted = false;
  if (!plan_frame(frame, payload.room(), connection_credit, wanted)) {
    return {.result = wanted ? WriteResult::kPacketFull : WriteResult::kDone};
  }
  const std::uint64_t new_octets = frame.offset == buffer_.next() ? frame.data.size() : 0;
  put_frame(payload, frame, SentFrameKind::kStream);
  note_sent(frame, buffer_most);
  credit_.use(new_octets);
  return {.result = frame.with_length ? WriteResult::kDone : WriteResult::kPacketFull,
          .frame = true,
          .new_octets = new_octets};
}

// Neither credit nor what is in flight changes: all of it was sent.
// rfc9000:2.2-same-data
WriteResult SendStream::write_copy(PacketPayload& payload, SentFrame& sent, bool stands_in) {
  const std::uint64_t end = sent.offset + sent.length;
  while (is_open()) {
    const Range piece = buffer_.unacknowledged(sent.offset, end);
    const bool ends = sent.fin && fin_ && !fin_acked_ && end == buffer_.end();
    if (piece.begin >= piece.end && !ends) break;
    Frame frame{.offset = piece.begin < piece.end ? piece.begin : end};
    const std::size_t header = header_size(id_, frame.offset);
    const std::size_t room = payload.room();
    if (room < header + 2 + std::min<std::uint64_t>(piece.size(), kWorthwhileOctets)) return WriteResult::kPacketFull;
    frame.data = buffer_.view(frame.offset, std::min<std::uint64_t>(piece.size(), room - header));
    frame.with_length = frame.data.size() < room - header;
    if (frame.with_length)
      frame.data = frame.data.first(std::min(frame.data.size(), room - header - varint_size(frame.data.size())));
    const std::uint64_t written_to = frame.offset + frame.data.size();
    frame.fin = ends && written_to == end;
    put_frame(payload, frame, SentFrameKind::kStreamCopy);
    if (stands_in) buffer_.on_copied(frame.offset, frame.data.size());
    sent.length = static_cast<std::uint32_t>(end - written_to);
    sent.offset = written_to;
    if (written_to == end) break;
    if (!frame.with_length) return WriteResult::kPacketFull;
  }
  sent.offset = end;
  sent.length = 0;
  return WriteResult::kDone;
}

// rfc9000:13.3-reset-same
bool SendStream::write_reset_frame(PacketPayload& payload) const {
  if (owes_reset_at()) {
    const std::size_t size = 1 + varint_size(id_.value) + varint_size(reset_code_) + varint_size(buffer_.next()) +
                             varint_size(reliable_size_);
    if (payload.room() < size) return false;
    payload.u8(kResetStreamAtFrameType);
    payload.varint(id_.value);
    payload.varint(reset_code_);
    payload.varint(buffer_.next());
    payload.varint(reliable_size_);
    payload.mark_non_probing();
    payload.record({.kind = SentFrameKind::kResetStreamAt, .id = id_.value, .offset = reliable_size_});
    return true;
  }
  if (state_ != SendState::kResetSent) return true;
  const std::size_t size = 1 + varint_size(id_.value) + varint_size(reset_code_) + varint_size(reset_final_size_);
  if (payload.room() < size) return false;
  payload.u8(kResetStreamFrameType);
  payload.varint(id_.value);
  payload.varint(reset_code_);
  payload.varint(reset_final_size_);
  payload.mark_non_probing();
  payload.record({.kind = SentFrameKind::kResetStream, .id = id_.value});
  return true;
}

void SendStream::write_blocked_frame(PacketPayload& payload) const {
  payload.u8(kStreamDataBlockedFrameType);
  payload.varint(id_.value);
  payload.varint(credit_.limit());
  payload.mark_non_probing();
  payload.record({.kind = SentFrameKind::kStreamDataBlocked, .id = id_.value, .offset = credit_.limit()});
}

// rfc9000:13.3-not-acknowledged-twice
void SendStream::on_acked(const SentFrame& frame) {
  if (!is_open()) return;
  buffer_.on_acked(frame.offset, frame.length);
  if (frame.fin) fin_acked_ = fin_sent_ = true;
  // An acknowledged FIN is not enough once data before it is no longer repeated.
  if ((reset_at_ ? reset_at_acked_ : fin_acked_) && buffer_.buffered() == 0) state_ = SendState::kDataRecvd;
}

// rfc9000:2.2-same-data reset-stream-at:5-retransmit
void SendStream::on_lost(const SentFrame& frame) {
  if (!is_open()) return;
  buffer_.on_lost(frame.offset, frame.length);
  if (frame.fin && !fin_acked_ && !reset_at_) fin_sent_ = false;
}

void SendStream::on_early_data_rejected() {
  credit_.reset();
  if (state_ == SendState::kResetSent) reset_final_size_ = 0;
  if (!is_open()) return;
  buffer_.mark_unsent();
  fin_sent_ = false;
  state_ = SendState::kReady;
}

}  // namespace hawser::quic
