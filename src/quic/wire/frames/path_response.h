// path_response.h: the PATH_RESPONSE frame (RFC 9000 section 19.18).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/frames/path_challenge.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct PathResponseFrame {
  PathChallengeData data{};
};

Parsed<PathResponseFrame> parse_path_response(FrameReader& in);
std::size_t path_response_size(const PathResponseFrame& frame);
// out.room() >= path_response_size(frame).
void write_path_response(PacketPayload& out, const PathResponseFrame& frame);

}  // namespace hawser::quic
