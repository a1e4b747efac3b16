// aead_vaes.cc: AES-GCM by the 256-bit AES and carry-less multiplication instructions of
// CPUs that have them without AVX-512 (Zen 3, Alder Lake): eight blocks at a time, the
// counter blocks encrypted while the hash of the eight is summed and reduced once
// (NIST SP 800-38D). No table lookup and no branch depends on a secret.
#if defined(__x86_64__)
#include <algorithm>
#include <array>
#include <cstring>

#include "quic/crypto/aead_backends.h"
#include "quic/crypto/aes_gcm_kernel.h"

namespace hawser::quic::vaes {
namespace {

#define HAWSER_TARGET_VAES __attribute__((target("avx2,aes,pclmul,vaes,vpclmulqdq")))
#define HAWSER_INLINE_VAES HAWSER_TARGET_VAES inline __attribute__((always_inline))

using aes_gcm::encrypted;
using aes_gcm::hash_key;
using aes_gcm::kBlock;
using aes_gcm::lengths;
using aes_gcm::octet_order;
using aes_gcm::reduced;
using aes_gcm::reversed;

constexpr std::size_t kChunk = 8 * kBlock;  // four vectors of two blocks

struct alignas(32) Key {
  __m128i round_keys[kAesRoundKeysMax];
  // H^8 down to H^1, so that powers[8 - n] belongs to the first of the last n blocks; and of
  // each the exclusive or of both halves, for Karatsuba's middle product.
  __m128i powers[8];
  __m128i folded[8];
  int rounds;  // 10 or 14
};

// Eight blocks in four registers: an array would live in memory.
struct Eight {
  __m256i a, b, c, d;
};

// The three products whose sum over blocks is reduced once.
struct Sum {
  __m256i low, middle, high;
};

HAWSER_INLINE_VAES __m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}
HAWSER_INLINE_VAES __m256i load_two(const void* from) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}
HAWSER_INLINE_VAES Eight load_eight(const std::uint8_t* from) {
  return {load_two(from), load_two(from + 32), load_two(from + 64), load_two(from + 96)};
}
HAWSER_INLINE_VAES void store_eight(std::uint8_t* to, const Eight& blocks) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), blocks.a);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 32), blocks.b);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 64), blocks.c);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 96), blocks.d);
}
HAWSER_INLINE_VAES Eight operator^(const Eight& x, const Eight& y) {
  return {_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b), _mm256_xor_si256(x.c, y.c),
          _mm256_xor_si256(x.d, y.d)};
}
HAWSER_INLINE_VAES __m256i reversed_two(__m256i blocks) {
  return _mm256_shuffle_epi8(blocks, _mm256_broadcastsi128_si256(octet_order()));
}

HAWSER_INLINE_VAES __m128i fold_halves(__m128i value) {
  return _mm_xor_si128(value, _mm_shuffle_epi32(value, 0x4e));
}

HAWSER_INLINE_VAES __m128i karatsuba(__m128i low, __m128i middle, __m128i high) {
  return reduced(low, _mm_xor_si128(middle, _mm_xor_si128(low, high)), high);
}

HAWSER_INLINE_VAES __m128i product(__m128i a, __m128i b) {
  return karatsuba(_mm_clmulepi64_si128(a, b, 0x00), _mm_clmulepi64_si128(fold_halves(a), fold_halves(b), 0x00),
                   _mm_clmulepi64_si128(a, b, 0x11));
}

HAWSER_INLINE_VAES void add_product(Sum& sum, __m256i blocks, __m256i power, __m256i folded) {
  sum.low = _mm256_xor_si256(sum.low, _mm256_clmulepi64_epi128(blocks, power, 0x00));
  sum.high = _mm256_xor_si256(sum.high, _mm256_clmulepi64_epi128(blocks, power, 0x11));
  const __m256i halves = _mm256_xor_si256(blocks, _mm256_shuffle_epi32(blocks, 0x4e));
  sum.middle = _mm256_xor_si256(sum.middle, _mm256_clmulepi64_epi128(halves, folded, 0x00));
}

