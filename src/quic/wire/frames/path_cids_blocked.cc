// path_cids_blocked.cc: reads and writes PATH_CIDS_BLOCKED frames.
#include "quic/wire/frames/path_cids_blocked.h"

namespace hawser::quic {

Parsed<PathCidsBlockedFrame> parse_path_cids_blocked(FrameReader& in) {
  PathCidsBlockedFrame frame;
  if (!in.varint(frame.path_id.value) || !in.varint(frame.next_sequence_number)) return in.truncated();
  return frame;
}

std::size_t path_cids_blocked_size(const PathCidsBlockedFrame& frame) {
  return varint_size(code_point(FrameType::kPathCidsBlocked)) + varint_size(frame.path_id.value) +
         varint_size(frame.next_sequence_number);
}

void write_path_cids_blocked(PacketPayload& out, const PathCidsBlockedFrame& frame) {
  out.path_type(code_point(FrameType::kPathCidsBlocked));
  out.varint(frame.path_id.value);
  out.varint(frame.next_sequence_number);
}

}  // namespace hawser::quic
