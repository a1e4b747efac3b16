// hmac.cc: over libcrypto's SHA-2 proper. The calls are marked as deprecated in favour of EVP,
// which spends six times as long on fetches, allocations and parameters as the hash itself
// takes for messages this short.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "quic/crypto/hmac.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "quic/crypto/secret.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kSha256Length = 32;
constexpr std::size_t kSha384Length = 48;
constexpr std::size_t kMaxBlock = 128;  // of SHA-384; SHA-256 has half of it

struct Sha256 {
  using Context = SHA256_CTX;
  static constexpr std::size_t kBlock = 64;
  static constexpr std::size_t kLength = kSha256Length;
  static void init(Context& c) { SHA256_Init(&c); }
  static void update(Context& c, Bytes bytes) { SHA256_Update(&c, bytes.data(), bytes.size()); }
  static void finish(Context& c, std::uint8_t* out) { SHA256_Final(out, &c); }
};

struct Sha384 {
  using Context = SHA512_CTX;
  static constexpr std::size_t kBlock = kMaxBlock;
  static constexpr std::size_t kLength = kSha384Length;
  static void init(Context& c) { SHA384_Init(&c); }
  static void update(Context& c, Bytes bytes) { SHA384_Update(&c, bytes.data(), bytes.size()); }
  static void finish(Context& c, std::uint8_t* out) { SHA384_Final(out, &c); }
};

template <class Hash>
void begin(typename Hash::Context& inner, typename Hash::Context& outer, Bytes key) {
  std::array<std::uint8_t, Hash::kBlock> pad{};
  if (key.size() > pad.size()) {
    Hash::init(inner);
    Hash::update(inner, key);
    Hash::finish(inner, pad.data());
  } else if (!key.empty()) {
    std::memcpy(pad.data(), key.data(), key.size());
  }
  for (std::uint8_t& octet : pad) octet ^= 0x36;
  Hash::init(inner);
  Hash::update(inner, pad);
  for (std::uint8_t& octet : pad) octet ^= 0x36 ^ 0x5c;
  Hash::init(outer);
  Hash::update(outer, pad);
  wipe(pad);
}

template <class Hash>
void compute_from(typename Hash::Context inner, typename Hash::Context outer, std::span<const Bytes> message,
                  MutableBytes out) {
  for (const Bytes piece : message)
    if (!piece.empty()) Hash::update(inner, piece);
  std::array<std::uint8_t, Hash::kLength> digest;
  Hash::finish(inner, digest.data());
  Hash::update(outer, digest);
  Hash::finish(outer, out.data());
  wipe(digest);
  wipe({reinterpret_cast<std::uint8_t*>(&inner), sizeof inner});
  wipe({reinterpret_cast<std::uint8_t*>(&outer), sizeof outer});
}

}  // namespace

HmacKey::HmacKey(std::size_t hash_length, Bytes key) : hash_length_(hash_length) {
  HAWSER_CHECK(hash_length == kSha256Length || hash_length == kSha384Length);
  if (hash_length == kSha256Length) {
    begin<Sha256>(inner_.sha256, outer_.sha256, key);
  } else {
    begin<Sha384>(inner_.sha384, outer_.sha384, key);
  }
}

HmacKey::~HmacKey() {
  const std::size_t used = hash_length_ == kSha256Length ? sizeof(SHA256_CTX) : sizeof(SHA512_CTX);
  wipe({reinterpret_cast<std::uint8_t*>(&inner_), used});
  wipe({reinterpret_cast<std::uint8_t*>(&outer_), used});
}

void HmacKey::compute(std::span<const Bytes> message, MutableBytes out) const {
  HAWSER_CHECK(out.size() == hash_length_);
  if (hash_length_ == kSha256Length) {
    compute_from<Sha256>(inner_.sha256, outer_.sha256, message, out);
  } else {
    compute_from<Sha384>(inner_.sha384, outer_.sha384, message, out);
  }
}

Bytes hash_of_nothing(std::size_t hash_length) {
  static const auto kSha256 = [] {
    std::array<std::uint8_t, kSha256Length> digest;
    SHA256(nullptr, 0, digest.data());
    return digest;
  }();
  static const auto kSha384 = [] {
    std::array<std::uint8_t, kSha384Length> digest;
    SHA384(nullptr, 0, digest.data());
    return digest;
  }();
  HAWSER_CHECK(hash_length == kSha256Length || hash_length == kSha384Length);
  return hash_length == kSha256Length ? Bytes(kSha256) : Bytes(kSha384);
}

}  // namespace hawser::quic
