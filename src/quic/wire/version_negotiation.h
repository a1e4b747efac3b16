// version_negotiation.h: the Version Negotiation packet (RFC 8999 section 6, RFC 9000 section
// 17.2.1), which a server sends in answer to a version it does not speak.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/random.h"
#include "base/writer.h"
#include "quic/wire/packet_header.h"

namespace hawser::quic {

// 0x?a?a?a?a: versions that nobody speaks, so that peers stay used to unknown ones
// (RFC 9000 section 15).
constexpr bool is_reserved_version(Version version) {
  return (static_cast<std::uint32_t>(version) & 0x0f0f0f0fu) == 0x0a0a0a0au;
}
Version random_reserved_version(Random& random);

// Octets of a Version Negotiation packet; `versions` counts the reserved one, if there is one.
constexpr std::size_t version_negotiation_size(std::size_t dcid_length, std::size_t scid_length, std::size_t versions) {
  return 1 + 4 + 1 + dcid_length + 1 + scid_length + 4 * versions;
}

// Writes the answer to a packet with these connection IDs: they change places. Both have at
// most 255 octets. `supported` goes out in its order, behind a reserved version if `reserved`.
// out.remaining() >= version_negotiation_size(..).
void write_version_negotiation(Writer& out, const PacketHeader& received, std::span<const Version> supported,
                               bool reserved, Random& random);

// The versions in a received packet. A view into the datagram.
class VersionList {
 public:
  // `encoded` holds 4 octets a version.
  explicit VersionList(Bytes encoded) : encoded_(encoded) {}
  [[nodiscard]] std::size_t size() const { return encoded_.size() / 4; }
  [[nodiscard]] Version operator[](std::size_t i) const;
  [[nodiscard]] bool contains(Version version) const;

 private:
  Bytes encoded_;
};

// For clients: the list in the packet of which `header` was parsed, that is the start of
// `datagram`. nullopt: drop the packet, for its list is empty or not a multiple of 4 octets.
// The caller also drops it when the list has the version that it used itself, or when the
// connection IDs are not its own (RFC 9000 section 6.2).
std::optional<VersionList> parse_version_negotiation(const PacketHeader& header, Bytes datagram);

}  // namespace hawser::quic
