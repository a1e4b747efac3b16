// shutdown_signals.h: SIGINT and SIGTERM as something main() waits for, instead of handlers.
#pragma once

#include <signal.h>

#include "base/time.h"

namespace hawser::runtime {

// Make one in main() before any thread is started: threads inherit the blocked signals.
// While it lives, SIGINT and SIGTERM only end wait(), and SIGPIPE is ignored.
class ShutdownSignals {
 public:
  ShutdownSignals();
  // Restores what was before.
  ~ShutdownSignals();
  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;

  // Waits for a signal and returns its number; 0 after interrupt() or when `timeout` has
  // passed (negative: no limit). After the first signal the default actions are back, so
  // that a second one ends a process whose shutdown hangs.
  int wait(Duration timeout = Duration{-1});
  // Makes the current or next wait() return 0. Any thread.
  void interrupt();

 private:
  int signal_fd_ = -1;
  int event_fd_ = -1;
  sigset_t previous_mask_{};
  struct sigaction previous_pipe_{};
};

}  // namespace hawser::runtime
