// cid_steering.h: where a QUIC datagram says which worker it is for. An endpoint begins each
// of its connection IDs with a number that leaves the worker's index when it is divided by
// the count of workers (quic/connection/cid_generator.h). A client that has none of them yet
// sends a random one, and goes on with it until it is answered: so that the same rule spreads
// new connections over the workers, and finds the worker of each of their packets.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "net/steering.h"

namespace hawser::runtime {

// RFC 9000 section 17.3: the Destination Connection ID follows the first octet of a short
// header. Section 17.2: in a long header there are a version of four octets and the length
// of the ID between them.
inline constexpr std::size_t kShortHeaderDcid = 1;
inline constexpr std::size_t kLongHeaderDcid = 1 + 4 + 1;
inline constexpr net::SteeringRule kCidSteering{.offset_if_clear = kShortHeaderDcid, .offset_if_set = kLongHeaderDcid};

// Whether the ID is certainly one that an endpoint here issued. Initial and 0-RTT packets may
// have the client's random one; of those with a long header, Handshake packets never do.
constexpr bool carries_issued_cid(Bytes datagram) {
  constexpr std::uint8_t kFormAndType = 0xb0;
  constexpr std::uint8_t kHandshake = 0xa0;
  const bool is_short = !datagram.empty() && (datagram[0] & 0x80) == 0;
  return is_short || (!datagram.empty() && (datagram[0] & kFormAndType) == kHandshake);
}

}  // namespace hawser::runtime
