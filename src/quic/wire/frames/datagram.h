// datagram.h: the DATAGRAM frames, types 0x30 and 0x31 (RFC 9221 section 4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct DatagramFrame {
  Bytes data{};            // a view into the packet
  bool has_length = true;  // without it the data reaches to the end of the packet
};

// The receiver compares datagram_size() of what it parsed with its own
// max_datagram_frame_size, which limits the whole frame.
Parsed<DatagramFrame> parse_datagram(FrameReader& in);

// Octets of type and Length before `length` octets of data.
std::size_t datagram_header_size(std::uint64_t length, bool has_length);
// Writes the header only: the caller refers to the data right after it.
void write_datagram_header(PacketPayload& out, std::uint64_t length, bool has_length);

// Of the whole frame, in the shortest encoding of its fields.
std::size_t datagram_size(const DatagramFrame& frame);
// Header and data; the data is referred to as PacketPayload::reference says.
// out.room() >= datagram_size(frame).
void write_datagram(PacketPayload& out, const DatagramFrame& frame);

}  // namespace hawser::quic
