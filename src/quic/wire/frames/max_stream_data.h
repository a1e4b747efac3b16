// max_stream_data.h: the MAX_STREAM_DATA frame (RFC 9000 section 19.10).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct MaxStreamDataFrame {
  StreamId stream_id{};
  std::uint64_t maximum = 0;  // octets on this stream
};

Parsed<MaxStreamDataFrame> parse_max_stream_data(FrameReader& in);
std::size_t max_stream_data_size(const MaxStreamDataFrame& frame);
// out.room() >= max_stream_data_size(frame).
void write_max_stream_data(PacketPayload& out, const MaxStreamDataFrame& frame);

}  // namespace hawser::quic
