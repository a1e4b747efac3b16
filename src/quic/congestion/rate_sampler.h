// rate_sampler.h: how fast the network delivers, measured per acknowledged packet as
// draft-ietf-ccwg-bbr section 4.1 describes. Controllers that follow loss only ignore it.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace hawser::quic {

// What a sent packet remembers, so that its acknowledgement yields a rate.
struct DeliverySnapshot {
  std::uint64_t delivered_bytes = 0;  // delivered in total when the packet was sent
  Timestamp delivered_time{};         // when that total was reached
  Timestamp first_sent_time{};        // start of the send interval the packet belongs to
  std::uint32_t bytes_in_flight = 0;  // in flight with this packet, capped at 2^32 - 1
  std::uint32_t lost_bytes = 0;       // lost in total when it was sent, modulo 2^32
  bool app_limited = false;
};

struct RateSample {
  std::uint64_t bytes_per_second = 0;       // 0: no valid sample in this acknowledgement
  Duration interval{};                      // the time the sample spans
  std::uint64_t delivered_bytes = 0;        // delivered during the interval
  std::uint64_t prior_delivered_bytes = 0;  // DeliverySnapshot::delivered_bytes of the sampled packet
  std::uint64_t bytes_in_flight_at_send = 0;
  std::uint64_t lost_bytes = 0;  // lost between the sending of the sampled packet and now
  bool app_limited = false;
  // All that was delivered on this path so far: counts rounds.
  [[nodiscard]] std::uint64_t total_delivered_bytes() const { return prior_delivered_bytes + delivered_bytes; }
};

class RateSampler {
 public:
  // Before the packet is added to `bytes_in_flight` (octets); `size` is its own.
  DeliverySnapshot on_packet_sent(std::uint64_t bytes_in_flight, std::uint64_t size, Timestamp now);

  // Once per acknowledged packet that was in flight, in any order within one ACK.
  void on_packet_acked(const DeliverySnapshot& packet, Timestamp sent_time, std::uint64_t size, Timestamp now);

  void on_packet_lost(std::uint64_t size) { lost_bytes_ += static_cast<std::uint32_t>(size); }
  // Octets lost since a packet was sent; right as long as that is under 4 GiB, the largest window.
  [[nodiscard]] std::uint64_t lost_since(const DeliverySnapshot& packet) const {
    return static_cast<std::uint32_t>(lost_bytes_ - packet.lost_bytes);
  }

  // Ends one ACK: the sample of its most recently sent packet. `min_rtt` guards against
  // acknowledgements that were compressed into less time than the path can take.
  RateSample next_sample(Duration min_rtt);

  // The sender had room in the window and nothing to send: rates measured until what is now
  // in flight is acknowledged say nothing about the path.
  void on_app_limited(std::uint64_t bytes_in_flight);

  [[nodiscard]] bool app_limited() const { return app_limited_until_ != 0; }
  [[nodiscard]] std::uint64_t delivered_bytes() const { return delivered_bytes_; }

 private:
  std::uint64_t delivered_bytes_ = 0;
  std::uint32_t lost_bytes_ = 0;  // modulo 2^32
  Timestamp delivered_time_{};
  Timestamp first_sent_time_{};
  std::uint64_t app_limited_until_ = 0;  // a value of delivered_bytes_; 0: not limited

  // The newest packet acknowledged since the last sample.
  bool has_packet_ = false;
  DeliverySnapshot packet_;
  Timestamp packet_sent_time_{};
};

}  // namespace hawser::quic
