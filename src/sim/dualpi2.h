// dualpi2.h: the dual-queue coupled AQM for L4S (RFC 9332 appendix A): a shallow queue whose
// datagrams are marked early, a classic one behind a PI controller, and a coupling that lets
// flows of both kinds share the link evenly.
#pragma once

#include <cstddef>

#include "sim/queue.h"

namespace hawser::sim {

class DualPi2 final : public Queue {
 public:
  explicit DualPi2(const QueueSpec& spec);
  void enqueue(QueuedDatagram datagram, Timestamp now, QueueObserver& observer) override;
  std::optional<QueuedDatagram> dequeue(Timestamp now, QueueObserver& observer) override;
  [[nodiscard]] std::size_t bytes() const override { return l4s_.bytes() + classic_.bytes(); }
  [[nodiscard]] std::size_t packets() const override { return l4s_.packets() + classic_.packets(); }

  // Chances, for tests: of a classic drop or mark, and of a mark that the coupling causes.
  [[nodiscard]] double classic_probability() const { return base_ * base_; }
  [[nodiscard]] double coupled_probability() const { return kCoupling * base_; }

 private:
  static constexpr double kCoupling = 2;       // k
  static constexpr double kClassicMax = 0.25;  // 1 / k^2: there the coupled chance is 1

  // Turns a chance into decisions spread evenly: true each time the sum passes a whole one.
  struct Spread {
    double sum = 0;
    bool next(double chance) {
      sum += chance;
      if (sum < 1) return false;
      sum -= 1;
      return true;
    }
  };

  void update_until(Timestamp now);
  void update(Timestamp now);
  [[nodiscard]] double native_probability(Duration sojourn) const;
  [[nodiscard]] bool l4s_is_next();
  bool keep_l4s(QueuedDatagram& datagram, Timestamp now, QueueObserver& observer);
  bool keep_classic(QueuedDatagram& datagram, QueueObserver& observer);

  QueueSpec spec_;
  Duration update_period_;
  double alpha_;  // per second of delay above the target, each period
  double beta_;   // per second by which the delay grew, each period
  Fifo l4s_;
  Fifo classic_;
  double base_ = 0;  // p': the PI controller's output
  Duration previous_delay_{0};
  Timestamp next_update_{};
  Spread l4s_marks_;
  Spread l4s_drops_;
  Spread classic_signals_;
  std::size_t classic_credit_ = 0;  // octets that the other queue sent while this one waited
  std::size_t largest_packet_ = 0;
};

}  // namespace hawser::sim
