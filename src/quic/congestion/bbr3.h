// bbr3.h: BBR version 3 (draft-ietf-ccwg-bbr-06): paces at the bandwidth that the path was seen to
// deliver, probes for more every few seconds, and keeps in flight what loss says it can hold.
//
// Version 2 is the same machine with other constants and another end of the probe (bbr2.h). One thing
// is not in the draft: loss that comes without a queue is learnt as noise and not taken for congestion
// (random_loss.h). And two flows of it must come to even shares, so that each lets a queue that stands drain before it
// probes (kQueueMargin, kQueuePatience).
#pragma once

#include "quic/congestion/bbr_model.h"
#include "quic/congestion/congestion_controller.h"
#include "quic/congestion/random_loss.h"

namespace hawser::quic {

// Where versions 2 and 3 differ.
struct BbrRules {
  std::string_view name;
  double startup_gain;
  double startup_window_gain;  // the least that lets the rate double in a round is 2
  double drain_gain;
  double down_gain;
  double up_window_gain;
  std::uint32_t startup_loss_runs;  // runs of lost packets in a round that end Startup
  // The probe ends when this many BDPs are in flight; 0: when the bandwidth grows no more.
  double up_inflight_gain;
};

class Bbr3 : public CongestionController {
 public:
  static constexpr BbrRules kRules{.name = "bbr",
                                   .startup_gain = 2.77,
                                   .startup_window_gain = 2.0,
                                   .drain_gain = 0.5,
                                   .down_gain = 0.90,
                                   .up_window_gain = 2.25,
                                   .startup_loss_runs = 6,
                                   .up_inflight_gain = 0};

  static constexpr double kUpGain = 1.25;
  static constexpr double kWindowGain = 2.0;
  static constexpr int kStartupQueueDivisor = 4;  // a round trip longer by this part of the shortest is a queue
  static constexpr double kLossThreshold = 0.02;
  static constexpr double kBeta = 0.7;
  static constexpr double kHeadroom = 0.15;
  static constexpr double kProbeRttWindowGain = 0.5;
  static constexpr Duration kProbeRttInterval = 5s;
  static constexpr Duration kProbeRttDuration = 200ms;
  static constexpr Duration kProbeWait = 2s;  // up to a second more, at random
  static constexpr std::uint64_t kRenoRounds = 63;
  // While a round has seen nothing but a queue, this is how fast it cruises. The largest rates that several flows have
  // seen add up to more than there is: without a margin above what they overestimate by, 1 to 2 %, the queue is full
  // before the next of them probes, which then overflows it and lowers everybody by the same part.
  static constexpr double kQueueMargin = 0.97;
  // And where that queue is a quarter of the smallest RTT or more, a probe waits so many times as long: somebody else
  // is probing, and of two probes at once neither learns what it could take from the other.
  static constexpr double kQueuePatience = 1.5;
  // A probe that its window limits goes on for so many rounds behind a long queue, in which the window grew by 255
  // datagrams. Beyond that it learns no more of the bandwidth, and each round trip lasts twice as long.
  static constexpr std::uint32_t kRoundsBehindQueue = 8;
  static constexpr std::uint8_t kQueuedRounds = 2;   // the first may still tell of the phase before
  static constexpr std::uint64_t kFilterCycles = 1;  // the cycle before this one: two in all

  explicit Bbr3(std::uint64_t max_datagram_size) : Bbr3(max_datagram_size, kRules) {}

  void on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) override;
  void on_ack(const AckEvent& event) override;
  void on_packet_lost(const LostSample& packet) override;
  void on_loss(const LossEvent& event) override;
  // Not marked, so that nothing is to be answered: the draft leaves ECN open.
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
  [[nodiscard]] std::string_view name() const override { return rules_->name; }
  [[nodiscard]] Ecn ecn_codepoint() const override { return Ecn::kNotEct; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(Bbr3); }

  // What the filters hold, for tests: octets per second and octets.
  [[nodiscard]] std::uint64_t max_bandwidth() const { return model_.max_bandwidth(); }
  [[nodiscard]] std::uint64_t inflight_longterm() const { return inflight_longterm_; }
  [[nodiscard]] double noise() const { return random_loss_.noise(); }

 protected:
  Bbr3(std::uint64_t max_datagram_size, const BbrRules& rules) : rules_(&rules) { reset(max_datagram_size); }

 private:
  enum class State : std::uint8_t { kStartup, kDrain, kDown, kCruise, kRefill, kUp, kProbeRtt };
  // Which part of a probe the acknowledgements that come in speak of.
  enum class AckPhase : std::uint8_t { kInit, kRefilling, kProbeStarting, kProbeFeedback, kProbeStopping };
  static constexpr std::uint64_t kUnlimited = UINT64_MAX;

