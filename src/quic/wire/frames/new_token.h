// new_token.h: the NEW_TOKEN frame, with which a server vouches for a client's address
// in a later connection (RFC 9000 section 19.7).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct NewTokenFrame {
  Bytes token{};  // a view into the packet; never empty
};

// FRAME_ENCODING_ERROR for an empty token.
Parsed<NewTokenFrame> parse_new_token(FrameReader& in);
std::size_t new_token_size(const NewTokenFrame& frame);
// out.room() >= new_token_size(frame).
void write_new_token(PacketPayload& out, const NewTokenFrame& frame);

}  // namespace hawser::quic
