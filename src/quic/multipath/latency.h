// latency.h: interactive and small flows go where they arrive first; bulk fills all paths, and while there
// is interactive traffic it keeps no queue on the path that this takes.
#pragma once

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

class LatencyScheduler final : public PathScheduler {
 public:
  // A flow with no more than this waiting is small: it is over in one round trip of any path.
  static constexpr std::uint64_t kSmallDatagrams = 10;
  // For so long after the latest interactive octet bulk gives way.
  static constexpr Duration kInteractiveMemory = 1s;
  // Window that bulk leaves for what comes next.
  static constexpr std::uint64_t kReservedDatagrams = 4;
  // A queue that delays by more than this share of the smallest RTT, or by more than a pacer's burst on a
  // fast link makes, is too long: what bulk may have in flight shrinks to what the path holds without it.
  // Otherwise it grows by an eighth in a round trip.
  static constexpr double kQueueShare = 0.25;
  static constexpr Duration kQueueFloor = 1ms;
  static constexpr std::uint64_t kGrowthDivisor = 8;

  [[nodiscard]] Schedule choose(const SchedulerView& view) override;
  [[nodiscard]] std::string_view name() const override { return "latency"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }

 private:
  [[nodiscard]] Schedule choose_earliest(const SchedulerView& view) const;
  [[nodiscard]] Schedule choose_for_bulk(const SchedulerView& view);
  // Whether bulk must leave the path to interactive traffic now.
  [[nodiscard]] bool gives_way(const PathFacts& path, Timestamp now);

  Timestamp interactive_until_ = Timestamp::min();
  // What bulk may have in flight on the quick path.
  PathId capped_{UINT64_MAX};
  std::uint64_t cap_ = 0;
  Timestamp adapt_at_ = Timestamp::min();
};

}  // namespace hawser::quic
