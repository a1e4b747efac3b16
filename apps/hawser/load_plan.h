// load_plan.h: when requests are due and which of them count: pure arithmetic, so that the
// accounting of an open loop can be tested without a network.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace hawser::load {

// What one of `parts` gets of `total`, so that shares differ by one at most.
constexpr std::uint64_t share_of(std::uint64_t total, std::size_t parts, std::size_t index) {
  return total / parts + (index < total % parts ? 1 : 0);
}

// The times of a run. Requests are sent from `begin` until `end`, and measured if they count
// from `measure_from` on.
struct Window {
  Timestamp begin{};
  Timestamp measure_from{};
  Timestamp end = kNever;

  [[nodiscard]] bool contains(Timestamp time) const { return time >= measure_from && time < end; }
};

// An open loop: request k is due at a time that no response can move. Whoever sends it late
// counts its latency from here, so that a server's stall shows in every request that was due
// meanwhile and not only in those that happened to be under way.
class Schedule {
 public:
  Schedule() = default;
  // `rate`: requests a second; above 0.
  Schedule(Timestamp begin, double rate) : begin_(begin), interval_ns_(1e9 / rate) {}

  [[nodiscard]] Timestamp due(std::uint64_t k) const {
    return begin_ + Duration{static_cast<std::int64_t>(static_cast<double>(k) * interval_ns_)};
  }

 private:
  Timestamp begin_{};
  double interval_ns_ = 0;
};

}  // namespace hawser::load