  // --- Measurement: bbr3.cc ---
  void update_latest_delivery(const AckEvent& event);
  void update_congestion_signals(const AckEvent& event);
  void adapt_lower_bounds();
  void doubt_bandwidth(const AckEvent& event);
  // True: it has begun another probe.
  bool adapt_long_term(const AckEvent& event);
  void probe_long_term_upward(const AckEvent& event);
  void raise_long_term_slope();
  [[nodiscard]] bool inflight_too_high(std::uint64_t lost, std::uint64_t in_flight) const;
  void on_inflight_too_high(std::uint64_t in_flight, bool limited, Timestamp now);
  void reset_congestion_signals();
  void reset_lower_bounds();

  // --- States: bbr3_states.cc ---
  void check_startup_done(const AckEvent& event);
  void check_drain_done(const AckEvent& event);
  void update_probe_phase(const AckEvent& event);
  void check_probe_rtt(const AckEvent& event, bool expired);
  void hold_probe_rtt(const AckEvent& event);
  void leave_probe_rtt(Timestamp now);
  void enter_down(Timestamp now);
  void enter_refill();
  void enter_up(std::uint64_t delivery_rate, Timestamp now);
  void save_for_undo();
  bool start_probe_if_due(Timestamp now);
  [[nodiscard]] bool time_to_cruise(std::uint64_t in_flight) const;
  [[nodiscard]] bool time_to_go_down(const AckEvent& event);
  [[nodiscard]] bool probes_bandwidth() const {
    return state_ == State::kStartup || state_ == State::kRefill || state_ == State::kUp;
  }
  [[nodiscard]] bool in_probe_bw() const { return state_ >= State::kDown && state_ <= State::kUp; }
  std::uint64_t draw(std::uint64_t below, Timestamp now);

  // --- Control: bbr3_control.cc ---
  [[nodiscard]] double pacing_gain() const;
  [[nodiscard]] double window_gain() const;
  [[nodiscard]] std::uint64_t bandwidth() const;
  [[nodiscard]] std::uint64_t bdp(double gain) const { return model_.bdp(bandwidth(), gain); }
  [[nodiscard]] std::uint64_t inflight(double gain) const;
  [[nodiscard]] std::uint64_t target_inflight() const;
  [[nodiscard]] std::uint64_t inflight_with_headroom() const;
  [[nodiscard]] std::uint64_t probe_rtt_window() const;
  [[nodiscard]] bool sees_startup_queue(const AckEvent& event) const;
  void set_pacing_rate();
  void set_window(const AckEvent& event);
  void bound_window();
  void save_window();

  const BbrRules* rules_;
  BbrModel model_;
  RandomLoss random_loss_;
  State state_ = State::kStartup;
  AckPhase ack_phase_ = AckPhase::kInit;

  std::uint64_t window_ = 0;
  std::uint64_t prior_window_ = 0;  // before ProbeRTT or a timeout
  std::uint64_t pacing_rate_ = 0;
  Timestamp recovery_start_ = Timestamp::min();

  // Bounds: what loss in the last rounds, and what loss in the last probes, left over.
  std::uint64_t bandwidth_shortterm_ = kUnlimited;
  std::uint64_t inflight_shortterm_ = kUnlimited;
  std::uint64_t inflight_longterm_ = kUnlimited;

  // The round of losses under way.
  std::uint64_t bandwidth_latest_ = 0;
  std::uint64_t inflight_latest_ = 0;
  std::uint64_t loss_round_delivered_ = 0;
  std::uint32_t loss_runs_ = 0;
  std::uint64_t next_of_run_ = 0;  // the packet number that would continue the run of losses
  bool loss_round_started_ = false;
  bool loss_in_round_ = false;
  bool round_congested_ = false;
  bool probe_samples_ = false;  // losses now would be the probe's doing
  bool window_limited_ = false;
  std::uint8_t queued_rounds_ = 0;
  bool probe_too_high_ = false;  // the last probe met more loss than it may
  bool probe_cautious_ = false;  // it ended where the one before had met loss
  bool startup_queued_ = false;  // its last round saw nothing but a long queue

  // The cycle of probes.
  std::uint64_t cycle_ = 0;
  Timestamp cycle_start_{};
  Duration probe_wait_{};
  std::uint64_t rounds_since_probe_ = 0;
  std::uint32_t probe_up_rounds_ = 0;
  std::uint64_t probe_up_bytes_ = kUnlimited;  // acknowledged octets for each datagram of growth
  std::uint64_t probe_up_acked_ = 0;
  std::uint64_t random_ = 0;

  // ProbeRTT.
  Timestamp probe_rtt_done_at_ = kNever;  // kNever: the flight has not come down yet
  bool probe_rtt_round_done_ = false;
  bool idle_restart_ = false;

  // What a loss replaced that may turn out to be spurious: as it was before the first lost packet of a batch that
  // begins a recovery.
  struct Undo {
    State state = State::kStartup;
    std::uint64_t bandwidth_shortterm = kUnlimited;
    std::uint64_t inflight_shortterm = kUnlimited;
    std::uint64_t inflight_longterm = kUnlimited;
    bool of_this_batch = false;
    bool probe_ended = false;  // by the loss, and not since
  };
  Undo undo_;
};

}  // namespace hawser::quic
