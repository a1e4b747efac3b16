// max_path_id.h: the MAX_PATH_ID frame (draft-ietf-quic-multipath-21).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// PROTOCOL_VIOLATION above kPathIdMax.
struct MaxPathIdFrame {
  std::uint64_t maximum = 0;  // Path ID, at most kPathIdMax
};

Parsed<MaxPathIdFrame> parse_max_path_id(FrameReader& in);
std::size_t max_path_id_size(const MaxPathIdFrame& frame);
// out.room() >= max_path_id_size(frame).
void write_max_path_id(PacketPayload& out, const MaxPathIdFrame& frame);

}  // namespace hawser::quic
