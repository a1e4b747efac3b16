// cubic.h: CUBIC (RFC 9438): grows the window along a cubic curve of the time since the last
// reduction, so that long fat paths fill as fast as short ones; HyStart++ in initial slow start.
#pragma once

#include "quic/congestion/congestion_controller.h"
#include "quic/congestion/hystart.h"
#include "quic/congestion/prr.h"

namespace hawser::quic {

class Cubic : public CongestionController {
 public:
  static constexpr double kC = 0.4;     // datagrams per cubic second, RFC 9438 section 5.1
  static constexpr double kBeta = 0.7;  // section 4.6
  // Section 4.3: makes W_est grow like Reno's average with this beta; 0.529.
  static constexpr double kAlpha = 3.0 * (1.0 - kBeta) / (1.0 + kBeta);

  explicit Cubic(std::uint64_t max_datagram_size) { reset(max_datagram_size); }

  void on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) override;
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  void on_ecn_ce(std::uint64_t ce_count, Timestamp sent_time, Timestamp now) override;
  void on_spurious_loss(Timestamp now) override;
  void on_packets_discarded(std::uint64_t) override {}
  void on_mtu_change(std::uint64_t max_datagram_size) override;
  void adopt(const PathKnowledge& known) override;
  void reset(std::uint64_t max_datagram_size) override;

  [[nodiscard]] std::uint64_t congestion_window() const override {
    return prr_.active() ? prr_.window() : state_.window;
  }
  [[nodiscard]] Timestamp recovery_start_time() const override { return state_.recovery_start; }
  [[nodiscard]] CongestionSnapshot snapshot() const override;
  [[nodiscard]] std::string_view name() const override { return "cubic"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(Cubic); }

 private:
  // Everything that a spurious reduction must restore.
  struct State {
    std::uint64_t window = 0;
    std::uint64_t ssthresh = UINT64_MAX;
    double w_max = 0;                // octets
    double k_seconds = 0;            // when the curve is back at w_max
    double w_est = 0;                // octets: what Reno would have
    double cwnd_prior = 0;           // octets: window before the latest reduction
    double growth = 0;               // a fraction of an octet not yet added to the window
    Timestamp epoch_start = kNever;  // kNever: the next growth begins an epoch
    Timestamp recovery_start = Timestamp::min();
    HyStart hystart;
  };

  void begin_epoch(Timestamp now);
  void grow_in_avoidance(const AckEvent& event);
  void note_app_limited(const AckEvent& event);
  // Something is sent where nothing was in flight.
  [[gnu::noinline]] void end_pause(Timestamp now);
  // The epoch begins later by the time since then, in which there was nothing to fill the window with.
  void leave_out_of_epoch(Timestamp since, Timestamp now);
  // W_cubic at `t` seconds into the epoch, in octets (section 4.2).
  [[nodiscard]] double w_cubic(double t) const;
  bool on_congestion_event(Timestamp sent_time, Timestamp now);
  void leave_recovery() {
    in_recovery_ = false;
    prr_.leave();
  }

  std::uint64_t max_datagram_size_ = 0;
  State state_;
  State undo_;
  bool undo_valid_ = false;
  bool in_recovery_ = false;
  // Since when the sender has not filled the window; kNever: it fills it.
  Timestamp app_limited_since_ = kNever;
  Timestamp last_acked_ = Timestamp::min();
  Prr prr_;
};

}  // namespace hawser::quic
