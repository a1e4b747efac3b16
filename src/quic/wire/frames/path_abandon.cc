// path_abandon.cc: reads and writes PATH_ABANDON frames.
#include "quic/wire/frames/path_abandon.h"

namespace hawser::quic {

Parsed<PathAbandonFrame> parse_path_abandon(FrameReader& in) {
  PathAbandonFrame frame;
  if (!in.varint(frame.path_id.value) || !in.varint(frame.error_code)) return in.truncated();
  return frame;
}

std::size_t path_abandon_size(const PathAbandonFrame& frame) {
  return varint_size(code_point(FrameType::kPathAbandon)) + varint_size(frame.path_id.value) +
         varint_size(frame.error_code);
}

void write_path_abandon(PacketPayload& out, const PathAbandonFrame& frame) {
  out.path_type(code_point(FrameType::kPathAbandon));
  out.varint(frame.path_id.value);
  out.varint(frame.error_code);
}

}  // namespace hawser::quic
