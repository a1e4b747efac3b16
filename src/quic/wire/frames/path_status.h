// path_status.h: the PATH_STATUS_BACKUP and PATH_STATUS_AVAILABLE frames (draft-ietf-quic-multipath-21).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct PathStatusFrame {
  bool available = false;  // false: to be used only where no available path is
  PathId path_id{};
  std::uint64_t sequence_number = 0;  // of the path's status: a later one holds
};

Parsed<PathStatusFrame> parse_path_status(FrameReader& in);
std::size_t path_status_size(const PathStatusFrame& frame);
// out.room() >= path_status_size(frame).
void write_path_status(PacketPayload& out, const PathStatusFrame& frame);

}  // namespace hawser::quic
