// frames.cc: frames out of octets and octets out of frames.
#include "http3/frames.h"

#include <algorithm>

#include "base/reader.h"
#include "http3/settings.h"

namespace hawser::http3 {

namespace {

using quic::Role;

constexpr std::uint64_t number(FrameType type) {
  return static_cast<std::uint64_t>(type);
}

enum class PayloadRule : std::uint8_t { kInteger, kHeaders, kSettings, kPriorityUpdate, kData, kUnknown };

constexpr PayloadRule rule_of(std::uint64_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::kData:
      return PayloadRule::kData;
    case FrameType::kHeaders:
    case FrameType::kPushPromise:
      return PayloadRule::kHeaders;
    case FrameType::kSettings:
      return PayloadRule::kSettings;
    case FrameType::kCancelPush:
    case FrameType::kGoaway:
    case FrameType::kMaxPushId:
      return PayloadRule::kInteger;
    case FrameType::kPriorityUpdateRequest:
    case FrameType::kPriorityUpdatePush:
      return PayloadRule::kPriorityUpdate;
  }
  return PayloadRule::kUnknown;
}

}  // namespace

void append_varint(std::vector<std::uint8_t>& out, std::uint64_t value) {
  std::array<std::uint8_t, 8> octets;
  const std::uint8_t* end = put_varint(octets.data(), value);
  out.insert(out.end(), static_cast<const std::uint8_t*>(octets.data()), end);
}

void append_frame(std::vector<std::uint8_t>& out, std::uint64_t type, Bytes payload) {
  append_varint(out, type);
  append_varint(out, payload.size());
  out.insert(out.end(), payload.begin(), payload.end());
}

void append_integer_frame(std::vector<std::uint8_t>& out, FrameType type, std::uint64_t value) {
  append_varint(out, number(type));
  append_varint(out, varint_size(value));
  append_varint(out, value);
}

void append_priority_update(std::vector<std::uint8_t>& out, std::uint64_t stream_id, std::string_view priority) {
  append_varint(out, number(FrameType::kPriorityUpdateRequest));
  append_varint(out, varint_size(stream_id) + priority.size());
  append_varint(out, stream_id);
  const Bytes text = as_bytes(priority);
  out.insert(out.end(), text.begin(), text.end());
}

Result<void> check_frame_legal(FrameStream stream, Role receiver, std::uint64_t type) {
  const auto unexpected = [](std::string_view reason) { return fail(ErrorCode::kFrameUnexpected, reason); };
  // rfc9114:7.2.8-http2
  if (is_http2_frame_type(type)) return unexpected("a frame type of HTTP/2");
  const bool on_control = stream == FrameStream::kControl;
  switch (static_cast<FrameType>(type)) {
    case FrameType::kData:
    case FrameType::kHeaders:
      // rfc9114:7.2.1-control rfc9114:7.2.2-control
      if (on_control) return unexpected("DATA or HEADERS on the control stream");
      return {};
    case FrameType::kPushPromise:
      // rfc9114:7.2.5-control rfc9114:7.2.5-server
      if (on_control || receiver == Role::kServer) return unexpected("PUSH_PROMISE out of place");
      // rfc9114:7.2.5-exceeded
      return fail(ErrorCode::kIdError, "PUSH_PROMISE without MAX_PUSH_ID");
    case FrameType::kSettings:
    case FrameType::kGoaway:
    case FrameType::kCancelPush:
      // rfc9114:7.2.4-other-stream rfc9114:7.2.6-stream rfc9114:7.2.3-stream
      if (!on_control) return unexpected("a control frame on a request stream");
      return {};
    case FrameType::kMaxPushId:
    case FrameType::kPriorityUpdateRequest:
    case FrameType::kPriorityUpdatePush:
      // rfc9114:7.2.7-stream rfc9114:7.2.7-client rfc9218:7.2-other-stream rfc9218:7.2-client
      if (!on_control || receiver == Role::kClient) return unexpected("a client's control frame out of place");
      return {};
  }
  return {};
}

Result<std::uint64_t> parse_integer_payload(Bytes payload) {
  Reader in(payload);
  std::uint64_t value = 0;
  // rfc9114:7.1-exact rfc9114:7.1-frame-error rfc9114:10.8-length
  if (!in.varint(value) || !in.empty()) return fail(ErrorCode::kFrameError, "payload is not exactly one integer");
  return value;
}

