// timing.cc: many short rounds, of which the best is the one that nobody disturbed.
#include "timing.h"

#include <time.h>

#include <algorithm>
#include <vector>

namespace hawser::stages {
namespace {

constexpr int kWarmUpRounds = 20;
constexpr std::size_t kRoundsMin = 30;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// What two looks at the clock cost when there is nothing between them.
std::uint64_t clock_overhead_ns() {
  std::uint64_t least = ~std::uint64_t{0};
  for (int i = 0; i < 10'000; ++i) {
    Meter meter(MeterMode::kTime);
    meter.measure([] {});
    least = std::min(least, meter.nanoseconds());
  }
  return least;
}

}  // namespace

Timing time_stage(Work& work, double seconds) {
  static const std::uint64_t overhead = clock_overhead_ns();
  Meter meter(MeterMode::kWarmUp);
  for (int i = 0; i < kWarmUpRounds; ++i) work.round(meter);
  std::vector<double> rounds;
  const double end = cpu_seconds() + seconds;
  while (rounds.size() < kRoundsMin || cpu_seconds() < end) {
    Meter timed(MeterMode::kTime);
    const std::uint64_t units = work.round(timed);
    const std::uint64_t measured = timed.nanoseconds() - std::min(timed.nanoseconds(), overhead * timed.parts());
    rounds.push_back(static_cast<double>(measured) / static_cast<double>(units));
  }
  std::ranges::sort(rounds);
  return {.least_ns = rounds.front(), .median_ns = rounds[rounds.size() / 2]};
}

}  // namespace hawser::stages
