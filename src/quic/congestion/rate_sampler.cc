// rate_sampler.cc: delivery-rate estimation.
#include "quic/congestion/rate_sampler.h"

#include <algorithm>

namespace hawser::quic {

DeliverySnapshot RateSampler::on_packet_sent(std::uint64_t bytes_in_flight, std::uint64_t size, Timestamp now) {
  if (bytes_in_flight == 0) {
    // An idle path: intervals start with this packet.
    first_sent_time_ = now;
    delivered_time_ = now;
  }
  const std::uint64_t with_packet = std::min<std::uint64_t>(bytes_in_flight + size, UINT32_MAX);
  return {.delivered_bytes = delivered_bytes_,
          .delivered_time = delivered_time_,
          .first_sent_time = first_sent_time_,
          .bytes_in_flight = static_cast<std::uint32_t>(with_packet),
          .lost_bytes = lost_bytes_,
          .app_limited = app_limited()};
}

void RateSampler::on_packet_acked(const DeliverySnapshot& packet, Timestamp sent_time, std::uint64_t size,
                                  Timestamp now) {
  delivered_bytes_ += size;
  delivered_time_ = now;
  const bool newer = !has_packet_ || packet.delivered_bytes > packet_.delivered_bytes ||
                     (packet.delivered_bytes == packet_.delivered_bytes && sent_time > packet_sent_time_);
  if (newer) {
    packet_ = packet;
    packet_sent_time_ = sent_time;
    has_packet_ = true;
  }
  if (app_limited_until_ != 0 && delivered_bytes_ > app_limited_until_) app_limited_until_ = 0;
}

RateSample RateSampler::next_sample(Duration min_rtt) {
  if (!has_packet_) return {};
  has_packet_ = false;
  first_sent_time_ = packet_sent_time_;

  RateSample sample;
  sample.delivered_bytes = delivered_bytes_ - packet_.delivered_bytes;
  sample.prior_delivered_bytes = packet_.delivered_bytes;
  sample.bytes_in_flight_at_send = packet_.bytes_in_flight;
  sample.lost_bytes = lost_since(packet_);
  sample.app_limited = packet_.app_limited;
  const Duration send_elapsed = packet_sent_time_ - packet_.first_sent_time;
  const Duration ack_elapsed = delivered_time_ - packet_.delivered_time;
  sample.interval = std::max(send_elapsed, ack_elapsed);
  // An interval under the shortest RTT is an artefact of compressed acknowledgements.
  if (sample.interval <= Duration::zero() || sample.interval < min_rtt) return sample;
  sample.bytes_per_second = static_cast<std::uint64_t>(static_cast<double>(sample.delivered_bytes) * 1e9 /
                                                       static_cast<double>(sample.interval.count()));
  return sample;
}

void RateSampler::on_app_limited(std::uint64_t bytes_in_flight) {
  app_limited_until_ = std::max<std::uint64_t>(delivered_bytes_ + bytes_in_flight, 1);
}

}  // namespace hawser::quic
