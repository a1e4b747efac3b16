// westwood.h: Westwood+ (Mascolo and others, 2001; Grieco and Mascolo, 2004): Reno whose window after a
// loss is what the path was seen to deliver in its smallest RTT, so that a loss without congestion costs
// nothing that the path holds.
#pragma once

#include "quic/congestion/newreno.h"

namespace hawser::quic {

class Westwood final : public NewReno {
 public:
  // A sample once a round trip, or 50 ms if that is longer: shorter ones measure bunches of ACKs.
  static constexpr Duration kMinInterval = 50ms;

  explicit Westwood(std::uint64_t max_datagram_size) : NewReno(max_datagram_size) {}

  void on_ack(const AckEvent& event) override;
  void reset(std::uint64_t max_datagram_size) override;
  [[nodiscard]] std::string_view name() const override { return "westwood"; }
  [[nodiscard]] std::size_t memory() const override { return sizeof(Westwood); }
  // Octets per second; 0: no sample yet.
  [[nodiscard]] double bandwidth() const { return bandwidth_; }

 protected:
  [[nodiscard]] std::uint64_t reduced_window() const override;

 private:
  void measure(const AckEvent& event);
  [[nodiscard]] bool in_slow_start() const;

  double bandwidth_ = 0;
  double coarse_ = 0;  // after the first of two low-pass filters
  std::uint64_t acked_ = 0;
  Timestamp interval_start_ = kNever;
  Duration min_rtt_{};
};

}  // namespace hawser::quic
