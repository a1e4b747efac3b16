// token_sealer.h: address validation tokens and stateless reset tokens, both derived from
// one secret that the servers of a site share. A token carries the server's own notes
// through the client, which can neither read nor change them (RFC 9000 section 8.1.4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "quic/crypto/hmac.h"
#include "quic/wire/types.h"

namespace hawser::quic {

// RFC 9000 section 8.1.1: a server can tell the two apart. The kind is the first octet.
enum class TokenKind : std::uint8_t { kRetry = 0, kNewToken = 1 };

inline constexpr std::size_t kTokenSecretLength = 32;

// Seals and opens tokens. Every token has a key of its own, derived from the secret and 16
// random octets, so that the number of tokens under one secret needs no limit.
class TokenSealer {
 public:
  static constexpr std::size_t kSaltLength = 16;
  static constexpr std::size_t kOverhead = 1 + kSaltLength + 16;  // kind, salt, tag
  // More notes than this are the caller's bug; longer tokens than this plus kOverhead were
  // not made here. Notes are an address, a time and two connection IDs: about 80 octets.
  static constexpr std::size_t kMaxPlaintext = 256;

  // secret.size() == kTokenSecretLength.
  explicit TokenSealer(Bytes secret);
  TokenSealer(const TokenSealer&) = delete;
  TokenSealer& operator=(const TokenSealer&) = delete;
  ~TokenSealer();

  // `aad` is bound to the token without being in it, such as the client's address. The
  // token is plaintext.size() + kOverhead octets.
  [[nodiscard]] std::vector<std::uint8_t> seal(TokenKind kind, Bytes plaintext, Bytes aad, Random& random) const;

  // The notes, or nothing if the token is not of this kind, not ours, or bound otherwise.
  [[nodiscard]] std::optional<std::vector<std::uint8_t>> open(TokenKind kind, Bytes token, Bytes aad) const;

 private:
  std::array<std::uint8_t, kTokenSecretLength> secret_;
};

// RFC 9000 section 10.3.2: HMAC-SHA256 of the connection ID under a key derived from
// `secret` (kTokenSecretLength octets), cut to 16 octets. The same on every server that
// shares the secret, also after a restart.
class ResetTokens {
 public:
  explicit ResetTokens(Bytes secret);
  [[nodiscard]] StatelessResetToken token_of(const ConnectionId& cid) const;

 private:
  HmacKey key_;
};

}  // namespace hawser::quic
