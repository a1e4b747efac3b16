// milestone.h: what the thread that started a run waits for, counted by the workers that get there.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/shutdown_signals.h"

namespace hawser::perf {

// Wakes the waiting thread. Any thread rings; while nobody has come to look, once is enough.
class Bell {
 public:
  explicit Bell(runtime::ShutdownSignals& sleeper) : sleeper_(sleeper) {}

  // What the caller wrote before is seen by who answers.
  void ring() {
    if (!rung_.exchange(true, std::memory_order_acq_rel)) sleeper_.interrupt();
  }
  // Before looking: whatever is missed then rings anew.
  void answer() { rung_.exchange(false, std::memory_order_acq_rel); }

 private:
  runtime::ShutdownSignals& sleeper_;
  std::atomic<bool> rung_{false};
};

// Written by one worker, read by anyone.
class Counter {
 public:
  void add(std::uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// A counter of what is rare and waited for. Without a bell it only counts.
class Milestone {
 public:
  explicit Milestone(Bell* bell) : bell_(bell) {}

  void add(std::uint64_t n) {
    counter_.add(n);
    if (bell_ != nullptr && n != 0) bell_->ring();
  }
  [[nodiscard]] std::uint64_t value() const { return counter_.value(); }

 private:
  Counter counter_;
  Bell* bell_;
};

}  // namespace hawser::perf
