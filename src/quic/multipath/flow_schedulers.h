// flow_schedulers.h: the schedulers of flows that have one of their own, beside the connection's. Few: they are
// looked up by walking.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

class FlowSchedulers {
 public:
  // Each is some hundred octets, and a script's own state 18 KB, 256 KB at the most: 16 MB of a connection whose
  // application asks for that.
  static constexpr std::size_t kMax = 64;

  [[nodiscard]] PathScheduler* find(DemandKind kind, std::uint64_t flow) const {
    for (const Entry& entry : entries_)
      if (entry.flow == flow && entry.kind == kind) return entry.scheduler.get();
    return nullptr;
  }
  [[nodiscard]] bool full() const { return entries_.size() >= kMax; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }

  // Takes the place of one that the flow has; otherwise there is room.
  void set(DemandKind kind, std::uint64_t flow, std::unique_ptr<PathScheduler> scheduler) {
    for (Entry& entry : entries_)
      if (entry.flow == flow && entry.kind == kind) return static_cast<void>(entry.scheduler = std::move(scheduler));
    entries_.push_back({.kind = kind, .flow = flow, .scheduler = std::move(scheduler)});
  }
  void remove(DemandKind kind, std::uint64_t flow) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.flow == flow && entry.kind == kind; });
  }
  // Keeps the streams for which `there(flow)` is true.
  template <class There>
  void keep_streams(There there) {
    std::erase_if(entries_,
                  [&](const Entry& entry) { return entry.kind == DemandKind::kStream && !there(entry.flow); });
  }

  void on_path_gone(PathId id) {
    for (const Entry& entry : entries_) entry.scheduler->on_path_gone(id);
  }
  void on_flow_control_blocked(Timestamp now) {
    for (const Entry& entry : entries_) entry.scheduler->on_flow_control_blocked(now);
  }
  [[nodiscard]] std::size_t memory() const {
    std::size_t octets = sizeof(*this) + entries_.capacity() * sizeof(Entry);
    for (const Entry& entry : entries_) octets += entry.scheduler->memory();
    return octets;
  }

 private:
  struct Entry {
    DemandKind kind = DemandKind::kStream;
    std::uint64_t flow = 0;
    std::unique_ptr<PathScheduler> scheduler;
  };
  std::vector<Entry> entries_;
};

}  // namespace hawser::quic
