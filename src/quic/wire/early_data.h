// early_data.h: what became of a client's offer to send 0-RTT packets (RFC 9001 section 4.6).
// Part of the public face of a connection.
#pragma once

#include <cstdint>

namespace hawser::quic {

enum class EarlyDataStatus : std::uint8_t {
  kNotOffered,
  kOffered,  // the client offered 0-RTT; the server's word is outstanding
  kAccepted,
  kRejected,
};

}  // namespace hawser::quic
