// codel.cc: the state machine of RFC 8289 section 5, with marks where the sender knows ECN.
#include "sim/codel.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hawser::sim {

void Codel::enqueue(QueuedDatagram datagram, Timestamp, QueueObserver& observer) {
  if (fifo_.bytes() + datagram.size > spec_.bytes_max || fifo_.packets() >= spec_.packets_max)
    return observer.on_drop(datagram);
  largest_packet_ = std::max(largest_packet_, datagram.size);
  fifo_.push(std::move(datagram));
}

// The head, and whether its delay tells of a standing queue. A queue of one packet or less
// cannot be shorter, so it never does.
Codel::Head Codel::take(Timestamp now) {
  if (fifo_.empty()) {
    first_above_ = {};
    return {};
  }
  Head head{.datagram = fifo_.pop()};
  if (now - head.datagram->enqueued_at < spec_.codel_target || fifo_.bytes() <= largest_packet_) {
    first_above_ = {};
  } else if (first_above_ == Timestamp{}) {
    first_above_ = now + spec_.codel_interval;
  } else {
    head.has_stood = now >= first_above_;
  }
  return head;
}

// Section 5.3: intervals shrink with the square root of the signals given.
Timestamp Codel::next_signal(Timestamp after) const {
  const double interval = static_cast<double>(spec_.codel_interval.count());
  return after + Duration{static_cast<std::int64_t>(interval / std::sqrt(static_cast<double>(count_)))};
}

// True if the datagram was dropped for it, false if it carries the mark on.
bool Codel::signal(QueuedDatagram& datagram, QueueObserver& observer) const {
  if (spec_.codel_ecn && is_ecn_capable(datagram.datagram.ecn)) {
    datagram.datagram.ecn = Ecn::kCe;
    observer.on_mark(datagram);
    return false;
  }
  observer.on_drop(datagram);
  return true;
}

void Codel::begin_dropping(Timestamp now) {
  dropping_ = true;
  // If it was dropping not long ago, it goes on near the rate that controlled the queue then.
  const std::uint64_t since_last = count_ - last_count_;
  const bool recent = now - drop_next_ < 16 * spec_.codel_interval;
  count_ = since_last > 1 && recent ? since_last : 1;
  drop_next_ = next_signal(now);
  last_count_ = count_;
}

std::optional<QueuedDatagram> Codel::dequeue(Timestamp now, QueueObserver& observer) {
  Head head = take(now);
  if (!head.datagram.has_value()) {
    dropping_ = false;
    return std::nullopt;
  }
  if (!dropping_) {
    if (!head.has_stood) return std::move(head.datagram);
    if (signal(*head.datagram, observer)) head = take(now);
    begin_dropping(now);
    return std::move(head.datagram);
  }
  if (!head.has_stood) dropping_ = false;
  while (dropping_ && now >= drop_next_) {
    ++count_;
    if (!signal(*head.datagram, observer)) {
      drop_next_ = next_signal(drop_next_);
      break;
    }
    head = take(now);
    if (head.has_stood) {
      drop_next_ = next_signal(drop_next_);
    } else {
      dropping_ = false;
    }
  }
  return std::move(head.datagram);
}

}  // namespace hawser::sim
