// reset_stream.h: the RESET_STREAM frame (RFC 9000 section 19.4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct ResetStreamFrame {
  StreamId stream_id{};
  ApplicationErrorCode error_code = 0;
  std::uint64_t final_size = 0;  // octets
};

Parsed<ResetStreamFrame> parse_reset_stream(FrameReader& in);
std::size_t reset_stream_size(const ResetStreamFrame& frame);
// out.room() >= reset_stream_size(frame).
void write_reset_stream(PacketPayload& out, const ResetStreamFrame& frame);

}  // namespace hawser::quic
