// careful_resume.h: Careful Resume (RFC 9959): a controller around another one that, once the path looks
// like the one that is remembered, jumps to half of the window it had, and takes that back if it was
// too much:
//
//   Reconnaissance --> Unvalidated --> Validating --> over
//        |                 |   |           |           ^
//        |                 |   +-----------+--> Safe Retreat
//        +-----------------+---------------------------+
//
// The controller inside is told of everything all the time. When it is over() whoever owns this object
// takes the controller out with release(): from then on nothing of this costs anything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "events/event_types.h"
#include "quic/congestion/congestion_controller.h"
#include "quic/congestion/saved_path.h"

namespace hawser::quic {

// One step from phase to phase, in octets.
struct CarefulResumeStep {
  CarefulResumePhase old_phase = CarefulResumePhase::kReconnaissance;
  CarefulResumePhase new_phase = CarefulResumePhase::kReconnaissance;
  CarefulResumeTrigger trigger = CarefulResumeTrigger::kNone;
  std::uint64_t pipe_size = 0;
  std::uint64_t congestion_window = 0;
  std::uint64_t ssthresh = UINT64_MAX;  // UINT64_MAX: not set
};

// Who decides about the jump and hears of it. Must not call back.
class CarefulResumeObserver {
 public:
  virtual ~CarefulResumeObserver() = default;
  // The path is as it was and the window is full. kNone: go ahead, and nobody else may use these
  // parameters from now on. Otherwise why they must not be used.
  virtual CarefulResumeTrigger claim(Timestamp now) = 0;
  virtual void on_step(const CarefulResumeStep& step) = 0;
};

class CarefulResume final : public CongestionController {
 public:
  // Section 4.2.1: beyond these factors of saved_rtt it is another path.
  static constexpr int kRttShrinkMax = 2;
  static constexpr int kRttGrowthMax = 10;

  // `observer` is not owned and outlives this object. `max_jump`, `max_datagram_size`: octets.
  CarefulResume(std::unique_ptr<CongestionController> inner, const SavedPath& saved, std::uint64_t max_jump,
                std::uint64_t max_datagram_size, CarefulResumeObserver& observer);

  void on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) override;
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  void on_packet_lost(const LostSample& packet) override { inner_->on_packet_lost(packet); }
  void on_ecn_ce(std::uint64_t ce_count, Timestamp sent_time, Timestamp now) override;
  void on_spurious_loss(Timestamp now) override { inner_->on_spurious_loss(now); }
  void on_packets_discarded(std::uint64_t bytes) override;
  void on_mtu_change(std::uint64_t max_datagram_size) override;
  void adopt(const PathKnowledge& known) override { inner_->adopt(known); }
  void reset(std::uint64_t max_datagram_size) override;

  [[nodiscard]] std::uint64_t congestion_window() const override;
  [[nodiscard]] std::optional<std::uint64_t> pacing_rate() const override;
  // A jump must not begin with a burst larger than the initial window (section 4.5).
  [[nodiscard]] bool paces_smoothly() const override {
    return phase_ == CarefulResumePhase::kUnvalidated || inner_->paces_smoothly();
  }
  [[nodiscard]] Timestamp recovery_start_time() const override { return inner_->recovery_start_time(); }
  [[nodiscard]] CongestionSnapshot snapshot() const override;
  [[nodiscard]] std::string_view name() const override { return inner_->name(); }
  [[nodiscard]] CoupledController* coupled() override { return inner_->coupled(); }
  [[nodiscard]] Ecn ecn_codepoint() const override { return inner_->ecn_codepoint(); }
  [[nodiscard]] std::size_t memory() const override { return sizeof(CarefulResume) + inner_->memory(); }

  [[nodiscard]] CarefulResumePhase phase() const { return phase_; }
  [[nodiscard]] bool over() const { return phase_ == CarefulResumePhase::kNormal; }
  // Ends it now, wherever it stands, as section 3.3 asks when the path is known to have changed.
  void give_up(Timestamp now);
  // The controller inside; this object is good for nothing after it.
  std::unique_ptr<CongestionController> release() { return std::move(inner_); }

 private:
  void in_reconnaissance(const AckEvent& event);
  void in_unvalidated(const AckEvent& event);
  void jump(const AckEvent& event);
  void end_unvalidated(CarefulResumeTrigger why, std::uint64_t bytes_in_flight, Timestamp now);
  void on_congestion(CarefulResumeTrigger why);
  void leave_retreat(CarefulResumeTrigger why, Timestamp now);
  void enter(CarefulResumePhase phase, CarefulResumeTrigger why);
  [[nodiscard]] bool still_growing() const;
  [[nodiscard]] bool all_settled(const AckEvent& event) const;
  [[nodiscard]] std::uint64_t jump_rate() const;
  // PipeSize: what the path has proven to carry.
  [[nodiscard]] std::uint64_t pipe_size() const;

  std::unique_ptr<CongestionController> inner_;
  CarefulResumeObserver& observer_;
  std::uint64_t jump_;  // jump_cwnd, octets
  Duration saved_rtt_;
  std::uint64_t max_datagram_size_;
  std::uint64_t first_window_;  // the initial window of this connection, before its datagrams grew
  CarefulResumePhase phase_ = CarefulResumePhase::kReconnaissance;
  Duration smoothed_rtt_{0};
  Duration min_rtt_{0};
  bool window_filled_ = false;
  std::uint64_t acked_ = 0;  // octets, in this connection, and from the jump on since the jump

  // Since the jump.
  Timestamp jumped_at_{};
  Duration jump_rtt_{0};
  std::uint64_t flight_at_jump_ = 0;    // octets in flight then
  std::uint64_t gone_ = 0;              // octets that left the flight, acknowledged or not
  std::uint64_t unvalidated_sent_ = 0;  // octets
  Timestamp last_unvalidated_{};        // when the last of them was sent
  std::uint64_t retreat_window_ = 0;
};

}  // namespace hawser::quic
