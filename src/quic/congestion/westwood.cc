// westwood.cc: the bandwidth, through two filters, and the window that it gives.
#include "quic/congestion/westwood.h"

#include <algorithm>

namespace hawser::quic {

void Westwood::reset(std::uint64_t max_datagram_size) {
  NewReno::reset(max_datagram_size);
  bandwidth_ = coarse_ = 0;
  acked_ = 0;
  interval_start_ = kNever;
}

void Westwood::on_ack(const AckEvent& event) {
  measure(event);
  NewReno::on_ack(event);
}

void Westwood::measure(const AckEvent& event) {
  min_rtt_ = event.min_rtt;
  // Slow start doubles the rate in a round, which the filters would follow a dozen rounds later; even the
  // mean of the last round is half of what the path has come to deliver when it loses the first packet.
  const auto delivery = static_cast<double>(event.rate.bytes_per_second);
  if (in_slow_start() && delivery > bandwidth_) coarse_ = bandwidth_ = delivery;
  if (interval_start_ == kNever) {
    interval_start_ = event.now;
    return;
  }
  acked_ += event.acked_bytes;
  const Duration elapsed = event.now - interval_start_;
  if (elapsed < std::max(event.smoothed_rtt, kMinInterval)) return;
  const double sample = static_cast<double>(acked_) / to_seconds(elapsed);
  const bool first = coarse_ == 0;
  acked_ = 0;
  interval_start_ = event.now;
  // What an application did not say tells nothing of the path.
  if (event.app_limited && sample < bandwidth_) return;
  coarse_ = first ? sample : coarse_ * 7 / 8 + sample / 8;
  bandwidth_ = first ? sample : bandwidth_ * 7 / 8 + coarse_ / 8;
}

bool Westwood::in_slow_start() const {
  const CongestionPhase phase = snapshot().phase;
  return phase == CongestionPhase::kSlowStart || phase == CongestionPhase::kConservativeSlowStart;
}

std::uint64_t Westwood::reduced_window() const {
  if (bandwidth_ == 0) return NewReno::reduced_window();
  return static_cast<std::uint64_t>(bandwidth_ * to_seconds(min_rtt_));
}

}  // namespace hawser::quic
