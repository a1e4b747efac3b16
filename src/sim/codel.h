// codel.h: Controlled Delay (RFC 8289): drops, or marks, from the head of the queue once the
// least delay of a whole interval has stayed above a target, and then more and more often.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sim/queue.h"

namespace hawser::sim {

class Codel final : public Queue {
 public:
  explicit Codel(const QueueSpec& spec) : spec_(spec) {}
  void enqueue(QueuedDatagram datagram, Timestamp now, QueueObserver& observer) override;
  std::optional<QueuedDatagram> dequeue(Timestamp now, QueueObserver& observer) override;
  [[nodiscard]] std::size_t bytes() const override { return fifo_.bytes(); }
  [[nodiscard]] std::size_t packets() const override { return fifo_.packets(); }

 private:
  struct Head {
    std::optional<QueuedDatagram> datagram;
    bool has_stood = false;  // the delay was above target for an interval
  };

  Head take(Timestamp now);
  [[nodiscard]] Timestamp next_signal(Timestamp after) const;
  bool signal(QueuedDatagram& datagram, QueueObserver& observer) const;
  void begin_dropping(Timestamp now);

  QueueSpec spec_;
  Fifo fifo_;
  std::size_t largest_packet_ = 0;
  Timestamp first_above_{};  // when the delay will have stood for an interval; epoch: it does not
  bool dropping_ = false;
  Timestamp drop_next_{};
  std::uint64_t count_ = 0;  // signals since dropping began
  std::uint64_t last_count_ = 0;
};

}  // namespace hawser::sim
