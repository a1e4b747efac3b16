// bbr_model.h: what all versions of BBR measure: rounds, the bandwidth and its filter, the smallest RTT,
// how much acknowledgements bunch, and whether the pipe is full (draft-ietf-ccwg-bbr sections 5.3 and
// 5.5). What a version does about it is in bbr1, bbr2 and bbr3.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "quic/congestion/congestion_controller.h"
#include "quic/congestion/windowed_max.h"

namespace hawser::quic {

class BbrModel {
 public:
  static constexpr double kPacingMargin = 0.99;        // paces 1 % under the estimate, so that queues drain
  static constexpr double kFullPipeGrowth = 1.25;      // a pipe that is not full grows by more in a round
  static constexpr std::uint32_t kFullPipeRounds = 3;  // rounds without that growth
  static constexpr std::uint64_t kExtraAckedRounds = 10;
  static constexpr Duration kMinRttWindow = 10s;
  static constexpr std::int64_t kMatchDivisor = 16;  // an RTT within this part of the smallest is as good as it
  static constexpr std::uint64_t kMinPipePackets = 4;
  static constexpr Duration kSendQuantumTime = 1ms;  // as the pacer's tick

  void reset(std::uint64_t max_datagram_size);
  void set_max_datagram_size(std::uint64_t size) { max_datagram_size_ = size; }

  // --- Once per ACK, in this order ---

  // Whether this ACK begins a round: something is acknowledged that was sent after the last began.
  void update_round(const AckEvent& event);
  // `filter_time` counts rounds (version 1) or cycles (2, 3), of which the filter spans `filter_window`.
  void update_bandwidth(const AckEvent& event, std::uint64_t filter_time, std::uint64_t filter_window);
  void update_extra_acked(const AckEvent& event, std::uint64_t bandwidth, std::uint64_t window);
  void update_full_pipe(const AckEvent& event);
  // The smallest RTT of `probe_interval`, and of kMinRttWindow. True: nothing that matches it or is smaller was
  // seen for `probe_interval`, so it is time to look at an empty queue.
  bool update_min_rtt(const AckEvent& event, Duration probe_interval);

  // --- Rounds ---

  [[nodiscard]] bool round_started() const { return round_started_; }
  [[nodiscard]] std::uint64_t round() const { return round_; }
  void start_round() { next_round_delivered_ = delivered_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

  // Samples of packets sent from now on until what is in flight has been delivered say nothing about the
  // path: it was ProbeRTT that held them back.
  void mark_limited(std::uint64_t bytes_in_flight) { limited_until_ = delivered_ + bytes_in_flight; }
  [[nodiscard]] bool limited(const RateSample& rate) const {
    return rate.app_limited || rate.prior_delivered_bytes < limited_until_;
  }

  // --- The path ---

  [[nodiscard]] std::uint64_t max_bandwidth() const { return bandwidth_filter_.value(); }
  void set_bandwidth(std::uint64_t bytes_per_second, std::uint64_t filter_time) {
    bandwidth_filter_.reset(bytes_per_second, filter_time);
  }
  // Duration::max(): no sample yet.
  [[nodiscard]] Duration min_rtt() const { return min_rtt_; }
  void set_min_rtt(Duration rtt, Timestamp now);
  // ProbeRTT has looked at the empty queue.
  void renew_probe_rtt(Timestamp now) { probe_min_rtt_at_ = now; }
  [[nodiscard]] std::uint64_t extra_acked() const { return extra_acked_filter_.value(); }

  [[nodiscard]] bool full_pipe_reached() const { return full_pipe_reached_; }
  [[nodiscard]] bool full_pipe_now() const { return full_pipe_now_; }
  void set_full_pipe_reached(bool reached) { full_pipe_reached_ = reached; }
  // Looks for growth anew, above `bandwidth`.
  void restart_full_pipe(std::uint64_t bandwidth);

  // --- Arithmetic, in octets ---

  [[nodiscard]] std::uint64_t max_datagram_size() const { return max_datagram_size_; }
  [[nodiscard]] std::uint64_t min_pipe_window() const { return kMinPipePackets * max_datagram_size_; }
  // gain * bandwidth * min_rtt; without an RTT the initial window.
  [[nodiscard]] std::uint64_t bdp(std::uint64_t bandwidth, double gain) const;
  // Octets sent at once.
  [[nodiscard]] static std::uint64_t send_quantum(std::uint64_t pacing_rate, std::uint64_t max_datagram_size);
  // What must be in flight to keep the path busy although both ends work in batches.
  [[nodiscard]] std::uint64_t quantized(std::uint64_t inflight, std::uint64_t pacing_rate) const;
  // Before any bandwidth is known: the initial window in one RTT, or in 1 ms without even that.
  [[nodiscard]] std::uint64_t initial_bandwidth(Duration rtt) const;

 private:
  [[nodiscard]] bool matches_min_rtt(Duration rtt) const;

  std::uint64_t max_datagram_size_ = 0;

  std::uint64_t delivered_ = 0;
  std::uint64_t next_round_delivered_ = 0;
  std::uint64_t round_ = 0;
  std::uint64_t limited_until_ = 0;
  bool round_started_ = false;

  WindowedMax bandwidth_filter_;

  WindowedMax extra_acked_filter_;
  Timestamp extra_acked_start_{};
  std::uint64_t extra_acked_delivered_ = 0;

  std::uint64_t full_bandwidth_ = 0;
  std::uint32_t full_rounds_ = 0;
  bool full_pipe_now_ = false;
  bool full_pipe_reached_ = false;

  Duration min_rtt_ = Duration::max();
  Timestamp min_rtt_at_{};
  Duration probe_min_rtt_ = Duration::max();
  Timestamp probe_min_rtt_at_{};
};

}  // namespace hawser::quic
