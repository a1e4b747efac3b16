// max_streams.cc: reads and writes MAX_STREAMS frames.
#include "quic/wire/frames/max_streams.h"

namespace hawser::quic {

Parsed<MaxStreamsFrame> parse_max_streams(FrameReader& in) {
  MaxStreamsFrame frame;
  if (!in.varint(frame.maximum)) return in.truncated();
  if (frame.maximum > kMaxStreamCount) return in.encoding_error("MAX_STREAMS above 2^60");
  frame.bidirectional = in.frame_type() == code_point(FrameType::kMaxStreamsBidi);
  return frame;
}

std::size_t max_streams_size(const MaxStreamsFrame& frame) {
  return 1 + varint_size(frame.maximum);
}

void write_max_streams(PacketPayload& out, const MaxStreamsFrame& frame) {
  out.varint(code_point(frame.bidirectional ? FrameType::kMaxStreamsBidi : FrameType::kMaxStreamsUni));
  out.varint(frame.maximum);
}

}  // namespace hawser::quic
