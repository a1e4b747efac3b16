// rate_limit.h: how often something may happen within a window of time.
#pragma once

#include <cstddef>

#include "base/time.h"

namespace hawser::http3 {

// Windows follow one another, so the worst burst over any span of one window is twice the limit.
class RateLimit {
 public:
  RateLimit(std::size_t limit, Duration window) : limit_(limit), window_(window) {}

  // Counts one; false once there are more than the limit in this window.
  bool count(Timestamp now) {
    if (used_ == 0 || now - begin_ >= window_) {
      begin_ = now;
      used_ = 0;
    }
    return ++used_ <= limit_;
  }

 private:
  std::size_t limit_;
  Duration window_;
  Timestamp begin_{};
  std::size_t used_ = 0;
};

}  // namespace hawser::http3
