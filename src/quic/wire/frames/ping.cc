// ping.cc: reads and writes PING frames.
#include "quic/wire/frames/ping.h"

namespace hawser::quic {

Parsed<PingFrame> parse_ping(FrameReader&) {
  return PingFrame{};
}

std::size_t ping_size(const PingFrame&) {
  return 1;
}

void write_ping(PacketPayload& out, const PingFrame&) {
  out.varint(code_point(FrameType::kPing));
}

}  // namespace hawser::quic
