// aes_key_schedule.h: the round keys of AES (FIPS 197 section 5.2) by the CPU's AES
// instructions, for every kernel here that is written with them.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>

#include "base/bytes.h"
#include "quic/crypto/secret.h"

namespace hawser::quic {

inline constexpr std::size_t kAesRoundKeysMax = 15;

// 10 for AES-128, 14 for AES-256.
constexpr int aes_rounds(CipherSuite suite) {
  return suite == CipherSuite::kAes128GcmSha256 ? 10 : 14;
}

// The CPU has AES instructions; without them the function below must not be called.
bool cpu_has_aes();
// Writes aes_rounds(suite) + 1 round keys. `key` has key_length(suite) octets.
void expand_aes_key(CipherSuite suite, Bytes key, __m128i* round_keys);

}  // namespace hawser::quic
#endif
