// clock.h: the one place where wall time becomes a Timestamp. Only drivers include it.
#pragma once

#include <time.h>

#include "base/time.h"

namespace hawser::runtime {

inline Duration read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return Duration{std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
}

// Nanoseconds since the machine started, never going back; the same in every thread.
inline Timestamp current_time() {
  return Timestamp{read_clock(CLOCK_MONOTONIC)};
}

}  // namespace hawser::runtime
