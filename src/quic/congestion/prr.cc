// prr.cc: RFC 9937 section 6.2, in octets.
#include "quic/congestion/prr.h"

#include <algorithm>

namespace hawser::quic {

void Prr::enter(const LossEvent& event, std::uint64_t ssthresh, std::uint64_t max_datagram_size) {
  active_ = event.bytes_in_flight_before != 0;
  ssthresh_ = ssthresh;
  recover_flight_ = event.bytes_in_flight_before;
  delivered_ = sent_ = 0;
  entered_ = event.now;
  lost_ = true;
  // The retransmission that begins recovery.
  window_ = event.bytes_in_flight_after + max_datagram_size;
}

void Prr::on_ack(const AckEvent& event, std::uint64_t max_datagram_size) {
  const bool safe = !lost_;
  lost_ = false;
  if (!active_ || event.acked_bytes == 0) return;
  // RecoverFS counts what the acknowledgement that began recovery delivered.
  if (event.now == entered_) recover_flight_ = std::max(recover_flight_, event.bytes_in_flight_before);
  delivered_ += event.acked_bytes;
  const std::uint64_t in_flight = event.bytes_in_flight_after;
  const auto left = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; };
  std::uint64_t send = 0;
  if (in_flight > ssthresh_) {
    const double share = static_cast<double>(ssthresh_) / static_cast<double>(recover_flight_);
    send = left(static_cast<std::uint64_t>(static_cast<double>(delivered_) * share) + 1, sent_);
  } else {
    send = std::max(left(delivered_, sent_), event.acked_bytes);
    if (safe) send += max_datagram_size;
    send = std::min(send, ssthresh_ - in_flight);
  }
  if (sent_ == 0) send = std::max(send, max_datagram_size);
  window_ = in_flight + send;
}

}  // namespace hawser::quic
