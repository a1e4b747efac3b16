// bytes.h: views of memory. A view never owns; its comment says how long it lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hawser {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline bool equal(Bytes a, Bytes b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Compares in time that depends on the lengths only; for tokens, tags and reset tokens.
bool equal_constant_time(Bytes a, Bytes b);

// Lower-case hexadecimal, two digits a byte, no separator.
std::string to_hex(Bytes bytes);

// Reads hexadecimal of either case; spaces are passed over. Empty on a bad digit or an
// odd count: meant for test vectors and options, whose callers check for emptiness.
std::vector<std::uint8_t> from_hex(std::string_view text);

}  // namespace hawser
