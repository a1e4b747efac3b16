// copa.h: Copa (Arun and Balakrishnan, NSDI 2018): aims at a rate of 1 / (delta * queueing delay), so that
// about 1 / delta packets queue for each flow, and does not answer loss while the queue is under its
// control. Where the queue does not empty once in five round trips somebody else fills it: then delta
// follows losses as Reno's window would (section 2.2 of the paper).
//
// Four things are not in the paper, which has an ACK for each packet and a queue that never stands still. What
// an ACK says is a round trip old, so that the end of slow start and of each fast run goes back to what was in
// flight then (turn()). And before a queue counts as somebody else's, the flow takes out its own (drain()).
// On a slow link two packets are a long queue: where it takes 300 us or more it aims at one (delta_for()).
// And past slow start a window goes out in four fifths of a round trip, not in half of one: of two flows that are on
// and off in turn the one that goes first meets the shorter queue, and kept up to 57 % of 100 Mbit/s for minutes.
#pragma once

#include "quic/congestion/congestion_controller.h"

namespace hawser::quic {

class Copa final : public CongestionController {
 public:
  static constexpr double kDefaultDelta = 0.5;
  static constexpr Duration kShortQueue = 150us;  // up to this delta is as above, and twice that from twice this on
  static constexpr double kLongQueueFactor = 2;
  static constexpr Duration kMinRttWindow = 10s;
  static constexpr std::uint32_t kRoundsInDirection = 3;  // before the velocity doubles
  static constexpr std::uint32_t kRoundsUntilCompetition = 5;
  static constexpr std::uint32_t kRoundsUntilDrain = 3;  // of what is its own, two rounds before
  static constexpr double kNearlyEmpty = 0.1;            // of the range of RTTs seen
  // Pacing and acknowledging in batches look like a queue of this length, which is therefore none.
  static constexpr Duration kBatching = 250us;
  static constexpr double kMaxVelocityShare = 0.5;
  static constexpr double kStartPacingGain = 2;  // windows in a round trip
  static constexpr double kPacingGain = 1.25;    // the same past slow start

  explicit Copa(std::uint64_t max_datagram_size) { reset(max_datagram_size); }

  void on_packet_sent(std::uint64_t, std::uint64_t, Timestamp now) override { last_sent_ = now; }
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  // Not marked: its delay is the signal.
  void on_ecn_ce(std::uint64_t, Timestamp, Timestamp) override {}
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
  [[nodiscard]] std::string_view name() const override { return "copa"; }
  [[nodiscard]] Ecn ecn_codepoint() const override { return Ecn::kNotEct; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(Copa); }
  [[nodiscard]] bool competes() const { return competes_; }

 private:
  struct NoReset {};
  explicit Copa(NoReset) {}
  // The smallest RTT of a time, in two halves: the half under way and the one before.
  struct SlidingMin {
    Duration current = Duration::max();
    Duration previous = Duration::max();
    Timestamp since{};
    void update(Duration rtt, Timestamp now, Duration window);
    [[nodiscard]] Duration value() const { return current < previous ? current : previous; }
  };

  [[nodiscard]] static double delta_for(Duration queueing);
  void update_mode(const AckEvent& event, Duration queueing);
  void update_velocity(const AckEvent& event);
  void turn(const AckEvent& event, bool up);
  void drain();
  void move(const AckEvent& event, bool up);

  std::uint64_t max_datagram_size_ = 0;
  double window_ = 0;
  double delta_ = kDefaultDelta;
  double velocity_ = 1;
  SlidingMin standing_;
  SlidingMin min_rtt_;
  Duration max_rtt_{};  // of the last rounds
  Duration max_rtt_next_{};
  Duration smoothed_rtt_{};
  Timestamp last_sent_{};
  Timestamp round_start_ = Timestamp::min();
  double round_window_ = 0;
  std::uint32_t rounds_up_ = 0;
  std::uint32_t rounds_down_ = 0;
  std::uint32_t rounds_since_empty_ = 0;
  bool slow_start_ = true;
  bool competes_ = false;
  bool grew_ = true;
  Timestamp recovery_start_ = Timestamp::min();
};

}  // namespace hawser::quic
