// receive_times.cc: a ring of arrivals and how it is written.
#include "quic/recovery/receive_times.h"

#include <algorithm>

#include "base/varint.h"

namespace hawser::quic {

ReceiveTimes::ReceiveTimes(std::uint64_t most, std::uint64_t exponent, Timestamp basis)
    : most_(static_cast<std::size_t>(std::min<std::uint64_t>(most, kMax))), exponent_(exponent), basis_(basis) {}

// receive-ts:5-basis
void ReceiveTimes::on_packet_received(PacketNumber pn, Timestamp now) {
  arrivals_[next_] = {pn.value, static_cast<std::uint64_t>(to_us(now - basis_)) >> exponent_};
  next_ = (next_ + 1) % kMax;
  count_ = std::min(count_ + 1, kMax);
}

// receive-ts:3.1-latest-first receive-ts:3.1-most receive-ts:6.2-room
void ReceiveTimes::write(PacketPayload& out, std::uint64_t largest) {
  struct Run {
    std::size_t first;  // as latest() counts
    std::size_t count;
  };
  std::array<Run, kMax> runs;
  std::size_t run_count = 0;
  std::size_t size = kLeastSize;
  for (std::size_t i = 0; i < std::min(count_, most_); ++i) {
    const Arrival& arrival = latest(i);
    const bool joins = i > 0 && arrival.number + 1 == latest(i - 1).number;
    const std::uint64_t delta = i == 0 ? arrival.units : latest(i - 1).units - arrival.units;
    size += varint_size(delta) + (joins ? 0 : varint_size(largest - arrival.number) + 1);
    if (size > out.room()) break;
    if (joins) {
      ++runs[run_count - 1].count;
    } else {
      runs[run_count++] = {i, 1};
    }
  }
  out.varint(run_count);
  for (std::size_t r = 0; r < run_count; ++r) {
    const Run& run = runs[r];
    out.varint(largest - latest(run.first).number);
    out.varint(run.count);
    for (std::size_t i = run.first; i < run.first + run.count; ++i)
      out.varint(i == 0 ? latest(0).units : latest(i - 1).units - latest(i).units);
  }
  count_ = 0;
}

}  // namespace hawser::quic
