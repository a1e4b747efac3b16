// max_data.cc: reads and writes MAX_DATA frames.
#include "quic/wire/frames/max_data.h"

namespace hawser::quic {

Parsed<MaxDataFrame> parse_max_data(FrameReader& in) {
  MaxDataFrame frame;
  if (!in.varint(frame.maximum)) return in.truncated();
  return frame;
}

std::size_t max_data_size(const MaxDataFrame& frame) {
  return 1 + varint_size(frame.maximum);
}

void write_max_data(PacketPayload& out, const MaxDataFrame& frame) {
  out.varint(code_point(FrameType::kMaxData));
  out.varint(frame.maximum);
}

}  // namespace hawser::quic
