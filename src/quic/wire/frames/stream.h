// stream.h: the STREAM frame, types 0x08 to 0x0f (RFC 9000 section 19.8).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct StreamFrame {
  StreamId stream_id{};
  std::uint64_t offset = 0;  // octets
  Bytes data{};              // a view into the packet
  bool fin = false;
};

// FRAME_ENCODING_ERROR if the data would end past 2^62 - 1.
Parsed<StreamFrame> parse_stream(FrameReader& in);

// A STREAM frame without its data, which the caller refers to right after it.
struct StreamHeader {
  StreamId stream_id{};
  std::uint64_t offset = 0;  // octets
  std::uint64_t length = 0;  // octets of data that follow
  bool fin = false;
  // Without a Length field the data reaches to the end of the packet: nothing may follow.
  bool has_length = true;
};

std::size_t stream_header_size(const StreamHeader& header);
// out.room() >= stream_header_size(header) + header.length.
void write_stream_header(PacketPayload& out, const StreamHeader& header);

// The whole frame with a Length field.
std::size_t stream_size(const StreamFrame& frame);
// Header and data; the data is referred to as PacketPayload::reference says.
// out.room() >= stream_size(frame).
void write_stream(PacketPayload& out, const StreamFrame& frame);

}  // namespace hawser::quic
