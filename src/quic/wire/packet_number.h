// packet_number.h: packet numbers travel truncated to 1..4 octets; these functions shorten
// and restore them (RFC 9000 section 17.1 and appendix A).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/units.h"

namespace hawser::quic {

inline constexpr std::uint64_t kMaxPacketNumber = (std::uint64_t{1} << 62) - 1;

// Octets, 1..4, that let any receiver restore `number`. `largest_acked` is the largest
// packet number of the same space that the peer has acknowledged; none if it has not yet.
std::size_t packet_number_length(PacketNumber number, std::optional<PacketNumber> largest_acked);

// Writes the low `length` (1..4) octets of `number`, big-endian, and returns the position
// after them.
inline std::uint8_t* put_packet_number(std::uint8_t* out, PacketNumber number, std::size_t length) {
  for (std::size_t i = length; i-- > 0;) *out++ = static_cast<std::uint8_t>(number.value >> (8 * i));
  return out;
}

// Reads `length` (1..4) octets, still truncated.
inline std::uint32_t take_truncated_packet_number(const std::uint8_t* in, std::size_t length) {
  std::uint32_t truncated = 0;
  for (std::size_t i = 0; i < length; ++i) truncated = truncated << 8 | in[i];
  return truncated;
}

// The full number nearest to the one expected next. `largest_received` is the largest packet
// number that was authenticated in this space, none before the first; `bits` is 8 times the
// octets `truncated` came in.
PacketNumber decode_packet_number(std::optional<PacketNumber> largest_received, std::uint64_t truncated, unsigned bits);

}  // namespace hawser::quic
