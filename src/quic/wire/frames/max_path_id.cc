// max_path_id.cc: reads and writes MAX_PATH_ID frames.
#include "quic/wire/frames/max_path_id.h"

namespace hawser::quic {

Parsed<MaxPathIdFrame> parse_max_path_id(FrameReader& in) {
  MaxPathIdFrame frame;
  if (!in.varint(frame.maximum)) return in.truncated();
  if (frame.maximum > kPathIdMax)
    // multipath:4.6-too-large
    return in.fault(TransportErrorCode::kProtocolViolation, "MAX_PATH_ID above 2^32 - 1");
  return frame;
}

std::size_t max_path_id_size(const MaxPathIdFrame& frame) {
  return varint_size(code_point(FrameType::kMaxPathId)) + varint_size(frame.maximum);
}

void write_max_path_id(PacketPayload& out, const MaxPathIdFrame& frame) {
  out.path_type(code_point(FrameType::kMaxPathId));
  out.varint(frame.maximum);
}

}  // namespace hawser::quic
