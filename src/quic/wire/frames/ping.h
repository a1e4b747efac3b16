// ping.h: the PING frame, which only asks for an acknowledgement (RFC 9000 section 19.2).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct PingFrame {};

Parsed<PingFrame> parse_ping(FrameReader& in);
std::size_t ping_size(const PingFrame& frame);
// out.room() >= ping_size(frame).
void write_ping(PacketPayload& out, const PingFrame& frame);

}  // namespace hawser::quic
