// remembered_parameters.h: what of a server's transport parameters a client may go by in 0-RTT
// packets of a later connection (RFC 9000 section 7.4.1).
#pragma once

#include "quic/wire/transport_parameters.h"

namespace hawser::quic {

// The server's parameters of then without those that no connection may take over from another:
// connection IDs, tokens and addresses, acknowledgement delays, and extensions that say so of
// themselves (multipath, ACK frequency, forward error correction). Whether the server reduced them since:
// permits_zero_rtt().
TransportParameters remembered_parameters(const TransportParameters& of_then);

}  // namespace hawser::quic
