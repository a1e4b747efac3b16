// redundant.h: the same octets on every path, so that what one path loses or delays arrives by another. A path
// begins what is new once it has copied what the others began; one that cannot keep up copies what is oldest
// among what is still on its way.
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
