// path_abandon.h: the PATH_ABANDON frame (draft-ietf-quic-multipath-21).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// Why a path is given up; the codes stand in the registry of transport errors.
enum class PathError : std::uint64_t {
  kNoError = 0x0,
  kApplicationAbandonPath = 0x3e,
  kPathResourceLimitReached = 0x3e75,
  kPathUnstableOrPoor = 0x3e76,
  kNoCidAvailableForPath = 0x3e77,
};

struct PathAbandonFrame {
  PathId path_id{};
  std::uint64_t error_code = 0;  // a transport error code, mostly a PathError
};

Parsed<PathAbandonFrame> parse_path_abandon(FrameReader& in);
std::size_t path_abandon_size(const PathAbandonFrame& frame);
// out.room() >= path_abandon_size(frame).
void write_path_abandon(PacketPayload& out, const PathAbandonFrame& frame);

}  // namespace hawser::quic
