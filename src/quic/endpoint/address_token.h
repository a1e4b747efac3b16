// address_token.h: what a server writes into Retry and NEW_TOKEN tokens, so that it need
// remember nothing itself (RFC 9000 sections 8.1.2 and 8.1.3).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.h"
#include "base/random.h"
#include "base/time.h"
#include "quic/congestion/saved_path.h"
#include "quic/crypto/token_sealer.h"
#include "quic/wire/types.h"

namespace hawser::quic {

class AddressTokens {
 public:
  // A Retry token serves the handshake at hand; a NEW_TOKEN token the next visits.
  static constexpr Duration kRetryLifetime = 10s;
  static constexpr Duration kNewTokenLifetime = 24h;
  // Between the clocks of servers that accept each other's tokens.
  static constexpr Duration kClockSkewMax = 5s;

  // `secret`: 32 octets, shared by servers that accept each other's tokens. `epoch`: when the driver's Timestamps
  // begin, by a clock that these servers share too.
  explicit AddressTokens(Bytes secret, Duration epoch = Duration{0}) : sealer_(secret), epoch_(epoch) {}

  // All are bound to the QUIC version as well (RFC 9369 section 5).
  // Bound to the client's address and port, and to both connection IDs.
  std::vector<std::uint8_t> make_retry(const SocketAddress& client, Version version, const ConnectionId& original_dcid,
                                       const ConnectionId& retry_scid, Timestamp now, Random& random) const;
  // Bound to the client's address only: its port changes from visit to visit. `saved`: what Careful Resume
  // shall know of the path when the client comes again, or nothing.
  std::vector<std::uint8_t> make_new_token(const SocketAddress& client, Version version, Timestamp now, Random& random,
                                           const std::optional<SavedPath>& saved = std::nullopt) const;

  struct Verdict {
    bool is_retry = false;
    ConnectionId original_dcid;      // Retry only
    std::optional<SavedPath> saved;  // NEW_TOKEN only
  };
  // What a valid token proves; nothing for one that is not ours, expired, or of another
  // address. `dcid` is the Destination Connection ID of the packet with the token.
  std::optional<Verdict> check(Bytes token, const SocketAddress& client, Version version, const ConnectionId& dcid,
                               Timestamp now) const;
  // By its first octet: an invalid Retry token is an error, another is merely useless.
  static bool looks_like_retry(Bytes token) {
    return !token.empty() && token[0] == static_cast<std::uint8_t>(TokenKind::kRetry);
  }

 private:
  [[nodiscard]] std::int64_t time_ms(Timestamp now) const { return to_ms(epoch_ + now.time_since_epoch()); }

  TokenSealer sealer_;
  Duration epoch_;
};

}  // namespace hawser::quic
