// paths_blocked.h: the PATHS_BLOCKED frame (draft-ietf-quic-multipath-21).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct PathsBlockedFrame {
  std::uint64_t maximum = 0;  // the Path ID that the sender may not go beyond
};

Parsed<PathsBlockedFrame> parse_paths_blocked(FrameReader& in);
std::size_t paths_blocked_size(const PathsBlockedFrame& frame);
// out.room() >= paths_blocked_size(frame).
void write_paths_blocked(PacketPayload& out, const PathsBlockedFrame& frame);

}  // namespace hawser::quic
