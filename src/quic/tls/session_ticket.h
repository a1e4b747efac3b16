// session_ticket.h: the octets of a session ticket as kept by a client between connections:
// a version, flags, ALPN, the name its certificate was checked for, the group of the key exchange, the server's
// transport parameters, OpenSSL's session in DER.
// Private to this folder; reading is parse_session_ticket() of tls_context.h.
#pragma once

#include <cstdint>
#include <vector>

#include "quic/tls/tls_context.h"

namespace hawser::quic {

// Transport parameters longer than this are not remembered with a ticket: no ticket is made.
inline constexpr std::size_t kMaxRememberedParameters = 4'096;

// Empty if the parts do not fit the format.
std::vector<std::uint8_t> serialize_session_ticket(const SessionTicketView& ticket);

}  // namespace hawser::quic
