// stream.cc: reads and writes STREAM frames.
#include "quic/wire/frames/stream.h"

namespace hawser::quic {

Parsed<StreamFrame> parse_stream(FrameReader& in) {
  const std::uint64_t type = in.frame_type();
  StreamFrame frame;
  frame.fin = (type & kStreamFinBit) != 0;
  if (!in.varint(frame.stream_id.value)) return in.truncated();
  if ((type & kStreamOffsetBit) != 0 && !in.varint(frame.offset)) return in.truncated();
  if ((type & kStreamLengthBit) != 0) {
    std::uint64_t length = 0;
    if (!in.varint(length) || !in.bytes(length, frame.data)) return in.truncated();
  } else {
    frame.data = in.rest();
  }
  if (frame.data.size() > kVarintMax - frame.offset) return in.encoding_error("STREAM data ends past 2^62 - 1");
  return frame;
}

std::size_t stream_header_size(const StreamHeader& header) {
  return 1 + varint_size(header.stream_id.value) + (header.offset == 0 ? 0 : varint_size(header.offset)) +
         (header.has_length ? varint_size(header.length) : 0);
}

void write_stream_header(PacketPayload& out, const StreamHeader& header) {
  out.u8(static_cast<std::uint8_t>(code_point(FrameType::kStream) | (header.fin ? kStreamFinBit : 0) |
                                   (header.has_length ? kStreamLengthBit : 0) |
                                   (header.offset == 0 ? 0 : kStreamOffsetBit)));
  out.varint(header.stream_id.value);
  if (header.offset != 0) out.varint(header.offset);
  if (header.has_length) out.varint(header.length);
}

namespace {

StreamHeader header_of(const StreamFrame& frame) {
  return {.stream_id = frame.stream_id, .offset = frame.offset, .length = frame.data.size(), .fin = frame.fin};
}

}  // namespace

std::size_t stream_size(const StreamFrame& frame) {
  return stream_header_size(header_of(frame)) + frame.data.size();
}

void write_stream(PacketPayload& out, const StreamFrame& frame) {
  write_stream_header(out, header_of(frame));
  out.reference(frame.data);
}

}  // namespace hawser::quic
