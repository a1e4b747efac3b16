// draw.h: values drawn for scenarios. Callers draw at most once in each full expression, because
// the order in which arguments are evaluated differs between compilers and a seed must not.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "base/time.h"

namespace hawser::sim {

// Uniform in [low, high].
inline std::uint64_t between(Random& random, std::uint64_t low, std::uint64_t high) {
  return low + random.below(high - low + 1);
}
inline Duration between(Random& random, Duration low, Duration high) {
  return low + Duration{static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>((high - low).count()) + 1))};
}
inline double share(Random& random, double low, double high) {
  return low + random.unit() * (high - low);
}
inline bool heads(Random& random) {
  return random.below(2) == 0;
}
// True once in `n`.
inline bool one_in(Random& random, std::uint64_t n) {
  return random.below(n) == 0;
}

}  // namespace hawser::sim
