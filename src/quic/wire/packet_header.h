// packet_header.h: reads and writes packet headers: what every version shares (RFC 8999) and
// what the versions of version_traits.h add (RFC 9000 section 17). Header protection and
// packet protection are not removed or applied here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/writer.h"
#include "quic/wire/packet_number.h"
#include "quic/wire/types.h"
#include "quic/wire/version_traits.h"

namespace hawser::quic {

// Bits of the first octet. The low ones are readable only once header protection is off.
inline constexpr std::uint8_t kLongHeaderBit = 0x80;
inline constexpr std::uint8_t kFixedBit = 0x40;
inline constexpr std::uint8_t kSpinBit = 0x20;                 // short header
inline constexpr std::uint8_t kKeyPhaseBit = 0x04;             // short header
inline constexpr std::uint8_t kLongReservedBits = 0x0c;        // must be 0 under protection
inline constexpr std::uint8_t kShortReservedBits = 0x18;       // must be 0 under protection
inline constexpr std::uint8_t kPacketNumberLengthBits = 0x03;  // length - 1

// Header protection samples 16 octets that start 4 octets after the packet number starts
// (RFC 9001 section 5.4.2), so a protected packet has at least this many from there on.
inline constexpr std::size_t kMinProtectedLength = 4 + 16;

// One received packet. Views live as long as the datagram they were parsed from.
struct PacketHeader {
  PacketType type = PacketType::kOneRtt;
  Version version = Version::kNegotiation;  // of a long header
  std::uint8_t first_octet = 0;             // as it came, still protected
  Bytes dcid{};                             // up to 255 octets for an unsupported version
  Bytes scid{};                             // of a long header
  Bytes token{};                            // of an Initial or Retry packet
  // Octets of packet number and payload together: the Length field, or for a short header
  // what remains of the datagram.
  std::size_t length = 0;
  // Where the packet number begins; for Retry, Version Negotiation and an unsupported
  // version, where what follows the connection IDs begins.
  std::size_t pn_offset = 0;
  // Octets of this packet in the datagram: the next coalesced packet begins there.
  std::size_t packet_size = 0;

  [[nodiscard]] bool is_long() const { return (first_octet & kLongHeaderBit) != 0; }
  // Has a packet number and frames.
  [[nodiscard]] bool is_protected() const {
    return type == PacketType::kInitial || type == PacketType::kZeroRtt || type == PacketType::kHandshake ||
           type == PacketType::kOneRtt;
  }
};

// Reads the header of the packet at the start of `datagram_rest`: the whole datagram or what
// follows the packets coalesced before. `local_cid_length` is how many octets the connection
// IDs have that this endpoint issues, for a short header does not say. nullopt: drop the
// packet, and the rest of the datagram with it, silently. A packet that is framed well but
// too short to be protected has type kDiscard: drop it and go on behind it, as RFC 9000
// section 12.2 asks.
//
// A packet with the fixed bit clear is dropped unless `fixed_bit_may_be_clear`, which holds
// where this endpoint has sent grease_quic_bit (RFC 9287). Version Negotiation packets and
// unsupported versions may have any value there (RFC 8999 section 5.1).
std::optional<PacketHeader> parse_packet_header(Bytes datagram_rest, std::size_t local_cid_length,
                                                bool fixed_bit_may_be_clear = false);

// The Destination Connection ID of a datagram's first packet, by which it is routed, without
// looking at anything else. nullopt if the datagram is too short to have one.
std::optional<Bytes> peek_destination_cid(Bytes datagram, std::size_t local_cid_length);

// An Initial, 0-RTT or Handshake header to write.
struct LongHeader {
  PacketType type = PacketType::kInitial;
  Version version = Version::kV1;
  Bytes dcid{};
  Bytes scid{};
  Bytes token{};  // of an Initial packet only
  PacketNumber packet_number{};
  std::size_t packet_number_length = 1;  // 1..4
  // Octets of the Length field, patched later: 2 reach 16,383, 4 reach 2^30 - 1.
  std::size_t length_octets = 2;
};

// A 1-RTT header to write.
struct ShortHeader {
  Bytes dcid{};
  PacketNumber packet_number{};
  std::size_t packet_number_length = 1;  // 1..4
  bool spin = false;
  bool key_phase = false;
  bool fixed_bit = true;  // false only towards a peer that sent grease_quic_bit
};

// Where things lie in a header just written, counted from its first octet.
struct HeaderLayout {
  std::size_t length_offset = 0;  // of the Length field; 0 for a short header
  std::size_t length_octets = 0;
  std::size_t pn_offset = 0;
  std::size_t size = 0;  // of the header, packet number included
};

std::size_t long_header_size(const LongHeader& header);
inline std::size_t short_header_size(std::size_t dcid_length, std::size_t packet_number_length) {
  return 1 + dcid_length + packet_number_length;
}

// Writes the header with a Length of 0, for patch_length. out.remaining() >= *_header_size().
HeaderLayout write_long_header(Writer& out, const LongHeader& header);
HeaderLayout write_short_header(Writer& out, const ShortHeader& header);

// Fills in the Length field once the payload is known. `packet` starts with the header;
// `length` counts packet number, payload and tag, and fits the field.
void patch_length(MutableBytes packet, const HeaderLayout& layout, std::size_t length);

}  // namespace hawser::quic
