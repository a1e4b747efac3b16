// stop_sending.cc: reads and writes STOP_SENDING frames.
#include "quic/wire/frames/stop_sending.h"

namespace hawser::quic {

Parsed<StopSendingFrame> parse_stop_sending(FrameReader& in) {
  StopSendingFrame frame;
  if (!in.varint(frame.stream_id.value) || !in.varint(frame.error_code)) return in.truncated();
  return frame;
}

std::size_t stop_sending_size(const StopSendingFrame& frame) {
  return 1 + varint_size(frame.stream_id.value) + varint_size(frame.error_code);
}

void write_stop_sending(PacketPayload& out, const StopSendingFrame& frame) {
  out.varint(code_point(FrameType::kStopSending));
  out.varint(frame.stream_id.value);
  out.varint(frame.error_code);
}

}  // namespace hawser::quic
