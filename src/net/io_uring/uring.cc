// uring.cc: setting a ring up, and the system calls that drive it.
#include "net/io_uring/uring.h"

#ifdef HAWSER_HAVE_URING

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace hawser::net {
namespace {

std::unexpected<ConfigError> setup_error(std::string_view what, int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return std::unexpected(
          ConfigError{"io_uring: this machine forbids it (sysctl kernel.io_uring_disabled, or the rules of a "
                      "container); allow it, or take epoll"});
    case ENOSYS:
    case EINVAL:
      return std::unexpected(
          ConfigError{fmt::format("io_uring: {} needs Linux 6.1 or newer; take epoll, or auto", what)});
    default:
      return std::unexpected(ConfigError{fmt::format("io_uring: {}: {}", what, std::strerror(error))});
  }
}

}  // namespace

std::expected<std::unique_ptr<Uring>, ConfigError> Uring::create(unsigned operations, unsigned completions,
                                                                 unsigned files) {
  std::unique_ptr<Uring> made{new Uring};
  io_uring_params parameters{};
  // One thread submits, and completions are posted when it asks for them: so the kernel neither
  // locks nor interrupts. Disabled at first: the ring belongs to the thread that enables it, and
  // an engine is made before its thread.
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |
                     IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  parameters.cq_entries = completions;
  if (const int result = io_uring_queue_init_params(operations, &made->ring_, &parameters); result < 0) {
    return setup_error("a ring for one thread", -result);
  }
  made->initialized_ = true;
  constexpr unsigned kNeeded = IORING_FEAT_EXT_ARG | IORING_FEAT_CQE_SKIP | IORING_FEAT_NODROP;
  if ((made->ring_.features & kNeeded) != kNeeded) return setup_error("a wait with a time limit", EINVAL);
  if (const int result = io_uring_register_files_sparse(&made->ring_, files); result < 0) {
    return setup_error("a table of files", -result);
  }
  return made;
}

Uring::~Uring() {
  if (initialized_) io_uring_queue_exit(&ring_);
}

void Uring::start() {
  started_ = true;
  issuer_ = std::this_thread::get_id();
  // io_uring_enable_rings() is declared but not exported by liburing 2.3.
  HAWSER_CHECK(io_uring_register(static_cast<unsigned>(ring_.ring_fd), IORING_REGISTER_ENABLE_RINGS, nullptr, 0) == 0);
  // Saves looking the ring up at each call; without it, all is the same.
  (void)io_uring_register_ring_fd(&ring_);
}

io_uring_sqe& Uring::next_operation() {
  io_uring_sqe* operation = io_uring_get_sqe(&ring_);
  if (operation == nullptr) {
    enter();
    operation = io_uring_get_sqe(&ring_);
    HAWSER_CHECK(operation != nullptr);
  }
  return *operation;
}

bool Uring::has_news() const {
  return io_uring_cq_ready(&ring_) != 0 ||
         (IO_URING_READ_ONCE(*ring_.sq.kflags) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void Uring::enter() {
  if (!started_) start();
  const int result = io_uring_submit_and_get_events(&ring_);
  // Out of memory or interrupted: what is queued goes with the next call. Anything else says
  // that another thread submits, which is a mistake of ours.
  HAWSER_CHECK(result >= 0 || result == -EINTR || result == -EAGAIN || result == -EBUSY || result == -ENOMEM);
}

void Uring::wait(Duration timeout) {
  if (!started_) start();
  io_uring_cqe* completion = nullptr;
  __kernel_timespec time{.tv_sec = timeout.count() / 1'000'000'000, .tv_nsec = timeout.count() % 1'000'000'000};
  const int result =
      io_uring_submit_and_wait_timeout(&ring_, &completion, 1, timeout < Duration::zero() ? nullptr : &time, nullptr);
  HAWSER_CHECK(result >= 0 || result == -ETIME || result == -EINTR || result == -EAGAIN || result == -EBUSY ||
               result == -ENOMEM);
}

bool Uring::register_file(unsigned index, int fd) {
  return io_uring_register_files_update(&ring_, index, &fd, 1) == 1;
}

void Uring::cancel_file(unsigned index) {
  io_uring_sync_cancel_reg cancel{};
  cancel.fd = static_cast<int>(index);
  cancel.flags = IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_FD_FIXED;
  cancel.timeout = {.tv_sec = -1, .tv_nsec = -1};
  (void)io_uring_register_sync_cancel(&ring_, &cancel);  // -ENOENT: there were none
  enter();                                               // which completes what was cancelled
}

}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
