// key_schedule.h: from secrets to keys (RFC 9001 section 5): HKDF with TLS 1.3 labels, the
// initial secrets of a version, and the secret of the next key generation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "quic/crypto/hmac.h"
#include "quic/crypto/secret.h"
#include "quic/wire/types.h"

namespace hawser::quic {

inline constexpr std::size_t kAeadIvLength = 12;
inline constexpr std::size_t kAeadTagLength = 16;

// What a QUIC version fixes about key derivation; one row per version. What it fixes about
// wire formats is VersionTraits of wire/version_traits.h.
struct VersionKeyTable {
  Version version;
  std::array<std::uint8_t, 20> initial_salt;  // RFC 9001 section 5.2
  std::string_view key_label;                 // RFC 9001 section 5.1, without "tls13 "
  std::string_view iv_label;
  std::string_view hp_label;
  std::string_view ku_label;               // RFC 9001 section 6.1
  std::array<std::uint8_t, 16> retry_key;  // RFC 9001 section 5.8
  std::array<std::uint8_t, kAeadIvLength> retry_nonce;
};

// The row of `version`, or nullptr if hawser does not speak it. Static storage.
const VersionKeyTable* version_key_table(Version version);

// The row of QUIC version 1.
const VersionKeyTable& v1_key_table();

// RFC 5869 section 2.2 with the suite's hash. Any input lengths.
Secret hkdf_extract(CipherSuite suite, Bytes salt, Bytes input_keying_material);

// A secret from which several others follow by HKDF-Expand-Label (RFC 8446 section 7.1).
class HkdfSecret {
 public:
  static constexpr std::size_t kMaxLabel = 249;  // with "tls13 " the length fits an octet
  static constexpr std::size_t kMaxOutput = 255;

  HkdfSecret(CipherSuite suite, Bytes secret) : key_(hash_length(suite), secret) {}

  // `label` without "tls13 ", at most kMaxLabel characters; `context` at most a hash;
  // out.size() <= kMaxOutput.
  void expand_label(std::string_view label, MutableBytes out, Bytes context = {}) const;

 private:
  HmacKey key_;
};

// The same for a single one, with an empty context.
void hkdf_expand_label(CipherSuite suite, Bytes secret, std::string_view label, MutableBytes out);

struct InitialSecrets {
  Secret client;  // protects what the client sends
  Secret server;
};

// RFC 9001 section 5.2. `dcid` is the Destination Connection ID of the client's first
// Initial packet (after a Retry: of the first packet that follows it). The suite of Initial
// packets is AES-128-GCM with SHA-256.
InitialSecrets initial_secrets(const VersionKeyTable& table, Bytes dcid);
inline constexpr CipherSuite kInitialSuite = CipherSuite::kAes128GcmSha256;

// Key, IV and header protection key of one direction; wiped on destruction.
class KeyMaterial {
 public:
  KeyMaterial(const VersionKeyTable& table, CipherSuite suite, Bytes secret);
  KeyMaterial(const KeyMaterial&) = delete;
  KeyMaterial& operator=(const KeyMaterial&) = delete;
  ~KeyMaterial();

  [[nodiscard]] Bytes key() const { return {key_.data(), length_}; }
  [[nodiscard]] Bytes iv() const { return {iv_.data(), iv_.size()}; }
  [[nodiscard]] Bytes hp() const { return {hp_.data(), length_}; }

 private:
  std::size_t length_;
  std::array<std::uint8_t, 32> key_{};
  std::array<std::uint8_t, 32> hp_{};
  std::array<std::uint8_t, kAeadIvLength> iv_{};
};

// RFC 9001 section 6.1: the secret that follows `secret` at a key update.
Secret next_generation_secret(const VersionKeyTable& table, CipherSuite suite, Bytes secret);

}  // namespace hawser::quic
