// deterministic_random.h: makes TLS draw its random numbers from a seed, so that simulated
// handshakes replay octet for octet. For sim/ and tests only: nothing is secret under it.
#pragma once

#include <cstdint>

namespace hawser::quic {

// While one exists, every random octet of OpenSSL in this process comes from the seed. At
// most one may exist at a time. It reverts on destruction, which must come before the end of
// main(): OpenSSL cleans itself up on exit.
class DeterministicTlsRandom {
 public:
  explicit DeterministicTlsRandom(std::uint64_t seed);
  DeterministicTlsRandom(const DeterministicTlsRandom&) = delete;
  DeterministicTlsRandom& operator=(const DeterministicTlsRandom&) = delete;
  ~DeterministicTlsRandom();
};

}  // namespace hawser::quic
