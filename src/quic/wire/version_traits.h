// version_traits.h: what differs on the wire between the QUIC versions that hawser speaks,
// one row per version. Keys and salts differ too; they are rows of a table in crypto/.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "quic/wire/types.h"

namespace hawser::quic {

// What a received packet is, by its header alone.
enum class PacketType : std::uint8_t {
  kInitial,
  kZeroRtt,
  kHandshake,
  kRetry,
  kOneRtt,
  kVersionNegotiation,
  kUnsupportedVersion,  // a long header whose version has no row below
  kDiscard,             // to be dropped alone: what is coalesced behind it may be good
};

struct VersionTraits {
  Version version = Version::kV1;
  // The two type bits (0x30) of a long header, as a number 0..3, to what they mean.
  std::array<PacketType, 4> type_of_bits{};

  // The type bits in their place in the first octet. `type` is one of the four long types.
  [[nodiscard]] constexpr std::uint8_t bits_of_type(PacketType type) const {
    for (std::uint8_t bits = 0; bits < 4; ++bits) {
      if (type_of_bits[bits] == type) return static_cast<std::uint8_t>(bits << 4);
    }
    return 0;
  }
};

// RFC 9369 section 3.2.
inline constexpr std::array<PacketType, 4> kV2TypeOfBits{PacketType::kRetry, PacketType::kInitial, PacketType::kZeroRtt,
                                                         PacketType::kHandshake};

inline constexpr std::array kVersionTraits{
    VersionTraits{
        .version = Version::kV1,  // RFC 9000 section 17.2, table 5
        .type_of_bits = {PacketType::kInitial, PacketType::kZeroRtt, PacketType::kHandshake, PacketType::kRetry},
    },
    VersionTraits{.version = Version::kV2, .type_of_bits = kV2TypeOfBits},
    VersionTraits{.version = Version::kV2Draft, .type_of_bits = kV2TypeOfBits},
};

// The row of a version, nullptr if hawser does not speak it.
constexpr const VersionTraits* traits_of(Version version) {
  for (const VersionTraits& row : kVersionTraits) {
    if (row.version == version) return &row;
  }
  return nullptr;
}

// The encryption level of a type that carries frames.
constexpr EncryptionLevel level_of(PacketType type) {
  switch (type) {
    case PacketType::kInitial:
      return EncryptionLevel::kInitial;
    case PacketType::kZeroRtt:
      return EncryptionLevel::kZeroRtt;
    case PacketType::kHandshake:
      return EncryptionLevel::kHandshake;
    default:
      return EncryptionLevel::kOneRtt;
  }
}

constexpr PacketType packet_type_of(EncryptionLevel level) {
  switch (level) {
    case EncryptionLevel::kInitial:
      return PacketType::kInitial;
    case EncryptionLevel::kZeroRtt:
      return PacketType::kZeroRtt;
    case EncryptionLevel::kHandshake:
      return PacketType::kHandshake;
    default:
      return PacketType::kOneRtt;
  }
}

}  // namespace hawser::quic
