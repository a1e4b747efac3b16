// aead_vaes512.cc: AES-GCM by the 512-bit AES and carry-less multiplication instructions of
// CPUs with AVX-512 (Ice Lake, Zen 4 and newer): sixteen blocks at a time, encrypted while the
// sixteen before are hashed, and a hash that is reduced once in 32 blocks (NIST SP 800-38D).
// Written for packets: a payload may lie in pieces, and no step is made twice for its ends. No
// table lookup and no branch depends on a secret.
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's intrinsics make a vector without a value by initializing it with itself.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__x86_64__)
#include <algorithm>
#include <array>

#include "quic/crypto/aead_backends.h"
#include "quic/crypto/aes_gcm_kernel.h"

namespace hawser::quic::vaes512 {
namespace {

#define HAWSER_TARGET_512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi2,aes,pclmul,vaes,vpclmulqdq")))
#define HAWSER_INLINE_512 HAWSER_TARGET_512 inline __attribute__((always_inline))

using aes_gcm::encrypted;
using aes_gcm::hash_key;
using aes_gcm::kBlock;
using aes_gcm::lengths;
using aes_gcm::octet_order;
using aes_gcm::reduced;
using aes_gcm::reversed;

constexpr std::size_t kVector = 4 * kBlock;
constexpr std::size_t kChunk = 4 * kVector;
constexpr std::size_t kChunkBlocks = kChunk / kBlock;
constexpr std::size_t kPowers = 2 * kChunkBlocks;  // blocks between two reductions

struct alignas(64) Key {
  // H^33, then H^32 down to H^1 from a cache line's start. A vector read at the last power goes on
  // into the round keys, where it meets blocks of zeros.
  __m128i unused[3];
  __m128i powers[1 + kPowers];
  __m128i round_keys[kAesRoundKeysMax];
  int rounds;

