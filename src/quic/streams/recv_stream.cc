// recv_stream.cc: final size, flow control and the states of RFC 9000 section 3.2.
#include "quic/streams/recv_stream.h"

#include <algorithm>

#include "base/check.h"
#include "base/varint.h"

namespace hawser::quic {

namespace {
constexpr std::uint64_t kResetStreamAtFrameType = 0x24;
constexpr std::uint8_t kStopSendingFrameType = 0x05;
constexpr std::uint8_t kStreamFrameType = 0x08;
constexpr std::uint8_t kMaxStreamDataFrameType = 0x11;
}  // namespace

void RecvStream::start(StreamId id, bool exists, std::uint64_t initial_window, std::uint64_t window_cap) {
  buffer_.clear();
  window_ = ReceiveWindow(initial_window, window_cap);
  id_ = id;
  state_ = RecvState::kRecv;
  exists_ = exists;
  stopped_ = has_final_size_ = has_reset_ = false;
  stop_code_ = reset_code_ = 0;
  final_size_ = reliable_size_ = highest_ = accounted_ = 0;
}

bool RecvStream::can_rest() const {
  if (!exists_) return true;
  return state_ == RecvState::kRecv && !stopped_ && buffer_.read_to() == highest_ && accounted_ == highest_;
}

void RecvStream::resume(StreamId id, bool exists, const Resting& resting, std::uint64_t window_cap) {
  start(id, exists, 0, window_cap);
  buffer_.start_at(resting.offset);
  highest_ = accounted_ = resting.offset;
  window_.resume(resting.window, resting.limit, resting.offset);
}

// How much `end` raises the highest offset, if final size (RFC 9000 section 4.5) and both
// flow control limits (section 4.1) allow it.
Parsed<std::uint64_t> RecvStream::check_end(std::uint64_t end, bool is_final, std::uint64_t connection_room,
                                            std::uint64_t frame_type) const {
  if (has_final_size_) {
    if (end > final_size_)
      // rfc9000:4.5-data-beyond
      return fail(TransportErrorCode::kFinalSizeError, "stream data beyond its final size", frame_type);
    if (is_final && end != final_size_)
      // rfc9000:4.5-final-size-changed
      return fail(TransportErrorCode::kFinalSizeError, "final size of a stream changed", frame_type);
  } else if (is_final && end < highest_) {
    return fail(TransportErrorCode::kFinalSizeError, "final size below data already received", frame_type);
  }
  if (end <= highest_) return 0;
  if (end > window_.limit())
    // rfc9000:4.1-limit-exceeded rfc9000:19.10-exceeded
    return fail(TransportErrorCode::kFlowControlError, "stream data beyond MAX_STREAM_DATA", frame_type);
  if (end - highest_ > connection_room)
    // rfc9000:19.9-exceeded rfc9000:4.5-final-size-counts
    return fail(TransportErrorCode::kFlowControlError, "stream data beyond MAX_DATA", frame_type);
  return end - highest_;
}

// rfc9000:2.2-in-order
Parsed<RecvStream::Taken> RecvStream::on_stream_data(std::uint64_t offset, Bytes data, bool fin,
                                                     std::uint64_t connection_room) {
  const std::uint64_t end = offset + data.size();
  HAWSER_TRY(const std::uint64_t received, check_end(end, fin, connection_room, kStreamFrameType));
  Taken taken{.received = received};
  highest_ += received;
  if (state_ != RecvState::kRecv && state_ != RecvState::kSizeKnown) return taken;
  if (fin) {
    has_final_size_ = true;
    final_size_ = end;
    state_ = RecvState::kSizeKnown;
  }
  if (stopped_) {
    taken.discarded = drop_unread();
    if (has_final_size_) state_ = RecvState::kDataRead;
    return taken;
  }
  const std::uint64_t before = buffer_.contiguous_to();
  buffer_.add(offset, data);
  taken.readable = buffer_.contiguous_to() > before;
  // After RESET_STREAM_AT the end is the reset, however much arrives.
  if (has_final_size_ && !has_reset_ && buffer_.contiguous_to() == final_size_) {
    state_ = RecvState::kDataRecvd;
    taken.readable = true;
  }
  return taken;
}

// rfc9000:4.4-other-direction reset-stream-at:4-limits-exceeded reset-stream-at:5.2-changed
// reset-stream-at:5.2-increase-ignored reset-stream-at:5.2-not-expected reset-stream-at:5-reliable
Parsed<RecvStream::Taken> RecvStream::on_reset(const Reset& reset, std::uint64_t connection_room) {
  HAWSER_TRY(const std::uint64_t received, check_end(reset.final_size, true, connection_room, reset.frame_type));
  if (has_reset_ && reset.code != reset_code_ &&
      (reset.frame_type == kResetStreamAtFrameType || state_ == RecvState::kSizeKnown))
    return fail(TransportErrorCode::kStreamStateError, "error code of a reset changed", reset.frame_type);
  Taken taken{.received = received};
  highest_ += received;
  // Once all data is here the reset has nothing left to take away (section 3.2).
  if (state_ != RecvState::kRecv && state_ != RecvState::kSizeKnown) return taken;
  reliable_size_ = has_reset_ ? std::min(reliable_size_, reset.reliable_size) : reset.reliable_size;
  has_reset_ = has_final_size_ = true;
  final_size_ = reset.final_size;
  reset_code_ = reset.code;
  state_ = RecvState::kSizeKnown;
  if (stopped_ || reset_is_due()) taken.discarded = take_reset();
  return taken;
}

std::uint64_t RecvStream::take_reset() {
  const std::uint64_t discarded = drop_unread();
  state_ = stopped_ ? RecvState::kResetRead : RecvState::kResetRecvd;
  return discarded;
}

bool RecvStream::consume(std::uint64_t octets) {
  buffer_.consume(octets);
  accounted_ += octets;
  window_.on_consumed(octets);
  on_end_delivered();
  return state_ == RecvState::kDataRead;
}

void RecvStream::on_end_delivered() {
  if (state_ == RecvState::kResetRecvd) state_ = RecvState::kResetRead;
  if (state_ == RecvState::kDataRecvd && buffer_.readable_octets() == 0) state_ = RecvState::kDataRead;
}

std::uint64_t RecvStream::stop_sending(ApplicationErrorCode code) {
  if (is_done() || stopped_) return 0;
  stopped_ = true;
  stop_code_ = code;
  const std::uint64_t dropped = drop_unread();
  // With the final size known nothing the peer may still send matters to flow control.
  if (state_ == RecvState::kSizeKnown || state_ == RecvState::kDataRecvd) state_ = RecvState::kDataRead;
  if (state_ == RecvState::kResetRecvd) state_ = RecvState::kResetRead;
  return dropped;
}

std::uint64_t RecvStream::drop_unread() {
  buffer_.clear();
  const std::uint64_t dropped = highest_ - accounted_;
  accounted_ = highest_;
  return dropped;
}

bool RecvStream::write_stop_sending_frame(PacketPayload& payload) const {
  if (payload.room() < 1 + varint_size(id_.value) + varint_size(stop_code_)) return false;
  payload.u8(kStopSendingFrameType);
  payload.varint(id_.value);
  payload.varint(stop_code_);
  payload.mark_non_probing();
  payload.record({.kind = SentFrameKind::kStopSending, .id = id_.value});
  return true;
}

bool RecvStream::write_max_stream_data_frame(PacketPayload& payload) {
  if (payload.room() < 1 + varint_size(id_.value) + sizeof(std::uint64_t)) return false;
  const std::uint64_t limit = std::min(window_.renew(), kVarintMax);
  payload.u8(kMaxStreamDataFrameType);
  payload.varint(id_.value);
  payload.varint(limit);
  payload.mark_non_probing();
  payload.record({.kind = SentFrameKind::kMaxStreamData, .id = id_.value, .offset = limit});
  return true;
}

}  // namespace hawser::quic
