// path_retire_connection_id.cc: reads and writes PATH_RETIRE_CONNECTION_ID frames.
#include "quic/wire/frames/path_retire_connection_id.h"

namespace hawser::quic {

Parsed<PathRetireConnectionIdFrame> parse_path_retire_connection_id(FrameReader& in) {
  PathRetireConnectionIdFrame frame;
  if (!in.varint(frame.path_id.value) || !in.varint(frame.sequence_number)) return in.truncated();
  return frame;
}

std::size_t path_retire_connection_id_size(const PathRetireConnectionIdFrame& frame) {
  return varint_size(code_point(FrameType::kPathRetireConnectionId)) + varint_size(frame.path_id.value) +
         varint_size(frame.sequence_number);
}

void write_path_retire_connection_id(PacketPayload& out, const PathRetireConnectionIdFrame& frame) {
  out.path_type(code_point(FrameType::kPathRetireConnectionId));
  out.varint(frame.path_id.value);
  out.varint(frame.sequence_number);
}

}  // namespace hawser::quic
