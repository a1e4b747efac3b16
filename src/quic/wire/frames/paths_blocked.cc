// paths_blocked.cc: reads and writes PATHS_BLOCKED frames.
#include "quic/wire/frames/paths_blocked.h"

namespace hawser::quic {

Parsed<PathsBlockedFrame> parse_paths_blocked(FrameReader& in) {
  PathsBlockedFrame frame;
  if (!in.varint(frame.maximum)) return in.truncated();
  return frame;
}

std::size_t paths_blocked_size(const PathsBlockedFrame& frame) {
  return varint_size(code_point(FrameType::kPathsBlocked)) + varint_size(frame.maximum);
}

void write_paths_blocked(PacketPayload& out, const PathsBlockedFrame& frame) {
  out.path_type(code_point(FrameType::kPathsBlocked));
  out.varint(frame.maximum);
}

}  // namespace hawser::quic
