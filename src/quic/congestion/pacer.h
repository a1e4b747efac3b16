// pacer.h: spreads a window over an RTT in bursts as large as one timer tick or one GSO train
// needs (RFC 9002 section 7.7), so that pacing costs no extra system calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace hawser::quic {

class Pacer {
 public:
  // What one GSO train can carry: the largest UDP payload of one sendmsg.
  static constexpr std::size_t kBurstBytesMax = 65'536;
  static constexpr std::uint64_t kBurstDatagrams = 10;
  // Timers of drivers are this coarse: each tick must be able to release what the rate asks.
  static constexpr Duration kTimerGranularity = 1ms;
  // A driver that wakes later than it was asked to, on a busy machine, sends what it missed; beyond this it is lost.
  static constexpr Duration kLatenessMax = 5ms;
  // What a smooth pacer releases at once, where the driver's timer allows it.
  static constexpr Duration kSmoothBatch = 250us;

  explicit Pacer(std::uint64_t max_datagram_size);

  // Octets per second from RFC 9002 section 7.7: N * window / smoothed_rtt, N = 2 in slow start
  // (so that doubling is possible), else 1.25; or what the controller says itself.
  void set_rate(std::uint64_t congestion_window, Duration smoothed_rtt, bool slow_start,
                std::optional<std::uint64_t> controller_rate);
  // Small batches in place of whole trains, for controllers that take a burst for a queue.
  void set_smooth(bool smooth) { smooth_ = smooth; }
  void on_mtu_change(std::uint64_t max_datagram_size);
  void reset(std::uint64_t max_datagram_size);

  // Octets that may leave now. A packet may overdraw it by up to its own size: send while
  // budget() > 0.
  [[nodiscard]] std::size_t budget(Timestamp now) const;
  // A packet that is in flight left. ACK-only packets are not paced and not told.
  void on_packet_sent(std::size_t bytes, Timestamp now);
  // When budget() is next worth a whole batch; `now` or earlier if it is already.
  [[nodiscard]] Timestamp next_release(Timestamp now) const;
  // Nothing but the pacer holds the sender back until then: what the driver wakes it later is made up for.
  void await_release(Timestamp now) { awaited_ = next_release(now); }
  // It has nothing to send, or something else holds it back: a pause.
  void stop_waiting() { awaited_ = kNever; }

  [[nodiscard]] std::uint64_t rate_bytes_per_second() const { return rate_; }
  [[nodiscard]] std::size_t burst_bytes() const { return burst_; }

 private:
  [[nodiscard]] std::int64_t level(Timestamp now) const;
  [[nodiscard]] std::int64_t missed(Timestamp now) const;
  [[nodiscard]] Duration time_for(std::uint64_t bytes) const;
  void set_burst();

  std::uint64_t max_datagram_size_;
  std::uint64_t rate_ = 0;  // octets per second; 0: not known yet, bursts are not paced
  std::size_t burst_ = 0;
  std::int64_t tokens_ = 0;  // as of updated_; negative after an overdraft
  Timestamp updated_{};
  Timestamp awaited_ = kNever;  // until something is sent
  std::int64_t missed_ = 0;     // may be sent at updated_ beyond the bucket
  bool started_ = false;
  bool smooth_ = false;
};

}  // namespace hawser::quic
