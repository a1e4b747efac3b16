// checksum.h: the Internet checksum (RFC 1071), in the order of octets that memory has: a sum
// made of native 16-bit words, folded and stored natively, is right on every machine.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace hawser::net {

// A sum that still fits: 2^32 words of 32 bits may be added before 64 bits overflow.
using ChecksumSum = std::uint64_t;

// Adds `octets`, the last one padded with a zero if they are odd in number, so that only the
// last piece of a sum may be odd.
ChecksumSum add_to_checksum(ChecksumSum sum, Bytes octets);

// The sum as it is stored in a header, by memcpy.
constexpr std::uint16_t finish_checksum(ChecksumSum sum) {
  sum = (sum >> 32) + (sum & 0xffff'ffff);
  sum = (sum >> 32) + (sum & 0xffff'ffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace hawser::net
