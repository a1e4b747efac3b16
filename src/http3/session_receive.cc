// session_receive.cc: what the peer sends on request streams: heads, bodies, trailers, and the
// places where each may stand (RFC 9114 section 4.1).
#include <algorithm>
#include <cstring>

#include "base/result.h"
#include "http3/session_core.h"

namespace hawser::http3 {

using quic::Role;

void SessionCore::begin_request(Stream& stream) {
  stream.kind = StreamKind::kRequest;
  stream.reader.reset(FrameStream::kRequest, role_, config_->max_field_section_size);
  // rfc9114:5.1-outstanding
  if (open_requests_++ == 0 && role_ == Role::kClient) transport_->keep_alive(true);
  if (role_ == Role::kServer) ++stats_.requests_received;
  if (events_ != nullptr)
    log_stream_type(stream.id.initiator() == role_ ? Owner::kLocal : Owner::kRemote, stream.id,
                    Http3StreamType::kRequest);
}

// Nothing follows what has been read. The transport has no word for a stream that it has forgotten, which it does
// only once all of it was read: its last section may wait for insertions until then.
bool SessionCore::ended(const Stream& stream) const {
  return stream.transport_closed || transport_->at_end(stream.id);
}

// Goes on with a stream for as long as it can. Handlers may do anything to it in between,
// so it is looked up anew each time.
void SessionCore::drive_request(StreamId id) {
  for (;;) {
    Stream* stream = closed_ ? nullptr : streams_.find(id);
    if (stream == nullptr || stream->kind != StreamKind::kRequest || stream->blocked) return;
    if (stream->receive == ReceiveState::kComplete || stream->receive == ReceiveState::kAbandoned) return;
    const bool went_on = stream->data_left > 0 ? offer_body(*stream) : read_frame(*stream);
    if (!went_on) return;
  }
}

// True if the application has read the current DATA frame to its end.
// rfc9114:4.1-partial
bool SessionCore::offer_body(Stream& stream) {
  const StreamId id = stream.id;
  Bytes view;
  if (transport_->read_views(id, {&view, 1}) == 0) {
    if (ended(stream)) fail_stream(stream, {ErrorCode::kFrameError, "the stream ends inside DATA"});
    return false;
  }
  if (stream.reading) return false;
  handler_.on_body_readable(session_, id);
  const Stream* after = closed_ ? nullptr : streams_.find(id);
  return after != nullptr && after->data_left == 0;
}

bool SessionCore::read_frame(Stream& stream) {
  const StreamId id = stream.id;
  Bytes view;
  if (transport_->read_views(id, {&view, 1}) == 0) {
    if (ended(stream)) on_stream_end(stream);
    return false;
  }
  Bytes in = view;
  const auto event = stream.reader.next(in, &work().cut_frame);
  if (!event) return fail_stream(stream, event.error());
  const std::size_t used = view.size() - in.size();
  switch (event->kind) {
    case FrameReader::Kind::kFrame:
      return on_headers_frame(stream, event->payload, used);
    case FrameReader::Kind::kNeedMore:
      if (!count_head_memory(stream)) return false;
      break;
    case FrameReader::Kind::kUnknown:
      if (events_ != nullptr) log_frame(Owner::kRemote, id, {.type = event->type, .length = event->length});
      if (!count_idle_frame()) return false;
      break;
    case FrameReader::Kind::kData: {
      if (events_ != nullptr) log_frame(Owner::kRemote, id, {.type = event->type, .length = event->length});
      const auto legal = on_data_frame(stream, event->length);
      if (!legal) return fail_stream(stream, legal.error());
      if (closed_) return false;
      break;
    }
  }
  transport_->consume(id, used);
  return true;
}

Result<void> SessionCore::on_data_frame(Stream& stream, std::uint64_t length) {
  if (stream.receive != ReceiveState::kBody)
    // rfc9114:4.1-sequence rfc9114:7.2.1-message
    return fail(ErrorCode::kFrameUnexpected, "DATA before the head or after trailers");
  if (length == 0 && !count_idle_frame()) return {};
  if (stream.has_content_length) {
    if (length > stream.content_left) return malformed("more content than content-length says");
    stream.content_left -= length;
  }
  stream.data_left = length;
  return {};
}

bool SessionCore::on_headers_frame(Stream& stream, Bytes payload, std::size_t used) {
  if (stream.receive == ReceiveState::kAfterTrailers)
    // rfc9114:4.1-multiple
    return fail_stream(stream, {ErrorCode::kFrameUnexpected, "HEADERS after trailers"});
  // RFC 9114 section 4.4.
  if (stream.tunnel) return fail_stream(stream, {ErrorCode::kFrameUnexpected, "HEADERS in a tunnel"});
  return decode_section(stream, payload, true, used);
}

// `first_time`: the payload stands in the stream's input, of which `used` octets are to be
// consumed. Otherwise it stands in stream.section and was blocked.
bool SessionCore::decode_section(Stream& stream, Bytes payload, bool first_time, std::size_t used) {
  if (stream.receive == ReceiveState::kHead && work().last_head.is(payload)) {
    if (events_ != nullptr) log_headers(Owner::kRemote, stream.id, work().last_head.fields(), payload.size());
    take_section(stream, payload.size(), first_time, used);
    return deliver_last_head(stream);
  }
  SectionLease section(work());
  const auto status = decoder_.decode(stream.id.value, payload, *section);
  if (!status) return fail_stream(stream, from_qpack(status.error()));
  if (*status == qpack::DecodeStatus::kBlocked) {
    stream.blocked = true;
    if (first_time) stream.section.assign(payload.begin(), payload.end());
    take_section(stream, payload.size(), first_time, used);
    count_head_memory(stream);
    return false;
  }
  if (*status == qpack::DecodeStatus::kTooLarge) {
    take_section(stream, payload.size(), first_time, used);
    return fail_stream(stream, {ErrorCode::kExcessiveLoad, "the field section is above SETTINGS_MAX_FIELD_SECTION_SIZE",
                                ErrorScope::kStream});
  }
  if (events_ != nullptr) log_headers(Owner::kRemote, stream.id, (*section).fields(), payload.size());
  if (stream.receive == ReceiveState::kBody) {
    take_section(stream, payload.size(), first_time, used);
    return deliver_trailers(stream, *section);
  }
  const auto head = role_ == Role::kServer
                        ? parse_request(*section, {.extended_connect = config_->enable_connect_protocol})
                        : parse_response(*section);
  const bool kept = head && work().last_head.keep(payload, *section, *head);
  take_section(stream, payload.size(), first_time, used);
  if (!head) return fail_stream(stream, head.error());
  return kept ? deliver_last_head(stream) : deliver_head(stream, *head);
}

// A peer may begin a head on each stream and end none, or let all of them wait. This memory is none of the transport's:
// what was read of a stream it has forgotten.
// rfc9114:10.5-track
bool SessionCore::count_head_memory(Stream& stream) {
  const std::size_t cut = stream.reader.buffered() > 0 ? stream.reader.memory() : 0;
  const std::size_t held = cut + (stream.blocked ? stream.section.capacity() : 0);
  head_memory_ = head_memory_ - stream.head_memory + held;
  stream.head_memory = held;
  if (head_memory_ <= std::max(config_->head_memory_max, 2 * config_->max_field_section_size)) return true;
  fail_connection({ErrorCode::kExcessiveLoad, "too much of heads that are not whole", ErrorScope::kConnection});
  return false;
}

void SessionCore::resume_unblocked() {
  std::uint64_t value = 0;
  while (!closed_ && decoder_.next_unblocked(value)) {
    const StreamId id{value};
    Stream* stream = streams_.find(id);
    if (stream == nullptr || !stream->blocked) continue;
    stream->blocked = false;
    if (decode_section(*stream, stream->section, false, 0)) drive_request(id);
    stream = closed_ ? nullptr : streams_.find(id);
    if (stream == nullptr || stream->blocked) continue;
    stream->drop_section();
    count_head_memory(*stream);
    erase_if_over(id);
  }
}

// The octets of a section have been understood, or put aside.
void SessionCore::take_section(Stream& stream, std::size_t size, bool first_time, std::size_t used) {
  if (!first_time) return;
  stream.reader.give_back(work().cut_frame);
  if (stream.head_memory > 0) count_head_memory(stream);
  stats_.header_bytes_received += size;
  transport_->consume(stream.id, used);
}

bool SessionCore::deliver_last_head(Stream& stream) {
  ++work().last_head.in_use;
  const bool went_on = deliver_head(stream, work().last_head.head);
  --work().last_head.in_use;
  return went_on;
}

bool SessionCore::deliver_head(Stream& stream, const MessageHead& head) {
  return role_ == Role::kServer ? deliver_request(stream, head) : deliver_response(stream, head);
}

bool SessionCore::deliver_request(Stream& stream, const MessageHead& head) {
  const StreamId id = stream.id;
  const bool fin = ended(stream);
  stream.receive = ReceiveState::kBody;
  stream.tunnel = head.is_connect();
  stream.head_request = head.method == "HEAD";
  if (!stream.tunnel) set_content_length(stream, head, false);
  if (fin && stream.has_content_length && stream.content_left > 0)
    return fail_stream(stream, malformed("less content than content-length says").error());
  apply_priority(stream, head);
  handler_.on_headers(session_, id, head, fin);
  return true;
}

bool SessionCore::deliver_response(Stream& stream, const MessageHead& head) {
  const StreamId id = stream.id;
  const bool fin = ended(stream);
  if (head.kind == MessageKind::kInformational) {
    if (fin) return fail_stream(stream, malformed("the stream ends after an informational response").error());
    handler_.on_headers(session_, id, head, false);
    return true;
  }
  stream.receive = ReceiveState::kBody;
  stream.tunnel = stream.connect_request && head.status < 300;
  // RFC 9110 section 6.4.1: these have no content, whatever content-length says.
  const bool no_content = stream.head_request || head.status == 204 || head.status == 304;
  if (!stream.tunnel) set_content_length(stream, head, no_content);
  if (fin && stream.has_content_length && stream.content_left > 0)
    return fail_stream(stream, malformed("less content than content-length says").error());
  handler_.on_headers(session_, id, head, fin);
  return true;
}

bool SessionCore::deliver_trailers(Stream& stream, FieldSection& section) {
  const auto legal = check_trailers(section);
  if (!legal) return fail_stream(stream, legal.error());
  if (stream.has_content_length && stream.content_left > 0)
    return fail_stream(stream, malformed("less content than content-length says").error());
  stream.receive = ReceiveState::kAfterTrailers;
  handler_.on_trailers(session_, stream.id, section.fields());
  return true;
}

void SessionCore::set_content_length(Stream& stream, const MessageHead& head, bool no_content) {
  stream.has_content_length = no_content || head.content_length.has_value();
  stream.content_left = no_content ? 0 : head.content_length.value_or(0);
}

// RFC 9218 section 7: a PRIORITY_UPDATE wins over the field, whichever came first.
void SessionCore::apply_priority(Stream& stream, const MessageHead& head) {
  std::optional<Priority> priority = head.priority;
  const StreamId id = stream.id;
  const auto early = std::find_if(early_priorities_.begin(), early_priorities_.end(),
                                  [id](const EarlyPriority& e) { return e.id == id; });
  if (early != early_priorities_.end()) {
    priority = early->priority;
    early_priorities_.erase(early);
  }
  if (!priority) return;
  transport_->set_priority(id, priority->urgency, priority->incremental);
  if (events_ != nullptr) log_priority(id, *priority, PriorityTrigger::kClientSignal);
}

void SessionCore::on_stream_end(Stream& stream) {
  if (!stream.reader.at_boundary()) {
    // rfc9114:7.1-truncated
    fail_stream(stream, {ErrorCode::kFrameError, "the stream ends inside a frame"});
    return;
  }
  if (stream.receive == ReceiveState::kHead) {
    const bool server = role_ == Role::kServer;
    // rfc9114:4.1-incomplete
    fail_stream(stream, {server ? ErrorCode::kRequestIncomplete : ErrorCode::kMessageError,
                         "the stream ends before the message", ErrorScope::kStream});
    return;
  }
  if (stream.has_content_length && stream.content_left > 0) {
    fail_stream(stream, malformed("less content than content-length says").error());
    return;
  }
  stream.receive = ReceiveState::kComplete;
  transport_->consume(stream.id, 0);
  handler_.on_message_complete(session_, stream.id);
}

// Always false, for the caller to return.
// rfc9114:4.1.2-malformed rfc9114:4.1.2-not-accepted
bool SessionCore::fail_stream(Stream& stream, const Error& error) {
  if (error.scope == ErrorScope::kConnection) {
    fail_connection(error);
    return false;
  }
  const StreamId id = stream.id;
  ++stats_.streams_malformed;
  count_reset(stream);
  if (closed_) return false;
  give_up(stream, error.code);
  handler_.on_stream_reset(session_, id, error.code, error.reason);
  return false;
}

void SessionCore::abandon_receiving(Stream& stream) {
  stream.receive = ReceiveState::kAbandoned;
  stream.blocked = false;
  stream.drop_section();
  stream.reader.drop();
  count_head_memory(stream);
  stream.data_left = 0;
  decoder_.cancel_stream(stream.id.value);
}

// rfc9114:8-unknown-code
void SessionCore::on_stream_reset(StreamId id, std::uint64_t code) {
  if (closed_) return;
  Stream* stream = find_for_event(id);
  if (stream == nullptr) return;
  switch (stream->kind) {
    case StreamKind::kControl:
    case StreamKind::kQpackEncoder:
    case StreamKind::kQpackDecoder:
      return fail_connection({ErrorCode::kClosedCriticalStream, "the peer reset a critical stream"});
    case StreamKind::kForeign:
      return handler_.on_stream_reset(session_, id, static_cast<ErrorCode>(code), "reset by the peer");
    case StreamKind::kRefused:
      return;
    case StreamKind::kUndecided:
      if (!id.is_bidirectional() || role_ == Role::kClient) return;
      begin_request(*stream);
      break;
    case StreamKind::kRequest:
      break;
  }
  if (stream->receive == ReceiveState::kComplete || stream->receive == ReceiveState::kAbandoned) return;
  ++stats_.streams_reset_by_peer;
  count_reset(*stream);
  if (closed_) return;
  abandon_receiving(*stream);
  // rfc9114:4.1.1-cancel rfc9114:4.1.1-cancelled
  // A request that will never be whole gets no response (RFC 9114 section 4.1.1).
  if (role_ == Role::kServer && stream->send == SendState::kHead) give_up(*stream, ErrorCode::kRequestCancelled);
  handler_.on_stream_reset(session_, id, static_cast<ErrorCode>(code), "reset by the peer");
  flush_qpack();
}

// The application reads. -----------------------------------------------------------------------

std::size_t SessionCore::read_body_views(StreamId id, std::span<Bytes> out) {
  Stream* stream = closed_ ? nullptr : streams_.find(id);
  if (stream == nullptr || stream->kind != StreamKind::kRequest || stream->data_left == 0) return 0;
  const std::size_t count = transport_->read_views(id, out);
  std::uint64_t left = stream->data_left;
  for (std::size_t i = 0; i < count; ++i) {
    if (left == 0) return i;
    if (out[i].size() > left) out[i] = out[i].first(static_cast<std::size_t>(left));
    left -= out[i].size();
  }
  return count;
}

void SessionCore::consume_body(StreamId id, std::size_t count) {
  Stream* stream = closed_ ? nullptr : streams_.find(id);
  if (stream == nullptr || count == 0) return;
  HAWSER_CHECK(count <= stream->data_left);
  stream->data_left -= count;
  stats_.body_bytes_received += count;
  transport_->consume(id, count);
  if (stream->reading || (stream->data_left > 0 && !ended(*stream))) return;
  // To the next DATA frame; trailers, the end, or an end too early are told on the way.
  stream->reading = true;
  drive_request(id);
  stream = streams_.find(id);
  if (stream != nullptr) stream->reading = false;
  flush_qpack();
}

std::size_t SessionCore::read_body(StreamId id, MutableBytes out) {
  std::size_t copied = 0;
  Bytes view;
  while (copied < out.size() && read_body_views(id, {&view, 1}) > 0) {
    const std::size_t take = std::min(view.size(), out.size() - copied);
    std::memcpy(out.data() + copied, view.data(), take);
    copied += take;
    consume_body(id, take);
  }
  return copied;
}

}  // namespace hawser::http3
