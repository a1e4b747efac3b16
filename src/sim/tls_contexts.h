// tls_contexts.h: certificates and policy of simulated endpoints: the same for every run of a
// process, and made of a seed of their own, so that runs of different processes agree.
#pragma once

#include <optional>
#include <string_view>

#include "quic/tls/tls_context.h"

namespace hawser::sim {

inline constexpr std::string_view kSimAlpn = "hawser-sim";
inline constexpr std::string_view kSimServerName = "localhost";

struct TlsContexts {
  std::optional<quic::TlsServerContext> server;
  std::optional<quic::TlsClientContext> client;
  std::optional<quic::TlsClientContext> classic_client;  // X25519 only
};

// Made at the first call, which must come before a DeterministicTlsRandom exists.
TlsContexts& tls_contexts();

}  // namespace hawser::sim