  [[nodiscard]] const __m128i* powers_end() const { return powers + 1 + kPowers; }
};

struct Four {
  __m512i a, b, c, d;
};

// The products whose sum over blocks is reduced once.
struct Sum {
  __m512i low, middle, high;
};

HAWSER_INLINE_512 __m512i reversed(__m512i blocks) {
  return _mm512_shuffle_epi8(blocks, _mm512_broadcast_i32x4(octet_order()));
}
HAWSER_INLINE_512 __m512i load(const void* from) {
  return _mm512_loadu_si512(from);
}
HAWSER_INLINE_512 Four load_four(const std::uint8_t* from) {
  return {load(from), load(from + kVector), load(from + 2 * kVector), load(from + 3 * kVector)};
}
HAWSER_INLINE_512 void store_four(std::uint8_t* to, const Four& text) {
  _mm512_storeu_si512(to, text.a);
  _mm512_storeu_si512(to + kVector, text.b);
  _mm512_storeu_si512(to + 2 * kVector, text.c);
  _mm512_storeu_si512(to + 3 * kVector, text.d);
}
HAWSER_INLINE_512 Four operator^(const Four& x, const Four& y) {
  return {_mm512_xor_si512(x.a, y.a), _mm512_xor_si512(x.b, y.b), _mm512_xor_si512(x.c, y.c),
          _mm512_xor_si512(x.d, y.d)};
}
HAWSER_INLINE_512 __mmask64 first_octets(std::size_t count) {
  return _bzhi_u64(~std::uint64_t{0}, static_cast<unsigned>(count));
}

HAWSER_INLINE_512 __m128i lanes(__m512i value) {
  const __m256i half = _mm256_xor_si256(_mm512_castsi512_si256(value), _mm512_extracti64x4_epi64(value, 1));
  return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}
HAWSER_INLINE_512 __m128i reduced(const Sum& sum) {
  return reduced(lanes(sum.low), lanes(sum.middle), lanes(sum.high));
}
HAWSER_INLINE_512 Sum product(__m128i a, __m128i b) {
  return {_mm512_zextsi128_si512(_mm_clmulepi64_si128(a, b, 0x00)),
          _mm512_zextsi128_si512(_mm_xor_si128(_mm_clmulepi64_si128(a, b, 0x01), _mm_clmulepi64_si128(a, b, 0x10))),
          _mm512_zextsi128_si512(_mm_clmulepi64_si128(a, b, 0x11))};
}

// `blocks` as on the wire, the first of them to be multiplied with *power.
HAWSER_INLINE_512 void add_product(Sum& sum, __m512i blocks, const __m128i* power) {
  const __m512i x = reversed(blocks);
  const __m512i h = load(power);
  sum.low = _mm512_xor_si512(sum.low, _mm512_clmulepi64_epi128(x, h, 0x00));
  sum.high = _mm512_xor_si512(sum.high, _mm512_clmulepi64_epi128(x, h, 0x11));
  sum.middle = _mm512_ternarylogic_epi64(sum.middle, _mm512_clmulepi64_epi128(x, h, 0x01),
                                         _mm512_clmulepi64_epi128(x, h, 0x10), 0x96);  // xor of all three
}

// One message on its way through.
struct Message {
  __m512i counter;           // the next four counter blocks, octets reversed
  Sum sum;                   // of the segment, the blocks up to the next reduction
  const __m128i* power;      // of the next block to be hashed
  std::size_t blocks = 0;    // to be hashed behind the segments so far, with the one of lengths
  std::size_t chunks = 0;    // whole ones still to be hashed
  bool last_segment = true;  // it ends with the message
};

// `hash`, of all before, is multiplied with the power before that of the segment's first block
// if it is `ahead`, a block of its own, and else with that one, as it is added to that block.
HAWSER_INLINE_512 void begin_segment(const Key& key, Message& message, __m128i hash, bool ahead) {
  message.last_segment = message.blocks <= kPowers;
  const std::size_t size =
      message.last_segment ? message.blocks : std::min<std::size_t>(message.chunks, 2) * kChunkBlocks;
  message.blocks -= size;
  message.power = key.powers_end() - size;
  message.sum = product(hash, message.power[ahead ? -1 : 0]);
}

HAWSER_INLINE_512 void end_chunk(const Key& key, Message& message) {
  message.power += kChunkBlocks;
  --message.chunks;
  if (!message.last_segment && message.power == key.powers_end())
    begin_segment(key, message, reduced(message.sum), false);
}

HAWSER_INLINE_512 __m512i round_key(const Key& key, int round) {
  return _mm512_broadcast_i32x4(key.round_keys[round]);
}

HAWSER_INLINE_512 __m512i next_counter_block(__m512i& counter, __m512i first_key) {
  const __m512i block = _mm512_xor_si512(reversed(counter), first_key);
  counter = _mm512_add_epi32(counter, _mm512_set_epi32(0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 4));
  return block;
}

// The key stream of a chunk. Between its rounds, whose latency leaves room, `text` is hashed, the
// ciphertext of the chunk before.
template <int kRounds, bool kHash>
HAWSER_INLINE_512 Four key_stream(const Key& key, Message& message, const Four& text) {
  const __m512i first_key = round_key(key, 0);
  Four s;
  s.a = next_counter_block(message.counter, first_key);
  s.b = next_counter_block(message.counter, first_key);
  s.c = next_counter_block(message.counter, first_key);
  s.d = next_counter_block(message.counter, first_key);
#pragma GCC unroll 14
  for (int round = 1; round < kRounds; ++round) {
    const __m512i k = round_key(key, round);
    s.a = _mm512_aesenc_epi128(s.a, k);
    s.b = _mm512_aesenc_epi128(s.b, k);
    s.c = _mm512_aesenc_epi128(s.c, k);
    s.d = _mm512_aesenc_epi128(s.d, k);
    if (kHash && round == 1) add_product(message.sum, text.a, message.power);
    if (kHash && round == 2) add_product(message.sum, text.b, message.power + 4);
    if (kHash && round == 3) add_product(message.sum, text.c, message.power + 8);
    if (kHash && round == 4) add_product(message.sum, text.d, message.power + 12);
  }
  const __m512i k = round_key(key, kRounds);
  return {_mm512_aesenclast_epi128(s.a, k), _mm512_aesenclast_epi128(s.b, k), _mm512_aesenclast_epi128(s.c, k),
          _mm512_aesenclast_epi128(s.d, k)};
}

// Reads a payload that lies in pieces.
class Source {
 public:
  explicit Source(std::span<const Bytes> pieces) : next_(pieces.data()) {}
  explicit Source(const Bytes& piece) : next_(&piece) {}

