// token_fuzz.cc: any octets as an address validation token or Retry: none passes, what we sealed opens.
// room: crypto
#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"
#include "quic/crypto/retry_tag.h"
#include "quic/crypto/token_sealer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hawser;
  using namespace hawser::quic;
  static constexpr std::array<std::uint8_t, kTokenSecretLength> kSecret{1, 2, 3};
  static const TokenSealer sealer(kSecret);
  const Bytes input{data, size};
  for (const TokenKind kind : {TokenKind::kRetry, TokenKind::kNewToken})
    HAWSER_CHECK(!sealer.open(kind, input, {}).has_value());

  const ConnectionId dcid(input.first(std::min(size, kMaxConnectionIdLength)));
  // The tag's key is public, so a genuine tag can be found: only reading is at stake here.
  (void)verify_retry_integrity_tag(v1_key_table(), dcid, input);

  SeededRandom random(size);
  const Bytes notes = input.first(std::min(size, TokenSealer::kMaxPlaintext));
  const auto token = sealer.seal(TokenKind::kRetry, notes, dcid.view(), random);
  const auto opened = sealer.open(TokenKind::kRetry, token, dcid.view());
  HAWSER_CHECK(opened.has_value() && equal(*opened, notes));
  return 0;
}
