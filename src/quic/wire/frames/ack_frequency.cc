// ack_frequency.cc: reads and writes ACK_FREQUENCY and IMMEDIATE_ACK frames.
#include "quic/wire/frames/ack_frequency.h"

namespace hawser::quic {

Parsed<AckFrequencyFrame> parse_ack_frequency(FrameReader& in) {
  AckFrequencyFrame frame;
  if (!in.varint(frame.sequence_number) || !in.varint(frame.ack_eliciting_threshold) ||
      !in.varint(frame.requested_max_ack_delay_us) || !in.varint(frame.reordering_threshold))
    return in.truncated();
  if (frame.requested_max_ack_delay_us >= kRequestedMaxAckDelayEndUs)
    // ack-frequency:4-invalid
    return in.fault(TransportErrorCode::kProtocolViolation, "ACK_FREQUENCY with a delay of 2^14 ms or more");
  return frame;
}

std::size_t ack_frequency_size(const AckFrequencyFrame& frame) {
  return varint_size(code_point(FrameType::kAckFrequency)) + varint_size(frame.sequence_number) +
         varint_size(frame.ack_eliciting_threshold) + varint_size(frame.requested_max_ack_delay_us) +
         varint_size(frame.reordering_threshold);
}

void write_ack_frequency(PacketPayload& out, const AckFrequencyFrame& frame) {
  out.varint(code_point(FrameType::kAckFrequency));
  out.varint(frame.sequence_number);
  out.varint(frame.ack_eliciting_threshold);
  out.varint(frame.requested_max_ack_delay_us);
  out.varint(frame.reordering_threshold);
}

Parsed<ImmediateAckFrame> parse_immediate_ack(FrameReader&) {
  return ImmediateAckFrame{};
}

std::size_t immediate_ack_size(const ImmediateAckFrame&) {
  return 1;
}

void write_immediate_ack(PacketPayload& out, const ImmediateAckFrame&) {
  out.varint(code_point(FrameType::kImmediateAck));
}

}  // namespace hawser::quic
