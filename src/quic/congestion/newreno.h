// newreno.h: the controller of RFC 9002 section 7, with HyStart++ in initial slow start and PRR in recovery.
#pragma once

#include "quic/congestion/congestion_controller.h"
#include "quic/congestion/hystart.h"
#include "quic/congestion/prr.h"

namespace hawser::quic {

class NewReno : public CongestionController {
 public:
  explicit NewReno(std::uint64_t max_datagram_size) { reset(max_datagram_size); }

  void on_packet_sent(std::uint64_t bytes, std::uint64_t bytes_in_flight, Timestamp now) override;
  void on_ack(const AckEvent& event) override;
  void on_loss(const LossEvent& event) override;
  void on_ecn_ce(std::uint64_t ce_count, Timestamp sent_time, Timestamp now) override;
  void on_spurious_loss(Timestamp now) override;
  void on_packets_discarded(std::uint64_t) override {}
  void on_mtu_change(std::uint64_t max_datagram_size) override;
  void adopt(const PathKnowledge& known) override;
  void reset(std::uint64_t max_datagram_size) override;

  [[nodiscard]] std::uint64_t congestion_window() const override { return prr_.active() ? prr_.window() : window_; }
  [[nodiscard]] Timestamp recovery_start_time() const override { return recovery_start_; }
  [[nodiscard]] CongestionSnapshot snapshot() const override;
  [[nodiscard]] std::string_view name() const override { return "newreno"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(NewReno); }

 protected:
  // What a congestion event leaves of the window; no less than the minimum is kept.
  [[nodiscard]] virtual std::uint64_t reduced_window() const { return window_ / 2; }
  // What the window of congestion avoidance changes by for `acked` octets; no less than the minimum is kept.
  [[nodiscard]] virtual std::int64_t avoidance_growth(std::uint64_t acked);
  // Octets: the window outside of recovery, and the size of a datagram.
  [[nodiscard]] std::uint64_t window() const { return window_; }
  [[nodiscard]] std::uint64_t max_datagram_size() const { return max_datagram_size_; }

 private:
  // Half the window, once per round trip (section 7.3.2).
  bool on_congestion_event(Timestamp sent_time, Timestamp now);
  void leave_recovery() {
    in_recovery_ = false;
    prr_.leave();
  }

  // What the latest reduction by loss replaced, for undoing it.
  struct Undo {
    std::uint64_t window = 0;
    std::uint64_t ssthresh = 0;
    Timestamp recovery_start = Timestamp::min();
    HyStart hystart;
    bool valid = false;
  };

  std::uint64_t max_datagram_size_ = 0;
  std::uint64_t window_ = 0;
  std::uint64_t ssthresh_ = UINT64_MAX;
  std::uint64_t acked_since_growth_ = 0;  // octets acknowledged towards the next datagram of window
  Timestamp recovery_start_ = Timestamp::min();
  bool in_recovery_ = false;
  HyStart hystart_;
  Prr prr_;
  Undo undo_;
};

}  // namespace hawser::quic
