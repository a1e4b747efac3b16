// stream_data_blocked.cc: reads and writes STREAM_DATA_BLOCKED frames.
#include "quic/wire/frames/stream_data_blocked.h"

namespace hawser::quic {

Parsed<StreamDataBlockedFrame> parse_stream_data_blocked(FrameReader& in) {
  StreamDataBlockedFrame frame;
  if (!in.varint(frame.stream_id.value) || !in.varint(frame.limit)) return in.truncated();
  return frame;
}

std::size_t stream_data_blocked_size(const StreamDataBlockedFrame& frame) {
  return 1 + varint_size(frame.stream_id.value) + varint_size(frame.limit);
}

void write_stream_data_blocked(PacketPayload& out, const StreamDataBlockedFrame& frame) {
  out.varint(code_point(FrameType::kStreamDataBlocked));
  out.varint(frame.stream_id.value);
  out.varint(frame.limit);
}

}  // namespace hawser::quic
