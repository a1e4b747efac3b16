// path_cids_blocked.h: the PATH_CIDS_BLOCKED frame (draft-ietf-quic-multipath-21).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct PathCidsBlockedFrame {
  PathId path_id{};
  std::uint64_t next_sequence_number = 0;  // of the connection ID that is wanted
};

Parsed<PathCidsBlockedFrame> parse_path_cids_blocked(FrameReader& in);
std::size_t path_cids_blocked_size(const PathCidsBlockedFrame& frame);
// out.room() >= path_cids_blocked_size(frame).
void write_path_cids_blocked(PacketPayload& out, const PathCidsBlockedFrame& frame);

}  // namespace hawser::quic
