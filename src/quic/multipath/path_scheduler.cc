// path_scheduler.cc: what every scheduler starts from: which paths are worth a choice; and schedulers by name.
#include "quic/multipath/path_scheduler.h"

#include <algorithm>
#include <array>

#include "base/added_factories.h"
#include "base/check.h"
#include "quic/multipath/scheduler_check.h"
#include "quic/multipath/scheduler_table.h"

namespace hawser::quic {

namespace {

constinit AddedFactories<PathSchedulerFactory, kMaxAddedSchedulers> added{};

const NamedScheduler* find_own(std::string_view name) {
  for (const NamedScheduler& entry : scheduler_table())
    if (entry.name == name) return &entry;
  return nullptr;
}

// Lower is better. A degraded path that is available comes after a backup one: it is the need that
// backups are there for.
std::uint64_t rank(const PathFacts& path) {
  std::uint64_t reserve = 0;
  if (path.status == PathStatus::kBackup || path.state == PathState::kStandby) reserve = 1;
  if (path.state == PathState::kDegraded) reserve = 2;
  return reserve << 32 | path.cost;
}

}  // namespace

std::string_view to_string(PathState state) {
  constexpr std::array<std::string_view, kPathStates> kNames = {"probing", "active", "standby", "degraded", "failed"};
  return kNames[static_cast<std::size_t>(state)];
}

PathSet SchedulerView::ready_of(PathSet set) const {
  PathSet ready;
  for (const std::size_t index : set)
    if (paths[index].may_send) ready.add(index);
  return ready;
}

Timestamp SchedulerView::next_ready(PathSet set) const {
  Timestamp at = kNever;
  for (const std::size_t index : set) at = std::min(at, paths[index].may_send ? now : paths[index].may_send_at);
  return at;
}

Timestamp SchedulerView::next_change() const {
  Timestamp at = kNever;
  for (const std::size_t index : candidates)
    at = std::min(at, paths[index].may_send ? now + std::chrono::milliseconds(1) : paths[index].may_send_at);
  return at;
}

std::size_t SchedulerView::fastest(PathSet set) const {
  std::size_t best = set.first();
  for (const std::size_t index : set) {
    const PathFacts& path = paths[index];
    const PathFacts& leader = paths[best];
    if (path.smoothed_rtt < leader.smoothed_rtt || (path.smoothed_rtt == leader.smoothed_rtt && path.id < leader.id))
      best = index;
  }
  return best;
}

PathSet usable_paths(std::span<const PathFacts> paths) {
  PathSet usable;
  for (std::size_t i = 0; i < paths.size(); ++i)
    if (paths[i].state != PathState::kProbing && paths[i].state != PathState::kFailed) usable.add(i);
  return usable;
}

PathSet best_class(std::span<const PathFacts> paths, PathSet within) {
  PathSet best;
  std::uint64_t best_rank = UINT64_MAX;
  for (const std::size_t index : within) {
    const std::uint64_t of_path = rank(paths[index]);
    if (of_path > best_rank) continue;
    if (of_path < best_rank) best = PathSet{};
    best_rank = of_path;
    best.add(index);
  }
  return best;
}

Schedule schedule(PathScheduler& scheduler, std::span<const PathFacts> paths, const Demand& demand, Timestamp now) {
  HAWSER_CHECK(paths.size() <= kMaxScheduledPaths);
  const PathSet usable = usable_paths(paths);
  if (usable.empty()) return Schedule::wait(kNever);
  if (usable.size() == 1) {
    const PathFacts& only = paths[usable.first()];
    return only.may_send ? Schedule::on(usable.first(), only.room()) : Schedule::wait(only.may_send_at);
  }
  return scheduler.choose(
      {.paths = paths, .candidates = best_class(paths, usable), .usable = usable, .demand = demand, .now = now});
}

std::string path_scheduler_names() {
  std::string names;
  const auto append = [&names](std::string_view name) { names.append(names.empty() ? "" : ", ").append(name); };
  for (const NamedScheduler& entry : scheduler_table()) append(entry.name);
  added.for_each_name(append);
  return names;
}

std::expected<void, ConfigError> check_path_scheduler(std::string_view name) {
  if (find_own(name) != nullptr || added.find(name) != nullptr) return {};
  return std::unexpected(
      ConfigError{"scheduler '" + std::string(name) + "' is unknown: give one of " + path_scheduler_names()});
}

std::expected<std::unique_ptr<PathScheduler>, ConfigError> make_path_scheduler(std::string_view name) {
  HAWSER_TRY_VOID(check_path_scheduler(name));
  if (const NamedScheduler* own = find_own(name)) return own->make();
  const auto* const entry = added.find(name);
  return entry->make(entry->context);
}

std::expected<void, ConfigError> add_path_scheduler(std::string_view name, PathSchedulerFactory make,
                                                    const void* context) {
  const std::string quoted = "scheduler '" + std::string(name) + "'";
  if (name.empty() || name.size() > kAddedNameMax || name.contains('\0') || make == nullptr)
    return std::unexpected(ConfigError{quoted + ": give a name of 1 to 31 octets, none of them zero, and a factory"});
  const auto result = find_own(name) != nullptr ? decltype(added)::Added::kTaken : added.add(name, make, context);
  if (result == decltype(added)::Added::kTaken)
    return std::unexpected(ConfigError{quoted + " exists already: choose another name"});
  if (result == decltype(added)::Added::kFull)
    return std::unexpected(ConfigError{quoted + ": the table holds 16 added schedulers and is full"});
  return {};
}

}  // namespace hawser::quic
