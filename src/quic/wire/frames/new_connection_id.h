// new_connection_id.h: the NEW_CONNECTION_ID frame (RFC 9000 section 19.15).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct NewConnectionIdFrame {
  std::uint64_t sequence_number = 0;
  std::uint64_t retire_prior_to = 0;  // <= sequence_number
  ConnectionId connection_id{};       // 1..20 octets
  StatelessResetToken stateless_reset_token{};
};

// FRAME_ENCODING_ERROR for a connection ID of 0 or more than 20 octets and for a Retire Prior
// To above the sequence number.
Parsed<NewConnectionIdFrame> parse_new_connection_id(FrameReader& in);
std::size_t new_connection_id_size(const NewConnectionIdFrame& frame);
// out.room() >= new_connection_id_size(frame).
void write_new_connection_id(PacketPayload& out, const NewConnectionIdFrame& frame);
// The same without the type.
void write_new_connection_id_body(PacketPayload& out, const NewConnectionIdFrame& frame);

}  // namespace hawser::quic