HAWSER_INLINE_VAES __m128i lanes(__m256i value) {
  return _mm_xor_si128(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
}

// hash <- (hash + block 0) H^8 + block 1 H^7 + ... + block 7 H. `blocks` as they are on the wire.
HAWSER_INLINE_VAES __m128i hash_chunk(const Key& key, __m128i hash, const Eight& blocks) {
  Sum sum{_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  const __m256i first = _mm256_xor_si256(reversed_two(blocks.a), _mm256_zextsi128_si256(hash));
  add_product(sum, first, load_two(&key.powers[0]), load_two(&key.folded[0]));
  add_product(sum, reversed_two(blocks.b), load_two(&key.powers[2]), load_two(&key.folded[2]));
  add_product(sum, reversed_two(blocks.c), load_two(&key.powers[4]), load_two(&key.folded[4]));
  add_product(sum, reversed_two(blocks.d), load_two(&key.powers[6]), load_two(&key.folded[6]));
  return karatsuba(lanes(sum.low), lanes(sum.middle), lanes(sum.high));
}

HAWSER_INLINE_VAES __m128i hash_block(const Key& key, __m128i hash, __m128i block) {
  return product(_mm_xor_si128(hash, reversed(block)), key.powers[7]);
}

// The key stream for eight blocks; `counter` is the first counter block with octets reversed.
template <int kRounds>
HAWSER_INLINE_VAES Eight key_stream(const Key& key, __m128i counter) {
  const __m256i pair = _mm256_add_epi32(_mm256_broadcastsi128_si256(counter), _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0));
  const __m256i first_key = _mm256_broadcastsi128_si256(key.round_keys[0]);
  Eight s;
  s.a = _mm256_xor_si256(reversed_two(pair), first_key);
  s.b = _mm256_xor_si256(reversed_two(_mm256_add_epi32(pair, _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2))), first_key);
  s.c = _mm256_xor_si256(reversed_two(_mm256_add_epi32(pair, _mm256_set_epi32(0, 0, 0, 4, 0, 0, 0, 4))), first_key);
  s.d = _mm256_xor_si256(reversed_two(_mm256_add_epi32(pair, _mm256_set_epi32(0, 0, 0, 6, 0, 0, 0, 6))), first_key);
#pragma GCC unroll 14
  for (int round = 1; round < kRounds; ++round) {
    const __m256i round_key = _mm256_broadcastsi128_si256(key.round_keys[round]);
    s.a = _mm256_aesenc_epi128(s.a, round_key);
    s.b = _mm256_aesenc_epi128(s.b, round_key);
    s.c = _mm256_aesenc_epi128(s.c, round_key);
    s.d = _mm256_aesenc_epi128(s.d, round_key);
  }
  const __m256i last_key = _mm256_broadcastsi128_si256(key.round_keys[kRounds]);
  return {_mm256_aesenclast_epi128(s.a, last_key), _mm256_aesenclast_epi128(s.b, last_key),
          _mm256_aesenclast_epi128(s.c, last_key), _mm256_aesenclast_epi128(s.d, last_key)};
}

// One message on its way through. `counter` and `hash` are octet-reversed.
struct Message {
  __m128i tag_mask;  // E(J0)
  __m128i counter;   // of the next block
  __m128i hash;
};

HAWSER_INLINE_VAES void advance(Message& message) {
  message.counter = _mm_add_epi32(message.counter, _mm_set_epi32(0, 0, 0, 8));
}

template <int kRounds>
HAWSER_INLINE_VAES Message begin(const Key& key, const AeadNonce& nonce, Bytes aad) {
  alignas(16) std::uint8_t first[kBlock] = {};
  std::memcpy(first, nonce.data(), nonce.size());
  first[15] = 1;
  const __m128i j0 = load(first);
  Message message{encrypted<kRounds>(key.round_keys, j0), _mm_add_epi32(reversed(j0), _mm_set_epi32(0, 0, 0, 1)),
                  _mm_setzero_si128()};
  while (!aad.empty()) {
    alignas(16) std::uint8_t padded[kBlock] = {};
    const std::size_t count = std::min(aad.size(), kBlock);
    std::memcpy(padded, aad.data(), count);
    message.hash = hash_block(key, message.hash, load(padded));
    aad = aad.subspan(count);
  }
  return message;
}

// Encrypts whole chunks; returns how many octets that were.
template <int kRounds>
HAWSER_TARGET_VAES std::size_t seal_chunks(const Key& key, Message& state, Bytes in, std::uint8_t* out) {
  const std::size_t size = in.size() / kChunk * kChunk;
  if (size == 0) return 0;
  Message message = state;  // in registers
  Eight sealed = key_stream<kRounds>(key, message.counter) ^ load_eight(in.data());
  store_eight(out, sealed);
  for (std::size_t at = kChunk; at < size; at += kChunk) {
    // Hashing what the last round sealed keeps both kinds of instructions in flight.
    advance(message);
    const Eight stream = key_stream<kRounds>(key, message.counter);
    message.hash = hash_chunk(key, message.hash, sealed);
    sealed = stream ^ load_eight(in.data() + at);
    store_eight(out + at, sealed);
  }
  message.hash = hash_chunk(key, message.hash, sealed);
  advance(message);
  state = message;
  return size;
}

template <int kRounds>
HAWSER_TARGET_VAES std::size_t open_chunks(const Key& key, Message& state, MutableBytes data) {
  Message message = state;  // in registers
  const std::size_t size = data.size() / kChunk * kChunk;
  for (std::size_t at = 0; at < size; at += kChunk) {
    const Eight blocks = load_eight(data.data() + at);
    store_eight(data.data() + at, key_stream<kRounds>(key, message.counter) ^ blocks);
    message.hash = hash_chunk(key, message.hash, blocks);
    advance(message);
  }
  state = message;
  return size;
}

