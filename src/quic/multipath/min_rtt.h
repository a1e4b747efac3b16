// min_rtt.h: the path with the smallest RTT among those whose window has room; the next one when it is full.
#pragma once

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

class MinRttScheduler final : public PathScheduler {
 public:
  [[nodiscard]] Schedule choose(const SchedulerView& view) override {
    const PathSet ready = view.ready();
    if (ready.empty()) return Schedule::wait(view.next_ready(view.candidates));
    const std::size_t best = view.fastest(ready);
    return Schedule::on(best, view.path(best).room());
  }
  [[nodiscard]] std::string_view name() const override { return "min-rtt"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }
};

}  // namespace hawser::quic
