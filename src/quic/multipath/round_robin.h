// round_robin.h: each path in turn, whatever its RTT, as long as its window has room.
#pragma once

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

class RoundRobinScheduler final : public PathScheduler {
 public:
  [[nodiscard]] Schedule choose(const SchedulerView& view) override;
  void on_sent(PathId path, std::uint64_t, Timestamp) override { latest_ = path; }
  [[nodiscard]] std::string_view name() const override { return "round-robin"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }

 private:
  PathId latest_{UINT64_MAX};  // that had its turn; before the first packet the lowest Path ID is next
};

}  // namespace hawser::quic
