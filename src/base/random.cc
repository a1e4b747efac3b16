// random.cc: helpers over any source, and the seeded source.
#include "base/random.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace hawser {

std::uint64_t Random::next_u64() {
  std::array<std::uint8_t, 8> octets;
  fill(octets);
  std::uint64_t value;
  std::memcpy(&value, octets.data(), sizeof value);
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  HAWSER_CHECK(bound > 0);
  // Values in the incomplete last block would favour small results: draw again.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t value = next_u64();
  while (value >= limit) value = next_u64();
  return value % bound;
}

double Random::unit() {
  return static_cast<double>(next_u64() >> 11) * 0x1p-53;
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  // splitmix64 spreads a small seed over the whole state.
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededRandom::fill(MutableBytes out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::uint64_t word = next();
    const std::size_t take = out.size() - done < 8 ? out.size() - done : 8;
    std::memcpy(out.data() + done, &word, take);
    done += take;
  }
}

}  // namespace hawser
