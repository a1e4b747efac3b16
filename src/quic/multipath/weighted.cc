// weighted.cc: stride scheduling. A path that could not send for a while does not catch up later: its
// progress is lifted to that of the others, or it would take everything when it comes back.
#include "quic/multipath/weighted.h"

#include <algorithm>

#include "quic/multipath/turn.h"

namespace hawser::quic {

namespace {

std::uint64_t weight_of(const PathFacts& path) {
  return std::max<std::uint64_t>(path.weight, 1);
}

}  // namespace

std::uint64_t WeightedScheduler::turn_progress(const PathFacts& path) {
  return whole_train(path) * kScale / weight_of(path);
}

std::uint64_t WeightedScheduler::progress_of(const PathFacts& path) {
  Note& note = notes_[path.id];
  note.progress += note.sent / weight_of(path);
  note.sent %= weight_of(path);
  return note.progress;
}

Schedule WeightedScheduler::choose(const SchedulerView& view) {
  const PathSet ready = view.ready();
  if (ready.empty()) return Schedule::wait(view.next_ready(view.candidates));
  std::uint64_t furthest = 0;
  std::uint64_t step = 0;
  for (const std::size_t index : view.candidates) {
    furthest = std::max(furthest, progress_of(view.path(index)));
    step = std::max(step, turn_progress(view.path(index)));
  }
  std::size_t next = ready.first();
  std::uint64_t least = UINT64_MAX;
  for (const std::size_t index : view.candidates) {
    const PathFacts& path = view.path(index);
    // After a turn of a light path a heavy one has many to come; and one more, if it was held up for a moment.
    const std::uint64_t lag = step + turn_progress(path);
    std::uint64_t& progress = notes_[path.id].progress;
    progress = std::max(progress, furthest > lag ? furthest - lag : 0);
    if (!ready.has(index) || progress >= least) continue;
    least = progress;
    next = index;
  }
  return Schedule::on(next, turn_of(view.path(next), view.demand));
}

}  // namespace hawser::quic
