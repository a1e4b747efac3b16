// stream_set.cc: ids, limits and the life of a stream, from opening to kStreamClosed.
// Frames in: stream_set_receive.cc. Frames out, acknowledgement and loss: stream_set_send.cc.
#include "quic/streams/stream_set.h"

#include <algorithm>

#include "base/check.h"
#include "quic/streams/stream_watch.h"

namespace hawser::quic {

namespace {
// The connection's window against the largest of its streams': others must not starve
// while one fills its own.
constexpr std::uint64_t connection_window_for(std::uint64_t stream_window) {
  return stream_window + stream_window / 2;
}
}  // namespace

StreamSet::StreamSet(Role role, const StreamSetConfig& config, BufferPools& pools)
    : role_(role),
      config_(config),
      send_blocks_(pools.send),
      receive_blocks_(pools.receive),
      streams_(pools.streams, send_blocks_, receive_blocks_,
               {.send_buffer = config.send_buffer_cap, .receive_window = config.stream_window_cap}),
      window_(config.initial_max_data,
              std::max(config.initial_max_data, connection_window_for(config.stream_window_cap))) {
  for (const bool bidirectional : {true, false}) {
    Kind& kind = remote_kind(bidirectional);
    kind.concurrent = std::min(bidirectional ? config.initial_max_streams_bidi : config.initial_max_streams_uni,
                               kConcurrentStreamsMax);
    kind.maximum = kind.concurrent;
  }
}

StreamSet::~StreamSet() = default;

void StreamSet::set_peer_limits(const PeerStreamLimits& limits) {
  peer_ = limits;
  credit_.on_limit(limits.initial_max_data);
  for (const bool bidirectional : {true, false}) {
    Kind& kind = local_kind(bidirectional);
    const std::uint64_t maximum =
        std::min(bidirectional ? limits.initial_max_streams_bidi : limits.initial_max_streams_uni, kMaxStreamCount);
    if (maximum <= kind.maximum) continue;
    kind.maximum = maximum;
    kind.available |= kind.refused && kind.opened < maximum;
    kind.refused = false;
  }
  streams_.for_each([this](Stream& stream) { stream.send.on_max_stream_data(initial_send_limit(stream.id)); });
  resume_streams();
}

// rfc9001:4.6.2-reset-streams
void StreamSet::on_early_data_rejected() {
  peer_ = {};
  credit_.reset();
  connection_control_ &=
      static_cast<std::uint8_t>(~(kSendDataBlocked | kSendStreamsBlockedBidi | kSendStreamsBlockedUni));
  for (const bool bidirectional : {true, false}) {
    local_kind(bidirectional).maximum = 0;
    local_kind(bidirectional).blocked_at = kMaxStreamCount + 1;
  }
  streams_.for_each([this](Stream& stream) {
    unschedule(stream);
    control_.remove(stream);
    stream.send.on_early_data_rejected();
    stream.control = 0;
    if (stream.send.state() == SendState::kResetSent) want_control(stream, kControlResetStream);
    if (stream.recv.needs_stop_sending()) want_control(stream, kControlStopSending);
  });
}

// After limits rose: everything that may have waited for them is looked at again.
void StreamSet::resume_streams() {
  streams_.for_each([this](Stream& stream) {
    reschedule(stream);
    if (stream.control != 0) want_control(stream, stream.control);
  });
}

// rfc9000:2.1-no-reuse rfc9000:4.6-stream-limit-kept rfc9000:19.11-kept rfc9000:4.6-streams-blocked-sent
std::expected<StreamId, StreamRefusal> StreamSet::open(bool bidirectional) {
  Kind& kind = local_kind(bidirectional);
  if (kind.opened >= kind.maximum) {
    kind.refused = true;
    note_streams_blocked(bidirectional);
    return std::unexpected(StreamRefusal::kBlocked);
  }
  const StreamId id = StreamId::of(role_, bidirectional, kind.opened++);
  create(id);
  return id;
}

bool StreamSet::take_streams_available(bool bidirectional) {
  return std::exchange(local_kind(bidirectional).available, false);
}

std::uint64_t StreamSet::streams_available(bool bidirectional) const {
  const Kind& kind = kinds_[StreamId::of(role_, bidirectional, 0).value];
  return kind.maximum > kind.opened ? kind.maximum - kind.opened : 0;
}

bool StreamSet::is_closed(StreamId id) {
  return id.index() < kind_of(id).opened && streams_.find(id) == nullptr;
}

Stream& StreamSet::create(StreamId id) {
  Stream& stream = streams_.insert(id);
  stream.send.start(id, can_send(id), initial_send_limit(id), config_.send_buffer_cap);
  stream.recv.start(id, can_receive(id), initial_receive_window(id), config_.stream_window_cap);
  stream.priority = {};
  stream.events = stream.control = 0;
  stream.closed = false;
  stream.stop_code = 0;
  if (events_out_ != nullptr) [[unlikely]]
    tell_created(stream);
  return stream;
}

std::uint64_t StreamSet::initial_send_limit(StreamId id) const {
  if (!id.is_bidirectional()) return is_local(id) ? peer_.initial_max_stream_data_uni : 0;
  return is_local(id) ? peer_.initial_max_stream_data_bidi_remote : peer_.initial_max_stream_data_bidi_local;
}

std::uint64_t StreamSet::initial_receive_window(StreamId id) const {
  if (!id.is_bidirectional()) return is_local(id) ? 0 : config_.initial_max_stream_data_uni;
  return is_local(id) ? config_.initial_max_stream_data_bidi_local : config_.initial_max_stream_data_bidi_remote;
}

void StreamSet::note(Stream& stream, std::uint8_t event_bits) {
  stream.events |= event_bits;
  if (!events_.linked(stream)) events_.push_back(stream);
}

void StreamSet::close_if_done(Stream& stream) {
  if (stream.closed || !stream.send.is_done() || !stream.recv.is_done()) return;
  stream.closed = true;
  unschedule(stream);
  note(stream, kStreamClosed);
}

std::optional<StreamEvent> StreamSet::next_event() {
  while (!events_.empty()) {
    Stream& stream = *events_.front();
    StreamEvent event{.id = stream.id,
                      .has_all = stream.recv.has_all(),
                      .reset_code = stream.recv.reset_code(),
                      .stop_code = stream.stop_code};
    // Telling of a reset, or of an end with nothing left to read, is what completes the part.
    if ((stream.events & (kStreamReadable | kStreamReset)) != 0) {
      const Watch watch(*this, stream);
      stream.recv.on_end_delivered();
    }
    close_if_done(stream);
    event.what = std::exchange(stream.events, std::uint8_t{0});
    events_.remove(stream);
    if ((event.what & kStreamClosed) != 0) destroy(stream);
    // Nothing is left of an event that a command has made pointless.
    if (event.what != 0) return event;
  }
  return std::nullopt;
}

void StreamSet::destroy(Stream& stream) {
  unschedule(stream);
  events_.remove(stream);
  control_.remove(stream);
  borrowed_.remove(stream);
  send_buffered_ -= stream.send.buffered();
  stream.recv.release_buffers();
  const StreamId id = stream.id;
  streams_.erase(stream);
  ++kind_of(id).closed;
  if (!is_local(id)) grant_streams(id.is_bidirectional());
}

void StreamSet::rest() {
  streams_.rest();
  scheduler_.rest();
}

// MAX_STREAMS is sent when half of what the peer may have open is used up and more can be
// granted, so that it comes once per many streams: where one closes, and where one opens.
// rfc9000:4.6-no-waiting
void StreamSet::grant_streams(bool bidirectional) {
  const Kind& kind = remote_kind(bidirectional);
  if (kind.closed + kind.concurrent <= kind.maximum || 2 * (kind.maximum - kind.opened) > kind.concurrent) return;
  connection_control_ |= bidirectional ? kSendMaxStreamsBidi : kSendMaxStreamsUni;
}

}  // namespace hawser::quic
