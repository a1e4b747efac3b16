// slow_or_wait.h: what BLEST and ECF have in common: the fastest path carries all it can, and while it is full the
// question is whether what waits takes a slower one that is ready, or waits for the fast one.
#pragma once

#include "quic/multipath/arrival.h"
#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

class SlowOrWaitScheduler : public PathScheduler {
 public:
  [[nodiscard]] Schedule choose(const SchedulerView& view) final {
    // One for which nothing is known to come that lets it send is not waited for.
    PathSet coming = view.candidates;
    for (const std::size_t index : view.candidates)
      if (!will_send(view.path(index))) coming.remove(index);
    if (coming.empty()) return Schedule::wait(kNever);
    const std::size_t fast = view.fastest(coming);
    if (view.path(fast).may_send) return Schedule::on(fast, view.path(fast).room());
    const PathSet ready = view.ready();
    if (ready.empty()) return Schedule::wait(view.next_ready(view.candidates));
    return slow_or_wait(view, view.path(fast), view.fastest(ready));
  }

 private:
  // `fast` may not send; `slow` is the fastest of those that may.
  [[nodiscard]] virtual Schedule slow_or_wait(const SchedulerView& view, const PathFacts& fast, std::size_t slow) = 0;
};

}  // namespace hawser::quic
