// path_challenge.h: the PATH_CHALLENGE frame (RFC 9000 section 19.17).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

// Eight octets that an off-path attacker cannot guess (RFC 9000 section 8.2.1).
using PathChallengeData = std::array<std::uint8_t, 8>;

struct PathChallengeFrame {
  PathChallengeData data{};
};

Parsed<PathChallengeFrame> parse_path_challenge(FrameReader& in);
std::size_t path_challenge_size(const PathChallengeFrame& frame);
// out.room() >= path_challenge_size(frame).
void write_path_challenge(PacketPayload& out, const PathChallengeFrame& frame);

}  // namespace hawser::quic
