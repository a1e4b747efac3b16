// stream_data_blocked.h: the STREAM_DATA_BLOCKED frame (RFC 9000 section 19.13).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct StreamDataBlockedFrame {
  StreamId stream_id{};
  std::uint64_t limit = 0;  // octets: the stream limit at which the sender is blocked
};

Parsed<StreamDataBlockedFrame> parse_stream_data_blocked(FrameReader& in);
std::size_t stream_data_blocked_size(const StreamDataBlockedFrame& frame);
// out.room() >= stream_data_blocked_size(frame).
void write_stream_data_blocked(PacketPayload& out, const StreamDataBlockedFrame& frame);

}  // namespace hawser::quic
