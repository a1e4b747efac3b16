// blest.h: blocking estimation (Ferlin, Alay, Mehani, Boreli, 2016). A slow path is left alone while what it
// would hold back at the receiver would take flow control credit that the fast path can use sooner.
#pragma once

#include "quic/multipath/slow_or_wait.h"

namespace hawser::quic {

class BlestScheduler final : public SlowOrWaitScheduler {
 public:
  // How much the estimate of what the fast path sends is scaled, and by how much that changes in a round
  // trip: up when flow control did block, down when it did not.
  static constexpr double kScaleMin = 1.0;
  static constexpr double kScaleMax = 1.3;
  static constexpr double kScaleStep = 0.01;

  void on_flow_control_blocked(Timestamp) override { blocked_ = true; }
  [[nodiscard]] std::string_view name() const override { return "blest"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }
  [[nodiscard]] double scale() const { return scale_; }

 private:
  [[nodiscard]] Schedule slow_or_wait(const SchedulerView& view, const PathFacts& fast, std::size_t slow) override;
  void adapt(Timestamp now, Duration round_trip);

  double scale_ = kScaleMin;
  bool blocked_ = false;
  Timestamp adapt_at_ = Timestamp::min();
};

}  // namespace hawser::quic
