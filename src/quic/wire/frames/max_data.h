// max_data.h: the MAX_DATA frame (RFC 9000 section 19.9).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct MaxDataFrame {
  std::uint64_t maximum = 0;  // octets on all streams of the connection together
};

Parsed<MaxDataFrame> parse_max_data(FrameReader& in);
std::size_t max_data_size(const MaxDataFrame& frame);
// out.room() >= max_data_size(frame).
void write_max_data(PacketPayload& out, const MaxDataFrame& frame);

}  // namespace hawser::quic
