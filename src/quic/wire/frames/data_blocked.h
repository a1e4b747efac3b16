// data_blocked.h: the DATA_BLOCKED frame (RFC 9000 section 19.12).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct DataBlockedFrame {
  std::uint64_t limit = 0;  // octets: the connection limit at which the sender is blocked
};

Parsed<DataBlockedFrame> parse_data_blocked(FrameReader& in);
std::size_t data_blocked_size(const DataBlockedFrame& frame);
// out.room() >= data_blocked_size(frame).
void write_data_blocked(PacketPayload& out, const DataBlockedFrame& frame);

}  // namespace hawser::quic
