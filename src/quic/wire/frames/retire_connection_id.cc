// retire_connection_id.cc: reads and writes RETIRE_CONNECTION_ID frames.
#include "quic/wire/frames/retire_connection_id.h"

namespace hawser::quic {

Parsed<RetireConnectionIdFrame> parse_retire_connection_id(FrameReader& in) {
  RetireConnectionIdFrame frame;
  if (!in.varint(frame.sequence_number)) return in.truncated();
  return frame;
}

std::size_t retire_connection_id_size(const RetireConnectionIdFrame& frame) {
  return 1 + varint_size(frame.sequence_number);
}

void write_retire_connection_id(PacketPayload& out, const RetireConnectionIdFrame& frame) {
  out.varint(code_point(FrameType::kRetireConnectionId));
  out.varint(frame.sequence_number);
}

}  // namespace hawser::quic
