// random.h: randomness as a value that drivers hand in; the core has no global source.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace hawser {

// A source of random octets. runtime/ gives one fed by the kernel, whose output an attacker
// cannot predict; sim/ and tests give a seeded one, so that a run replays from its seed.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes out) = 0;

  std::uint64_t next_u64();
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1).
  double unit();
};

// xoshiro256**: fast and reproducible, not for secrets. For sim/ and tests.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  void fill(MutableBytes out) override;

 private:
  std::uint64_t next();
  std::array<std::uint64_t, 4> state_;
};

}  // namespace hawser
