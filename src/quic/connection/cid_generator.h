// cid_generator.h: makes the connection IDs of an endpoint and the stateless reset tokens
// that belong to them.
#pragma once

#include <array>
#include <cstdint>

#include "base/random.h"
#include "quic/crypto/token_sealer.h"
#include "quic/wire/types.h"

namespace hawser::quic {

class CidGenerator {
 public:
  // `length` is 4 to 20 octets, `worker` becomes the first of them; `random` is not owned.
  CidGenerator(Random& random, const std::array<std::uint8_t, 32>& secret, std::size_t length, std::uint8_t worker)
      : random_(&random), secret_(secret), length_(length), worker_(worker) {}

  [[nodiscard]] ConnectionId generate() {
    std::array<std::uint8_t, kMaxConnectionIdLength> octets;
    random_->fill({octets.data(), length_});
    octets[0] = worker_;
    return ConnectionId(Bytes{octets.data(), length_});
  }

  // The same for a connection ID on every endpoint that shares the secret.
  [[nodiscard]] StatelessResetToken reset_token(const ConnectionId& cid) const {
    return stateless_reset_token(secret_, cid);
  }

  [[nodiscard]] std::size_t length() const { return length_; }
  [[nodiscard]] Random& random() { return *random_; }

 private:
  Random* random_;
  std::array<std::uint8_t, 32> secret_;
  std::size_t length_;
  std::uint8_t worker_;
};

}  // namespace hawser::quic
