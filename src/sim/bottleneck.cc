// bottleneck.cc: one datagram at a time on the link, the rest with the queue.
#include "sim/bottleneck.h"

#include <utility>

#include "base/check.h"

namespace hawser::sim {

Bottleneck::Bottleneck(const BottleneckOptions& options) : options_(options), queue_(make_queue(options.queue)) {
  HAWSER_CHECK(options.bits_per_second > 0);
}

void Bottleneck::on_datagram(Datagram datagram, Direction, Timestamp now, Random&, Output& out) {
  const std::size_t size = datagram.bytes.size() + options_.overhead_bytes;
  queue_->enqueue({.datagram = std::move(datagram), .passage = out.passage(), .enqueued_at = now, .size = size}, now,
                  *this);
  if (!in_service_) serve(now);
}

void Bottleneck::depart(Timestamp, Release& out) {
  QueuedDatagram leaving = std::move(*in_service_);
  in_service_.reset();
  bytes_sent_ += leaving.size;
  BottleneckShare& share = share_of(leaving.passage.pipe);
  ++share.datagrams;
  share.bytes += leaving.size;
  // The next one begins when this one has left, even if the world looks later.
  serve(departs_at_);
  out.release(std::move(leaving.datagram), leaving.passage);
}

void Bottleneck::serve(Timestamp now) {
  in_service_ = queue_->dequeue(now, *this);
  if (!in_service_) return;
  if (now >= options_.measure_from) share_of(in_service_->passage.pipe).delays.add(now - in_service_->enqueued_at);
  departs_at_ =
      now + Duration{static_cast<std::int64_t>(in_service_->size * 8 * 1'000'000'000 / options_.bits_per_second)};
}

BottleneckShare& Bottleneck::share_of(std::size_t pipe) {
  if (shares_.size() <= pipe) shares_.resize(pipe + 1);
  return shares_[pipe];
}

void Bottleneck::on_drop(const QueuedDatagram& datagram) {
  ++share_of(datagram.passage.pipe).drops;
}

void Bottleneck::on_mark(const QueuedDatagram& datagram) {
  ++share_of(datagram.passage.pipe).marks;
}

}  // namespace hawser::sim
