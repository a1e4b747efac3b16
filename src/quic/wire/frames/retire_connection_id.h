// retire_connection_id.h: the RETIRE_CONNECTION_ID frame (RFC 9000 section 19.16).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct RetireConnectionIdFrame {
  std::uint64_t sequence_number = 0;
};

Parsed<RetireConnectionIdFrame> parse_retire_connection_id(FrameReader& in);
std::size_t retire_connection_id_size(const RetireConnectionIdFrame& frame);
// out.room() >= retire_connection_id_size(frame).
void write_retire_connection_id(PacketPayload& out, const RetireConnectionIdFrame& frame);

}  // namespace hawser::quic
