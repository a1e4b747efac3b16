// min_rtt.h: the path with the smallest RTT among those whose window has room; the next one when it is full, unless
// what waits is the end of a flow and a path that is full now has it there sooner all the same.
#pragma once

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

class MinRttScheduler final : public PathScheduler {
 public:
  [[nodiscard]] Schedule choose(const SchedulerView& view) override;
  [[nodiscard]] std::string_view name() const override { return "min-rtt"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }
};

}  // namespace hawser::quic
