// window_check.cc: what a packet says decides whether the window is asked.
#include "sim/window_check.h"

#include "quic/connection/core.h"

namespace hawser::sim {
namespace {

// The kinds of frames in a packet, as far as the window is concerned.
struct Content {
  bool ack = false;
  bool ping = false;
  bool other = false;  // anything that waits for the window
};

Content content_of(const PacketSent& packet) {
  Content content;
  for (const FrameSummary& frame : packet.frames) {
    switch (frame.type) {
      case 0x00:      // PADDING
      case 0x1a:      // PATH_CHALLENGE
      case 0x1b:      // PATH_RESPONSE
      case 0x9f81a6:  // OBSERVED_ADDRESS, which goes with these
      case 0x9f81a7:
      case 0x3afec702:  // FEC_RECOVERED, which goes with acknowledgements
      case 0x1c:        // CONNECTION_CLOSE
      case 0x1d:
        break;
      case 0x01:
        content.ping = true;
        break;
      case 0x02:
      case 0x03:
      case 0x3e:  // PATH_ACK
      case 0x3f:
        content.ack = true;
        break;
      default:
        content.other = true;
    }
  }
  return content;
}

quic::PacketNumberSpace space_of(LoggedPacketType type) {
  if (type == LoggedPacketType::kInitial) return quic::PacketNumberSpace::kInitial;
  return type == LoggedPacketType::kHandshake ? quic::PacketNumberSpace::kHandshake
                                              : quic::PacketNumberSpace::kApplication;
}

quic::ConnectionCore& core_of(const quic::Connection& connection) {
  // const on the face only: nouns are read.
  return const_cast<quic::Connection&>(connection).core();
}

}  // namespace

// rfc9002:7-window
std::string window_violation(const PacketSent& packet, const Flight& flight) {
  const Content content = content_of(packet);
  if (packet.trigger == PacketSentTrigger::kPtoProbe) return {};
  if (!content.other && (!content.ping || content.ack)) return {};
  const bool handshake =
      packet.packet_type == LoggedPacketType::kInitial || packet.packet_type == LoggedPacketType::kHandshake;
  if (handshake && !flight.space_elicits) return {};
  // The window is asked once for a datagram; no datagram of a handshake is longer.
  constexpr std::uint64_t kDatagram = 1'500;
  if (flight.bytes_in_flight < flight.congestion_window + (flight.coalesced ? kDatagram : 0)) return {};
  return std::to_string(packet.size) + " octets are sent with " + std::to_string(flight.bytes_in_flight) +
         " in flight, the window is " + std::to_string(flight.congestion_window);
}

void WindowCheck::watch(const quic::Connection& connection) {
  const EventContext& context = core_of(connection).events().context();
  watched_[{context.connection, context.vantage}] = {.connection = &connection};
}

void WindowCheck::on_event(const EventContext& context, const ConnectionClosed&) {
  watched_.erase({context.connection, context.vantage});
}

void WindowCheck::on_event(const EventContext& context, const PacketSent& event) {
  const auto found = watched_.find({context.connection, context.vantage});
  if (found == watched_.end() || !event.packet_number) return;
  Watched& watched = found->second;
  const quic::LossDetector& loss = core_of(*watched.connection).path().loss();
  const std::string what =
      window_violation(event, {.bytes_in_flight = loss.bytes_in_flight(),
                               .congestion_window = loss.controller().congestion_window(),
                               .space_elicits = loss.ack_eliciting_in_flight(space_of(event.packet_type)),
                               .coalesced = watched.long_header_at == context.now});
  watched.long_header_at = event.packet_type == LoggedPacketType::kOneRtt ? kNever : context.now;
  if (what.empty()) return;
  verdict_.fail("window of " + std::string{qlog_name(context.vantage)} + " connection " +
                std::to_string(context.connection) + ": packet " + std::to_string(*event.packet_number) + ", " + what);
}

}  // namespace hawser::sim
