// cid_generator.h: makes the connection IDs of an endpoint and the stateless reset tokens
// that belong to them.
#pragma once

#include <array>
#include <cstdint>

#include "base/random.h"
#include "quic/crypto/secret.h"
#include "quic/crypto/token_sealer.h"
#include "quic/wire/types.h"

namespace hawser::quic {

struct CidOptions {
  std::array<std::uint8_t, 32> secret{};  // of the reset tokens
  std::size_t length = 8;                 // 4 to 20 octets
  // The first two octets, as a number in network order, leave `worker` when they are divided
  // by `workers`. Otherwise they are random, so that a connection ID says no more than that.
  std::uint16_t worker = 0;
  std::uint16_t workers = 1;
};

class CidGenerator {
 public:
  // `random` is not owned.
  CidGenerator(Random& random, const CidOptions& options)
      : random_(&random), options_(options), reset_tokens_(options.secret) {
    wipe(options_.secret);  // the tokens' own key is all that is needed
  }

  // rfc9000:5.1-unlinkable rfc9000:10.3.2-revealed
  [[nodiscard]] ConnectionId generate() {
    std::array<std::uint8_t, kMaxConnectionIdLength> octets;
    random_->fill({octets.data(), options_.length});
    const std::uint32_t drawn = std::uint32_t{octets[0]} << 8 | octets[1];
    std::uint32_t number = drawn - drawn % options_.workers + options_.worker;
    if (number > UINT16_MAX) number -= options_.workers;
    octets[0] = static_cast<std::uint8_t>(number >> 8);
    octets[1] = static_cast<std::uint8_t>(number);
    return ConnectionId(Bytes{octets.data(), options_.length});
  }

  // Whether this endpoint could have generated it, by its first two octets.
  [[nodiscard]] bool is_own(Bytes cid) const {
    const std::uint32_t number = std::uint32_t{cid[0]} << 8 | cid[1];
    return number % options_.workers == options_.worker;
  }

  // The same for a connection ID on every endpoint that shares the secret.
  [[nodiscard]] StatelessResetToken reset_token(const ConnectionId& cid) const { return reset_tokens_.token_of(cid); }

  [[nodiscard]] std::size_t length() const { return options_.length; }
  [[nodiscard]] Random& random() { return *random_; }

 private:
  Random* random_;
  CidOptions options_;
  ResetTokens reset_tokens_;
};

}  // namespace hawser::quic
