// stop_sending.h: the STOP_SENDING frame (RFC 9000 section 19.5).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct StopSendingFrame {
  StreamId stream_id{};
  ApplicationErrorCode error_code = 0;
};

Parsed<StopSendingFrame> parse_stop_sending(FrameReader& in);
std::size_t stop_sending_size(const StopSendingFrame& frame);
// out.room() >= stop_sending_size(frame).
void write_stop_sending(PacketPayload& out, const StopSendingFrame& frame);

}  // namespace hawser::quic
