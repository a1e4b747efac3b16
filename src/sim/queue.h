// queue.h: what decides, at a bottleneck, which datagram waits, which is dropped or marked,
// and which goes next: one seam, and the disciplines behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "base/time.h"
#include "sim/link.h"
#include "sim/queue_spec.h"

namespace hawser::sim {

struct QueuedDatagram {
  Datagram datagram;
  Passage passage;
  Timestamp enqueued_at;
  std::size_t size = 0;  // octets on the wire: UDP payload and the headers below it
};

// Hears what a queue does to a datagram, at the time at which it does so.
class QueueObserver {
 public:
  virtual void on_drop(const QueuedDatagram& datagram) = 0;
  virtual void on_mark(const QueuedDatagram& datagram) = 0;  // CE was set

 protected:
  ~QueueObserver() = default;
};

// Calls come in the order of time. Drops and marks are told to `observer`.
class Queue {
 public:
  virtual ~Queue() = default;
  // Takes a datagram, or drops it (or another instead).
  virtual void enqueue(QueuedDatagram datagram, Timestamp now, QueueObserver& observer) = 0;
  // The datagram to send next; empty if nothing is left.
  virtual std::optional<QueuedDatagram> dequeue(Timestamp now, QueueObserver& observer) = 0;
  [[nodiscard]] virtual std::size_t bytes() const = 0;
  [[nodiscard]] virtual std::size_t packets() const = 0;
};

std::unique_ptr<Queue> make_queue(const QueueSpec& spec);

// First in, first out: what the disciplines are built from.
class Fifo {
 public:
  void push(QueuedDatagram datagram);
  QueuedDatagram pop();
  [[nodiscard]] const QueuedDatagram& front() const { return datagrams_.front(); }
  [[nodiscard]] bool empty() const { return datagrams_.empty(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t packets() const { return datagrams_.size(); }
  // How long the oldest has waited; 0 if there is none.
  [[nodiscard]] Duration sojourn(Timestamp now) const {
    return datagrams_.empty() ? Duration{0} : now - datagrams_.front().enqueued_at;
  }

 private:
  std::deque<QueuedDatagram> datagrams_;
  std::size_t bytes_ = 0;
};

inline bool is_ecn_capable(Ecn ecn) {
  return ecn != Ecn::kNotEct;
}

}  // namespace hawser::sim
