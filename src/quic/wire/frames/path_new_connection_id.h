// path_new_connection_id.h: the PATH_NEW_CONNECTION_ID frame (draft-ietf-quic-multipath-21).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/new_connection_id.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// What NEW_CONNECTION_ID says, of one path.
struct PathNewConnectionIdFrame {
  PathId path_id{};
  NewConnectionIdFrame cid{};
};

Parsed<PathNewConnectionIdFrame> parse_path_new_connection_id(FrameReader& in);
std::size_t path_new_connection_id_size(const PathNewConnectionIdFrame& frame);
// out.room() >= path_new_connection_id_size(frame).
void write_path_new_connection_id(PacketPayload& out, const PathNewConnectionIdFrame& frame);

}  // namespace hawser::quic
