// handshake_done.h: the HANDSHAKE_DONE frame (RFC 9000 section 19.20).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

// Only a server sends it; the receiver checks that, since a frame does not know its sender.
struct HandshakeDoneFrame {};

Parsed<HandshakeDoneFrame> parse_handshake_done(FrameReader& in);
std::size_t handshake_done_size(const HandshakeDoneFrame& frame);
// out.room() >= handshake_done_size(frame).
void write_handshake_done(PacketPayload& out, const HandshakeDoneFrame& frame);

}  // namespace hawser::quic
