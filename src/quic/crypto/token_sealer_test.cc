// token_sealer_test.cc: goal: tokens come back whole to their maker and to nobody else, and
// reset tokens depend on secret and connection ID. Method: round trips and alterations.
#include "quic/crypto/token_sealer.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;
const Octets kSecret(kTokenSecretLength, 0x5a);
const Octets kAddress{192, 0, 2, 1};

TEST(token_sealer, notes_come_back) {
  SeededRandom random(1);
  const TokenSealer sealer(kSecret);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{80}, TokenSealer::kMaxPlaintext}) {
    Octets notes(size);
    random.fill(notes);
    const auto token = sealer.seal(TokenKind::kRetry, notes, kAddress, random);
    EXPECT_EQ(token.size(), size + TokenSealer::kOverhead);
    EXPECT_EQ(TokenSealer(kSecret).open(TokenKind::kRetry, token, kAddress), notes);
  }
}

// rfc9000:8.1.1-token-kind rfc9000:8.1.4-integrity rfc9000:8.1.4-retry-address rfc9000:8.1.4-new-token-address
// rfc9000:8.1.4-hard-to-guess
TEST(token_sealer, kind_address_secret_and_every_octet_count) {
  SeededRandom random(2);
  const TokenSealer sealer(kSecret);
  const Octets notes{1, 2, 3};
  auto token = sealer.seal(TokenKind::kNewToken, notes, kAddress, random);
  EXPECT_FALSE(sealer.open(TokenKind::kRetry, token, kAddress));
  EXPECT_FALSE(sealer.open(TokenKind::kNewToken, token, Octets{192, 0, 2, 2}));
  EXPECT_FALSE(TokenSealer(Octets(kTokenSecretLength, 0x5b)).open(TokenKind::kNewToken, token, kAddress));
  for (std::size_t i = 0; i < token.size(); ++i) {
    token[i] ^= 0x10;
    EXPECT_FALSE(sealer.open(TokenKind::kNewToken, token, kAddress)) << i;
    token[i] ^= 0x10;
    EXPECT_FALSE(sealer.open(TokenKind::kNewToken, Bytes(token).first(i), kAddress)) << i;
  }
  token[0] = static_cast<std::uint8_t>(TokenKind::kRetry);
  EXPECT_FALSE(sealer.open(TokenKind::kRetry, token, kAddress)) << "the kind is authenticated";
}

// rfc9000:8.1.3-token-unique rfc9000:8.1.3-token-unlinkable
TEST(token_sealer, equal_notes_give_different_tokens) {
  SeededRandom random(3);
  const TokenSealer sealer(kSecret);
  EXPECT_NE(sealer.seal(TokenKind::kRetry, kAddress, {}, random), sealer.seal(TokenKind::kRetry, kAddress, {}, random));
}

TEST(token_sealer, oversized_tokens_are_refused_unread) {
  const TokenSealer sealer(kSecret);
  EXPECT_FALSE(sealer.open(TokenKind::kRetry, Octets(TokenSealer::kMaxPlaintext + TokenSealer::kOverhead + 1, 0), {}));
  EXPECT_FALSE(sealer.open(TokenKind::kRetry, {}, {}));
}

// rfc9000:10.3.2-hard-to-guess rfc9000:10.3.2-one-cid
// rfc9000:10.3.2-not-twice
TEST(stateless_reset, token_depends_on_secret_and_connection_id_only) {
  const ConnectionId one(Octets{1, 2, 3, 4}), two(Octets{1, 2, 3, 5});
  const ResetTokens tokens(kSecret);
  EXPECT_EQ(tokens.token_of(one), ResetTokens(kSecret).token_of(one));
  EXPECT_NE(tokens.token_of(one), tokens.token_of(two));
  EXPECT_NE(tokens.token_of(one), ResetTokens(Octets(kTokenSecretLength, 1)).token_of(one));
}

}  // namespace
}  // namespace hawser::quic
