// header_protection.cc: masks by the CPU's AES instructions, eight samples interleaved so
// that their latencies overlap, or by OpenSSL EVP.
#include "quic/crypto/header_protection.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "quic/crypto/aes_key_schedule.h"
#include "quic/crypto/key_memory.h"

// rfc9001:9.5-receiving rfc9001:9.5-sending
namespace hawser::quic {
namespace {

#if defined(__x86_64__)
#define HAWSER_TARGET_AES __attribute__((target("aes,sse4.1")))

struct RoundKeys {
  __m128i keys[kAesRoundKeysMax];
  int rounds;
};

HAWSER_TARGET_AES inline __attribute__((always_inline)) void store_mask(HeaderMask& out, __m128i block) {
  const int first = _mm_cvtsi128_si32(block);
  std::memcpy(out.data(), &first, sizeof first);
  out[4] = static_cast<std::uint8_t>(_mm_extract_epi8(block, 4));
}

// Unrolled, or the blocks would go through memory in every round.
template <std::size_t kCount>
HAWSER_TARGET_AES void encrypt_samples(const RoundKeys& r, const std::uint8_t* const* samples, HeaderMask* out) {
  __m128i blocks[kCount];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kCount; ++i)
    blocks[i] = _mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(samples[i])), r.keys[0]);
  for (int round = 1; round < r.rounds; ++round) {
    const __m128i key = r.keys[round];
#pragma GCC unroll 8
    for (std::size_t i = 0; i < kCount; ++i) blocks[i] = _mm_aesenc_si128(blocks[i], key);
  }
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kCount; ++i) store_mask(out[i], _mm_aesenclast_si128(blocks[i], r.keys[r.rounds]));
}

void* make_round_keys(CipherSuite suite, Bytes key) {
  RoundKeys* round_keys = KeyMemory<RoundKeys>::take();
  expand_aes_key(suite, key, round_keys->keys);
  round_keys->rounds = aes_rounds(suite);
  return round_keys;
}

void free_round_keys(void* state) {
  KeyMemory<RoundKeys>::give_back(static_cast<RoundKeys*>(state));
}

void write_key_of_round_keys(const void* state, MutableBytes out) {
  // The first round keys are the key itself (FIPS 197 section 5.2).
  std::memcpy(out.data(), static_cast<const RoundKeys*>(state)->keys, out.size());
}

constexpr std::size_t kRoundKeysSize = sizeof(RoundKeys);

void masks_by_instructions(void* state, std::span<const std::uint8_t* const> samples, HeaderMask* out) {
  const auto& keys = *static_cast<const RoundKeys*>(state);
  constexpr std::size_t kTogether = 8;
  std::size_t done = 0;
  for (; done + kTogether <= samples.size(); done += kTogether)
    encrypt_samples<kTogether>(keys, samples.data() + done, out + done);
  if (done + 4 <= samples.size()) {
    encrypt_samples<4>(keys, samples.data() + done, out + done);
    done += 4;
  }
  for (; done < samples.size(); ++done) encrypt_samples<1>(keys, samples.data() + done, out + done);
}
#else
bool cpu_has_aes() {
  return false;
}
void* make_round_keys(CipherSuite, Bytes) {
  return nullptr;
}
void free_round_keys(void*) {}
void write_key_of_round_keys(const void*, MutableBytes) {}
constexpr std::size_t kRoundKeysSize = 0;
void masks_by_instructions(void*, std::span<const std::uint8_t* const>, HeaderMask*) {}
#endif

struct EvpState {
  EVP_CIPHER_CTX* context = nullptr;
  std::array<std::uint8_t, 32> key{};  // as it was given: a context does not tell
};

const EVP_CIPHER* cipher_of(CipherSuite suite) {
  static const EVP_CIPHER* const kAes128 = EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr);
  static const EVP_CIPHER* const kAes256 = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  static const EVP_CIPHER* const kChaCha20 = EVP_CIPHER_fetch(nullptr, "ChaCha20", nullptr);
  switch (suite) {
    case CipherSuite::kAes128GcmSha256:
      return kAes128;
    case CipherSuite::kAes256GcmSha384:
      return kAes256;
    case CipherSuite::kChaCha20Poly1305Sha256:
      return kChaCha20;
  }
  return nullptr;
}

