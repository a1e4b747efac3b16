// aes_key_schedule.cc: each word of a round key is the xor of the words before it.
#include "quic/crypto/aes_key_schedule.h"

#if defined(__x86_64__)

namespace hawser::quic {
namespace {

#define HAWSER_TARGET_AES __attribute__((target("aes,sse4.1")))

HAWSER_TARGET_AES __m128i next_round_key(__m128i key, __m128i assist) {
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, assist);
}

template <int kRoundConstant>
HAWSER_TARGET_AES __m128i rotated_assist(__m128i key) {
  return _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, kRoundConstant), 0xff);
}

HAWSER_TARGET_AES __m128i unrotated_assist(__m128i key) {
  return _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, 0), 0xaa);
}

HAWSER_TARGET_AES void expand_128(__m128i* k, const std::uint8_t* key) {
  k[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  k[1] = next_round_key(k[0], rotated_assist<0x01>(k[0]));
  k[2] = next_round_key(k[1], rotated_assist<0x02>(k[1]));
  k[3] = next_round_key(k[2], rotated_assist<0x04>(k[2]));
  k[4] = next_round_key(k[3], rotated_assist<0x08>(k[3]));
  k[5] = next_round_key(k[4], rotated_assist<0x10>(k[4]));
  k[6] = next_round_key(k[5], rotated_assist<0x20>(k[5]));
  k[7] = next_round_key(k[6], rotated_assist<0x40>(k[6]));
  k[8] = next_round_key(k[7], rotated_assist<0x80>(k[7]));
  k[9] = next_round_key(k[8], rotated_assist<0x1b>(k[8]));
  k[10] = next_round_key(k[9], rotated_assist<0x36>(k[9]));
}

template <int kRoundConstant>
HAWSER_TARGET_AES void expand_256_pair(__m128i* k) {
  k[2] = next_round_key(k[0], rotated_assist<kRoundConstant>(k[1]));
  if constexpr (kRoundConstant != 0x40) k[3] = next_round_key(k[1], unrotated_assist(k[2]));
}

HAWSER_TARGET_AES void expand_256(__m128i* k, const std::uint8_t* key) {
  k[0] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key));
  k[1] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(key + 16));
  expand_256_pair<0x01>(k);
  expand_256_pair<0x02>(k + 2);
  expand_256_pair<0x04>(k + 4);
  expand_256_pair<0x08>(k + 6);
  expand_256_pair<0x10>(k + 8);
  expand_256_pair<0x20>(k + 10);
  expand_256_pair<0x40>(k + 12);
}

}  // namespace

bool cpu_has_aes() {
  return __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
}

void expand_aes_key(CipherSuite suite, Bytes key, __m128i* round_keys) {
  if (suite == CipherSuite::kAes128GcmSha256) {
    expand_128(round_keys, key.data());
  } else {
    expand_256(round_keys, key.data());
  }
}

}  // namespace hawser::quic

#endif
