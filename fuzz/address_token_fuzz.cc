// address_token_fuzz.cc: any notes sealed into an address token, as another version of us might have written them:
// what is read of them is sane, and what we write ourselves comes back.
// room: endpoint
#include <algorithm>
#include <array>
#include <cstdint>

#include "base/check.h"
#include "quic/endpoint/address_token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hawser;
  using namespace hawser::quic;
  static constexpr std::array<std::uint8_t, kTokenSecretLength> kSecret{1, 2, 3};
  static const AddressTokens tokens(kSecret);
  static const TokenSealer sealer(kSecret);
  const SocketAddress client = ipv4_address({10, 0, 0, 1}, 1'234);
  const Timestamp now{2h};
  SeededRandom random(size);

  const Bytes notes(data, std::min(size, TokenSealer::kMaxPlaintext));
  // As NEW_TOKEN tokens are bound: the address and the version.
  const std::array<std::uint8_t, 8> bound{10, 0, 0, 1, 0, 0, 0, 1};
  const auto verdict =
      tokens.check(sealer.seal(TokenKind::kNewToken, notes, bound, random), client, Version::kV1, ConnectionId{}, now);
  if (verdict && verdict->saved) {
    const SavedPath& saved = *verdict->saved;
    HAWSER_CHECK(saved.rtt > Duration{0} && saved.age >= Duration{0} && saved.remote.same_ip(client));
    const auto again = tokens.check(tokens.make_new_token(client, Version::kV1, now, random, saved), client,
                                    Version::kV1, ConnectionId{}, now);
    HAWSER_CHECK(again.has_value() && again->saved.has_value());
    HAWSER_CHECK(again->saved->cwnd == saved.cwnd && again->saved->rtt == saved.rtt && again->saved->age == saved.age &&
                 again->saved->local.same_ip(saved.local));
  }
  return 0;
}
