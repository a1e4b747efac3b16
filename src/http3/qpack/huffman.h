// huffman.h: the string code of RFC 7541 appendix B, which QPACK shares with HPACK.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace hawser::http3::qpack {

// Octets that huffman_encode() will write.
std::size_t huffman_size(std::string_view text);

// Writes exactly huffman_size(text) octets at `out` and returns the position after them.
std::uint8_t* huffman_encode(std::string_view text, std::uint8_t* out);

// Room that decoding needs: the shortest code has 5 bits, and one octet is written ahead.
constexpr std::size_t huffman_decoded_max(std::size_t encoded) {
  return encoded * 8 / 5 + 1;
}

// Decodes into `out`, which has room for huffman_decoded_max(in.size()) octets. Returns the
// decoded length, or nothing when the code is broken: EOS inside the string, padding longer
// than 7 bits, or padding that is not all ones (RFC 7541 section 5.2).
std::optional<std::size_t> huffman_decode(Bytes in, char* out);

}  // namespace hawser::http3::qpack
