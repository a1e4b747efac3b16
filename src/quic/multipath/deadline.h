// deadline.h: what has a deadline takes the cheapest paths that meet it, and among these the slowest, which
// leaves the fast ones to what is in a hurry; costly and backup paths help only when the deadline would be
// missed without them. What has none goes by the smallest RTT.
#pragma once

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

class DeadlineScheduler final : public PathScheduler {
 public:
  [[nodiscard]] Schedule choose(const SchedulerView& view) override;
  [[nodiscard]] std::string_view name() const override { return "deadline"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }
};

}  // namespace hawser::quic
