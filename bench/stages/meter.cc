// meter.cc: the measured part of a stage, between two looks at the clock or under a name that
// callgrind can find.
#include <time.h>

#include "stage.h"

// counting.cc names this function to callgrind: what is called from it is counted.
extern "C" __attribute__((noinline)) void hawser_stage_counted(void (*work)(void*), void* argument) {
  work(argument);
  asm volatile("" : : : "memory");  // so that the call is no jump, which callgrind would take for a return
}

namespace hawser::stages {
namespace {

std::uint64_t monotonic_nanoseconds() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

void Meter::run(void (*work)(void*), void* argument) {
  ++parts_;
  switch (mode_) {
    case MeterMode::kWarmUp:
      work(argument);
      return;
    case MeterMode::kTime: {
      const std::uint64_t begin = monotonic_nanoseconds();
      work(argument);
      nanoseconds_ += monotonic_nanoseconds() - begin;
      return;
    }
    case MeterMode::kCount:
      hawser_stage_counted(work, argument);
      return;
  }
}

}  // namespace hawser::stages
