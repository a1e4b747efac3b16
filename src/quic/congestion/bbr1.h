// bbr1.h: BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00): paces at the largest bandwidth of
// ten rounds, tries a quarter more in one round of eight, and does not answer loss but by keeping for one
// round no more in flight than arrives.
#pragma once

#include "quic/congestion/bbr_model.h"
#include "quic/congestion/congestion_controller.h"

namespace hawser::quic {

class Bbr1 final : public CongestionController {
 public:
  static constexpr double kHighGain = 2.885;  // 2 / ln 2: doubles in a round
  static constexpr double kWindowGain = 2.0;
  static constexpr double kCycleGains[] = {1.25, 0.75, 1, 1, 1, 1, 1, 1};
  static constexpr std::uint32_t kCycleLength = 8;
  static constexpr std::uint64_t kFilterRounds = 10;
  static constexpr Duration kProbeRttInterval = 10s;
  static constexpr Duration kProbeRttDuration = 200ms;

  explicit Bbr1(std::uint64_t max_datagram_size) { reset(max_datagram_size); }

  void on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) override;
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  // Not marked, so that nothing is to be answered.
  void on_ecn_ce(std::uint64_t, Timestamp, Timestamp) override {}
  void on_spurious_loss(Timestamp now) override;
  void on_packets_discarded(std::uint64_t) override {}
  void on_mtu_change(std::uint64_t max_datagram_size) override;
  void adopt(const PathKnowledge& known) override;
  void reset(std::uint64_t max_datagram_size) override;

  [[nodiscard]] std::uint64_t congestion_window() const override { return window_; }
  [[nodiscard]] std::optional<std::uint64_t> pacing_rate() const override { return pacing_rate_; }
  [[nodiscard]] Timestamp recovery_start_time() const override { return recovery_start_; }
  [[nodiscard]] CongestionSnapshot snapshot() const override;
  [[nodiscard]] std::string_view name() const override { return "bbr1"; }
  [[nodiscard]] Ecn ecn_codepoint() const override { return Ecn::kNotEct; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(Bbr1); }

 private:
  enum class State : std::uint8_t { kStartup, kDrain, kProbeBw, kProbeRtt };

  void enter_probe_bw(Timestamp now);
  void advance_cycle(const AckEvent& event);
  void check_probe_rtt(const AckEvent& event, bool expired);
  void set_control(const AckEvent& event);
  [[nodiscard]] double pacing_gain() const;
  [[nodiscard]] std::uint64_t inflight(double gain) const {
    return model_.quantized(model_.bdp(model_.max_bandwidth(), gain), pacing_rate_);
  }

  BbrModel model_;
  State state_ = State::kStartup;
  std::uint64_t window_ = 0;
  std::uint64_t prior_window_ = 0;  // before ProbeRTT or recovery
  std::uint64_t pacing_rate_ = 0;
  Timestamp recovery_start_ = Timestamp::min();
  std::uint64_t conserve_until_ = 0;  // delivered octets at which the first round of recovery ends
  bool conserving_ = false;
  std::uint64_t last_loss_round_ = 0;
  bool lost_since_cycle_ = false;
  std::uint32_t cycle_index_ = 0;
  Timestamp cycle_start_{};
  Timestamp probe_rtt_done_at_ = kNever;
  bool idle_restart_ = false;
};

}  // namespace hawser::quic
