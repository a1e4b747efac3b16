// reset_stream_at.cc: reads and writes RESET_STREAM_AT frames.
#include "quic/wire/frames/reset_stream_at.h"

namespace hawser::quic {

// reset-stream-at:4-size
Parsed<ResetStreamAtFrame> parse_reset_stream_at(FrameReader& in) {
  ResetStreamAtFrame frame;
  if (!in.varint(frame.stream_id.value) || !in.varint(frame.error_code) || !in.varint(frame.final_size) ||
      !in.varint(frame.reliable_size))
    return in.truncated();
  if (frame.reliable_size > frame.final_size) return in.encoding_error("reliable size above final size");
  return frame;
}

std::size_t reset_stream_at_size(const ResetStreamAtFrame& frame) {
  return 1 + varint_size(frame.stream_id.value) + varint_size(frame.error_code) + varint_size(frame.final_size) +
         varint_size(frame.reliable_size);
}

void write_reset_stream_at(PacketPayload& out, const ResetStreamAtFrame& frame) {
  out.varint(code_point(FrameType::kResetStreamAt));
  out.varint(frame.stream_id.value);
  out.varint(frame.error_code);
  out.varint(frame.final_size);
  out.varint(frame.reliable_size);
}

}  // namespace hawser::quic
