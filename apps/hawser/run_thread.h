// run_thread.h: the thread that starts a run of `hawser perf client` or `hawser load`, waits for its
// workers and adds up. It sleeps until one of them rings, a signal comes or time is over, and never
// looks again and again: each look would run on a CPU that a worker has for itself, and two hundred
// a second are in the way of one round trip in a hundred.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "milestone.h"
#include "runtime/clock.h"
#include "runtime/runtime.h"
#include "runtime/shutdown_signals.h"

namespace hawser::perf {

class RunThread {
 public:
  RunThread() = default;
  // The workers end before what they refer to: make this object the last of its owner's members.
  ~RunThread() {
    if (runtime_) runtime_->stop();
    if (runtime_) runtime_->join();
  }
  RunThread(const RunThread&) = delete;
  RunThread& operator=(const RunThread&) = delete;

  void set_runtime(std::unique_ptr<runtime::Runtime> runtime) { runtime_ = std::move(runtime); }
  [[nodiscard]] runtime::Runtime& runtime() { return *runtime_; }
  [[nodiscard]] Bell& bell() { return bell_; }

  // A signal came; wait() returns at once until forget_interruption().
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  void forget_interruption() { interrupted_ = false; }

  // True once `done()` is; false at `end` or after a signal. What `done()` looks at rings the bell
  // when it changes, or is the time, which then is `end`.
  template <class Done>
  bool wait(Done done, Timestamp end) {
    while (true) {
      bell_.answer();
      if (done()) return true;
      const Timestamp now = runtime::current_time();
      if (interrupted_ || now >= end) return false;
      interrupted_ = signals_.wait(end == kNever ? Duration{-1} : end - now) != 0;
    }
  }

  // Runs `work(*parts[i])` on the thread of worker i, one after the other.
  template <class Part, class Work>
  void on_each_worker(const std::vector<Part>& parts, Work work) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      runtime_->worker(i).call([&](runtime::Worker&) {
        work(*parts[i]);
        return true;
      });
    }
  }

 private:
  runtime::ShutdownSignals signals_;
  Bell bell_{signals_};
  bool interrupted_ = false;
  std::unique_ptr<runtime::Runtime> runtime_;
};

}  // namespace hawser::perf
