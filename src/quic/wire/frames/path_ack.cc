// path_ack.cc: reads and writes PATH_ACK frames: a Path ID, and then what an ACK frame has.
#include "quic/wire/frames/path_ack.h"

namespace hawser::quic {

Parsed<PathAckFrame> parse_path_ack(FrameReader& in) {
  PathAckFrame frame;
  if (!in.varint(frame.path_id.value)) return in.truncated();
  HAWSER_TRY(frame.ack, parse_ack(in));
  return frame;
}

std::size_t path_ack_size(const PathAckFrame& frame) {
  // Both types take one octet, as those of ACK do.
  return varint_size(frame.path_id.value) + ack_size(frame.ack);
}

void write_path_ack(PacketPayload& out, const PathAckFrame& frame) {
  out.path_type(code_point(frame.ack.ecn ? FrameType::kPathAckEcn : FrameType::kPathAck));
  out.varint(frame.path_id.value);
  write_ack_body(out, frame.ack);
}

}  // namespace hawser::quic
