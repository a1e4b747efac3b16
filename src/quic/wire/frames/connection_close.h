// connection_close.h: the CONNECTION_CLOSE frames, types 0x1c and 0x1d (RFC 9000 section
// 19.19).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct ConnectionCloseFrame {
  bool application = false;      // type 0x1d: error_code is an application's
  std::uint64_t error_code = 0;  // else a TransportErrorCode
  std::uint64_t frame_type = 0;  // of the frame to blame, 0 if unknown; not of type 0x1d
  Bytes reason_phrase{};         // UTF-8 by intent, any octets in fact; a view
};

Parsed<ConnectionCloseFrame> parse_connection_close(FrameReader& in);
std::size_t connection_close_size(const ConnectionCloseFrame& frame);
// out.room() >= connection_close_size(frame).
void write_connection_close(PacketPayload& out, const ConnectionCloseFrame& frame);

// The same frame with as much of its reason phrase as fits into `room` octets, or nullopt if
// the frame does not fit without any.
std::optional<ConnectionCloseFrame> fit_connection_close(ConnectionCloseFrame frame, std::size_t room);

}  // namespace hawser::quic
