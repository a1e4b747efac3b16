// token_sealer.cc: kind (1 octet) || salt (16) || AES-128-GCM of the notes || tag (16). Key
// and IV come from HKDF over the site's secret with the salt, so no nonce ever repeats.
#include "quic/crypto/token_sealer.h"

#include <cstring>

#include "base/check.h"
#include "quic/crypto/aead.h"
#include "quic/crypto/key_schedule.h"
#include "quic/crypto/secret.h"

namespace hawser::quic {
namespace {

constexpr CipherSuite kTokenSuite = CipherSuite::kAes128GcmSha256;

PacketKey token_key(Bytes secret, Bytes salt) {
  const Secret extracted = hkdf_extract(kTokenSuite, salt, secret);
  Secret both = Secret::of_length(16 + kAeadIvLength);
  hkdf_expand_label(kTokenSuite, extracted.view(), "hawser token", both.mutable_view());
  return PacketKey(kTokenSuite, both.view().first(16), both.view().subspan(16));
}

std::vector<std::uint8_t> bound_data(TokenKind kind, Bytes aad) {
  std::vector<std::uint8_t> data;
  data.reserve(1 + aad.size());
  data.push_back(static_cast<std::uint8_t>(kind));
  data.insert(data.end(), aad.begin(), aad.end());
  return data;
}

}  // namespace

// rfc9000:8.1.4-integrity rfc9000:8.1.4-hard-to-guess rfc9000:8.1.3-token-unique rfc9000:8.1.3-token-unlinkable
TokenSealer::TokenSealer(Bytes secret) {
  HAWSER_CHECK(secret.size() == secret_.size());
  std::memcpy(secret_.data(), secret.data(), secret_.size());
}

TokenSealer::~TokenSealer() {
  wipe(secret_);
}

std::vector<std::uint8_t> TokenSealer::seal(TokenKind kind, Bytes plaintext, Bytes aad, Random& random) const {
  HAWSER_CHECK(plaintext.size() <= kMaxPlaintext);
  std::vector<std::uint8_t> token(plaintext.size() + kOverhead);
  token[0] = static_cast<std::uint8_t>(kind);
  const MutableBytes salt{token.data() + 1, kSaltLength};
  random.fill(salt);
  const Bytes pieces[] = {plaintext};
  token_key(secret_, salt)
      .seal(kInitialPathId, PacketNumber{0}, bound_data(kind, aad), pieces, token.data() + 1 + kSaltLength);
  return token;
}

std::optional<std::vector<std::uint8_t>> TokenSealer::open(TokenKind kind, Bytes token, Bytes aad) const {
  if (token.size() < kOverhead || token.size() > kMaxPlaintext + kOverhead) return std::nullopt;
  if (token[0] != static_cast<std::uint8_t>(kind)) return std::nullopt;
  const Bytes salt = token.subspan(1, kSaltLength);
  const Bytes sealed = token.subspan(1 + kSaltLength);
  std::vector<std::uint8_t> notes(sealed.begin(), sealed.end());
  if (!token_key(secret_, salt).open(kInitialPathId, PacketNumber{0}, bound_data(kind, aad), notes))
    return std::nullopt;
  notes.resize(notes.size() - kAeadTagLength);
  return notes;
}

namespace {

Secret reset_key(Bytes secret) {
  HAWSER_CHECK(secret.size() == kTokenSecretLength);
  Secret key = Secret::of_length(32);
  hkdf_expand_label(CipherSuite::kAes128GcmSha256, secret, "hawser stateless reset", key.mutable_view());
  return key;
}

}  // namespace

ResetTokens::ResetTokens(Bytes secret) : key_(32, reset_key(secret).view()) {}

// rfc9000:10.3.2-hard-to-guess rfc9000:10.3.2-one-cid rfc9000:10.3.2-not-twice
StatelessResetToken ResetTokens::token_of(const ConnectionId& cid) const {
  const Bytes message[] = {cid.view()};
  std::array<std::uint8_t, 32> mac;
  key_.compute(message, mac);
  StatelessResetToken token;
  std::memcpy(token.data(), mac.data(), token.size());
  return token;
}

}  // namespace hawser::quic
