// streams_blocked.h: the STREAMS_BLOCKED frames, types 0x16 and 0x17 (RFC 9000 section 19.14).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct StreamsBlockedFrame {
  bool bidirectional = true;
  std::uint64_t limit = 0;  // streams: the limit at which the sender is blocked, <= 2^60
};

// FRAME_ENCODING_ERROR above 2^60.
Parsed<StreamsBlockedFrame> parse_streams_blocked(FrameReader& in);
std::size_t streams_blocked_size(const StreamsBlockedFrame& frame);
// out.room() >= streams_blocked_size(frame).
void write_streams_blocked(PacketPayload& out, const StreamsBlockedFrame& frame);

}  // namespace hawser::quic