Result<PriorityUpdate> parse_priority_update(Bytes payload) {
  Reader in(payload);
  PriorityUpdate update;
  if (!in.varint(update.element_id)) return fail(ErrorCode::kFrameError, "PRIORITY_UPDATE without an element ID");
  update.priority = as_text(in.rest());
  return update;
}

void FrameReader::reset(FrameStream stream, Role receiver, std::size_t headers_payload_max) {
  stream_ = stream;
  receiver_ = receiver;
  headers_payload_max_ = headers_payload_max;
  state_ = State::kHeader;
  header_size_ = 0;
  remaining_ = 0;
  buffer_.clear();
}

Result<FrameReader::Event> FrameReader::next(Bytes& in, std::vector<std::uint8_t>* spare) {
  if (state_ == State::kSkip) skip(in);
  if (state_ == State::kHeader) {
    buffer_.clear();
    if (!take_header(in)) return Event{};
    auto event = on_header();
    if (!event || event->kind != Kind::kNeedMore) return event;
  }
  return take_payload(in, spare);
}

// Type and length, from the input alone or with what came before.
bool FrameReader::take_header(Bytes& in) {
  if (header_size_ == 0) {
    Reader reader(in);
    if (reader.varint(type_) && reader.varint(length_)) {
      in = reader.rest();
      return true;
    }
  }
  while (!in.empty()) {
    header_[header_size_++] = in.front();
    in = in.subspan(1);
    Reader reader({header_.data(), header_size_});
    if (reader.varint(type_) && reader.varint(length_)) {
      header_size_ = 0;
      return true;
    }
  }
  return false;
}

Result<FrameReader::Event> FrameReader::on_header() {
  const auto legal = check_frame_legal(stream_, receiver_, type_);
  if (!legal) return std::unexpected(legal.error());
  remaining_ = length_;
  state_ = State::kPayload;
  switch (rule_of(type_)) {
    case PayloadRule::kData:
      state_ = State::kHeader;
      return Event{Kind::kData, type_, length_, {}};
    // rfc9114:9-ignore rfc9114:7.2.8-no-meaning
    case PayloadRule::kUnknown:
      if (length_ > 0)
        state_ = State::kSkip;
      else
        state_ = State::kHeader;
      return Event{Kind::kUnknown, type_, length_, {}};
    case PayloadRule::kInteger:
      // rfc9114:7.1-redundant
      if (length_ == 0 || length_ > kIntegerPayloadMax)
        return fail(ErrorCode::kFrameError, "a frame of one integer has a wrong length");
      return Event{};
    case PayloadRule::kHeaders:
      if (length_ > headers_payload_max_)
        return std::unexpected(Error{ErrorCode::kExcessiveLoad, "HEADERS is too long", ErrorScope::kStream});
      return Event{};
    case PayloadRule::kSettings:
      if (length_ > kSettingsPayloadMax) return fail(ErrorCode::kExcessiveLoad, "SETTINGS is too long");
      return Event{};
    case PayloadRule::kPriorityUpdate:
      if (length_ == 0) return fail(ErrorCode::kFrameError, "PRIORITY_UPDATE is empty");
      if (length_ > kPriorityUpdatePayloadMax) return fail(ErrorCode::kExcessiveLoad, "PRIORITY_UPDATE is too long");
      return Event{};
  }
  return Event{};
}

FrameReader::Event FrameReader::take_payload(Bytes& in, std::vector<std::uint8_t>* spare) {
  if (state_ != State::kPayload) return {};
  const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, in.size()));
  const Bytes part = in.first(take);
  in = in.subspan(take);
  remaining_ -= take;
  if (remaining_ == 0) {
    state_ = State::kHeader;
    if (buffer_.empty()) return {Kind::kFrame, type_, length_, part};
  }
  if (spare != nullptr && buffer_.capacity() == 0) buffer_.swap(*spare);
  // Doubled, but to no more than the frame has.
  const std::size_t needed = buffer_.size() + take;
  if (buffer_.capacity() < needed)
    buffer_.reserve(
        static_cast<std::size_t>(std::min<std::uint64_t>(length_, std::max(needed, 2 * buffer_.capacity()))));
  buffer_.insert(buffer_.end(), part.begin(), part.end());
  if (remaining_ > 0) return {};
  return {Kind::kFrame, type_, length_, buffer_};
}

void FrameReader::skip(Bytes& in) {
  const std::size_t take = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, in.size()));
  in = in.subspan(take);
  remaining_ -= take;
  if (remaining_ == 0) state_ = State::kHeader;
}

}  // namespace hawser::http3
