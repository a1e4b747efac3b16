// perf_pause.h: the longest time for which a receiver had to wait for more of a transfer: the stall that a failover
// makes, as whoever reads the data feels it.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace hawser::perf {

class Pause {
 public:
  void on_data(Timestamp now) {
    if (latest_ != kNever) longest_ = std::max(longest_, now - latest_);
    latest_ = now;
  }
  // Of a transfer: what comes before the next one begins is no pause.
  void on_end() { latest_ = kNever; }
  [[nodiscard]] Duration longest() const { return longest_; }

 private:
  Timestamp latest_ = kNever;
  Duration longest_{0};
};

}  // namespace hawser::perf
