// frame_reader.h: a cursor over the frames of one decrypted packet. It knows which frame it
// stands in, so that every parser reports its fault with the type of the frame.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/reader.h"
#include "base/result.h"
#include "quic/wire/errors.h"
#include "quic/wire/frame_type.h"
#include "quic/wire/path_code_points.h"

namespace hawser::quic {

class FrameReader : public Reader {
 public:
  // Stands before the first frame. Parsed frames hold views into `payload`.
  explicit FrameReader(Bytes payload) : Reader(payload) {}
  // Stands after the type of a frame, for tests and for extensions with bodies in common.
  FrameReader(Bytes body, FrameType type) : Reader(body), frame_type_(code_point(type)) {}

  // Takes the next frame's type. !empty(). PROTOCOL_VIOLATION if it is not in its shortest
  // encoding (RFC 9000 section 12.4), FRAME_ENCODING_ERROR if the packet ends inside it.
  Parsed<std::uint64_t> next_type() {
    const std::size_t before = remaining();
    frame_type_ = 0;
    std::uint64_t type = 0;
    if (!varint(type)) [[unlikely]] {
      return fail(TransportErrorCode::kFrameEncodingError, "frame type ends early");
    }
    frame_type_ = type;
    if (before - remaining() != varint_size(type)) [[unlikely]] {
      // rfc9000:12.4-shortest
      return fault(TransportErrorCode::kProtocolViolation, "frame type not in its shortest encoding");
    }
    if (path_code_points_ == PathCodePoints::kDraft17) [[unlikely]]
      frame_type_ = current_from_draft17(type);
    return frame_type_;
  }

  // ACK frames of this packet end in receive timestamps, as both sides have agreed.
  void expect_ack_timestamps() { ack_timestamps_ = true; }
  [[nodiscard]] bool ack_timestamps() const { return ack_timestamps_; }

  // The types of multipath frames are those of these drafts; all else here speaks of them by draft 21's.
  void expect_path_code_points(PathCodePoints points) { path_code_points_ = points; }

  // The type taken last.
  [[nodiscard]] std::uint64_t frame_type() const { return frame_type_; }

  // An error that blames the frame the reader stands in. `reason` is a literal.
  [[nodiscard]] std::unexpected<TransportError> fault(TransportErrorCode code, std::string_view reason) const {
    const bool older = path_code_points_ == PathCodePoints::kDraft17;
    return fail(code, reason, older ? draft17_from_current(frame_type_) : frame_type_);
  }
  [[nodiscard]] std::unexpected<TransportError> encoding_error(std::string_view reason) const {
    return fault(TransportErrorCode::kFrameEncodingError, reason);
  }
  [[nodiscard]] std::unexpected<TransportError> truncated() const { return encoding_error("frame ends early"); }

 private:
  std::uint64_t frame_type_ = 0;
  bool ack_timestamps_ = false;
  PathCodePoints path_code_points_ = PathCodePoints::kDraft21;
};

}  // namespace hawser::quic
