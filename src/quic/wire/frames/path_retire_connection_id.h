// path_retire_connection_id.h: the PATH_RETIRE_CONNECTION_ID frame (draft-ietf-quic-multipath-21).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct PathRetireConnectionIdFrame {
  PathId path_id{};
  std::uint64_t sequence_number = 0;
};

Parsed<PathRetireConnectionIdFrame> parse_path_retire_connection_id(FrameReader& in);
std::size_t path_retire_connection_id_size(const PathRetireConnectionIdFrame& frame);
// out.room() >= path_retire_connection_id_size(frame).
void write_path_retire_connection_id(PacketPayload& out, const PathRetireConnectionIdFrame& frame);

}  // namespace hawser::quic