// RFC 9001 section 5.4.3. All samples of a group go through one EVP call.
void masks_by_evp_aes(EVP_CIPHER_CTX* context, std::span<const std::uint8_t* const> samples, HeaderMask* out) {
  constexpr std::size_t kGroup = 64;
  std::array<std::uint8_t, kGroup * kSampleLength> blocks;
  for (std::size_t done = 0; done < samples.size();) {
    const std::size_t count = std::min(kGroup, samples.size() - done);
    for (std::size_t i = 0; i < count; ++i) std::memcpy(&blocks[i * kSampleLength], samples[done + i], kSampleLength);
    int size = 0;
    HAWSER_CHECK(
        EVP_EncryptUpdate(context, blocks.data(), &size, blocks.data(), static_cast<int>(count * kSampleLength)) == 1);
    for (std::size_t i = 0; i < count; ++i)
      std::memcpy(out[done + i].data(), &blocks[i * kSampleLength], out[done + i].size());
    done += count;
  }
}

// RFC 9001 section 5.4.4: the sample is a little-endian block counter and a nonce, which is
// just the layout of OpenSSL's IV; the mask is the key stream.
void masks_by_evp_chacha20(EVP_CIPHER_CTX* context, std::span<const std::uint8_t* const> samples, HeaderMask* out) {
  static constexpr HeaderMask kZeros{};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    int size = 0;
    HAWSER_CHECK(EVP_EncryptInit_ex2(context, nullptr, nullptr, samples[i], nullptr) == 1);
    HAWSER_CHECK(EVP_EncryptUpdate(context, out[i].data(), &size, kZeros.data(), static_cast<int>(kZeros.size())) == 1);
  }
}

}  // namespace

HeaderKey::HeaderKey(CipherSuite suite, Bytes hp_key, CryptoBackend backend)
    : suite_(suite),
      uses_aes_instructions_(backend != CryptoBackend::kOpenSsl && suite != CipherSuite::kChaCha20Poly1305Sha256 &&
                             cpu_has_aes()) {
  HAWSER_CHECK(hp_key.size() == key_length(suite));
  expand(hp_key);
}

HeaderKey::~HeaderKey() {
  release();
}

void HeaderKey::expand(Bytes hp_key) {
  if (uses_aes_instructions_) {
    state_ = make_round_keys(suite_, hp_key);
    return;
  }
  auto* state = new EvpState{.context = EVP_CIPHER_CTX_new()};
  HAWSER_CHECK(state->context != nullptr);
  HAWSER_CHECK(EVP_EncryptInit_ex2(state->context, cipher_of(suite_), hp_key.data(), nullptr, nullptr) == 1);
  EVP_CIPHER_CTX_set_padding(state->context, 0);
  std::memcpy(state->key.data(), hp_key.data(), hp_key.size());
  state_ = state;
}

void HeaderKey::release() {
  if (state_ == nullptr) return;
  if (uses_aes_instructions_) {
    free_round_keys(state_);
  } else {
    auto* state = static_cast<EvpState*>(state_);
    EVP_CIPHER_CTX_free(state->context);
    wipe(state->key);
    delete state;
  }
  state_ = nullptr;
}

void HeaderKey::fold(MutableBytes hp_key) {
  HAWSER_CHECK(state_ != nullptr && hp_key.size() == key_length(suite_));
  if (uses_aes_instructions_) {
    write_key_of_round_keys(state_, hp_key);
  } else {
    std::memcpy(hp_key.data(), static_cast<const EvpState*>(state_)->key.data(), hp_key.size());
  }
  release();
}

void HeaderKey::unfold(Bytes hp_key) {
  HAWSER_CHECK(state_ == nullptr && hp_key.size() == key_length(suite_));
  expand(hp_key);
}

std::size_t HeaderKey::memory() const {
  if (state_ == nullptr) return 0;
  return uses_aes_instructions_ ? kRoundKeysSize : sizeof(EvpState);
}

HeaderMask HeaderKey::mask(const std::uint8_t* sample) {
  HeaderMask out;
  masks({&sample, 1}, {&out, 1});
  return out;
}

void HeaderKey::masks(std::span<const std::uint8_t* const> samples, std::span<HeaderMask> out) {
  HAWSER_DCHECK(state_ != nullptr && out.size() >= samples.size());
  if (uses_aes_instructions_) {
    masks_by_instructions(state_, samples, out.data());
  } else if (suite_ == CipherSuite::kChaCha20Poly1305Sha256) {
    masks_by_evp_chacha20(static_cast<EvpState*>(state_)->context, samples, out.data());
  } else {
    masks_by_evp_aes(static_cast<EvpState*>(state_)->context, samples, out.data());
  }
}

}  // namespace hawser::quic
