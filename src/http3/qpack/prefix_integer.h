// prefix_integer.h: integers that start in the low bits of an octet (RFC 7541 section 5.1, RFC 9204
// section 4.1.1) and strings with such a length.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace hawser::http3::qpack {

// The largest value accepted and sent; RFC 9204 section 4.1.1 asks for 62 bits at least.
inline constexpr std::uint64_t kPrefixIntegerMax = (std::uint64_t{1} << 62) - 1;
// 1 octet of prefix and ceil(62 / 7) = 9 that follow.
inline constexpr std::size_t kPrefixIntegerOctetsMax = 10;

// Octets of `value` with a prefix of `bits` bits (1 to 8).
constexpr std::size_t prefix_integer_size(std::uint64_t value, unsigned bits) {
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  if (value < mask) return 1;
  std::size_t size = 2;
  for (value -= mask; value >= 128; value >>= 7) ++size;
  return size;
}

// Writes `value` with the bits above the prefix set from `pattern`; room for
// kPrefixIntegerOctetsMax octets is needed. Returns the position after it.
inline std::uint8_t* put_prefix_integer(std::uint8_t* out, std::uint8_t pattern, std::uint64_t value, unsigned bits) {
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  if (value < mask) {
    *out++ = static_cast<std::uint8_t>(pattern | value);
    return out;
  }
  *out++ = static_cast<std::uint8_t>(pattern | mask);
  for (value -= mask; value >= 128; value >>= 7) *out++ = static_cast<std::uint8_t>(value | 0x80);
  *out++ = static_cast<std::uint8_t>(value);
  return out;
}

enum class TakeStatus : std::uint8_t {
  kTaken,
  kTruncated,  // the input ends inside
  kInvalid,    // above kPrefixIntegerMax, or a broken Huffman code
};

// Takes an integer whose prefix is the low `bits` bits of *in; moves `in` on only if taken.
// rfc9204:4.1.1-62-bits
inline TakeStatus take_prefix_integer(const std::uint8_t*& in, const std::uint8_t* end, unsigned bits,
                                      std::uint64_t& value) {
  if (in == end) return TakeStatus::kTruncated;
  const std::uint8_t* at = in;
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  value = *at++ & mask;
  if (value < mask) [[likely]] {
    in = at;
    return TakeStatus::kTaken;
  }
  for (unsigned shift = 0; at != end; shift += 7) {
    const std::uint64_t octet = *at++;
    // A 10th octet after the prefix would be bit 63; up to the 9th, 62 bits and a carry fit.
    if (shift > 56) return TakeStatus::kInvalid;
    value += (octet & 0x7f) << shift;
    if (value > kPrefixIntegerMax) return TakeStatus::kInvalid;
    if ((octet & 0x80) == 0) {
      in = at;
      return TakeStatus::kTaken;
    }
  }
  return TakeStatus::kTruncated;
}

}  // namespace hawser::http3::qpack
