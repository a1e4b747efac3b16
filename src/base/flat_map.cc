// flat_map.cc: the keyed hash behind maps whose keys a peer chooses.
#include "base/flat_map.h"

#include <bit>
#include <cstring>

namespace hawser {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
};

}  // namespace

std::uint64_t siphash13(const std::uint64_t (&key)[2], const std::uint8_t* data, std::size_t size) {
  SipState s{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
             key[1] ^ 0x7465646279746573};
  std::uint64_t last = static_cast<std::uint64_t>(size) << 56;
  while (size >= 8) {
    std::uint64_t word;
    std::memcpy(&word, data, 8);
    s.v3 ^= word;
    s.round();
    s.v0 ^= word;
    data += 8;
    size -= 8;
  }
  for (std::size_t i = 0; i < size; ++i) last |= std::uint64_t{data[i]} << (8 * i);
  s.v3 ^= last;
  s.round();
  s.v0 ^= last;
  s.v2 ^= 0xff;
  for (int i = 0; i < 3; ++i) s.round();
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace hawser
