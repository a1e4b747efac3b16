// path_new_connection_id.cc: reads and writes PATH_NEW_CONNECTION_ID frames: a Path ID, and then what NEW_CONNECTION_ID
// has.
#include "quic/wire/frames/path_new_connection_id.h"

namespace hawser::quic {

Parsed<PathNewConnectionIdFrame> parse_path_new_connection_id(FrameReader& in) {
  PathNewConnectionIdFrame frame;
  if (!in.varint(frame.path_id.value)) return in.truncated();
  HAWSER_TRY(frame.cid, parse_new_connection_id(in));
  return frame;
}

std::size_t path_new_connection_id_size(const PathNewConnectionIdFrame& frame) {
  return varint_size(code_point(FrameType::kPathNewConnectionId)) - 1 + varint_size(frame.path_id.value) +
         new_connection_id_size(frame.cid);
}

void write_path_new_connection_id(PacketPayload& out, const PathNewConnectionIdFrame& frame) {
  out.path_type(code_point(FrameType::kPathNewConnectionId));
  out.varint(frame.path_id.value);
  write_new_connection_id_body(out, frame.cid);
}

}  // namespace hawser::quic
