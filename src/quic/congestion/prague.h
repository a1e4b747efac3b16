// prague.h: Prague (draft-briscoe-iccrg-prague-congestion-control): the scalable controller of L4S. It
// marks ECT(1) and answers CE in proportion to the share of packets marked, so that a queue which marks
// early stays under a millisecond. Loss, and marks of a queue that is too long to be L4S, it answers as
// Reno would (RFC 9331 section 4.3).
#pragma once

#include "quic/congestion/congestion_controller.h"

namespace hawser::quic {

class Prague final : public CongestionController {
 public:
  static constexpr double kAlphaGain = 1.0 / 16;
  // Grows and reacts as if the RTT were at least this: short paths do not starve long ones.
  static constexpr Duration kReferenceRtt = 25ms;
  // An L4S queue marks at 1 ms. CE under a standing queue longer than this comes of a classic AQM, whose
  // targets are 5 ms and more; below half of it the queue is L4S again.
  static constexpr Duration kClassicQueue = 4ms;
  // After this many rounds without a mark there is more room than a datagram a round: growth doubles in
  // each further round, up to a 32nd of the window, which an L4S queue bears.
  static constexpr std::uint32_t kQuietRounds = 8;
  static constexpr double kMaxGrowth = 1.0 / 32;
  static constexpr std::uint32_t kClassicRounds = 4;  // rounds with CE in a row that agree

  explicit Prague(std::uint64_t max_datagram_size) { reset(max_datagram_size); }

  void on_packet_sent(std::uint64_t, std::uint64_t, Timestamp now) override { last_sent_ = now; }
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  void on_ecn_ce(std::uint64_t ce_count, Timestamp sent_time, Timestamp now) override;
  void on_spurious_loss(Timestamp now) override;
  void on_packets_discarded(std::uint64_t) override {}
  void on_mtu_change(std::uint64_t max_datagram_size) override;
  void adopt(const PathKnowledge& known) override;
  void reset(std::uint64_t max_datagram_size) override;

  [[nodiscard]] std::uint64_t congestion_window() const override { return static_cast<std::uint64_t>(window_); }
  [[nodiscard]] std::optional<std::uint64_t> pacing_rate() const override;
  [[nodiscard]] bool paces_smoothly() const override { return true; }
  [[nodiscard]] Timestamp recovery_start_time() const override { return recovery_start_; }
  [[nodiscard]] CongestionSnapshot snapshot() const override;
  [[nodiscard]] std::string_view name() const override { return "prague"; }
  [[nodiscard]] Ecn ecn_codepoint() const override { return Ecn::kEct1; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(Prague); }

  [[nodiscard]] double alpha() const { return alpha_; }
  [[nodiscard]] bool classic() const { return classic_; }

 private:
  void end_round(const AckEvent& event);
  void judge_queue();
  void reduce(double factor, Timestamp now);
  [[nodiscard]] Duration virtual_rtt() const {
    return smoothed_rtt_ > kReferenceRtt ? smoothed_rtt_ : Duration{kReferenceRtt};
  }

  std::uint64_t max_datagram_size_ = 0;
  double window_ = 0;
  double ssthresh_ = 0;  // 0: not set yet
  double alpha_ = 1;     // of the first marks
  // What alpha rests on: it begins with the share of the first round after slow start, and is an average from
  // then on. The queue that slow start leaves says nothing of the window that follows it.
  enum class AlphaFrom : std::uint8_t { kNothing, kFirstMark, kRound, kAverage };
  AlphaFrom alpha_from_ = AlphaFrom::kNothing;

  std::uint64_t round_acked_ = 0;  // packets sent with ECT, acknowledged in this round
  std::uint64_t round_marked_ = 0;
  Timestamp round_end_{};
  Duration round_rtt_min_ = Duration::max();
  std::uint32_t quiet_rounds_ = 0;  // rounds without a mark
  std::uint32_t classic_rounds_ = 0;
  bool classic_ = false;

  Duration smoothed_rtt_{};
  Duration min_rtt_{};
  Timestamp last_sent_{};
  Timestamp reduced_at_ = Timestamp::min();
  Timestamp recovery_start_ = Timestamp::min();
  double undo_window_ = 0;  // before the latest loss; 0: nothing to undo
  double undo_ssthresh_ = 0;
};

}  // namespace hawser::quic
