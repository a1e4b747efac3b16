// datagrams.h: how an application sends DATAGRAM frames (RFC 9221) and learns what became of them. Part
// of the public face.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "quic/fec/flow_fec.h"

namespace hawser::quic {

// The max_datagram_frame_size of most uses (RFC 9221 section 3). It says that whatever fits into a packet
// is taken.
// rfc9221:3-65535
inline constexpr std::uint64_t kAnyDatagramFrame = 65'535;

// A flow: datagrams that share a queue, an urgency and a fate when there is no room. The application
// chooses the numbers; flow 0 is always there.
using DatagramFlowId = std::uint64_t;

// What gives way when a datagram finds no room in its flow's queue, or in the connection's.
enum class DatagramDrop : std::uint8_t {
  kOldest,          // the flow's oldest: what is late is worth least (speech, video, games)
  kNewest,          // the one that comes: send_datagram() says kQueueFull (tunnels, which have a queue of their own)
  kLowestPriority,  // the oldest of the connection's least urgent flow, if that is no more urgent than its own
};

// What became of a datagram, in the order in which it can happen.
enum class DatagramFate : std::uint8_t {
  kSent,          // it left in a packet
  kAcknowledged,  // the peer's transport has it; it may follow kLost, if the loss was declared too early
  kLost,          // its packet is believed lost; it is never sent again
  kExpired,       // its lifetime ended before it could be sent
  kDropped,       // it had to make room, became too large for the path, or its flow was closed
};

// Bits of DatagramFlow::reports.
constexpr std::uint8_t report_of(DatagramFate fate) {
  return static_cast<std::uint8_t>(1u << static_cast<std::uint8_t>(fate));
}
inline constexpr std::uint8_t kReportAll = 0x1f;

// How a flow's datagrams wait.
struct DatagramFlow {
  // RFC 9218: 0 (most urgent) to 7; the least of what is given and 7. More urgent datagrams go before less
  // urgent streams and the reverse; of one urgency flows take turns with each other, one datagram each, and
  // with streams, one packet each.
  std::uint8_t urgency = 3;
  DatagramDrop drop = DatagramDrop::kOldest;
  std::uint8_t reports = 0;  // which fates on_datagram_reports tells
  // From send_datagram() on; what is older is dropped unsent. 0: as long as it takes.
  Duration lifetime{0};
  // What may wait: datagrams (at least 1) and octets of payload.
  std::size_t queue_max = 256;
  std::size_t queue_octets_max = std::size_t{512} << 10;
  // Whether forward error correction protects its datagrams, where the connection has it (docs/fec.md).
  FlowFec fec = FlowFec::kByUrgency;
  // It does no harm if they arrive more than once, since they have a number (quic/datagrams/datagram_order.h), say:
  // where the scheduler of paths names several, as `redundant` does, each goes on all of them. A copy has no report.
  bool copies = false;
};

struct SendDatagramOptions {
  DatagramFlowId flow = 0;
  std::uint64_t id = 0;              // the application's name for it in reports; need not be unique
  std::optional<Duration> lifetime;  // in place of the flow's; 0: as long as it takes
};

// Why a datagram, or a flow, was not taken.
enum class DatagramError : std::uint8_t {
  kUnsupported,  // the peer takes none, or has not yet said that it does
  kTooLarge,     // larger than max_datagram_payload()
  kQueueFull,    // no room: wait for on_datagrams_writable
  kNoSuchFlow,   // set_datagram_flow() was not called for it
  kTooManyFlows,
  kClosed,  // the connection is closing
};

struct DatagramReport {
  DatagramFlowId flow = 0;
  std::uint64_t id = 0;    // as given to send_datagram()
  std::uint32_t size = 0;  // octets of payload
  DatagramFate fate = DatagramFate::kSent;
  bool operator==(const DatagramReport&) const = default;
};

// Counters since the flow or the connection began; octets are of payloads.
struct DatagramStats {
  std::uint64_t queued = 0;  // taken by send_datagram()
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t lost = 0;  // believed lost; some of them may be acknowledged later
  std::uint64_t expired = 0;
  std::uint64_t dropped = 0;
  std::uint64_t refused = 0;  // by send_datagram(), for want of room
  std::uint64_t octets_sent = 0;
  std::uint64_t received = 0;  // of the whole connection only, as the next
  std::uint64_t octets_received = 0;
  std::uint64_t waiting = 0;  // now
  std::uint64_t octets_waiting = 0;
};

}  // namespace hawser::quic
