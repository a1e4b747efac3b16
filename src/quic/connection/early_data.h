// early_data.h: what a connection keeps for 0-RTT while its handshake runs: a client the limits of
// the last visit, a server whom to ask about tickets. Gone once the 0-RTT keys are.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "quic/wire/transport_parameters.h"

namespace hawser::quic {

class ReplayGuard;  // connection/replay_guard.h

// A server's terms, the same for all its connections.
struct EarlyDataTerms {
  ReplayGuard* guard = nullptr;              // not owned
  TransportParameters limits;                // what we give now: tickets that promised more are refused
  std::vector<std::uint8_t> application;     // the application's terms; of then and of now must be equal
  std::vector<std::uint8_t> ticket_context;  // both, as tickets carry them
};

// Fills in `ticket_context`. `random` is for the order of the encoded parameters.
void seal_terms(EarlyDataTerms& terms, Random& random);

// Whether a ticket with this context permits 0-RTT now; else why not, in a few words.
std::optional<std::string_view> why_not_early_data(Bytes ticket_context, const EarlyDataTerms& terms);

struct EarlyData {
  const EarlyDataTerms* terms = nullptr;      // server
  Version version = Version::kV1;             // of 0-RTT packets, whatever the handshake agrees on
  TransportParameters remembered;             // client
  std::optional<TransportParameters> answer;  // client: the server's, until its word on 0-RTT is known
  std::uint64_t packets_end = 0;              // client: one above the last 0-RTT packet's number
  bool rejected = false;                      // client: they were never processed
  Timestamp discard_at = kNever;              // server: when the keys go
};

}  // namespace hawser::quic
