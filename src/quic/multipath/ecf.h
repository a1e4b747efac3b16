// ecf.h: earliest completion first (Lim, Nahum, Towsley, Gibbens, 2017). When the fast path is full, what
// waits takes the slow one only if that ends sooner than waiting for the fast one.
#pragma once

#include "quic/multipath/slow_or_wait.h"

namespace hawser::quic {

class EcfScheduler final : public SlowOrWaitScheduler {
 public:
  // Who waits already goes on waiting while it is up to this share worse: no dithering.
  static constexpr double kHysteresis = 0.25;

  [[nodiscard]] std::string_view name() const override { return "ecf"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(*this); }

 private:
  [[nodiscard]] Schedule slow_or_wait(const SchedulerView& view, const PathFacts& fast, std::size_t slow) override;

  bool waiting_ = false;
  // Of what has not come to its end: since when the question comes again and again, and when it came last.
  Timestamp backlog_since_{};
  Timestamp asked_at_{};
};

}  // namespace hawser::quic