  HAWSER_INLINE_512 Four chunk() {
    if (left_ >= kChunk) [[likely]] {
      const std::uint8_t* const from = at_;
      skip(kChunk);
      return load_four(from);
    }
    const __m512i a = octets(kVector);
    const __m512i b = octets(kVector);
    const __m512i c = octets(kVector);
    return {a, b, c, octets(kVector)};
  }
  // `count` octets, at most a vector, with zeros behind.
  HAWSER_INLINE_512 __m512i octets(std::size_t count) {
    if (left_ < count) return gathered(count);
    const std::uint8_t* const from = at_;
    skip(count);
    return _mm512_maskz_loadu_epi8(first_octets(count), from);
  }

 private:
  HAWSER_TARGET_512 __attribute__((noinline)) __m512i gathered(std::size_t count) {
    __m512i vector = _mm512_setzero_si512();
    for (std::size_t have = 0; have < count;) {
      while (left_ == 0) {
        at_ = next_->data();
        left_ = next_->size();
        ++next_;
      }
      const std::size_t taken = std::min(left_, count - have);
      // Octets outside of the mask are not touched, wherever they lie.
      const auto from = reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(at_) - have);
      vector = _mm512_mask_loadu_epi8(vector, first_octets(taken) << have, from);
      have += taken;
      skip(taken);
    }
    return vector;
  }
  HAWSER_INLINE_512 void skip(std::size_t count) {
    at_ += count;
    left_ -= count;
  }

  const Bytes* next_;
  const std::uint8_t* at_ = nullptr;
  std::size_t left_ = 0;  // octets of the piece at hand
};

// Counters start behind J0; the hash begins with the AAD, of which the last block waits for
// the segment.
HAWSER_INLINE_512 Message begin(const Key& key, __m128i j0, Bytes aad, std::size_t size) {
  Message message;
  message.counter = _mm512_add_epi32(_mm512_broadcast_i32x4(reversed(j0)),
                                     _mm512_set_epi32(0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1));
  message.blocks = (size + kBlock - 1) / kBlock + 1;
  message.chunks = size / kChunk;
  __m128i hash = _mm_setzero_si128();
  while (aad.size() > kBlock) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(aad.data()));
    hash = reduced(product(_mm_xor_si128(hash, reversed(block)), key.powers_end()[-1]));
    aad = aad.subspan(kBlock);
  }
  const __m128i rest = _mm_maskz_loadu_epi8(static_cast<__mmask16>(first_octets(aad.size())), aad.data());
  begin_segment(key, message, _mm_xor_si128(hash, reversed(rest)), true);
  return message;
}

// Encrypts or decrypts the octets behind the last whole chunk and hashes them.
template <bool kSeal>
HAWSER_INLINE_512 void finish_octets(Message& message, const Four& stream, Source& source, std::uint8_t* out,
                                     std::size_t count) {
  const __m512i streams[] = {stream.a, stream.b, stream.c, stream.d};
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t here = std::min(count, kVector);
    const __mmask64 mask = first_octets(here);
    const __m512i in = source.octets(here);
    const __m512i result = _mm512_maskz_mov_epi8(mask, _mm512_xor_si512(in, streams[i]));
    _mm512_mask_storeu_epi8(out, mask, result);
    add_product(message.sum, kSeal ? result : in, message.power);
    message.power += (here + kBlock - 1) / kBlock;
    count -= here;
    if (count == 0) return;
    out += kVector;
  }
}

// Encrypts or decrypts a chunk; returns its ciphertext, which is to be hashed.
template <bool kSeal>
HAWSER_INLINE_512 Four apply(const Four& stream, Source& source, std::uint8_t* out) {
  const Four in = source.chunk();
  const Four result = in ^ stream;
  store_four(out, result);
  return kSeal ? result : in;
}

