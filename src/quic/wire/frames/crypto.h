// crypto.h: the CRYPTO frame, which carries the TLS handshake (RFC 9000 section 19.6).
#pragma once

#include <cstddef>
#include <cstdint>

#include "quic/wire/frames/frame_reader.h"
#include "quic/wire/packet_payload.h"

namespace hawser::quic {

struct CryptoFrame {
  std::uint64_t offset = 0;  // octets, in the stream of this encryption level
  Bytes data{};              // a view into the packet
};

// FRAME_ENCODING_ERROR if the data would end past 2^62 - 1.
Parsed<CryptoFrame> parse_crypto(FrameReader& in);

// Octets of the header before `length` octets of data.
std::size_t crypto_header_size(std::uint64_t offset, std::uint64_t length);
// Writes the header only: the caller refers to the data right after it.
void write_crypto_header(PacketPayload& out, std::uint64_t offset, std::uint64_t length);

std::size_t crypto_size(const CryptoFrame& frame);
// Header and data; the data is referred to as PacketPayload::reference says.
// out.room() >= crypto_size(frame).
void write_crypto(PacketPayload& out, const CryptoFrame& frame);

}  // namespace hawser::quic
