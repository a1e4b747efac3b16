// session_send.cc: requests, responses, bodies and trailers on their way out.
#include <algorithm>
#include <array>

#include "base/result.h"
#include "http3/session_core.h"

namespace hawser::http3 {

using quic::Role;

namespace {
// Room in front of an encoded section for the header of its frame: a type of one octet.
constexpr std::size_t kHeaderRoom = 9;
}  // namespace

std::expected<void, SessionError> SessionCore::refused(const Error& fault) {
  last_fault_ = fault.reason;
  return std::unexpected(SessionError::kMalformed);
}

// RFC 9114 section 4.2.2: what the peer says it will not take is not sent.
// rfc9114:4.2.2-size rfc9114:7.2.4.2-comply
// rfc9114:7.2.4.2-stored
std::optional<SessionError> SessionCore::check_size(std::size_t size) const {
  const Settings* settings = settings_to_keep();
  if (settings == nullptr || size <= settings->max_field_section_size) return std::nullopt;
  return SessionError::kTooLarge;
}

void SessionCore::send_section(StreamId id, FieldList fields, bool fin) {
  std::vector<std::uint8_t>& scratch = work().scratch;
  scratch.clear();
  scratch.resize(kHeaderRoom);
  encoder_.encode(id.value, fields, scratch);
  const std::size_t size = scratch.size() - kHeaderRoom;
  const std::size_t start = kHeaderRoom - frame_header_size(static_cast<std::uint64_t>(FrameType::kHeaders), size);
  put_frame_header(scratch.data() + start, FrameType::kHeaders, size);
  stats_.header_bytes_sent += size;
  if (events_ != nullptr) log_headers(Owner::kLocal, id, fields, size);
  flush_qpack();
  if (!closed_) write_all(id, Bytes{scratch}.subspan(start), fin);
}

// `size`: of the field section, as SETTINGS_MAX_FIELD_SECTION_SIZE counts.
std::expected<void, SessionError> SessionCore::check_may_request(std::size_t size) const {
  if (closed_) return std::unexpected(SessionError::kClosed);
  if (!ready_) return std::unexpected(SessionError::kNotReady);
  // rfc9114:5.2-no-new
  if (going_away()) return std::unexpected(SessionError::kGoingAway);
  if (role_ != Role::kClient) return std::unexpected(SessionError::kWrongState);
  if (const auto refusal = check_size(size)) return std::unexpected(*refusal);
  return {};
}

// rfc9114:4.1-single rfc9114:4.1-client-closes rfc9114:4.1-not-dependent
std::expected<Stream*, SessionError> SessionCore::open_request(bool fin) {
  const auto opened = transport_->open_stream(true);
  if (!opened) {
    return std::unexpected(opened.error() == quic::StreamError::kLimit ? SessionError::kStreamLimit
                                                                       : SessionError::kClosed);
  }
  Stream& stream = streams_.insert(*opened);
  begin_request(stream);
  ++stats_.requests_sent;
  stream.send = fin ? SendState::kFinished : SendState::kBody;
  return &stream;
}

std::expected<StreamId, SessionError> SessionCore::send_request(FieldList fields, bool fin) {
  HAWSER_TRY_VOID(check_may_request(size_of(fields)));
  if (config_->check_outgoing) {
    const Settings* settings = settings_to_keep();
    // rfc9114:6.2-unsupported
    const auto head = check_outgoing_request(fields, settings != nullptr && settings->enable_connect_protocol);
    if (!head) return std::unexpected(refused(head.error()).error());
  }
  HAWSER_TRY(Stream* const stream, open_request(fin));
  for (const Field& field : fields) {
    if (field.name != ":method") continue;
    stream->head_request = field.value == "HEAD";
    stream->connect_request = field.value == "CONNECT";
    break;
  }
  const StreamId id = stream->id;
  send_section(id, fields, fin);
  return id;
}

std::expected<StreamId, SessionError> SessionCore::send_request(const EncodedHead& head, bool fin) {
  HAWSER_TRY_VOID(check_may_request(head.field_section_size()));
  HAWSER_TRY(Stream* const stream, open_request(fin));
  stream->head_request = head.is_head();
  stream->connect_request = head.is_connect();
  stats_.header_bytes_sent += head.section_octets();
  const StreamId id = stream->id;
  // Of a head encoded before, only the octets are at hand.
  if (events_ != nullptr) log_headers(Owner::kLocal, id, {}, head.section_octets());
  write_all(id, head.frame(), fin);
  return id;
}

// rfc9218:7.2-control rfc9218:7.2-server
void SessionCore::update_priority(StreamId id, Priority priority) {
  if (closed_ || !ready_ || role_ != Role::kClient) return;
  // An open stream is within the server's limit.
  // rfc9218:7.2-limit
  if (streams_.find(id) == nullptr) return;
  std::array<char, kPriorityTextMax> text;
  std::vector<std::uint8_t>& scratch = work().scratch;
  scratch.clear();
  const std::string_view value = format_priority(priority, text.data());
  append_priority_update(scratch, id.value, value);
  if (events_ != nullptr && own_control_)
    log_frame(Owner::kLocal, *own_control_,
              {.type = static_cast<std::uint64_t>(FrameType::kPriorityUpdateRequest),
               .length = varint_size(id.value) + value.size(),
               .id = id.value,
               .priority = value});
  write_control(scratch);
}

std::expected<Stream*, SessionError> SessionCore::sending_stream(StreamId id, SendState state) {
  if (closed_) return std::unexpected(SessionError::kClosed);
  Stream* stream = streams_.find(id);
  if (stream == nullptr || stream->kind != StreamKind::kRequest) return std::unexpected(SessionError::kNoSuchStream);
  if (stream->send == SendState::kAbandoned) return std::unexpected(SessionError::kStreamReset);
  if (stream->send != state) return std::unexpected(SessionError::kWrongState);
  return stream;
}

// A response to a request that has not been read is out of order.
std::expected<Stream*, SessionError> SessionCore::responding_stream(StreamId id) {
  HAWSER_TRY(Stream* const stream, sending_stream(id, SendState::kHead));
  if (role_ != Role::kServer || stream->receive == ReceiveState::kHead)
    return std::unexpected(SessionError::kWrongState);
  return stream;
}

std::expected<void, SessionError> SessionCore::send_response(StreamId id, const EncodedMessage& message,
                                                             bool with_body) {
  HAWSER_TRY(Stream* const stream, responding_stream(id));
  if (const auto refusal = check_size(message.field_section_size)) return std::unexpected(*refusal);
  stream->send = SendState::kFinished;
  stats_.header_bytes_sent += message.section_size;
  if (with_body) stats_.body_bytes_sent += message.body_size;
  if (events_ != nullptr) {
    log_headers(Owner::kLocal, id, {}, message.section_size);
    if (with_body && message.body_size > 0) log_frame(Owner::kLocal, id, {.type = 0, .length = message.body_size});
  }
  (void)transport_->write(id, with_body ? message.octets : message.octets.part(0, message.head_size), true);
  return {};
}

std::expected<void, SessionError> SessionCore::send_response(StreamId id, std::uint16_t status, FieldList fields,
                                                             bool fin) {
  HAWSER_TRY(Stream* const stream, responding_stream(id));
  if (status < 100 || status > 999) return refused(malformed("a status outside 100 to 999").error());
  const std::array<char, 3> digits{static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
                                   static_cast<char>('0' + status % 10)};
  std::vector<Field>& outgoing = work().outgoing;
  outgoing.clear();
  outgoing.push_back({":status", {digits.data(), digits.size()}});
  outgoing.insert(outgoing.end(), fields.begin(), fields.end());
  if (const auto refusal = check_size(size_of(outgoing))) return std::unexpected(*refusal);
  if (config_->check_outgoing) {
    if (const auto head = check_outgoing_response(outgoing); !head) return refused(head.error());
  }
  if (status >= 200) stream->send = fin ? SendState::kFinished : SendState::kBody;
  send_section(id, outgoing, fin);
  return {};
}

std::expected<std::size_t, SessionError> SessionCore::write_body(StreamId id, Bytes data, bool fin) {
  HAWSER_TRY(Stream* const stream, sending_stream(id, SendState::kBody));
  if (data.empty()) {
    if (fin) HAWSER_TRY_VOID(finish(id));
    return 0;
  }
  const std::size_t room = transport_->write_room(id);
  if (room == 0) {
    // Takes nothing, and has the transport tell when that changes.
    (void)transport_->write(id, data.first(1), false);
    return 0;
  }
  const std::size_t take = std::min(room, data.size());
  const bool ends = fin && take == data.size();
  std::array<std::uint8_t, kFrameHeaderMax> header;
  const std::uint8_t* header_end = put_frame_header(header.data(), FrameType::kData, take);
  if (events_ != nullptr) log_frame(Owner::kLocal, id, {.type = 0, .length = take});
  if (ends) stream->send = SendState::kFinished;
  stats_.body_bytes_sent += take;
  write_all(id, {static_cast<const std::uint8_t*>(header.data()), header_end}, false);
  // With less room than data this overshoots by the header, which is what makes the
  // transport report room later.
  // rfc9114:4.1-server-closes
  write_all(id, data.first(take), ends);
  return take;
}

std::expected<void, SessionError> SessionCore::write_body(StreamId id, SharedBytes data, bool fin) {
  HAWSER_TRY(Stream* const stream, sending_stream(id, SendState::kBody));
  if (data.empty()) return fin ? finish(id) : std::expected<void, SessionError>{};
  std::array<std::uint8_t, kFrameHeaderMax> header;
  const std::uint8_t* header_end = put_frame_header(header.data(), FrameType::kData, data.size());
  if (events_ != nullptr) log_frame(Owner::kLocal, id, {.type = 0, .length = data.size()});
  if (fin) stream->send = SendState::kFinished;
  stats_.body_bytes_sent += data.size();
  write_all(id, {static_cast<const std::uint8_t*>(header.data()), header_end}, false);
  (void)transport_->write(id, std::move(data), fin);
  return {};
}

std::size_t SessionCore::body_room(StreamId id) const {
  const Stream* stream = closed_ ? nullptr : streams_.find(id);
  if (stream == nullptr || stream->send != SendState::kBody) return 0;
  return transport_->write_room(id);
}

std::expected<void, SessionError> SessionCore::send_trailers(StreamId id, FieldList fields) {
  HAWSER_TRY(Stream* const stream, sending_stream(id, SendState::kBody));
  if (stream->tunnel) return std::unexpected(SessionError::kWrongState);
  if (const auto refusal = check_size(size_of(fields))) return std::unexpected(*refusal);
  if (config_->check_outgoing) {
    if (const auto legal = check_outgoing_trailers(fields); !legal) return refused(legal.error());
  }
  stream->send = SendState::kFinished;
  send_section(id, fields, true);
  return {};
}

std::expected<void, SessionError> SessionCore::finish(StreamId id) {
  HAWSER_TRY(Stream* const stream, sending_stream(id, SendState::kBody));
  stream->send = SendState::kFinished;
  transport_->finish(id);
  return {};
}

// Only a server knows that it did not begin with a request; a client has it from the server.
// rfc9114:4.1.1-client-not-rejects
std::uint64_t SessionCore::code_to_send(const Stream& stream, ErrorCode code) const {
  const bool claims = role_ == Role::kClient && code == ErrorCode::kRequestRejected && !stream.stopped_unprocessed;
  return static_cast<std::uint64_t>(claims ? ErrorCode::kRequestCancelled : code);
}

// rfc9114:4.1.1-client-cancels
void SessionCore::cancel(StreamId id, ErrorCode code) {
  Stream* stream = closed_ ? nullptr : streams_.find(id);
  if (stream == nullptr) return;
  const bool only_waits = stream->transport_closed && stream->blocked;
  give_up(*stream, code);
  if (only_waits) erase_if_over(id);
}

// What cancel() does, by those who still have something to tell of the stream.
void SessionCore::give_up(Stream& stream, ErrorCode code) {
  const StreamId id = stream.id;
  const std::uint64_t number = code_to_send(stream, code);
  const bool may_send = id.is_bidirectional() || id.initiator() == role_;
  const bool may_receive = id.is_bidirectional() || id.initiator() != role_;
  if (may_send && stream.send != SendState::kAbandoned) {
    stream.send = SendState::kAbandoned;
    transport_->reset_stream(id, number);
  }
  if (!may_receive || stream.receive == ReceiveState::kComplete) return;
  transport_->stop_sending(id, number);
  if (stream.kind == StreamKind::kRequest && stream.receive != ReceiveState::kAbandoned) abandon_receiving(stream);
  flush_qpack();
}

// rfc9114:4.1-response-kept rfc9114:4.1-no-error-stop
void SessionCore::stop_reading(StreamId id, ErrorCode code) {
  Stream* stream = closed_ ? nullptr : streams_.find(id);
  if (stream == nullptr || stream->receive == ReceiveState::kComplete || stream->receive == ReceiveState::kAbandoned)
    return;
  const bool only_waits = stream->transport_closed && stream->blocked;
  transport_->stop_sending(id, code_to_send(*stream, code));
  if (stream->kind == StreamKind::kRequest) abandon_receiving(*stream);
  flush_qpack();
  if (only_waits) erase_if_over(id);
}

void SessionCore::set_priority(StreamId id, Priority priority) {
  if (closed_ || streams_.find(id) == nullptr) return;
  transport_->set_priority(id, priority.urgency, priority.incremental);
  if (events_ != nullptr) log_priority(id, priority, PriorityTrigger::kLocal);
}

void SessionCore::on_stream_writable(StreamId id) {
  if (!closed_ && streams_.find(id) != nullptr) handler_.on_writable(session_, id);
}

// rfc9114:4.1-go-on
void SessionCore::on_stop_sending(StreamId id, std::uint64_t code) {
  if (closed_) return;
  // RFC 9114 section 6.2.1: asking to close a critical stream is closing it.
  if (id == own_control_ || id == own_encoder_ || id == own_decoder_) {
    // rfc9114:6.2.1-not-closed rfc9204:4.2-not-closed
    return fail_connection({ErrorCode::kClosedCriticalStream, "the peer refuses a critical stream"});
  }
  Stream* stream = streams_.find(id);
  if (stream == nullptr || stream->kind == StreamKind::kRefused || stream->kind == StreamKind::kUndecided) return;
  if (stream->send != SendState::kFinished) count_reset(*stream);
  if (closed_) return;
  stream->send = SendState::kAbandoned;
  stream->stopped_unprocessed = code == static_cast<std::uint64_t>(ErrorCode::kRequestRejected);
  handler_.on_stop_sending(session_, id, static_cast<ErrorCode>(code));
}

std::expected<StreamId, SessionError> SessionCore::open_foreign_stream(bool bidirectional, std::uint64_t type) {
  if (closed_) return std::unexpected(SessionError::kClosed);
  if (!ready_) return std::unexpected(SessionError::kNotReady);
  const auto opened = transport_->open_stream(bidirectional);
  if (!opened) return std::unexpected(SessionError::kStreamLimit);
  Stream& stream = streams_.insert(*opened);
  stream.kind = StreamKind::kForeign;
  stream.send = SendState::kBody;
  std::array<std::uint8_t, 8> octets;
  const std::uint8_t* end = put_varint(octets.data(), type);
  write_all(*opened, {static_cast<const std::uint8_t*>(octets.data()), end}, false);
  return *opened;
}

std::expected<std::size_t, SessionError> SessionCore::raw_write(StreamId id, Bytes data, bool fin) {
  if (closed_) return std::unexpected(SessionError::kClosed);
  const Stream* stream = streams_.find(id);
  if (stream == nullptr || stream->kind != StreamKind::kForeign) return std::unexpected(SessionError::kNoSuchStream);
  const auto taken = transport_->write(id, data, fin);
  if (!taken) return std::unexpected(SessionError::kStreamReset);
  return *taken;
}

}  // namespace hawser::http3
