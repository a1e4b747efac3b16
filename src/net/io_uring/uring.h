// uring.h: one io_uring: made with what this kernel offers, entered as rarely as possible.
// Completions are the owner's to interpret.
#pragma once

#ifdef HAWSER_HAVE_URING

#include <liburing.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <thread>

#include "base/result.h"
#include "base/time.h"

namespace hawser::net {

// The thread that submits first is the only one that may, from then on.
class Uring {
 public:
  // A ring for `operations` to be submitted at once and `completions` to wait, with room for
  // `files` registered descriptors. The error says what the kernel lacks or forbids.
  static std::expected<std::unique_ptr<Uring>, ConfigError> create(unsigned operations, unsigned completions,
                                                                   unsigned files);
  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // The next operation to submit, all zero. When the queue is full it is submitted first.
  io_uring_sqe& next_operation();
  [[nodiscard]] bool has_queued() const { return io_uring_sq_ready(&ring_) != 0; }
  // True if take_all() or enter() has something to do: without a system call.
  [[nodiscard]] bool has_news() const;

  // Submits what is queued and lets the kernel post what it has put off.
  void enter();
  // The same, and waits until there is a completion or `timeout` is over; negative: for ever.
  void wait(Duration timeout);
  // Passes every completion that is there to `take(const io_uring_cqe&)`.
  template <class Take>
  void take_all(Take take) {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      take(*completion);
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
  }

  // Puts `fd` at `index` of the registered files; -1 takes out what is there.
  bool register_file(unsigned index, int fd);
  // Cancels every operation on a registered file, and returns once they are over.
  void cancel_file(unsigned index);
  // True if operations were submitted, and this is the thread that may do so.
  [[nodiscard]] bool started_here() const { return started_ && issuer_ == std::this_thread::get_id(); }

  [[nodiscard]] io_uring& raw() { return ring_; }

 private:
  Uring() = default;
  void start();

  io_uring ring_{};
  bool initialized_ = false;
  bool started_ = false;
  std::thread::id issuer_;
};

}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
