// rtt.h: the round-trip time of one network path (RFC 9002 section 5).
#pragma once

#include "base/time.h"

namespace hawser::quic {

inline constexpr Duration kInitialRtt = 333ms;  // RFC 9002 section 6.2.2
inline constexpr Duration kGranularity = 1ms;   // RFC 9002 section 6.1.2

class RttEstimator {
 public:
  explicit RttEstimator(Duration initial_rtt = kInitialRtt) { reset(initial_rtt); }

  // `sample` is from sending the largest acknowledged packet to now. `ack_delay` is what the
  // peer reports; `max_ack_delay` caps it once the handshake is confirmed (section 5.3).
  // Initial packets report no delay that counts: pass zero. Returns the sample without that
  // delay, not below min(): what the path took, where latest() is what the peer took too.
  Duration on_sample(Duration sample, Duration ack_delay, Duration max_ack_delay, bool handshake_confirmed);
  void reset(Duration initial_rtt = kInitialRtt);
  // Persistent congestion: the path may have changed under us (section 5.2).
  void restart_min_rtt() { restart_min_ = true; }

  [[nodiscard]] bool has_sample() const { return has_sample_; }
  [[nodiscard]] Duration latest() const { return latest_; }
  [[nodiscard]] Duration smoothed() const { return smoothed_; }
  [[nodiscard]] Duration variation() const { return variation_; }
  [[nodiscard]] Duration min() const { return min_; }
  // smoothed_rtt + max(4 * rttvar, kGranularity), without max_ack_delay (section 6.2.1).
  [[nodiscard]] Duration pto_base() const;

 private:
  Duration latest_{};
  Duration smoothed_{};
  Duration variation_{};
  Duration min_{};
  bool has_sample_ = false;
  bool restart_min_ = false;
};

}  // namespace hawser::quic
