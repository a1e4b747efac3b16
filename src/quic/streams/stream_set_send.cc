// stream_set_send.cc: the sender's commands, the frames of all streams, and what their
// acknowledgement and loss mean (RFC 9000 section 13.3).
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/varint.h"
#include "quic/streams/stream_watch.h"

namespace hawser::quic {

namespace {
// RFC 9000 section 19.
constexpr std::uint8_t kMaxDataType = 0x10;
constexpr std::uint8_t kMaxStreamsBidiType = 0x12;  // + 1 for one-way streams, as below
constexpr std::uint8_t kDataBlockedType = 0x14;
constexpr std::uint8_t kStreamsBlockedBidiType = 0x16;
// The longest frame that carries a type and one or two integers.
constexpr std::size_t kOneNumberFrameMax = 1 + 8;
constexpr std::size_t kTwoNumbersFrameMax = 1 + 8 + 8;

void put_number_frame(PacketPayload& payload, std::uint8_t type, SentFrameKind kind, std::uint64_t number) {
  payload.u8(type);
  payload.varint(number);
  payload.mark_non_probing();
  payload.record({.kind = kind, .offset = number});
}
}  // namespace

// ---- Commands. ----

std::expected<Stream*, StreamRefusal> StreamSet::writable_stream(StreamId id) {
  if (!can_send(id)) return std::unexpected(StreamRefusal::kWrongDirection);
  Stream* stream = streams_.find(id);
  if (stream == nullptr) return std::unexpected(StreamRefusal::kUnknownStream);
  if (!stream->send.is_open() || stream->send.is_finished()) return std::unexpected(StreamRefusal::kNotWritable);
  return stream;
}

std::expected<std::size_t, StreamRefusal> StreamSet::write(StreamId id, Bytes bytes) {
  const auto stream = writable_stream(id);
  if (!stream) return std::unexpected(stream.error());
  const std::size_t taken = (*stream)->send.write(bytes);
  send_buffered_ += taken;
  if (events_out_ != nullptr) [[unlikely]]
    tell_moved(**stream, true, (*stream)->send.written_to() - taken, taken);
  reschedule(**stream);
  return taken;
}

std::expected<std::size_t, StreamRefusal> StreamSet::write(StreamId id, SharedBytes bytes) {
  const auto stream = writable_stream(id);
  if (!stream) return std::unexpected(stream.error());
  const std::size_t taken = (*stream)->send.write(std::move(bytes));
  send_buffered_ += taken;
  if (events_out_ != nullptr) [[unlikely]]
    tell_moved(**stream, true, (*stream)->send.written_to() - taken, taken);
  reschedule(**stream);
  return taken;
}

std::expected<void, StreamRefusal> StreamSet::finish(StreamId id) {
  const auto stream = writable_stream(id);
  if (!stream) return std::unexpected(stream.error());
  (*stream)->send.finish();
  reschedule(**stream);
  return {};
}

// rfc9000:11.2-reset-by-application
std::expected<void, StreamRefusal> StreamSet::reset(StreamId id, ApplicationErrorCode code) {
  if (!can_send(id)) return std::unexpected(StreamRefusal::kWrongDirection);
  Stream* stream = streams_.find(id);
  if (stream == nullptr) return std::unexpected(StreamRefusal::kUnknownStream);
  const Watch watch(*this, *stream);
  abandon_sending(*stream, code);
  return {};
}

std::expected<void, StreamRefusal> StreamSet::reset_at(StreamId id, ApplicationErrorCode code,
                                                       std::uint64_t reliable_size) {
  if (!can_send(id)) return std::unexpected(StreamRefusal::kWrongDirection);
  Stream* stream = streams_.find(id);
  if (stream == nullptr) return std::unexpected(StreamRefusal::kUnknownStream);
  if (!stream->send.is_open() || reliable_size > stream->send.written_to())
    return std::unexpected(StreamRefusal::kNotWritable);
  const Watch watch(*this, *stream);
  const std::uint64_t buffered = stream->send.buffered();
  if (!stream->send.reset_at(code, reliable_size)) return {};
  send_buffered_ -= buffered - stream->send.buffered();
  if (stream->send.owes_reset_at()) want_control(*stream, kControlResetStream);
  reschedule(*stream);
  return {};
}

// rfc9000:4.5-nothing-beyond rfc9000:3.3-reset-silence
void StreamSet::abandon_sending(Stream& stream, ApplicationErrorCode code) {
  const std::uint64_t buffered = stream.send.buffered();
  if (!stream.send.reset(code)) return;
  send_buffered_ -= buffered;
  unschedule(stream);
  stream.control &= static_cast<std::uint8_t>(~kControlStreamDataBlocked);
  want_control(stream, kControlResetStream);
}

void StreamSet::limit_send_buffer(StreamId id, std::uint64_t octets) {
  if (Stream* stream = streams_.find(id)) stream->send.limit_buffer(octets);
}

// rfc9000:2.3-priorities
std::expected<void, StreamRefusal> StreamSet::set_priority(StreamId id, Priority priority) {
  Stream* stream = streams_.find(id);
  if (stream == nullptr) return std::unexpected(StreamRefusal::kUnknownStream);
  priority.urgency = std::min<std::uint8_t>(priority.urgency, kUrgencies - 1);
  if (stream->priority == priority) return {};
  unschedule(*stream);
  stream->priority = priority;
  reschedule(*stream);
  return {};
}

// ---- Who can send. ----

// Puts the stream on the list that its state asks for: the scheduler if it can write a frame
// now, the credit list if only the connection's limit holds it back, else none.
void StreamSet::reschedule(Stream& stream) {
  const bool allowed = may_use(stream);
  const bool new_octets = allowed && stream.send.has_new_octets();
  const bool sendable = allowed && (stream.send.can_send_without_credit() || (new_octets && credit_.available() > 0));
  const bool waits = !sendable && new_octets;
  if (stream.scheduled != sendable || stream.waits_for_credit != waits) {
    unschedule(stream);
    if (sendable) scheduler_.add(stream);
    if (waits) credit_waiters_.push_back(stream);
    stream.scheduled = sendable;
    stream.waits_for_credit = waits;
  }
  if (waits && credit_.take_blocked_notice()) connection_control_ |= kSendDataBlocked;
  if (allowed && stream.send.take_blocked_notice()) {
    want_control(stream, kControlStreamDataBlocked);
    tell_blocked(stream, true);
  }
}

void StreamSet::unschedule(Stream& stream) {
  if (stream.scheduled) scheduler_.remove(stream);
  if (stream.waits_for_credit) credit_waiters_.remove(stream);
  stream.scheduled = stream.waits_for_credit = false;
}

void StreamSet::release_credit_waiters() {
  if (credit_.available() == 0) return;
  while (Stream* stream = credit_waiters_.front()) reschedule(*stream);
}

void StreamSet::want_control(Stream& stream, std::uint8_t control_bits) {
  stream.control |= control_bits;
  if (may_use(stream) && !control_.linked(stream)) control_.push_back(stream);
}

void StreamSet::note_streams_blocked(bool bidirectional) {
  Kind& kind = local_kind(bidirectional);
  if (kind.blocked_at == kind.maximum) return;
  kind.blocked_at = kind.maximum;
  connection_control_ |= bidirectional ? kSendStreamsBlockedBidi : kSendStreamsBlockedUni;
}

// ---- Frames out. ----

WriteResult StreamSet::write_control_frames(PacketPayload& payload, Timestamp now) {
  if (!write_connection_frames(payload, now)) return WriteResult::kPacketFull;
  while (Stream* stream = control_.front()) {
    if (!write_stream_control(payload, *stream, now)) return WriteResult::kPacketFull;
    control_.remove(*stream);
  }
  // A stream's window that grew may have taken the connection's along.
  if (!write_connection_frames(payload, now)) return WriteResult::kPacketFull;
  return WriteResult::kDone;
}

// False if the packet has no room for all of them.
// rfc9000:4.2-no-waiting rfc9000:19.9-sum rfc9000:19.12-sent
bool StreamSet::write_connection_frames(PacketPayload& payload, Timestamp now) {
  while (connection_control_ != 0) {
    if (payload.room() < kOneNumberFrameMax) return false;
    const std::uint8_t bit = static_cast<std::uint8_t>(connection_control_ & -connection_control_);
    connection_control_ &= static_cast<std::uint8_t>(~bit);
    switch (bit) {
      case kSendMaxData:
        window_.tune(window_.consumed(), now, rtt_);
        put_number_frame(payload, kMaxDataType, SentFrameKind::kMaxData, std::min(window_.renew(), kVarintMax));
        break;
      case kSendDataBlocked:
        if (!credit_waiters_.empty())
          put_number_frame(payload, kDataBlockedType, SentFrameKind::kDataBlocked, credit_.limit());
        break;
      case kSendMaxStreamsBidi:
      case kSendMaxStreamsUni:
        write_max_streams(payload, bit == kSendMaxStreamsBidi);
        break;
      default:
        write_streams_blocked(payload, bit == kSendStreamsBlockedBidi);
        break;
    }
  }
  return true;
}

void StreamSet::write_max_streams(PacketPayload& payload, bool bidirectional) {
  Kind& kind = remote_kind(bidirectional);
  kind.maximum = std::max(kind.maximum, std::min(kind.closed + kind.concurrent, kMaxStreamCount));
  put_number_frame(payload, kMaxStreamsBidiType + (bidirectional ? 0 : 1),
                   bidirectional ? SentFrameKind::kMaxStreamsBidi : SentFrameKind::kMaxStreamsUni, kind.maximum);
}

// rfc9000:19.14-sent
void StreamSet::write_streams_blocked(PacketPayload& payload, bool bidirectional) {
  const Kind& kind = local_kind(bidirectional);
  if (kind.blocked_at != kind.maximum || kind.opened < kind.maximum) return;
  put_number_frame(payload, kStreamsBlockedBidiType + (bidirectional ? 0 : 1),
                   bidirectional ? SentFrameKind::kStreamsBlockedBidi : SentFrameKind::kStreamsBlockedUni,
                   kind.maximum);
}

// Writes what is still true of the stream's pending frames. False if the packet is full.
// rfc9000:4.1-blocked-sent rfc9000:19.13-sent rfc9000:3.5-stop-sent rfc9000:3.5-stop-after-reset
// rfc9000:13.3-no-more-credit rfc9000:3.3-terminal-silence
bool StreamSet::write_stream_control(PacketPayload& payload, Stream& stream, Timestamp now) {
  while (stream.control != 0) {
    const std::uint8_t bit = static_cast<std::uint8_t>(stream.control & -stream.control);
    bool written = true;
    switch (bit) {
      case kControlResetStream:
        written = stream.send.write_reset_frame(payload);
        break;
      case kControlStopSending:
        if (stream.recv.needs_stop_sending()) written = stream.recv.write_stop_sending_frame(payload);
        break;
      case kControlMaxStreamData:
        if (!stream.recv.takes_more()) break;
        written = stream.recv.write_max_stream_data_frame(payload);
        break;
      case kControlTuneWindow:
        if (!stream.recv.tune_window(now, rtt_)) break;
        window_.widen(stream.recv.window() + stream.recv.window() / 2);
        if (window_.wants_update()) connection_control_ |= kSendMaxData;
        if (stream.recv.needs_window_update()) stream.control |= kControlMaxStreamData;
        break;
      default:
        if (!stream.send.is_blocked()) break;
        written = payload.room() >= kTwoNumbersFrameMax;
        if (written) stream.send.write_blocked_frame(payload);
        break;
    }
    if (!written) return false;
    stream.control &= static_cast<std::uint8_t>(~bit);
  }
  return true;
}

WriteResult StreamSet::write_stream_frames(PacketPayload& payload, Timestamp, std::uint8_t last) {
  while (Stream* stream = scheduler_.next()) {
    if (stream->priority.urgency > last) return WriteResult::kDone;
    const SendState before = stream->send.state();
    const SendStream::Written written =
        stream->send.write_stream_frame(payload, credit_.available(), send_buffer_most_);
    if (stream->send.state() != before) [[unlikely]] {
      tell_sending(*stream, before);
      if (stream->send.owes_reset_at()) want_control(*stream, kControlResetStream);
    }
    if (!written.frame) {
      if (written.result == WriteResult::kPacketFull) return WriteResult::kPacketFull;
      // Another stream used up the connection's credit: this one waits for more of it.
      reschedule(*stream);
      HAWSER_CHECK(!stream->scheduled);
      continue;
    }
    credit_.use(written.new_octets);
    reschedule(*stream);
    if (stream->scheduled) scheduler_.on_served(*stream);
    if (stream->send.take_writable_notice()) note(*stream, kStreamWritable);
    if (written.result == WriteResult::kPacketFull) break;
  }
  return scheduler_.empty() ? WriteResult::kDone : WriteResult::kPacketFull;
}

WriteResult StreamSet::write_copy(PacketPayload& payload, SentFrame& sent, bool stands_in) {
  Stream* const stream = streams_.find(StreamId{sent.id});
  if (stream != nullptr) return stream->send.write_copy(payload, sent, stands_in);
  sent.offset += sent.length;
  sent.length = 0;
  return WriteResult::kDone;
}

// ---- Acknowledgement and loss. ----

void StreamSet::on_frame_acked(const SentFrame& frame) {
  if (frame.kind != SentFrameKind::kStream && frame.kind != SentFrameKind::kResetStream &&
      frame.kind != SentFrameKind::kResetStreamAt)
    return;
  Stream* stream = streams_.find(StreamId{frame.id});
  if (stream == nullptr) return;
  const Watch watch(*this, *stream);
  if (frame.kind == SentFrameKind::kStream) {
    on_stream_frame_acked(*stream, frame);
  } else if (frame.kind == SentFrameKind::kResetStreamAt) {
    stream->send.on_reset_at_acked(frame);
  } else {
    stream->send.on_reset_acked();
  }
  if (stream->send.is_done()) close_if_done(*stream);
}

void StreamSet::on_stream_frame_acked(Stream& stream, const SentFrame& frame) {
  const std::uint64_t before = stream.send.buffered();
  stream.send.on_acked(frame);
  send_buffered_ -= before - stream.send.buffered();
  if (stream.send.take_writable_notice()) note(stream, kStreamWritable);
  // What was to be repeated may have arrived after all.
  if (stream.scheduled) reschedule(stream);
}

void StreamSet::on_frame_lost(const SentFrame& frame) {
  switch (frame.kind) {
    case SentFrameKind::kStream:
    case SentFrameKind::kStreamCopy:
    case SentFrameKind::kResetStream:
    case SentFrameKind::kResetStreamAt:
    case SentFrameKind::kStopSending:
    case SentFrameKind::kMaxStreamData:
    case SentFrameKind::kStreamDataBlocked:
      if (Stream* stream = streams_.find(StreamId{frame.id})) on_stream_frame_lost(*stream, frame);
      return;
    default:
      on_connection_frame_lost(frame);
      return;
  }
}

void StreamSet::on_stream_frame_lost(Stream& stream, const SentFrame& frame) {
  switch (frame.kind) {
    case SentFrameKind::kStream:
      stream.send.on_lost(frame);
      reschedule(stream);
      return;
    case SentFrameKind::kStreamCopy:
      stream.send.on_copy_lost(frame);
      reschedule(stream);
      return;
    case SentFrameKind::kResetStream:
      if (stream.send.state() == SendState::kResetSent) want_control(stream, kControlResetStream);
      return;
    // reset-stream-at:4-lost reset-stream-at:5.2-reduced
    case SentFrameKind::kResetStreamAt:
      if (stream.send.owes_reset_at()) want_control(stream, kControlResetStream);
      return;
    case SentFrameKind::kStopSending:
      if (stream.recv.needs_stop_sending()) want_control(stream, kControlStopSending);
      return;
    case SentFrameKind::kMaxStreamData:
      if (stream.recv.is_current_limit(frame.offset)) want_control(stream, kControlMaxStreamData);
      return;
    default:
      if (stream.send.is_blocked() && stream.send.peer_limit() == frame.offset)
        want_control(stream, kControlStreamDataBlocked);
      return;
  }
}

void StreamSet::on_connection_frame_lost(const SentFrame& frame) {
  const bool bidirectional =
      frame.kind == SentFrameKind::kMaxStreamsBidi || frame.kind == SentFrameKind::kStreamsBlockedBidi;
  switch (frame.kind) {
    case SentFrameKind::kMaxData:
      if (frame.offset == window_.limit()) connection_control_ |= kSendMaxData;
      return;
    case SentFrameKind::kDataBlocked:
      if (frame.offset == credit_.limit() && !credit_waiters_.empty()) connection_control_ |= kSendDataBlocked;
      return;
    case SentFrameKind::kMaxStreamsBidi:
    case SentFrameKind::kMaxStreamsUni:
      if (frame.offset == remote_kind(bidirectional).maximum)
        connection_control_ |= bidirectional ? kSendMaxStreamsBidi : kSendMaxStreamsUni;
      return;
    case SentFrameKind::kStreamsBlockedBidi:
    case SentFrameKind::kStreamsBlockedUni:
      if (frame.offset == local_kind(bidirectional).maximum)
        connection_control_ |= bidirectional ? kSendStreamsBlockedBidi : kSendStreamsBlockedUni;
      return;
    default:
      return;
  }
}

}  // namespace hawser::quic
