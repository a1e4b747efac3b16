// streams_blocked.cc: reads and writes STREAMS_BLOCKED frames.
#include "quic/wire/frames/streams_blocked.h"

#include "quic/wire/frames/max_streams.h"

namespace hawser::quic {

Parsed<StreamsBlockedFrame> parse_streams_blocked(FrameReader& in) {
  StreamsBlockedFrame frame;
  if (!in.varint(frame.limit)) return in.truncated();
  if (frame.limit > kMaxStreamCount) return in.encoding_error("STREAMS_BLOCKED above 2^60");
  frame.bidirectional = in.frame_type() == code_point(FrameType::kStreamsBlockedBidi);
  return frame;
}

std::size_t streams_blocked_size(const StreamsBlockedFrame& frame) {
  return 1 + varint_size(frame.limit);
}

void write_streams_blocked(PacketPayload& out, const StreamsBlockedFrame& frame) {
  out.varint(code_point(frame.bidirectional ? FrameType::kStreamsBlockedBidi : FrameType::kStreamsBlockedUni));
  out.varint(frame.limit);
}

}  // namespace hawser::quic
