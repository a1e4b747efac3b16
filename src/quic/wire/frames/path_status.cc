// path_status.cc: reads and writes PATH_STATUS_BACKUP and PATH_STATUS_AVAILABLE frames.
#include "quic/wire/frames/path_status.h"

namespace hawser::quic {

Parsed<PathStatusFrame> parse_path_status(FrameReader& in) {
  PathStatusFrame frame;
  frame.available = in.frame_type() == code_point(FrameType::kPathStatusAvailable);
  if (!in.varint(frame.path_id.value) || !in.varint(frame.sequence_number)) return in.truncated();
  return frame;
}

std::size_t path_status_size(const PathStatusFrame& frame) {
  return varint_size(code_point(FrameType::kPathStatusBackup)) + varint_size(frame.path_id.value) +
         varint_size(frame.sequence_number);
}

void write_path_status(PacketPayload& out, const PathStatusFrame& frame) {
  out.path_type(code_point(frame.available ? FrameType::kPathStatusAvailable : FrameType::kPathStatusBackup));
  out.varint(frame.path_id.value);
  out.varint(frame.sequence_number);
}

}  // namespace hawser::quic
