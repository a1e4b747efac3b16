// path_ack.h: the PATH_ACK frames, types 0x3e and 0x3f (draft-ietf-quic-multipath-21).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/ack.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// An ACK frame of the packet numbers of one path.
struct PathAckFrame {
  PathId path_id{};
  AckFrame ack{};
};

Parsed<PathAckFrame> parse_path_ack(FrameReader& in);
std::size_t path_ack_size(const PathAckFrame& frame);
// out.room() >= path_ack_size(frame).
void write_path_ack(PacketPayload& out, const PathAckFrame& frame);

}  // namespace hawser::quic
