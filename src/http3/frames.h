// frames.h: HTTP/3 frames and stream types (RFC 9114 sections 6.2 and 7) and the machine that
// cuts a stream into frames, wherever its octets are cut by the transport.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/varint.h"
#include "http3/error.h"
#include "quic/wire/types.h"

namespace hawser::http3 {

enum class FrameType : std::uint64_t {
  kData = 0x00,
  kHeaders = 0x01,
  kCancelPush = 0x03,
  kSettings = 0x04,
  kPushPromise = 0x05,
  kGoaway = 0x07,
  kMaxPushId = 0x0d,
  kPriorityUpdateRequest = 0xf0700,  // RFC 9218 section 7.2
  kPriorityUpdatePush = 0xf0701,
};

enum class StreamType : std::uint64_t {
  kControl = 0x00,
  kPush = 0x01,
  kQpackEncoder = 0x02,
  kQpackDecoder = 0x03,
};

// RFC 9114 section 7.2.8: types of HTTP/2 frames that must never be seen.
constexpr bool is_http2_frame_type(std::uint64_t type) {
  return type == 0x02 || type == 0x06 || type == 0x08 || type == 0x09;
}

// RFC 9114 sections 6.2.3, 7.2.4.1, 7.2.8 and 8.1: values that mean nothing, 0x1f * n + 0x21.
constexpr std::uint64_t reserved_value(std::uint64_t n) {
  return 0x1f * n + 0x21;
}
constexpr bool is_reserved_value(std::uint64_t value) {
  return value >= 0x21 && (value - 0x21) % 0x1f == 0;
}

// The longest type and length.
inline constexpr std::size_t kFrameHeaderMax = 16;

constexpr std::size_t frame_header_size(std::uint64_t type, std::uint64_t length) {
  return varint_size(type) + varint_size(length);
}

inline std::uint8_t* put_frame_header(std::uint8_t* out, FrameType type, std::uint64_t length) {
  return put_varint(put_varint(out, static_cast<std::uint64_t>(type)), length);
}

void append_varint(std::vector<std::uint8_t>& out, std::uint64_t value);
// A frame whose payload is one integer: GOAWAY, MAX_PUSH_ID, CANCEL_PUSH.
void append_integer_frame(std::vector<std::uint8_t>& out, FrameType type, std::uint64_t value);
void append_frame(std::vector<std::uint8_t>& out, std::uint64_t type, Bytes payload);
// PRIORITY_UPDATE for a request stream.
void append_priority_update(std::vector<std::uint8_t>& out, std::uint64_t stream_id, std::string_view priority);

// Longest payload that is collected before it is handed on: the largest of these applies to
// each type; longer: H3_EXCESSIVE_LOAD. HEADERS and PUSH_PROMISE have a limit of their own.
inline constexpr std::size_t kIntegerPayloadMax = 8;
// A stream ID of 8 octets and a priority field; the registered members need 6 octets of it.
inline constexpr std::size_t kPriorityUpdatePayloadMax = 8 + 256;

// Memory of a payload, in octets, that a stream keeps at most once that is used up.
inline constexpr std::size_t kPayloadMemoryKept = 4'096;

// Which frames a stream may carry (RFC 9114 section 7, table 1) depends on its kind.
enum class FrameStream : std::uint8_t { kRequest, kControl };

// Whether the peer may send a frame of this type on such a stream to an endpoint of role
// `receiver`. H3_FRAME_UNEXPECTED otherwise; H3_ID_ERROR for a push that a client which never
// sends MAX_PUSH_ID has not allowed. Types that are unknown here are legal everywhere.
Result<void> check_frame_legal(FrameStream stream, quic::Role receiver, std::uint64_t type);

// The payload of GOAWAY, MAX_PUSH_ID and CANCEL_PUSH: one integer and nothing after it.
Result<std::uint64_t> parse_integer_payload(Bytes payload);

struct PriorityUpdate {
  std::uint64_t element_id = 0;  // a stream ID, or a push ID
  std::string_view priority;     // a priority field value, unchecked
};
Result<PriorityUpdate> parse_priority_update(Bytes payload);

// Cuts octets into frames. Payloads that have to be whole are handed on as one view, which
// costs a copy only if they were cut; DATA is announced and its octets are left to the
// caller; frames of unknown type are passed over.
class FrameReader {
 public:
  enum class Kind : std::uint8_t {
    kNeedMore,  // all input has been taken
    kFrame,     // `payload` is whole, good until the next call
    kData,      // a DATA frame begins: its `length` octets follow in the input
    kUnknown,   // the header of a frame of unknown type has been read; it will be skipped
  };
  struct Event {
    Kind kind = Kind::kNeedMore;
    std::uint64_t type = 0;
    std::uint64_t length = 0;
    Bytes payload;
  };

  FrameReader() = default;

  // Back to the first octet of a stream, with the memory kept. `headers_payload_max`: longest
  // HEADERS payload accepted, in octets; a longer one is H3_EXCESSIVE_LOAD on the stream.
  void reset(FrameStream stream, quic::Role receiver, std::size_t headers_payload_max);

  // Takes octets from the front of `in` until something is to be told. The header alone
  // decides whether a frame is legal here and can have its length (H3_FRAME_ERROR). After
  // kData the caller takes `length` octets out of the stream itself before the next call. Memory
  // for a frame that was cut is taken from `spare` if it has any: see give_back().
  Result<Event> next(Bytes& in, std::vector<std::uint8_t>* spare = nullptr);

  // The payload that was told last is used up: its memory goes to the next frame that is cut, on
  // whichever stream. Of many streams few have such a frame at a time.
  void give_back(std::vector<std::uint8_t>& spare) {
    if (buffer_.capacity() == 0 || state_ != State::kHeader) return;
    buffer_.clear();
    if (spare.capacity() < buffer_.capacity()) spare.swap(buffer_);
    if (buffer_.capacity() > kPayloadMemoryKept) buffer_ = std::vector<std::uint8_t>();
  }
  // No frame will be read any more before reset().
  void drop() { buffer_ = std::vector<std::uint8_t>(); }

  // Between two frames: the only place where a stream may end.
  [[nodiscard]] bool at_boundary() const { return state_ == State::kHeader && header_size_ == 0; }
  // Octets held of a frame that was cut.
  [[nodiscard]] std::size_t buffered() const { return buffer_.size(); }

  // Gives capacity back that holds nothing.
  void rest() {
    if (buffer_.empty()) buffer_ = std::vector<std::uint8_t>();
  }
  // Octets on the heap.
  [[nodiscard]] std::size_t memory() const { return buffer_.capacity(); }

 private:
  enum class State : std::uint8_t { kHeader, kPayload, kSkip };

  bool take_header(Bytes& in);
  Result<Event> on_header();
  Event take_payload(Bytes& in, std::vector<std::uint8_t>* spare);
  void skip(Bytes& in);

  FrameStream stream_ = FrameStream::kRequest;
  quic::Role receiver_ = quic::Role::kServer;
  State state_ = State::kHeader;
  std::uint8_t header_size_ = 0;
  std::array<std::uint8_t, kFrameHeaderMax> header_{};
  std::size_t headers_payload_max_ = 0;
  std::uint64_t type_ = 0;
  std::uint64_t length_ = 0;     // of the payload
  std::uint64_t remaining_ = 0;  // of the payload, to come
  std::vector<std::uint8_t> buffer_;
};

}  // namespace hawser::http3
