// data_blocked.cc: reads and writes DATA_BLOCKED frames.
#include "quic/wire/frames/data_blocked.h"

namespace hawser::quic {

Parsed<DataBlockedFrame> parse_data_blocked(FrameReader& in) {
  DataBlockedFrame frame;
  if (!in.varint(frame.limit)) return in.truncated();
  return frame;
}

std::size_t data_blocked_size(const DataBlockedFrame& frame) {
  return 1 + varint_size(frame.limit);
}

void write_data_blocked(PacketPayload& out, const DataBlockedFrame& frame) {
  out.varint(code_point(FrameType::kDataBlocked));
  out.varint(frame.limit);
}

}  // namespace hawser::quic
