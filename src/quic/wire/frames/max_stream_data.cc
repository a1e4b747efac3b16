// max_stream_data.cc: reads and writes MAX_STREAM_DATA frames.
#include "quic/wire/frames/max_stream_data.h"

namespace hawser::quic {

Parsed<MaxStreamDataFrame> parse_max_stream_data(FrameReader& in) {
  MaxStreamDataFrame frame;
  if (!in.varint(frame.stream_id.value) || !in.varint(frame.maximum)) return in.truncated();
  return frame;
}

std::size_t max_stream_data_size(const MaxStreamDataFrame& frame) {
  return 1 + varint_size(frame.stream_id.value) + varint_size(frame.maximum);
}

void write_max_stream_data(PacketPayload& out, const MaxStreamDataFrame& frame) {
  out.varint(code_point(FrameType::kMaxStreamData));
  out.varint(frame.stream_id.value);
  out.varint(frame.maximum);
}

}  // namespace hawser::quic
