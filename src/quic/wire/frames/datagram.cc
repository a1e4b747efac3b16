// datagram.cc: reads and writes DATAGRAM frames.
#include "quic/wire/frames/datagram.h"

namespace hawser::quic {

Parsed<DatagramFrame> parse_datagram(FrameReader& in) {
  DatagramFrame frame;
  frame.has_length = in.frame_type() == code_point(FrameType::kDatagramWithLength);
  if (!frame.has_length) {
    frame.data = in.rest();
    return frame;
  }
  std::uint64_t length = 0;
  if (!in.varint(length) || !in.bytes(length, frame.data)) return in.truncated();
  return frame;
}

std::size_t datagram_header_size(std::uint64_t length, bool has_length) {
  return 1 + (has_length ? varint_size(length) : 0);
}

void write_datagram_header(PacketPayload& out, std::uint64_t length, bool has_length) {
  out.varint(code_point(has_length ? FrameType::kDatagramWithLength : FrameType::kDatagram));
  if (has_length) out.varint(length);
}

std::size_t datagram_size(const DatagramFrame& frame) {
  return datagram_header_size(frame.data.size(), frame.has_length) + frame.data.size();
}

void write_datagram(PacketPayload& out, const DatagramFrame& frame) {
  write_datagram_header(out, frame.data.size(), frame.has_length);
  out.reference(frame.data);
}

}  // namespace hawser::quic
