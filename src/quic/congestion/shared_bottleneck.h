// shared_bottleneck.h: which flows share a bottleneck, as the likeness of their delays tells (RFC 8382). The
// RFC measures one-way delay; the RTT stands for it here, since both only differ by the way back, which is
// seldom the bottleneck.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.h"

namespace hawser::quic {

// RFC 8382 section 2.2: T, N and M.
inline constexpr Duration kDelayInterval = 350ms;
inline constexpr std::size_t kLongIntervals = 50;
inline constexpr std::size_t kShortIntervals = 30;
// Nothing is said of a flow before it has these.
inline constexpr std::size_t kFirstIntervals = 10;

// Flows that are grouped at a time: what a sort by hand takes without allocation.
inline constexpr std::size_t kMaxGrouped = 32;

// The summary statistics of one flow (section 3.1), in one to two kilobytes.
class DelayStatistics {
 public:
  void on_delay(Duration delay);
  void on_packet_sent() { ++sent_; }
  void on_packets_lost(std::uint64_t packets) { lost_ += packets; }
  // After each kDelayInterval.
  void end_interval();

  [[nodiscard]] bool ready() const { return intervals_ >= kFirstIntervals; }
  [[nodiscard]] double skew() const { return skew_; }            // skew_est, -1 to 1; low: it queues
  [[nodiscard]] double variation() const { return variation_; }  // var_est, seconds
  [[nodiscard]] double frequency() const { return frequency_; }  // freq_est, crossings per interval
  [[nodiscard]] double loss() const { return loss_; }            // pkt_loss, 0 to 1

  // Whether it was taken to pass a bottleneck, for the hysteresis of section 3.3.1.
  bool congested = false;

 private:
  // One interval. An interval without a sample has a count of 0.
  struct Interval {
    double mean = 0;
    double deviations = 0;  // sum of absolute differences from the mean of the interval before
    std::int32_t skew = 0;  // samples below the mean of means, less those above
    std::uint32_t count = 0;
    std::uint32_t sent = 0;
    std::uint32_t lost = 0;
    bool crossed = false;
  };
  void summarise();

  std::array<Interval, kLongIntervals> ring_{};
  std::size_t intervals_ = 0;  // ended so far
  double sum_ = 0;             // of the interval under way
  double deviations_ = 0;
  std::int32_t below_less_above_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t lost_ = 0;

  double previous_mean_ = 0;  // E_T of the latest interval with samples
  double mean_of_means_ = 0;  // E_M
  int side_ = 0;              // of the mean of means where the latest clear crossing led
  double skew_ = 0;
  double variation_ = 0;
  double frequency_ = 0;
  double loss_ = 0;
};

// Not a group: the flow passes no bottleneck, or too little is known of it.
inline constexpr std::size_t kNoBottleneck = kMaxGrouped;

// Section 3.3: gives each flow the number of its group, or kNoBottleneck. At most kMaxGrouped; the spans
// are of one size.
void group_by_bottleneck(std::span<DelayStatistics* const> flows, std::span<std::size_t> groups);

}  // namespace hawser::quic
