// handshake_done.cc: reads and writes HANDSHAKE_DONE frames.
#include "quic/wire/frames/handshake_done.h"

namespace hawser::quic {

Parsed<HandshakeDoneFrame> parse_handshake_done(FrameReader&) {
  return HandshakeDoneFrame{};
}

std::size_t handshake_done_size(const HandshakeDoneFrame&) {
  return 1;
}

void write_handshake_done(PacketPayload& out, const HandshakeDoneFrame&) {
  out.varint(code_point(FrameType::kHandshakeDone));
}

}  // namespace hawser::quic
