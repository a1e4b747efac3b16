// waker.h: how any thread ends the sleep of an engine: an eventfd, written once however often it is
// asked before the sleeper is back.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "net/descriptor.h"

namespace hawser::net {

class Waker {
 public:
  // `flags` for eventfd(2). Not open if the process has no descriptor left.
  explicit Waker(int flags) : event_(eventfd(0, flags | EFD_CLOEXEC)) {}

  [[nodiscard]] bool is_open() const { return event_.is_open(); }
  [[nodiscard]] int fd() const { return event_.get(); }

  // Any thread.
  void wake() {
    if (pending_.exchange(true, std::memory_order_acq_rel)) return;
    const std::uint64_t one = 1;
    (void)!::write(event_.get(), &one, sizeof one);
  }
  // The sleeper, once the descriptor was read: a wake() from here on writes anew. Also makes visible
  // what the waking thread did before it called.
  void on_read() { pending_.exchange(false, std::memory_order_acq_rel); }

 private:
  Descriptor event_;
  std::atomic<bool> pending_{false};
};

}  // namespace hawser::net
