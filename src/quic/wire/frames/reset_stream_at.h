// reset_stream_at.h: the RESET_STREAM_AT frame (draft-ietf-quic-reliable-stream-reset-10 section 4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct ResetStreamAtFrame {
  StreamId stream_id{};
  ApplicationErrorCode error_code = 0;
  std::uint64_t final_size = 0;     // octets
  std::uint64_t reliable_size = 0;  // octets, <= final_size: these still arrive
};

Parsed<ResetStreamAtFrame> parse_reset_stream_at(FrameReader& in);
std::size_t reset_stream_at_size(const ResetStreamAtFrame& frame);
// out.room() >= reset_stream_at_size(frame).
void write_reset_stream_at(PacketPayload& out, const ResetStreamAtFrame& frame);

}  // namespace hawser::quic
