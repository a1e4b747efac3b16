// prr.h: Proportional Rate Reduction (RFC 9937): in recovery the flight comes down from what it was to
// ssthresh packet by packet, as data is delivered, in place of a pause of half a round trip.
#pragma once

#include <cstdint>

#include "quic/congestion/congestion_controller.h"

namespace hawser::quic {

class Prr {
 public:
  // A loss begins a congestion event, whose reduction is to `ssthresh` octets.
  void enter(const LossEvent& event, std::uint64_t ssthresh, std::uint64_t max_datagram_size);
  // More was lost in the same event: no acknowledgement that says so is safe.
  void on_more_loss() { lost_ = true; }
  void leave() { active_ = false; }
  void on_packet_sent(std::uint64_t bytes) { sent_ += active_ ? bytes : 0; }
  void on_ack(const AckEvent& event, std::uint64_t max_datagram_size);

  [[nodiscard]] bool active() const { return active_; }
  // What may be in flight until the next acknowledgement.
  [[nodiscard]] std::uint64_t window() const { return window_; }

 private:
  std::uint64_t window_ = 0;
  std::uint64_t ssthresh_ = 0;
  std::uint64_t recover_flight_ = 0;  // RecoverFS: in flight when recovery began, with what was lost
  std::uint64_t delivered_ = 0;       // since then
  std::uint64_t sent_ = 0;
  Timestamp entered_{};
  bool lost_ = false;  // since the last acknowledgement
  bool active_ = false;
};

}  // namespace hawser::quic