// The last octets, fewer than a chunk: `padded` holds them and zeros behind. Leaves the
// result in `padded`, with zeros behind if it is ciphertext.
template <int kRounds, bool kSeal>
HAWSER_TARGET_VAES void finish_octets(const Key& key, Message& message, std::uint8_t* padded, std::size_t count) {
  if (count == 0) return;
  alignas(32) std::uint8_t ciphertext[kChunk];
  if (!kSeal) std::memcpy(ciphertext, padded, kChunk);
  store_eight(padded, key_stream<kRounds>(key, message.counter) ^ load_eight(padded));
  if (kSeal) {
    std::memset(padded + count, 0, kChunk - count);
    std::memcpy(ciphertext, padded, kChunk);
  }
  for (std::size_t at = 0; at < count; at += kBlock)
    message.hash = hash_block(key, message.hash, load(ciphertext + at));
}

HAWSER_INLINE_VAES void write_tag(const Key& key, const Message& message, std::size_t aad_size, std::size_t size,
                                  std::uint8_t* tag) {
  const __m128i hash = product(_mm_xor_si128(message.hash, lengths(aad_size, size)), key.powers[7]);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(tag), _mm_xor_si128(reversed(hash), message.tag_mask));
}

// Pieces that end inside a chunk are gathered in `staged`, so that all else is read where it lies.
template <int kRounds>
HAWSER_TARGET_VAES void seal_with(const Key& key, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext,
                                  std::uint8_t* out) {
  Message message = begin<kRounds>(key, nonce, aad);
  alignas(32) std::uint8_t staged[kChunk];
  std::size_t count = 0;
  std::size_t size = 0;
  for (Bytes piece : plaintext) {
    size += piece.size();
    while (!piece.empty()) {
      if (count == 0 && piece.size() >= kChunk) {
        const std::size_t done = seal_chunks<kRounds>(key, message, piece, out);
        piece = piece.subspan(done);
        out += done;
        continue;
      }
      const std::size_t taken = std::min(piece.size(), kChunk - count);
      std::memcpy(staged + count, piece.data(), taken);
      count += taken;
      piece = piece.subspan(taken);
      if (count < kChunk) continue;
      out += seal_chunks<kRounds>(key, message, staged, out);
      count = 0;
    }
  }
  std::memset(staged + count, 0, kChunk - count);
  finish_octets<kRounds, true>(key, message, staged, count);
  std::memcpy(out, staged, count);
  write_tag(key, message, aad.size(), size, out + count);
}

template <int kRounds>
HAWSER_TARGET_VAES bool open_with(const Key& key, const AeadNonce& nonce, Bytes aad, MutableBytes data, Bytes tag) {
  Message message = begin<kRounds>(key, nonce, aad);
  const std::size_t size = data.size();
  data = data.subspan(open_chunks<kRounds>(key, message, data));
  alignas(32) std::uint8_t staged[kChunk] = {};
  std::memcpy(staged, data.data(), data.size());
  finish_octets<kRounds, false>(key, message, staged, data.size());
  std::memcpy(data.data(), staged, data.size());
  std::array<std::uint8_t, kAeadTagLength> expected;
  write_tag(key, message, aad.size(), size, expected.data());
  return equal_constant_time(expected, tag);
}

HAWSER_TARGET_VAES void prepare_powers(Key& key) {
  const __m128i h = hash_key(key);
  key.powers[7] = h;
  for (int i = 6; i >= 0; --i) key.powers[i] = product(key.powers[i + 1], h);
  for (int i = 0; i < 8; ++i) key.folded[i] = fold_halves(key.powers[i]);
}

}  // namespace

bool is_available() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
         __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq");
}

void* make(CipherSuite suite, Bytes octets) {
  auto* key = aes_gcm::new_key<Key>(suite, octets);
  prepare_powers(*key);
  return key;
}

void destroy(void* state) {
  aes_gcm::delete_key<Key>(state);
}

void write_key(const void* state, MutableBytes out) {
  aes_gcm::write_key<Key>(state, out);
}

std::size_t memory() {
  return sizeof(Key);
}

void seal(void* state, const AeadNonce& nonce, Bytes aad, std::span<const Bytes> plaintext, std::uint8_t* out) {
  const Key& key = *static_cast<const Key*>(state);
  if (key.rounds == 10) {
    seal_with<10>(key, nonce, aad, plaintext, out);
  } else {
    seal_with<14>(key, nonce, aad, plaintext, out);
  }
}

bool open(void* state, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag) {
  const Key& key = *static_cast<const Key*>(state);
  const std::size_t size = ciphertext_and_tag.size() - kAeadTagLength;
  const Bytes tag = Bytes(ciphertext_and_tag).subspan(size);
  const MutableBytes data = ciphertext_and_tag.first(size);
  return key.rounds == 10 ? open_with<10>(key, nonce, aad, data, tag) : open_with<14>(key, nonce, aad, data, tag);
}

}  // namespace hawser::quic::vaes
#endif
