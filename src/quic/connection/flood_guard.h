// flood_guard.h: what a peer may cost without getting anywhere. Frames that carry no data of the
// application spend from an allowance; data that moves, and time, fill it up again.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace hawser::quic {

class FloodGuard {
 public:
  // In units of a PING. At once, far above what any peer sends in a round trip: 300 challenges, or
  // the MAX_STREAM_DATA of 20,000 streams.
  static constexpr std::uint32_t kAllowance = 20'000;
  // With time alone. A connection on which nothing moves has use for a few a minute.
  static constexpr std::uint32_t kPerSecond = 500;

  // What frames cost: those that make us draw a connection ID or send a datagram of 1,200 octets, or
  // that make and end a stream, more than the rest.
  static constexpr std::uint32_t kCheap = 1;
  static constexpr std::uint32_t kStreamEnd = 16;
  static constexpr std::uint32_t kPath = 64;

  // False: the allowance is used up, ask renew().
  bool spend(std::uint32_t cost) {
    ++frames_;
    if (cost > left_) return false;
    left_ -= cost;
    return true;
  }

  // Octets of application data that moved by other ways than streams.
  void earn(std::uint64_t octets) { datagram_octets_ += octets; }

  // After spend() said no: `stream_octets` moved in both directions since the connection began, at
  // `began`. One octet pays for one unit. False: that is a flood.
  bool renew(std::uint32_t cost, std::uint64_t stream_octets, Timestamp began, Timestamp now) {
    const std::uint64_t moved = stream_octets + datagram_octets_;
    std::uint64_t earned = moved - moved_before_;
    moved_before_ = moved;
    const Timestamp since = renewed_at_ == Timestamp{} ? began : renewed_at_;
    earned += static_cast<std::uint64_t>(std::max(0.0, to_seconds(now - since) * kPerSecond));
    renewed_at_ = now;
    left_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(kAllowance, left_ + earned));
    if (cost > left_) {
      tripped_ = true;
      return false;
    }
    left_ -= cost;
    return true;
  }

  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  [[nodiscard]] bool tripped() const { return tripped_; }

 private:
  std::uint64_t frames_ = 0;
  std::uint64_t datagram_octets_ = 0;
  std::uint64_t moved_before_ = 0;
  Timestamp renewed_at_{};
  std::uint32_t left_ = kAllowance;
  bool tripped_ = false;
};

}  // namespace hawser::quic
