// version_negotiation.cc: writes and reads Version Negotiation packets.
#include "quic/wire/version_negotiation.h"

#include "base/check.h"

namespace hawser::quic {

Version random_reserved_version(Random& random) {
  const auto bits = static_cast<std::uint32_t>(random.next_u64());
  return Version{(bits & 0xf0f0f0f0u) | 0x0a0a0a0au};
}

// rfc9000:17.2.1-version-0 rfc9000:17.2.1-dcid rfc9000:17.2.1-scid rfc9000:17.2.1-0x40 rfc9000:17.2.1-no-rules
void write_version_negotiation(Writer& out, const PacketHeader& received, std::span<const Version> supported,
                               bool reserved, Random& random) {
  HAWSER_CHECK(received.dcid.size() <= 255 && received.scid.size() <= 255);
  // The low seven bits are free; RFC 9000 section 17.2.1 asks for the fixed bit, so that
  // QUIC can share a port with other protocols.
  out.u8(static_cast<std::uint8_t>(kLongHeaderBit | kFixedBit | (random.next_u64() & 0x3f)));
  out.u32(static_cast<std::uint32_t>(Version::kNegotiation));
  out.u8(static_cast<std::uint8_t>(received.scid.size()));
  out.bytes(received.scid);
  out.u8(static_cast<std::uint8_t>(received.dcid.size()));
  out.bytes(received.dcid);
  if (reserved) out.u32(static_cast<std::uint32_t>(random_reserved_version(random)));
  for (const Version version : supported) out.u32(static_cast<std::uint32_t>(version));
}

Version VersionList::operator[](std::size_t i) const {
  const std::uint8_t* at = encoded_.data() + 4 * i;
  return Version{std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 | at[3]};
}

bool VersionList::contains(Version version) const {
  for (std::size_t i = 0; i < size(); ++i) {
    if ((*this)[i] == version) return true;
  }
  return false;
}

// rfc9000:17.2.1-unused
std::optional<VersionList> parse_version_negotiation(const PacketHeader& header, Bytes datagram) {
  HAWSER_CHECK(header.type == PacketType::kVersionNegotiation && datagram.size() >= header.packet_size);
  const Bytes encoded = datagram.subspan(header.pn_offset, header.length);
  if (encoded.empty() || encoded.size() % 4 != 0) return std::nullopt;
  return VersionList(encoded);
}

}  // namespace hawser::quic
