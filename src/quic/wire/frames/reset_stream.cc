// reset_stream.cc: reads and writes RESET_STREAM frames.
#include "quic/wire/frames/reset_stream.h"

namespace hawser::quic {

Parsed<ResetStreamFrame> parse_reset_stream(FrameReader& in) {
  ResetStreamFrame frame;
  if (!in.varint(frame.stream_id.value) || !in.varint(frame.error_code) || !in.varint(frame.final_size))
    return in.truncated();
  return frame;
}

std::size_t reset_stream_size(const ResetStreamFrame& frame) {
  return 1 + varint_size(frame.stream_id.value) + varint_size(frame.error_code) + varint_size(frame.final_size);
}

void write_reset_stream(PacketPayload& out, const ResetStreamFrame& frame) {
  out.varint(code_point(FrameType::kResetStream));
  out.varint(frame.stream_id.value);
  out.varint(frame.error_code);
  out.varint(frame.final_size);
}

}  // namespace hawser::quic
