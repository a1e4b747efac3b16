// deadline.cc: how many paths a deadline needs, and which of them takes the next datagram.
#include "quic/multipath/deadline.h"

#include <algorithm>

#include "quic/multipath/arrival.h"

namespace hawser::quic {

namespace {

// Half the variation of an RTT lies on the way there; twice that is kept in hand.
Duration margin(const PathFacts& path) {
  return path.rtt_variation;
}

// Octets that the set has delivered by the deadline of the demand.
double deliverable(const SchedulerView& view, PathSet set) {
  double octets = 0;
  for (const std::size_t index : set) {
    const PathFacts& path = view.path(index);
    const Duration left =
        view.demand.deadline - view.now - expected_wait(path, view.now) - one_way_delay(path) - margin(path);
    if (left > Duration{0}) octets += to_seconds(left) * delivery_rate(path) * (1 - path.loss);
  }
  return octets;
}

// Class by class from the best on, until the set is enough.
PathSet enough_paths(const SchedulerView& view) {
  PathSet set;
  PathSet rest = view.usable;
  while (!rest.empty()) {
    for (const std::size_t index : best_class(view.paths, rest)) {
      set.add(index);
      rest.remove(index);
    }
    if (deliverable(view, set) >= static_cast<double>(view.demand.bytes_waiting)) return set;
  }
  return set;
}

bool in_time(const SchedulerView& view, const PathFacts& path) {
  return view.now + expected_arrival(path, path.mtu, view.now) + margin(path) <= view.demand.deadline;
}

}  // namespace

Schedule DeadlineScheduler::choose(const SchedulerView& view) {
  const bool has_deadline = view.demand.deadline != kNever && view.demand.deadline > view.now;
  const PathSet set = has_deadline ? enough_paths(view) : view.candidates;
  const PathSet ready = view.ready_of(set);
  if (ready.empty()) return Schedule::wait(view.next_ready(set));
  if (!has_deadline) {
    const std::size_t best = view.fastest(ready);
    return Schedule::on(best, view.path(best).room());
  }
  std::size_t choice = Schedule::kNone;
  for (const std::size_t index : ready) {
    if (!in_time(view, view.path(index))) continue;
    if (choice == Schedule::kNone || view.path(index).smoothed_rtt > view.path(choice).smoothed_rtt) choice = index;
  }
  if (choice != Schedule::kNone) return Schedule::on(choice, view.path(choice).mtu);
  // Only a path that is full now would be in time: wait for it. If none is, late by as little as possible.
  for (const std::size_t index : set)
    if (in_time(view, view.path(index)))
      return Schedule::wait(view.now + std::max(expected_wait(view.path(index), view.now), Duration{1ms}));
  choice = view.fastest(ready);
  return Schedule::on(choice, view.path(choice).mtu);
}

}  // namespace hawser::quic
