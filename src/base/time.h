// time.h: the one clock type of the protocol core. It has no now(): only a driver
// (runtime/, sim/ or a test) can make a Timestamp, so the core cannot read a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace hawser {

using Duration = std::chrono::duration<std::int64_t, std::nano>;

struct Clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<Clock, Duration>;
  static constexpr bool is_steady = true;
};

// A point in time since an epoch that the driver chooses; only differences mean anything.
using Timestamp = Clock::time_point;

using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

// Later than every time a driver will report: "no deadline".
inline constexpr Timestamp kNever = Timestamp::max();

constexpr std::int64_t to_us(Duration d) {
  return d.count() / 1'000;
}
constexpr std::int64_t to_ms(Duration d) {
  return d.count() / 1'000'000;
}
constexpr double to_seconds(Duration d) {
  return static_cast<double>(d.count()) / 1e9;
}

}  // namespace hawser
