// shutdown_signals.cc: signalfd and eventfd behind one poll.
#include "runtime/shutdown_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

#include "base/check.h"
#include "runtime/clock.h"

namespace hawser::runtime {

ShutdownSignals::ShutdownSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, &previous_mask_);
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &previous_pipe_);
  signal_fd_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  event_fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  HAWSER_CHECK(signal_fd_ >= 0 && event_fd_ >= 0);  // called first in main(): descriptors are free
}

ShutdownSignals::~ShutdownSignals() {
  ::close(signal_fd_);
  ::close(event_fd_);
  sigaction(SIGPIPE, &previous_pipe_, nullptr);
  pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
}

int ShutdownSignals::wait(Duration timeout) {
  const Timestamp deadline = current_time() + timeout;
  while (true) {
    std::array<pollfd, 2> waiting{pollfd{.fd = signal_fd_, .events = POLLIN, .revents = 0},
                                  pollfd{.fd = event_fd_, .events = POLLIN, .revents = 0}};
    const Duration left = std::max(deadline - current_time(), Duration::zero());
    const timespec time{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
    const int ready = ppoll(waiting.data(), waiting.size(), timeout < Duration::zero() ? nullptr : &time, nullptr);
    if (ready < 0 && errno == EINTR) continue;
    signalfd_siginfo info{};
    if (::read(signal_fd_, &info, sizeof info) == sizeof info) {
      pthread_sigmask(SIG_SETMASK, &previous_mask_, nullptr);
      return static_cast<int>(info.ssi_signo);
    }
    std::uint64_t count = 0;
    (void)!::read(event_fd_, &count, sizeof count);
    return 0;
  }
}

void ShutdownSignals::interrupt() {
  const std::uint64_t one = 1;
  (void)!::write(event_fd_, &one, sizeof one);
}

}  // namespace hawser::runtime
