// max_streams.h: the MAX_STREAMS frames, types 0x12 and 0x13 (RFC 9000 section 19.11).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

// More streams than this cannot be numbered in a stream ID of 62 bits, of which 2 say the kind.
inline constexpr std::uint64_t kMaxStreamCount = std::uint64_t{1} << 60;

struct MaxStreamsFrame {
  bool bidirectional = true;
  std::uint64_t maximum = 0;  // streams of this kind over the connection's life, <= 2^60
};

// FRAME_ENCODING_ERROR above 2^60.
Parsed<MaxStreamsFrame> parse_max_streams(FrameReader& in);
std::size_t max_streams_size(const MaxStreamsFrame& frame);
// out.room() >= max_streams_size(frame).
void write_max_streams(PacketPayload& out, const MaxStreamsFrame& frame);

}  // namespace hawser::quic
