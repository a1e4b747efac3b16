// rtt.cc: RFC 9002 section 5.3 and appendix A.7.
#include "quic/recovery/rtt.h"

#include <algorithm>

namespace hawser::quic {

void RttEstimator::reset(Duration initial_rtt) {
  latest_ = Duration::zero();
  min_ = Duration::zero();
  smoothed_ = initial_rtt;
  variation_ = initial_rtt / 2;
  has_sample_ = false;
  restart_min_ = false;
}

// rfc9002:5.2-min rfc9002:5.3-ignore-delay rfc9002:5.3-ignore-until-confirmed rfc9002:5.3-lesser
// rfc9002:5.3-not-below-min
Duration RttEstimator::on_sample(Duration sample, Duration ack_delay, Duration max_ack_delay,
                                 bool handshake_confirmed) {
  latest_ = std::max(sample, Duration{1});
  if (!has_sample_) {
    has_sample_ = true;
    restart_min_ = false;
    min_ = latest_;
    smoothed_ = latest_;
    variation_ = latest_ / 2;
    return latest_;
  }
  // Only after persistent congestion, and with a new network path.
  // rfc9002:5.2-seldom
  min_ = restart_min_ ? latest_ : std::min(min_, latest_);
  restart_min_ = false;
  if (handshake_confirmed) ack_delay = std::min(ack_delay, max_ack_delay);
  // A peer that overstates its delay must not make the path look shorter than it ever was.
  const Duration adjusted = latest_ - min_ >= ack_delay ? latest_ - ack_delay : latest_;
  const Duration deviation = smoothed_ > adjusted ? smoothed_ - adjusted : adjusted - smoothed_;
  variation_ = (variation_ * 3 + deviation) / 4;
  smoothed_ = (smoothed_ * 7 + adjusted) / 8;
  return std::max(latest_ - ack_delay, min_);
}

Duration RttEstimator::pto_base() const {
  return smoothed_ + std::max(variation_ * 4, kGranularity);
}

}  // namespace hawser::quic
