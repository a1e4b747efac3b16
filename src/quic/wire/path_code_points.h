// path_code_points.h: the types of the multipath frames, of draft-ietf-quic-multipath-21 and of drafts 14 to 17. What
// they carry did not change between them; one connection speaks one or the other, by the transport parameter it agreed
// on.
#pragma once

#include <array>
#include <cstdint>

#include "quic/wire/frame_legality.h"
#include "quic/wire/frame_type.h"

namespace hawser::quic {

enum class PathCodePoints : std::uint8_t {
  kDraft21,  // initial_max_path_id 0x3e
  kDraft17,  // initial_max_path_id 0x0f739bbc1b666d0d: drafts 14 to 17
};

inline constexpr std::uint64_t kDraft17PathFrames = 0x15228c00;
// Of PATH_ABANDON and the frames that follow it, in the order of draft 21; those of PATH_ACK are 0 and 1.
inline constexpr std::array<std::uint8_t, kLastPathFrame - kFirstPathFrame + 1> kDraft17PathFrameOffsets{
    0x05, 0x07, 0x08, 0x09, 0x0a, 0x0c, 0x0d, 0x0e};
// What is read where a code point of the other drafts stands: no frame has this type.
inline constexpr std::uint64_t kNoFrameType = (std::uint64_t{1} << 62) - 1;

constexpr bool is_path_frame(std::uint64_t type) {
  return (type | 1) == code_point(FrameType::kPathAckEcn) || (type >= kFirstPathFrame && type <= kLastPathFrame);
}

// `type` of draft 21, as drafts 14 to 17 wrote it; other frames' types as they are.
constexpr std::uint64_t draft17_from_current(std::uint64_t type) {
  if (!is_path_frame(type)) return type;
  if (type < kFirstPathFrame) return kDraft17PathFrames | (type & 1);
  return kDraft17PathFrames | kDraft17PathFrameOffsets[type - kFirstPathFrame];
}

// The way back. kNoFrameType: a type of draft 21, which the peer must not use here.
constexpr std::uint64_t current_from_draft17(std::uint64_t type) {
  if (is_path_frame(type)) return kNoFrameType;
  if ((type & ~std::uint64_t{0xff}) != kDraft17PathFrames) return type;
  const std::uint64_t offset = type & 0xff;
  if (offset < 2) return code_point(FrameType::kPathAck) | offset;
  for (std::size_t i = 0; i < kDraft17PathFrameOffsets.size(); ++i)
    if (kDraft17PathFrameOffsets[i] == offset) return kFirstPathFrame + i;
  return type;
}

}  // namespace hawser::quic
