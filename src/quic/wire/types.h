// types.h: the nouns of QUIC that every room above wire/ shares, spelled as in RFC 9000.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"
#include "base/units.h"

namespace hawser::quic {

enum class Role : std::uint8_t { kClient, kServer };

constexpr Role peer_of(Role role) {
  return role == Role::kClient ? Role::kServer : Role::kClient;
}

enum class Version : std::uint32_t {
  kNegotiation = 0,
  kV1 = 0x00000001,
  kV2 = 0x6b3343cf,       // RFC 9369
  kV2Draft = 0x709a50c4,  // draft-ietf-quic-v2-04 to 09, which distributions still ship
};

// RFC 9001 section 2.1: what a packet is protected with.
enum class EncryptionLevel : std::uint8_t { kInitial, kZeroRtt, kHandshake, kOneRtt };
inline constexpr std::size_t kEncryptionLevels = 4;

// RFC 9000 section 12.3. The application space exists once per Path; the other two belong
// to the path with Path ID 0.
enum class PacketNumberSpace : std::uint8_t { kInitial, kHandshake, kApplication };
inline constexpr std::size_t kPacketNumberSpaces = 3;

constexpr PacketNumberSpace space_of(EncryptionLevel level) {
  switch (level) {
    case EncryptionLevel::kInitial:
      return PacketNumberSpace::kInitial;
    case EncryptionLevel::kHandshake:
      return PacketNumberSpace::kHandshake;
    default:
      return PacketNumberSpace::kApplication;
  }
}

// What the multipath extension creates: a numbered path with packet numbers of its own.
using PathId = Quantity<struct PathIdTag>;
inline constexpr PathId kInitialPathId{0};
inline constexpr std::uint64_t kPathIdMax = 0xffff'ffffu;  // its place in a nonce has 32 bits

// RFC 9000 section 2.1: bit 0 says who opened the stream, bit 1 whether it is one-way.
struct StreamId {
  std::uint64_t value = 0;

  constexpr auto operator<=>(const StreamId&) const = default;
  [[nodiscard]] constexpr Role initiator() const { return (value & 1) == 0 ? Role::kClient : Role::kServer; }
  [[nodiscard]] constexpr bool is_bidirectional() const { return (value & 2) == 0; }
  // Position among the streams of its kind, from 0.
  [[nodiscard]] constexpr std::uint64_t index() const { return value >> 2; }

  static constexpr StreamId of(Role initiator, bool bidirectional, std::uint64_t index) {
    return {index << 2 | (bidirectional ? 0u : 2u) | (initiator == Role::kServer ? 1u : 0u)};
  }
};

inline constexpr std::size_t kMaxConnectionIdLength = 20;
inline constexpr std::size_t kStatelessResetTokenLength = 16;

using StatelessResetToken = std::array<std::uint8_t, kStatelessResetTokenLength>;

class ConnectionId {
 public:
  constexpr ConnectionId() = default;
  // bytes.size() <= 20.
  explicit ConnectionId(Bytes bytes) : length_(static_cast<std::uint8_t>(bytes.size())) {
    HAWSER_CHECK(bytes.size() <= kMaxConnectionIdLength);
    if (!bytes.empty()) std::memcpy(bytes_.data(), bytes.data(), bytes.size());
  }

  constexpr auto operator<=>(const ConnectionId&) const = default;  // unused octets stay 0
  [[nodiscard]] std::size_t length() const { return length_; }
  [[nodiscard]] bool empty() const { return length_ == 0; }
  [[nodiscard]] Bytes view() const { return {bytes_.data(), length_}; }
  [[nodiscard]] const std::uint8_t* data() const { return bytes_.data(); }

 private:
  std::array<std::uint8_t, kMaxConnectionIdLength> bytes_{};
  std::uint8_t length_ = 0;
};

// RFC 9000 section 2.2 and 19: an application's error code, in its own space.
using ApplicationErrorCode = std::uint64_t;

}  // namespace hawser::quic
