// system_random.cc: getrandom(2), buffered.
#include "runtime/system_random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace hawser::runtime {
namespace {

void read_kernel(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    HAWSER_CHECK(got > 0);  // fails only on kernels without the call
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace

SystemRandom::~SystemRandom() {
  explicit_bzero(ahead_.data(), ahead_.size());
}

void SystemRandom::fill(MutableBytes out) {
  if (out.size() >= ahead_.size()) return read_kernel(out);
  while (!out.empty()) {
    if (used_ == ahead_.size()) {
      read_kernel(ahead_);
      used_ = 0;
    }
    const std::size_t count = std::min(out.size(), ahead_.size() - used_);
    std::memcpy(out.data(), ahead_.data() + used_, count);
    explicit_bzero(ahead_.data() + used_, count);
    used_ += count;
    out = out.subspan(count);
  }
}

}  // namespace hawser::runtime
