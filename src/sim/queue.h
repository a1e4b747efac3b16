// queue.h: what decides, at a bottleneck, which datagram waits, which is dropped or marked,
// and which goes next: one seam, and the disciplines behind it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "sim/link.h"

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

enum class QueueKind : std::uint8_t { kDropTail, kCodel, kDualPi2 };

// Parameters of every discipline; each reads its own. Defaults are those of the RFCs.
struct QueueSpec {
  QueueKind kind = QueueKind::kDropTail;
  // Arrivals that would make it longer are dropped, whatever the discipline.
  std::size_t bytes_max = SIZE_MAX;
  std::size_t packets_max = SIZE_MAX;

  // Drop-tail: ECN-capable arrivals that find more octets than this get CE.
  std::size_t mark_above_bytes = SIZE_MAX;

  // CoDel (RFC 8289 section 4.2, 4.3): the delay that may stand, and for how long it may.
  Duration codel_target = 5ms;
  Duration codel_interval = 100ms;
  bool codel_ecn = true;  // marks ECN-capable datagrams instead of dropping them

  // DualPI2 (RFC 9332 appendix A): delay aimed at in the classic queue, longest RTT foreseen.
  Duration pi2_target = 15ms;
  Duration pi2_rtt_max = 100ms;
  // L4S marking ramps up between these; equal, as here, they are a step.
  Duration l4s_ramp_from = 1ms;
  Duration l4s_ramp_until = 1ms;
  // Share of the link that the classic queue gets while both are backlogged: 1 / this.
  std::size_t classic_weight = 16;

  bool operator==(const QueueSpec&) const = default;
};

std::unique_ptr<Queue> make_queue(const QueueSpec& spec);

// "droptail", "codel", "dualpi2"; empty for any other name.
std::optional<QueueKind> queue_kind_of(std::string_view name);
std::string_view name_of(QueueKind kind);

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