HAWSER_INLINE_512 void finish(const Key& key, Message& message, __m128i last_block, __m128i tag_mask,
                              std::uint8_t* tag) {
  const Sum last = product(last_block, key.powers_end()[-1]);
  message.sum.low = _mm512_xor_si512(message.sum.low, last.low);
  message.sum.middle = _mm512_xor_si512(message.sum.middle, last.middle);
  message.sum.high = _mm512_xor_si512(message.sum.high, last.high);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(tag), _mm_xor_si128(reversed(reduced(message.sum)), tag_mask));
}

// Writes text and tag. `source` is read exactly as far as `out` is written, so that either may
// lie in the other's place.
template <int kRounds, bool kSeal>
HAWSER_TARGET_512 void run(const Key& key, const AeadNonce& nonce, Bytes aad, Source source, std::uint8_t* out,
                           std::size_t size, std::uint8_t* tag) {
  const __m128i j0 = _mm_insert_epi32(_mm_maskz_loadu_epi8(0xfff, nonce.data()), 0x01000000, 3);
  const __m128i tag_mask = encrypted<kRounds>(key.round_keys, j0);
  const __m128i last_block = lengths(aad.size(), size);
  Message message = begin(key, j0, aad, size);
  const std::size_t rest = size % kChunk;
  Four text{};
  if (size < kChunk) {
    if (rest != 0) finish_octets<kSeal>(message, key_stream<kRounds, false>(key, message, text), source, out, rest);
    return finish(key, message, last_block, tag_mask, tag);
  }
  text = apply<kSeal>(key_stream<kRounds, false>(key, message, text), source, out);
  for (std::size_t more = size / kChunk - 1; more != 0; --more) {
    const Four stream = key_stream<kRounds, true>(key, message, text);
    end_chunk(key, message);
    out += kChunk;
    text = apply<kSeal>(stream, source, out);
  }
  if (rest != 0) {
    const Four stream = key_stream<kRounds, true>(key, message, text);
    end_chunk(key, message);
    finish_octets<kSeal>(message, stream, source, out + kChunk, rest);
  } else {
    add_product(message.sum, text.a, message.power);
    add_product(message.sum, text.b, message.power + 4);
    add_product(message.sum, text.c, message.power + 8);
    add_product(message.sum, text.d, message.power + 12);
    end_chunk(key, message);
  }
  finish(key, message, last_block, tag_mask, tag);
}

HAWSER_TARGET_512 void prepare_powers(Key& key) {
  const __m128i h = hash_key(key);
  key.powers[kPowers] = h;
  for (std::size_t i = kPowers; i-- > 0;) key.powers[i] = reduced(product(key.powers[i + 1], h));
}

}  // namespace

bool is_available() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("vaes") &&
         __builtin_cpu_supports("vpclmulqdq");
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
  std::size_t size = 0;
  for (const Bytes piece : plaintext) size += piece.size();
  if (key.rounds == 10) {
    run<10, true>(key, nonce, aad, Source(plaintext), out, size, out + size);
  } else {
    run<14, true>(key, nonce, aad, Source(plaintext), out, size, out + size);
  }
}

bool open(void* state, const AeadNonce& nonce, Bytes aad, MutableBytes ciphertext_and_tag) {
  const Key& key = *static_cast<const Key*>(state);
  const std::size_t size = ciphertext_and_tag.size() - kAeadTagLength;
  const Bytes data = Bytes(ciphertext_and_tag).first(size);
  std::array<std::uint8_t, kAeadTagLength> tag;
  if (key.rounds == 10) {
    run<10, false>(key, nonce, aad, Source(data), ciphertext_and_tag.data(), size, tag.data());
  } else {
    run<14, false>(key, nonce, aad, Source(data), ciphertext_and_tag.data(), size, tag.data());
  }
  return equal_constant_time(tag, ciphertext_and_tag.subspan(size));
}

}  // namespace hawser::quic::vaes512
#endif
