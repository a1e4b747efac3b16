// redundant.h: the same frames on every path that can take them, so that what one path loses or delays
// arrives by another. The path that carries most leads; others copy as much as they can carry.
#pragma once

#include "quic/multipath/path_scheduler.h"

namespace hawser::quic {

class RedundantScheduler final : public PathScheduler {
 public:
  [[nodiscard]] Schedule choose(const SchedulerView& view) override;
  [[nodiscard]] std::string_view name() const override { return "redundant"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }
};

}  // namespace hawser::quic
