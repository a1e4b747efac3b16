// aes_gcm_kernel.h: what the AES-GCM kernels of this folder share: the steps on single blocks
// (NIST SP 800-38D) and the life of a key. Many blocks at once are each kernel's own.
//
// Field elements are kept with their octets reversed and, for powers of H, multiplied by x:
// then a product of 256 bits is reduced by two multiplications with one constant.
#pragma once

#if defined(__x86_64__)
#include <cstring>

#include "quic/crypto/aes_key_schedule.h"
#include "quic/crypto/key_memory.h"

namespace hawser::quic::aes_gcm {

// Inlined into kernels for wider registers, whose instructions include these.
#define HAWSER_INLINE_AES_GCM __attribute__((target("aes,pclmul,sse4.1"), always_inline)) inline

inline constexpr std::size_t kBlock = 16;

HAWSER_INLINE_AES_GCM __m128i octet_order() {
  return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
HAWSER_INLINE_AES_GCM __m128i reversed(__m128i block) {
  return _mm_shuffle_epi8(block, octet_order());
}

// Folds a product of 256 bits, given as three overlapping ones, to 128 bits.
HAWSER_INLINE_AES_GCM __m128i reduced(__m128i low, __m128i middle, __m128i high) {
  const __m128i polynomial = _mm_set_epi64x(static_cast<long long>(0xc200000000000000), 1);
  middle = _mm_xor_si128(middle, _mm_shuffle_epi32(low, 0x4e));
  middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(low, polynomial, 0x10));
  high = _mm_xor_si128(high, _mm_shuffle_epi32(middle, 0x4e));
  return _mm_xor_si128(high, _mm_clmulepi64_si128(middle, polynomial, 0x10));
}

// Multiplies by x: shifts left, and reduces what falls out.
HAWSER_INLINE_AES_GCM __m128i doubled(__m128i value) {
  const auto low = static_cast<std::uint64_t>(_mm_extract_epi64(value, 0));
  const auto high = static_cast<std::uint64_t>(_mm_extract_epi64(value, 1));
  const std::uint64_t carry = high >> 63;
  const std::uint64_t new_high = (high << 1 | low >> 63) ^ ((0 - carry) & 0xc200000000000000);
  return _mm_set_epi64x(static_cast<long long>(new_high), static_cast<long long>(low << 1 ^ carry));
}

template <int kRounds>
HAWSER_INLINE_AES_GCM __m128i encrypted(const __m128i* round_keys, __m128i block) {
  block = _mm_xor_si128(block, round_keys[0]);
#pragma GCC unroll 14
  for (int round = 1; round < kRounds; ++round) block = _mm_aesenc_si128(block, round_keys[round]);
  return _mm_aesenclast_si128(block, round_keys[kRounds]);
}

// The last block that is hashed.
HAWSER_INLINE_AES_GCM __m128i lengths(std::size_t aad_size, std::size_t size) {
  return _mm_set_epi64x(static_cast<long long>(aad_size * 8), static_cast<long long>(size * 8));
}

// H, from which a key's powers are made. A Key has round_keys and rounds, 10 or 14.
template <class Key>
HAWSER_INLINE_AES_GCM __m128i hash_key(const Key& key) {
  const __m128i zero = _mm_setzero_si128();
  return doubled(
      reversed(key.rounds == 10 ? encrypted<10>(key.round_keys, zero) : encrypted<14>(key.round_keys, zero)));
}

template <class Key>
Key* new_key(CipherSuite suite, Bytes octets) {
  Key* key = KeyMemory<Key>::take();
  key->rounds = aes_rounds(suite);
  expand_aes_key(suite, octets, key->round_keys);
  return key;
}

template <class Key>
void delete_key(void* state) {
  KeyMemory<Key>::give_back(static_cast<Key*>(state));
}

template <class Key>
void write_key(const void* state, MutableBytes out) {
  // The first round keys are the key itself (FIPS 197 section 5.2).
  std::memcpy(out.data(), static_cast<const Key*>(state)->round_keys, out.size());
}

}  // namespace hawser::quic::aes_gcm
#endif
