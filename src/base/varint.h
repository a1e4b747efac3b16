// varint.h: the variable-length integer of RFC 9000 section 16, which QUIC, HTTP/3 and
// capsules share; it stands in base/ because all three floors read it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace hawser {

inline constexpr std::uint64_t kVarintMax = (std::uint64_t{1} << 62) - 1;

// Octets in the shortest encoding: 1, 2, 4 or 8. value <= kVarintMax.
constexpr std::size_t varint_size(std::uint64_t value) {
  if (value < 64) return 1;
  if (value < 16'384) return 2;
  if (value < 1'073'741'824) return 4;
  return 8;
}

namespace detail {
inline std::uint64_t big_endian(std::uint64_t v) {
  return __builtin_bswap64(v);
}
}  // namespace detail

// Writes exactly `size` octets (1, 2, 4 or 8; at least varint_size(value)) and returns the
// position after them. A size above the shortest is legal: senders use it to patch lengths.
inline std::uint8_t* put_varint(std::uint8_t* out, std::uint64_t value, std::size_t size) {
  static_assert(std::endian::native == std::endian::little);
  const unsigned prefix = static_cast<unsigned>(std::countr_zero(size));
  const std::uint64_t tagged = value | (std::uint64_t{prefix} << (size * 8 - 2));
  const std::uint64_t wire = detail::big_endian(tagged << (64 - size * 8));
  std::memcpy(out, &wire, size);
  return out + size;
}

inline std::uint8_t* put_varint(std::uint8_t* out, std::uint64_t value) {
  return put_varint(out, value, varint_size(value));
}

// Reads one integer from [in, end). Returns the position after it, or nullptr when the
// input ends inside it. Longer-than-needed encodings are accepted, as section 16 asks.
inline const std::uint8_t* take_varint(const std::uint8_t* in, const std::uint8_t* end, std::uint64_t& value) {
  if (in >= end) return nullptr;
  const std::size_t size = std::size_t{1} << (*in >> 6);
  if (static_cast<std::size_t>(end - in) < size) return nullptr;
  if (size == 1) {
    value = *in & 0x3f;
    return in + 1;
  }
  std::uint64_t wire = 0;
  std::memcpy(&wire, in, size);
  const std::uint64_t bits = detail::big_endian(wire) >> (64 - size * 8);
  value = bits & ((std::uint64_t{1} << (size * 8 - 2)) - 1);
  return in + size;
}

}  // namespace hawser
