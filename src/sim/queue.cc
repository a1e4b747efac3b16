// queue.cc: the plain queue, and disciplines by name.
#include "sim/queue.h"

#include <utility>

#include "sim/codel.h"
#include "sim/dualpi2.h"

namespace hawser::sim {
namespace {

constexpr std::pair<std::string_view, QueueKind> kNames[] = {
    {"droptail", QueueKind::kDropTail}, {"codel", QueueKind::kCodel}, {"dualpi2", QueueKind::kDualPi2}};

class DropTail final : public Queue {
 public:
  explicit DropTail(const QueueSpec& spec) : spec_(spec) {}

  void enqueue(QueuedDatagram datagram, Timestamp, QueueObserver& observer) override {
    if (fifo_.bytes() + datagram.size > spec_.bytes_max || fifo_.packets() >= spec_.packets_max)
      return observer.on_drop(datagram);
    if (is_ecn_capable(datagram.datagram.ecn) && fifo_.bytes() > spec_.mark_above_bytes) {
      datagram.datagram.ecn = Ecn::kCe;
      observer.on_mark(datagram);
    }
    fifo_.push(std::move(datagram));
  }
  std::optional<QueuedDatagram> dequeue(Timestamp, QueueObserver&) override {
    if (fifo_.empty()) return std::nullopt;
    return fifo_.pop();
  }
  [[nodiscard]] std::size_t bytes() const override { return fifo_.bytes(); }
  [[nodiscard]] std::size_t packets() const override { return fifo_.packets(); }

 private:
  QueueSpec spec_;
  Fifo fifo_;
};

}  // namespace

void Fifo::push(QueuedDatagram datagram) {
  bytes_ += datagram.size;
  datagrams_.push_back(std::move(datagram));
}

QueuedDatagram Fifo::pop() {
  QueuedDatagram datagram = std::move(datagrams_.front());
  datagrams_.pop_front();
  bytes_ -= datagram.size;
  return datagram;
}

std::unique_ptr<Queue> make_queue(const QueueSpec& spec) {
  switch (spec.kind) {
    case QueueKind::kCodel:
      return std::make_unique<Codel>(spec);
    case QueueKind::kDualPi2:
      return std::make_unique<DualPi2>(spec);
    case QueueKind::kDropTail:
      break;
  }
  return std::make_unique<DropTail>(spec);
}

std::optional<QueueKind> queue_kind_of(std::string_view name) {
  for (const auto& [known, kind] : kNames)
    if (known == name) return kind;
  return std::nullopt;
}

std::string_view name_of(QueueKind kind) {
  for (const auto& [name, known] : kNames)
    if (known == kind) return name;
  return "unknown";
}

}  // namespace hawser::sim
