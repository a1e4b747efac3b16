// window_check.h: nothing is sent above the congestion window but what may be.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "events/event_sink.h"
#include "quic/connection/connection.h"
#include "sim/application.h"

namespace hawser::sim {

// What a sender has under way, before the packet in question.
struct Flight {
  std::uint64_t bytes_in_flight = 0;
  std::uint64_t congestion_window = 0;
  bool space_elicits = false;  // an ack-eliciting packet of the packet's space is in flight
  bool coalesced = false;      // the packet may share the datagram of the one before
};

// Empty, or why the packet may not go (RFC 9002 section 7): the window was full before its datagram. Free are probes
// after a PTO, what elicits no acknowledgement, PATH_CHALLENGE and PATH_RESPONSE, the PING that goes with the last of
// many ACKs (RFC 9000 section 13.2.4), and a handshake of which nothing else is under way.
std::string window_violation(const PacketSent& packet, const Flight& flight);

// Asks that of every packet of the connections it watches.
class WindowCheck final : public EventSink {
 public:
  explicit WindowCheck(Verdict& verdict)
      : EventSink(event_bit(EventGroup::kConnection) | event_bit(EventGroup::kPackets)), verdict_(verdict) {}

  // Until it is closed.
  void watch(const quic::Connection& connection);

  using EventSink::on_event;
  void on_event(const EventContext& context, const PacketSent& event) override;
  void on_event(const EventContext& context, const ConnectionClosed& event) override;

 private:
  struct Watched {
    const quic::Connection* connection = nullptr;
    Timestamp long_header_at = kNever;  // when the last packet went, if it had a long header
  };

  Verdict& verdict_;
  std::map<std::pair<std::uint64_t, Vantage>, Watched> watched_;
};

}  // namespace hawser::sim
