// hystart.h: HyStart++ (RFC 9406): leaves slow start when the RTT rises, before loss does it.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "quic/congestion/congestion_controller.h"

namespace hawser::quic {

class HyStart {
 public:
  // RFC 9406 section 4.3.
  static constexpr Duration kMinRttThreshold = 4ms;
  static constexpr Duration kMaxRttThreshold = 16ms;
  static constexpr std::uint64_t kMinRttDivisor = 8;
  static constexpr std::uint32_t kRttSamples = 8;
  static constexpr std::uint64_t kCssGrowthDivisor = 4;
  static constexpr std::uint32_t kCssRounds = 5;

  // A round ends when a packet sent after its start is acknowledged.
  void on_packet_sent(Timestamp now) { last_sent_ = now; }
  [[nodiscard]] Timestamp last_sent() const { return last_sent_; }

  // Octets by which slow start may grow for this ACK (no L cap: sending is paced).
  std::uint64_t on_ack(const AckEvent& event);

  // True once the conservative phase lasted its rounds: ssthresh = the window.
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] bool conservative() const { return css_; }
  // The first congestion event ends it for good (initial slow start only).
  void on_congestion_event() { finished_ = true; }
  void reset() { *this = HyStart{}; }

 private:
  void start_round();
  void judge_round();

  static constexpr Duration kNoRtt = Duration::max();
  Timestamp last_sent_{};
  Timestamp round_start_ = Timestamp::min();
  bool round_open_ = false;
  Duration last_round_min_rtt_ = kNoRtt;
  Duration current_round_min_rtt_ = kNoRtt;
  Duration css_baseline_min_rtt_ = kNoRtt;
  std::uint32_t rtt_samples_ = 0;
  std::uint32_t css_rounds_ = 0;
  bool css_ = false;
  bool finished_ = false;
};

}  // namespace hawser::quic
