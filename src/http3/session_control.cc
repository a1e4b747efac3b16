// session_control.cc: the life of an HTTP/3 connection: its unidirectional streams, SETTINGS, GOAWAY
// and how it fails (RFC 9114 sections 5 to 7).
#include <algorithm>
#include <array>
#include <utility>

#include "base/result.h"
#include "http3/session_core.h"

namespace hawser::http3 {

using quic::Role;

namespace {

// Views that are looked at for a stream's type: it has 8 octets at most, however it was cut.
constexpr std::size_t kPeekViews = 8;
constexpr std::size_t kTypeOctetsMax = 8;

qpack::EncoderConfig encoder_config(const SessionConfig& config) {
  return {.table_capacity_max = config.qpack_encoder_table_capacity,
          .blocked_streams_max = config.qpack_blocked_streams};
}

qpack::DecoderConfig decoder_config(const SessionConfig& config) {
  return {.table_capacity_max = config.qpack_decoder_table_capacity,
          .blocked_streams_max = config.qpack_blocked_streams,
          .field_section_size_max = config.max_field_section_size};
}

}  // namespace

SessionCore::SessionCore(Session& session, Role role, std::shared_ptr<const SessionConfig> config,
                         SessionHandler& handler, Transport* transport)
    : session_(session),
      handler_(handler),
      role_(role),
      config_(std::move(config)),
      transport_(transport != nullptr ? transport : &own_transport_),
      encoder_(encoder_config(*config_)),
      decoder_(decoder_config(*config_)),
      resets_(config_->resets_max, config_->reset_window),
      idle_frames_(config_->idle_frames_max, config_->reset_window) {
  control_reader_.reset(FrameStream::kControl, role, 0);
}

// Our own streams. -----------------------------------------------------------------------------

// rfc9114:7.2.4.2-not-wait
void SessionCore::make_ready() {
  if (ready_ || closed_) return;
  ready_ = true;
  start_events();
  open_own_streams();
  if (!closed_) handler_.on_ready(session_);
}

// RFC 9114 section 6.2.1: the control stream first, as the peer waits for SETTINGS. A peer
// that allows fewer streams than we need is given the others when it does.
// rfc9114:6.2.1-single rfc9114:3.2-settings rfc9114:7.2.4-first rfc9114:6.2-control-first rfc9204:4.2-one-each
void SessionCore::open_own_streams() {
  if (!own_control_ && open_own_stream(own_control_, StreamType::kControl)) {
    std::vector<std::uint8_t> scratch;
    // rfc9114:7.2.4-control-only rfc9114:7.2.4.2-at-once rfc9114:7.2.4.2-include rfc9114:7.2.4.1-grease
    const Settings settings = own_settings(*config_, role_);
    append_settings_frame(scratch, settings, config_->grease ? reserved_value(own_control_->value + 7) : 0);
    // A type and a length of one octet each stand before the settings.
    if (events_ != nullptr) log_settings(Owner::kLocal, *own_control_, settings, scratch.size() - 2);
    if (config_->grease) append_frame(scratch, reserved_value(3), as_bytes("hawser"));
    if (events_ != nullptr && config_->grease)
      log_frame(Owner::kLocal, *own_control_, {.type = reserved_value(3), .length = 6});
    write_control(scratch);
    transport_->set_priority(*own_control_, 0, false);
  }
  if (!own_encoder_ && open_own_stream(own_encoder_, StreamType::kQpackEncoder))
    transport_->set_priority(*own_encoder_, 0, false);
  if (!own_decoder_ && open_own_stream(own_decoder_, StreamType::kQpackDecoder)) {
    transport_->set_priority(*own_decoder_, 0, false);
    if (config_->grease && !in_early_data()) send_grease_stream();
  }
  flush_qpack();
}

bool SessionCore::open_own_stream(std::optional<StreamId>& id, StreamType type) {
  const auto opened = transport_->open_stream(false);
  if (!opened) return false;
  id = *opened;
  if (events_ != nullptr) {
    log_stream_type(Owner::kLocal, *id,
                    type == StreamType::kControl        ? Http3StreamType::kControl
                    : type == StreamType::kQpackEncoder ? Http3StreamType::kQpackEncode
                                                        : Http3StreamType::kQpackDecode);
  }
  const std::uint8_t octet = static_cast<std::uint8_t>(type);
  write_all(*id, {&octet, 1}, false);
  return true;
}

// RFC 9114 section 6.2.3.
// rfc9114:6.2.3-no-meaning rfc9114:6.2.3-code
void SessionCore::send_grease_stream() {
  const auto opened = transport_->open_stream(false);
  if (!opened) return;
  if (events_ != nullptr) log_stream_type(Owner::kLocal, *opened, Http3StreamType::kReserved);
  std::array<std::uint8_t, 8> type;
  const std::uint8_t* end = put_varint(type.data(), reserved_value(opened->value + 1));
  write_all(*opened, {type.data(), end}, true);
}

void SessionCore::write_all(StreamId id, Bytes data, bool fin) {
  const auto taken = transport_->write(id, data, fin);
  if (!taken || *taken == data.size()) return;
  // Frames must not be cut; the rest goes whatever the limit of the send buffer.
  (void)transport_->write(id, SharedBytes::copy(data.subspan(*taken)), fin);
}

// A peer that does not let our critical streams move makes us buffer without end. One that has closed the connection
// hears no more, but what came along with that is still to be read.
void SessionCore::write_critical(StreamId id, Bytes data) {
  if (!transport_->is_open()) return;
  if (transport_->write_room(id) < data.size()) {
    fail_connection({ErrorCode::kExcessiveLoad, "a critical stream is not being read", ErrorScope::kConnection});
    return;
  }
  write_all(id, data, false);
}

void SessionCore::write_control(Bytes frames) {
  if (own_control_) write_critical(*own_control_, frames);
}

// rfc9114:7.2.4.2-initial
void SessionCore::flush_qpack() {
  if (closed_ || over_) return;
  if (own_encoder_ && peer_settings_ && !encoder_told_) {
    encoder_told_ = true;
    encoder_.on_peer_settings(peer_settings_->qpack_max_table_capacity, peer_settings_->qpack_blocked_streams);
  }
  if (own_encoder_) {
    const Bytes pending = encoder_.pending_encoder_stream();
    if (!pending.empty()) write_critical(*own_encoder_, pending);
    encoder_.consume_encoder_stream(pending.size());
  }
  if (own_decoder_ && !closed_) {
    const Bytes pending = decoder_.pending_decoder_stream();
    if (!pending.empty()) write_critical(*own_decoder_, pending);
    decoder_.consume_decoder_stream(pending.size());
  }
}

void SessionCore::fail_connection(const Error& error) {
  if (closed_) return;
  closed_ = true;
  transport_->close(static_cast<std::uint64_t>(error.code), error.reason);
}

// rfc9114:5.2-no-error
void SessionCore::close(ErrorCode code, std::string_view reason) {
  if (closed_) return;
  closed_ = true;
  transport_->close(static_cast<std::uint64_t>(code), reason);
}

// rfc9114:5.4-maybe-processed
void SessionCore::on_closed(const quic::CloseReason& reason) {
  over_ = true;
  if (!closed_) handler_.on_last_read(session_);
  closed_ = true;
  events_ = nullptr;
  handler_.on_closed(session_, reason);
}

// What is worked in grows to the largest message; what both ends have learned stays.
void SessionCore::on_rest() {
  if (work_ != nullptr && work_->section_depth == 0 && work_->last_head.in_use == 0) work_.reset();
  // Critical streams have no state of their own; find_for_event() makes them again.
  for (const auto& id : {peer_control_, peer_encoder_, peer_decoder_})
    if (id && streams_.find(*id) != nullptr) streams_.erase(*id);
  encoder_.rest();
  decoder_.rest();
  control_reader_.rest();
  streams_.rest();
}

// RFC 9114 section 5.2. Servers name the first request that will not be processed; clients
// name push 0, as they accept none.
// rfc9114:5.2-send
void SessionCore::shutdown() {
  if (closed_ || !ready_ || goaway_sent_) return;
  goaway_sent_ = true;
  // rfc9114:5.2-not-larger rfc9114:3.3-goaway
  goaway_sent_id_ = role_ == Role::kServer ? next_request_ : 0;
  std::vector<std::uint8_t> scratch;
  append_integer_frame(scratch, FrameType::kGoaway, goaway_sent_id_);
  if (events_ != nullptr && own_control_)
    log_integer_frame(Owner::kLocal, *own_control_, FrameType::kGoaway, goaway_sent_id_);
  write_control(scratch);
}

// Frames and streams that cost us work and the peer nothing.
bool SessionCore::count_idle_frame() {
  if (idle_frames_.count(transport_->now())) return true;
  // rfc9114:10.5-track
  fail_connection({ErrorCode::kExcessiveLoad, "too many frames without use", ErrorScope::kConnection});
  return false;
}

void SessionCore::count_reset(Stream& stream) {
  if (role_ != Role::kServer || stream.counted) return;
  stream.counted = true;
  if (!resets_.count(transport_->now()))
    fail_connection({ErrorCode::kExcessiveLoad, "too many requests were reset", ErrorScope::kConnection});
}

// Events of the transport. ---------------------------------------------------------------------

// rfc9114:5.2-cancel
void SessionCore::on_stream_opened(StreamId id) {
  if (closed_) return;
  Stream& stream = streams_.insert(id);
  if (!id.is_bidirectional()) {
    if (++unknown_streams_ > config_->unknown_streams_max) {
      fail_connection({ErrorCode::kExcessiveLoad, "too many streams without a known type", ErrorScope::kConnection});
    }
    return;
  }
  if (role_ != Role::kServer) return;
  next_request_ = std::max(next_request_, id.value + 4);
  if (goaway_sent_ && id.value >= goaway_sent_id_) {
    // rfc9114:5.2-later rfc9114:4.1.1-rejected rfc9114:4.1.1-not-rejected
    transport_->stop_sending(id, static_cast<std::uint64_t>(ErrorCode::kRequestRejected));
    transport_->reset_stream(id, static_cast<std::uint64_t>(ErrorCode::kRequestRejected));
    stream.kind = StreamKind::kRefused;
    count_reset(stream);
  }
}

// Looks a stream up; a critical one that was put away at rest comes back.
Stream* SessionCore::find_for_event(StreamId id) {
  Stream* stream = streams_.find(id);
  if (stream != nullptr || id.is_bidirectional()) return stream;
  StreamKind kind = StreamKind::kUndecided;
  if (id == peer_control_) kind = StreamKind::kControl;
  if (id == peer_encoder_) kind = StreamKind::kQpackEncoder;
  if (id == peer_decoder_) kind = StreamKind::kQpackDecoder;
  if (kind == StreamKind::kUndecided) return nullptr;
  stream = &streams_.insert(id);
  stream->kind = kind;
  return stream;
}

void SessionCore::on_stream_readable(StreamId id) {
  if (closed_) return;
  Stream* stream = find_for_event(id);
  if (stream == nullptr) return;
  if (stream->kind == StreamKind::kUndecided) {
    drive_undecided(*stream);
    stream = closed_ ? nullptr : streams_.find(id);
    if (stream == nullptr) return;
  }
  switch (stream->kind) {
    case StreamKind::kRequest:
      drive_request(id);
      break;
    case StreamKind::kControl:
    case StreamKind::kQpackEncoder:
    case StreamKind::kQpackDecoder:
      drive_critical(*stream);
      break;
    case StreamKind::kForeign:
      handler_.on_raw_readable(session_, id);
      break;
    case StreamKind::kUndecided:
    case StreamKind::kRefused:
      break;
  }
  flush_qpack();
}

void SessionCore::on_stream_closed(StreamId id) {
  Stream* stream = streams_.find(id);
  if (stream == nullptr) return;
  stream->transport_closed = true;
  if (stream->kind == StreamKind::kRequest && !closed_) {
    drive_request(id);
    stream = streams_.find(id);
    // A section that waits for insertions is still to be delivered.
    if (stream == nullptr || stream->blocked) return;
  }
  erase(*stream);
}

// Of a stream that the transport has forgotten only a section that waits is of use.
void SessionCore::erase_if_over(StreamId id) {
  Stream* stream = closed_ ? nullptr : streams_.find(id);
  if (stream != nullptr && stream->transport_closed && !stream->blocked) erase(*stream);
}

void SessionCore::erase(Stream& stream) {
  const StreamId id = stream.id;
  const bool told = stream.kind == StreamKind::kRequest || stream.kind == StreamKind::kForeign;
  if (stream.kind == StreamKind::kRequest && --open_requests_ == 0 && role_ == Role::kClient)
    transport_->keep_alive(false);
  head_memory_ -= std::exchange(stream.head_memory, 0);
  const bool unknown = stream.kind == StreamKind::kUndecided || stream.kind == StreamKind::kRefused;
  if (!id.is_bidirectional() && unknown) --unknown_streams_;
  if (told && !closed_) handler_.on_stream_closed(session_, id);
  if (streams_.find(id) == &stream) streams_.erase(id);
}

void SessionCore::on_streams_available(bool bidirectional) {
  if (closed_ || !ready_) return;
  if (!bidirectional) {
    open_own_streams();
  } else if (role_ == Role::kClient) {
    handler_.on_requests_available(session_);
  }
}

void SessionCore::on_datagram(Bytes payload) {
  if (!closed_) handler_.on_datagram(session_, payload);
}

// Streams whose type decides. ------------------------------------------------------------------

// True once the type is known; its octets, of which `size` are there, are not consumed. `ended`: the stream ended
// before it.
// rfc9114:6.2-type-first
bool SessionCore::peek_type(StreamId id, std::uint64_t& type, std::size_t& size, bool& ended) {
  std::array<Bytes, kPeekViews> views;
  const std::size_t count = transport_->read_views(id, views);
  std::array<std::uint8_t, kTypeOctetsMax> octets{};
  std::size_t have = 0;
  for (std::size_t i = 0; i < count && have < octets.size(); ++i) {
    const std::size_t take = std::min(views[i].size(), octets.size() - have);
    std::copy_n(views[i].data(), take, octets.data() + have);
    have += take;
  }
  const std::uint8_t* after = take_varint(octets.data(), octets.data() + have, type);
  ended = after == nullptr && transport_->has_all(id);
  size = after == nullptr ? have : static_cast<std::size_t>(after - octets.data());
  return after != nullptr;
}

void SessionCore::drive_undecided(Stream& stream) {
  std::uint64_t type = 0;
  std::size_t size = 0;
  bool ended = false;
  const bool known = peek_type(stream.id, type, size, ended);
  if (stream.id.is_bidirectional()) {
    if (known) return decide_bidirectional(stream, type, size);
    // The end before or within its first frame's type is for the request machine to judge.
    if (ended) decide_bidirectional(stream, static_cast<std::uint64_t>(FrameType::kData), 0);
    return;
  }
  if (known) return decide_unidirectional(stream, type, size);
  // RFC 9114 section 6.2: a stream may end before its type, or within it. Once that is read, the stream is over.
  // rfc9114:6.2-no-header
  if (ended && count_idle_frame()) transport_->consume(stream.id, size);
}

void SessionCore::decide_unidirectional(Stream& stream, std::uint64_t type, std::size_t size) {
  switch (static_cast<StreamType>(type)) {
    case StreamType::kControl:
      transport_->consume(stream.id, size);
      return claim_critical(stream, StreamKind::kControl, peer_control_, "a second control stream");
    case StreamType::kQpackEncoder:
      transport_->consume(stream.id, size);
      return claim_critical(stream, StreamKind::kQpackEncoder, peer_encoder_, "a second QPACK encoder stream");
    case StreamType::kQpackDecoder:
      transport_->consume(stream.id, size);
      return claim_critical(stream, StreamKind::kQpackDecoder, peer_decoder_, "a second QPACK decoder stream");
    case StreamType::kPush:
      // RFC 9114 section 6.2.2: only servers push, and we as a client never allow it.
      if (role_ == Role::kServer)
        // rfc9114:6.2.2-client
        return fail_connection({ErrorCode::kStreamCreationError, "a push stream from a client"});
      // rfc9114:4.6-push-id
      return fail_connection({ErrorCode::kIdError, "a push stream without MAX_PUSH_ID"});
  }
  if (events_ != nullptr)
    log_stream_type(Owner::kRemote, stream.id,
                    is_reserved_value(type) ? Http3StreamType::kReserved : Http3StreamType::kUnknown);
  if (!offer_foreign(stream, type, size)) refuse(stream);
}

void SessionCore::claim_critical(Stream& stream, StreamKind kind, std::optional<StreamId>& slot,
                                 std::string_view twice) {
  // rfc9114:6.2.1-second rfc9204:4.2-second rfc9204:4.2-allowed
  if (slot) return fail_connection({ErrorCode::kStreamCreationError, twice});
  slot = stream.id;
  stream.kind = kind;
  if (events_ != nullptr) {
    log_stream_type(Owner::kRemote, stream.id,
                    kind == StreamKind::kControl        ? Http3StreamType::kControl
                    : kind == StreamKind::kQpackEncoder ? Http3StreamType::kQpackEncode
                                                        : Http3StreamType::kQpackDecode);
  }
  --unknown_streams_;
}

// True if the application took it: it reads what follows the type.
bool SessionCore::offer_foreign(Stream& stream, std::uint64_t type, std::size_t size) {
  // rfc9114:6.2.3-no-meaning rfc9114:9-negotiated
  if (is_reserved_value(type)) return false;
  const StreamId id = stream.id;
  if (!handler_.on_foreign_stream(session_, id, type)) return false;
  Stream* claimed = closed_ ? nullptr : streams_.find(id);
  if (claimed == nullptr) return true;
  if (!id.is_bidirectional()) --unknown_streams_;
  claimed->kind = StreamKind::kForeign;
  transport_->consume(id, size);
  return true;
}

// RFC 9114 section 6.2: streams of unknown type are not read, and not an error.
// rfc9114:6.2-unknown rfc9114:6.2-unknown-code rfc9114:6.2-unknown-no-error rfc9114:9-discard
void SessionCore::refuse(Stream& stream) {
  stream.kind = StreamKind::kRefused;
  transport_->stop_sending(stream.id, static_cast<std::uint64_t>(ErrorCode::kStreamCreationError));
  count_idle_frame();
}

void SessionCore::decide_bidirectional(Stream& stream, std::uint64_t type, std::size_t size) {
  const bool known = type <= static_cast<std::uint64_t>(FrameType::kMaxPushId);
  const StreamId id = stream.id;
  if (!known && offer_foreign(stream, type, size)) return;
  if (closed_ || streams_.find(id) != &stream) return;
  // RFC 9114 section 6.1: servers open no bidirectional streams of their own.
  if (role_ == Role::kClient)
    // rfc9114:6.1-server-bidi
    return fail_connection({ErrorCode::kStreamCreationError, "a bidirectional stream from the server"});
  begin_request(stream);
}

// Critical streams. ----------------------------------------------------------------------------

void SessionCore::drive_critical(Stream& stream) {
  const StreamId id = stream.id;
  const StreamKind kind = stream.kind;
  Bytes view;
  while (!closed_ && transport_->read_views(id, {&view, 1}) > 0) {
    Result<void> fed;
    if (kind == StreamKind::kControl) {
      fed = feed_control(view);
    } else {
      const auto done =
          kind == StreamKind::kQpackEncoder ? decoder_.on_encoder_stream(view) : encoder_.on_decoder_stream(view);
      if (!done) fed = std::unexpected(from_qpack(done.error()));
    }
    if (!fed) return fail_connection(fed.error());
    if (!closed_) transport_->consume(id, view.size());
  }
  if (closed_) return;
  // RFC 9114 section 6.2.1 and RFC 9204 section 4.2.
  if (transport_->at_end(id))
    // rfc9114:6.2.1-closed rfc9204:4.2-closed
    return fail_connection({ErrorCode::kClosedCriticalStream, "the peer ended a critical stream"});
  if (kind == StreamKind::kQpackEncoder) resume_unblocked();
}

Result<void> SessionCore::feed_control(Bytes data) {
  while (!data.empty() && !closed_) {
    auto event = control_reader_.next(data);
    // RFC 9114 section 6.2.1: whatever is wrong with a first frame that is not SETTINGS.
    const bool missing = !peer_settings_ && (event ? event->kind != FrameReader::Kind::kNeedMore &&
                                                         event->type != static_cast<std::uint64_t>(FrameType::kSettings)
                                                   : event.error().code == ErrorCode::kFrameUnexpected);
    // rfc9114:6.2.1-missing-settings rfc9114:9-not-satisfied
    if (missing) return fail(ErrorCode::kMissingSettings, "the control stream does not begin with SETTINGS");
    if (!event) return std::unexpected(event.error());
    if (event->kind == FrameReader::Kind::kUnknown) {
      if (events_ != nullptr) log_frame(Owner::kRemote, *peer_control_, {.type = event->type, .length = event->length});
      if (!count_idle_frame()) return {};
    }
    if (event->kind == FrameReader::Kind::kFrame) HAWSER_TRY_VOID(on_control_frame(*event));
  }
  return {};
}

Result<void> SessionCore::on_control_frame(const FrameReader::Event& event) {
  const auto type = static_cast<FrameType>(event.type);
  if (type == FrameType::kSettings) return on_settings(event.payload);
  if (!count_idle_frame()) return {};
  if (type == FrameType::kPriorityUpdateRequest || type == FrameType::kPriorityUpdatePush) {
    return on_priority_update(event.payload, type == FrameType::kPriorityUpdatePush);
  }
  HAWSER_TRY(const std::uint64_t id, parse_integer_payload(event.payload));
  if (events_ != nullptr) log_integer_frame(Owner::kRemote, *peer_control_, type, id);
  if (type == FrameType::kGoaway) return on_goaway(id);
  if (type == FrameType::kMaxPushId) return on_max_push_id(id);
  // RFC 9114 section 7.2.3: no push was ever promised, in either direction.
  // rfc9114:7.2.3-not-promised rfc9114:7.2.3-too-large
  return fail(ErrorCode::kIdError, "CANCEL_PUSH for a push that does not exist");
}

Result<void> SessionCore::on_settings(Bytes payload) {
  // rfc9114:7.2.4-second
  if (peer_settings_) return fail(ErrorCode::kFrameUnexpected, "a second SETTINGS");
  // rfc9114:7.2.4-unknown rfc9114:7.2.4.1-no-meaning rfc9114:7.2.4.2-new rfc9114:9-default-off
  HAWSER_TRY(Settings settings, parse_settings(payload));
  if (breaks_early_settings(settings))
    return fail(ErrorCode::kSettingsError, "0-RTT was accepted under settings that were reduced");
  peer_settings_ = std::move(settings);
  if (events_ != nullptr) log_settings(Owner::kRemote, *peer_control_, *peer_settings_, payload.size());
  flush_qpack();
  if (!closed_) handler_.on_settings(session_, *peer_settings_);
  if (!closed_) deliver_tickets();
  return {};
}

// RFC 9114 section 5.2 and 7.2.6.
Result<void> SessionCore::on_goaway(std::uint64_t id) {
  // rfc9114:7.2.6-type
  if (role_ == Role::kClient && (id & 3) != 0) return fail(ErrorCode::kIdError, "GOAWAY with an ID that is no request");
  // rfc9114:5.2-larger
  if (goaway_received_ && id > *goaway_received_)
    return fail(ErrorCode::kIdError, "GOAWAY with a higher ID than before");
  goaway_received_ = id;
  handler_.on_goaway(session_, id);
  if (role_ == Role::kClient && !closed_) reject_above_goaway(id);
  return {};
}

// These requests were not and will not be processed: they are safe to send elsewhere.
void SessionCore::reject_above_goaway(std::uint64_t id) {
  std::vector<StreamId> all;
  streams_.list(all);
  for (const StreamId stream_id : all) {
    Stream* stream = closed_ ? nullptr : streams_.find(stream_id);
    if (stream == nullptr || stream->kind != StreamKind::kRequest || stream_id.value < id) continue;
    if (stream->receive == ReceiveState::kComplete || stream->receive == ReceiveState::kAbandoned) continue;
    give_up(*stream, ErrorCode::kRequestCancelled);
    handler_.on_stream_reset(session_, stream_id, ErrorCode::kRequestRejected,
                             "the server is going away and did not process it");
    erase_if_over(stream_id);
  }
}

// RFC 9114 section 7.2.7.
Result<void> SessionCore::on_max_push_id(std::uint64_t id) {
  // rfc9114:7.2.7-lower
  if (max_push_id_ && id < *max_push_id_) return fail(ErrorCode::kIdError, "MAX_PUSH_ID went down");
  max_push_id_ = id;
  return {};
}

// RFC 9218 section 7. A priority that cannot be read is passed over.
Result<void> SessionCore::on_priority_update(Bytes payload, bool push) {
  HAWSER_TRY(const PriorityUpdate update, parse_priority_update(payload));
  if (events_ != nullptr) {
    const FrameType type = push ? FrameType::kPriorityUpdatePush : FrameType::kPriorityUpdateRequest;
    log_frame(Owner::kRemote, *peer_control_,
              {.type = static_cast<std::uint64_t>(type),
               .length = payload.size(),
               .id = update.element_id,
               .priority = update.priority});
  }
  if (push) {
    // rfc9218:7.2-push rfc9218:7.2-not-promised
    if (!max_push_id_ || update.element_id > *max_push_id_)
      return fail(ErrorCode::kIdError, "PRIORITY_UPDATE for a push above MAX_PUSH_ID");
    return {};
  }
  // rfc9218:7.2-request rfc9218:7.2-not-request
  if ((update.element_id & 3) != 0) return fail(ErrorCode::kIdError, "PRIORITY_UPDATE for an ID that is no request");
  Priority priority;
  if (!parse_priority(update.priority, priority)) return {};
  const StreamId id{update.element_id};
  if (streams_.find(id) == nullptr && id.value < next_request_) return {};  // over by now
  if (streams_.find(id) != nullptr) transport_->set_priority(id, priority.urgency, priority.incremental);
  if (events_ != nullptr) log_priority(id, priority, PriorityTrigger::kClientSignal);
  // rfc9218:7-buffer
  // Kept until the request's own priority has been read, over which it wins.
  std::erase_if(early_priorities_, [id](const EarlyPriority& early) { return early.id == id; });
  const Stream* stream = streams_.find(id);
  if (stream != nullptr && stream->kind == StreamKind::kRequest && stream->receive != ReceiveState::kHead) return {};
  if (early_priorities_.size() >= config_->early_priorities_max && !early_priorities_.empty())
    early_priorities_.erase(early_priorities_.begin());
  if (config_->early_priorities_max > 0) early_priorities_.push_back({id, priority});
  return {};
}

SessionStats SessionCore::stats() const {
  SessionStats stats = stats_;
  stats.streams_open = open_requests_;
  return stats;
}

}  // namespace hawser::http3
