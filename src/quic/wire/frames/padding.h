// padding.h: PADDING frames, of no meaning but their size (RFC 9000 section 19.1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

// A run of PADDING frames, read as one.
struct PaddingFrame {
  std::size_t count = 1;  // octets, which is frames
};

// Takes the whole run that the reader stands in: its first octet was the type.
Parsed<PaddingFrame> parse_padding(FrameReader& in);
std::size_t padding_size(const PaddingFrame& frame);
// out.room() >= padding_size(frame).
void write_padding(PacketPayload& out, const PaddingFrame& frame);

}  // namespace hawser::quic
