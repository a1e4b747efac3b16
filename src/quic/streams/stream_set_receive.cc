// stream_set_receive.cc: received frames and the reader. Each handler first settles whether
// the stream can carry the frame (RFC 9000 sections 3 and 19), then tells its parts.
#include <algorithm>

#include "base/result.h"
#include "base/varint.h"
#include "quic/streams/stream_watch.h"

namespace hawser::quic {

namespace {
// RFC 9000 section 19; for the report of an error only.
constexpr std::uint64_t kResetStreamType = 0x04;
constexpr std::uint64_t kResetStreamAtType = 0x24;
constexpr std::uint64_t kStopSendingType = 0x05;
constexpr std::uint64_t kStreamType = 0x08;
constexpr std::uint64_t kMaxStreamDataType = 0x11;
constexpr std::uint64_t kMaxStreamsBidiType = 0x12;
constexpr std::uint64_t kStreamDataBlockedType = 0x15;
constexpr std::uint64_t kStreamsBlockedBidiType = 0x16;

std::unexpected<TransportError> wrong_direction(std::uint64_t frame_type) {
  // rfc9000:19.4-send-only rfc9000:19.5-receive-only rfc9000:19.10-receive-only rfc9000:19.13-send-only
  // rfc9000:19.8-state
  return fail(TransportErrorCode::kStreamStateError, "frame on a stream of the other direction", frame_type);
}
}  // namespace

// The stream a frame is for; nullptr if it is closed. Opens what the peer may open.
Parsed<Stream*> StreamSet::stream_for_frame(StreamId id, std::uint64_t frame_type) {
  if (Stream* stream = streams_.find(id)) return stream;
  if (!is_local(id)) return open_up_to(id, frame_type);
  if (id.index() >= kind_of(id).opened)
    // rfc9000:19.5-not-created rfc9000:19.10-not-created rfc9000:19.8-state
    return fail(TransportErrorCode::kStreamStateError, "frame on a stream we have not opened", frame_type);
  return nullptr;
}

// RFC 9000 section 3.2: using a stream opens all lower-numbered ones of its kind before it.
Parsed<Stream*> StreamSet::open_up_to(StreamId id, std::uint64_t frame_type) {
  Kind& kind = kind_of(id);
  if (id.index() < kind.opened) return nullptr;
  if (id.index() >= kind.maximum)
    // rfc9000:4.6-stream-limit-exceeded rfc9000:19.11-exceeded rfc9000:3.2-lower-streams-exist
    return fail(TransportErrorCode::kStreamLimitError, "stream beyond MAX_STREAMS", frame_type);
  Stream* stream = nullptr;
  while (kind.opened <= id.index()) {
    stream = &create(StreamId::of(id.initiator(), id.is_bidirectional(), kind.opened++));
    note(*stream, kStreamOpened);
  }
  grant_streams(id.is_bidirectional());
  return stream;
}

Parsed<void> StreamSet::on_stream(StreamId id, std::uint64_t offset, Bytes data, bool fin) {
  if (!can_receive(id)) return wrong_direction(kStreamType);
  if (offset > kVarintMax || data.size() > kVarintMax - offset)
    // rfc9000:19.8-offset
    return fail(TransportErrorCode::kFrameEncodingError, "stream offset beyond 2^62 - 1", kStreamType);
  HAWSER_TRY(Stream* const stream, stream_for_frame(id, kStreamType));
  if (stream == nullptr) return {};
  const Watch watch(*this, *stream);
  HAWSER_TRY(const RecvStream::Taken taken,
             stream->recv.on_stream_data(offset, data, fin, window_.limit() - received_));
  received_ += taken.received;
  if (taken.discarded > 0) on_consumed(taken.discarded);
  if (stream->recv.has_borrowed() && !borrowed_.linked(*stream)) borrowed_.push_back(*stream);
  if (taken.readable) {
    note(*stream, kStreamReadable);
  } else if (stream->recv.wants_tuning()) {
    want_control(*stream, kControlTuneWindow);
  }
  if (stream->recv.is_done()) close_if_done(*stream);
  return {};
}

Parsed<void> StreamSet::on_reset_stream(StreamId id, ApplicationErrorCode code, std::uint64_t final_size) {
  return take_reset(id, {.frame_type = kResetStreamType, .code = code, .final_size = final_size});
}

Parsed<void> StreamSet::on_reset_stream_at(StreamId id, ApplicationErrorCode code, std::uint64_t final_size,
                                           std::uint64_t reliable_size) {
  return take_reset(
      id, {.frame_type = kResetStreamAtType, .code = code, .final_size = final_size, .reliable_size = reliable_size});
}

Parsed<void> StreamSet::take_reset(StreamId id, const RecvStream::Reset& reset) {
  if (!can_receive(id)) return wrong_direction(reset.frame_type);
  if (reset.final_size > kVarintMax)
    return fail(TransportErrorCode::kFrameEncodingError, "final size beyond 2^62 - 1", reset.frame_type);
  HAWSER_TRY(Stream* const stream, stream_for_frame(id, reset.frame_type));
  if (stream == nullptr) return {};
  const Watch watch(*this, *stream);
  const RecvState before = stream->recv.state();
  HAWSER_TRY(const RecvStream::Taken taken, stream->recv.on_reset(reset, window_.limit() - received_));
  received_ += taken.received;
  if (taken.discarded > 0) on_consumed(taken.discarded);
  if (before != RecvState::kResetRecvd && stream->recv.state() == RecvState::kResetRecvd) tell_reset(*stream);
  close_if_done(*stream);
  return {};
}

void StreamSet::tell_reset(Stream& stream) {
  stream.events &= static_cast<std::uint8_t>(~kStreamReadable);
  note(stream, kStreamReset);
}

Parsed<void> StreamSet::on_stop_sending(StreamId id, ApplicationErrorCode code) {
  if (!can_send(id)) return wrong_direction(kStopSendingType);
  HAWSER_TRY(Stream* const stream, stream_for_frame(id, kStopSendingType));
  if (stream == nullptr || !stream->send.is_open()) return {};
  // RFC 9000 section 3.5: answered with RESET_STREAM and the same code, unless RESET_STREAM_AT named another.
  // reset-stream-at:5.4-stop-sending
  const Watch watch(*this, *stream);
  stream->stop_code = code;
  abandon_sending(*stream, code);
  note(*stream, kStreamStopSending);
  return {};
}

void StreamSet::on_max_data(std::uint64_t maximum) {
  if (credit_.on_limit(maximum)) release_credit_waiters();
}

Parsed<void> StreamSet::on_max_stream_data(StreamId id, std::uint64_t maximum) {
  if (!can_send(id)) return wrong_direction(kMaxStreamDataType);
  HAWSER_TRY(Stream* const stream, stream_for_frame(id, kMaxStreamDataType));
  if (stream == nullptr) return {};
  const bool was_blocked = stream->send.is_blocked();
  if (stream->send.on_max_stream_data(maximum)) reschedule(*stream);
  if (was_blocked && !stream->send.is_blocked()) tell_blocked(*stream, false);
  return {};
}

Parsed<void> StreamSet::on_max_streams(bool bidirectional, std::uint64_t maximum) {
  if (maximum > kMaxStreamCount)
    // rfc9000:19.11-too-large rfc9000:4.6-too-many-encodable
    return fail(TransportErrorCode::kFrameEncodingError, "MAX_STREAMS beyond 2^60",
                kMaxStreamsBidiType + (bidirectional ? 0 : 1));
  Kind& kind = local_kind(bidirectional);
  if (maximum <= kind.maximum) return {};
  const bool streams_waited = kind.opened > kind.maximum;
  kind.maximum = maximum;
  kind.available |= kind.refused && kind.opened < maximum;
  kind.refused = false;
  if (streams_waited) resume_streams();
  return {};
}

// A peer that says it is blocked gets what can be granted at once, without the half-window
// hysteresis: one that is out of credit with little consumed would otherwise wait for nothing.
void StreamSet::on_data_blocked(std::uint64_t limit) {
  if (limit >= window_.limit() && window_.can_update()) connection_control_ |= kSendMaxData;
}

Parsed<void> StreamSet::on_stream_data_blocked(StreamId id, std::uint64_t limit) {
  if (!can_receive(id)) return wrong_direction(kStreamDataBlockedType);
  HAWSER_TRY(Stream* const stream, stream_for_frame(id, kStreamDataBlockedType));
  if (stream != nullptr && stream->recv.is_current_limit(limit) && stream->recv.can_update_window())
    want_control(*stream, kControlMaxStreamData);
  return {};
}

// MAX_STREAMS goes out as streams close, and is repaired on loss; but one that holds half of its streams open for long
// would never get what others of them gave back.
Parsed<void> StreamSet::on_streams_blocked(bool bidirectional, std::uint64_t limit) {
  if (limit > kMaxStreamCount)
    // rfc9000:19.14-too-large
    return fail(TransportErrorCode::kFrameEncodingError, "STREAMS_BLOCKED beyond 2^60",
                kStreamsBlockedBidiType + (bidirectional ? 0 : 1));
  // What may be opened was told before, whoever asks.
  return {};
}

void StreamSet::end_batch() {
  while (Stream* stream = borrowed_.pop_front()) stream->recv.retain();
}

std::span<const Bytes> StreamSet::readable(StreamId id, std::span<Bytes> out) {
  const Stream* stream = streams_.find(id);
  if (stream == nullptr) return {};
  return stream->recv.readable(out);
}

bool StreamSet::consume(StreamId id, std::uint64_t octets) {
  Stream* stream = streams_.find(id);
  if (stream == nullptr || !stream->recv.exists()) return false;
  const Watch watch(*this, *stream);
  octets = std::min(octets, stream->recv.readable_octets());
  if (events_out_ != nullptr) [[unlikely]]
    tell_moved(*stream, false, stream->recv.read_to(), octets);
  const bool ended = stream->recv.consume(octets);
  on_consumed(octets);
  if (stream->recv.wants_tuning()) want_control(*stream, kControlTuneWindow);
  if (stream->recv.needs_window_update()) want_control(*stream, kControlMaxStreamData);
  if (stream->recv.reset_is_due()) [[unlikely]] {
    on_consumed(stream->recv.take_reset());
    tell_reset(*stream);
  }
  if (ended) close_if_done(*stream);
  return ended;
}

std::expected<void, StreamRefusal> StreamSet::stop_sending(StreamId id, ApplicationErrorCode code) {
  if (!can_receive(id)) return std::unexpected(StreamRefusal::kWrongDirection);
  Stream* stream = streams_.find(id);
  if (stream == nullptr) return std::unexpected(StreamRefusal::kUnknownStream);
  const Watch watch(*this, *stream);
  on_consumed(stream->recv.stop_sending(code));
  stream->events &= static_cast<std::uint8_t>(~kStreamReadable);
  if (stream->recv.needs_stop_sending()) want_control(*stream, kControlStopSending);
  close_if_done(*stream);
  return {};
}

// Octets that are off the connection's flow control: read, or never to be read.
// rfc9000:4.2-no-waiting
void StreamSet::on_consumed(std::uint64_t octets) {
  window_.on_consumed(octets);
  if (window_.wants_update()) connection_control_ |= kSendMaxData;
}

}  // namespace hawser::quic
