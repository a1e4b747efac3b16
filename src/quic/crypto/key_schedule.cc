// key_schedule.cc: HKDF over OpenSSL's HMAC. The MAC and its digests are fetched once per
// thread, because a fetch by name costs more than the HMAC of a short input.
#include "quic/crypto/key_schedule.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <span>

#include "base/check.h"

namespace hawser::quic {
namespace {

constexpr VersionKeyTable kKeyTables[] = {
    {.version = Version::kV1,
     .initial_salt = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                      0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
     .key_label = "quic key",
     .iv_label = "quic iv",
     .hp_label = "quic hp",
     .ku_label = "quic ku",
     .retry_key = {0xbe, 0x0c, 0x69, 0x0b, 0x9f, 0x66, 0x57, 0x5a, 0x1d, 0x76, 0x6b, 0x54, 0xe3, 0x68, 0xc8, 0x4e},
     .retry_nonce = {0x46, 0x15, 0x99, 0xd3, 0x5d, 0x63, 0x2b, 0xf2, 0x23, 0x98, 0x25, 0xbb}},
};

// An HMAC with its digest chosen, keyed anew for each use.
class Hmac {
 public:
  explicit Hmac(const char* digest) {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    HAWSER_CHECK(mac != nullptr);
    context_ = EVP_MAC_CTX_new(mac);  // takes a share of `mac`
    EVP_MAC_free(mac);
    HAWSER_CHECK(context_ != nullptr);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest), 0),
                                 OSSL_PARAM_construct_end()};
    HAWSER_CHECK(EVP_MAC_CTX_set_params(context_, params) == 1);
  }
  Hmac(const Hmac&) = delete;
  Hmac& operator=(const Hmac&) = delete;
  ~Hmac() { EVP_MAC_CTX_free(context_); }

  // out.size() is the digest's length.
  void compute(Bytes key, std::span<const Bytes> message, MutableBytes out) {
    static constexpr std::uint8_t kEmptyKey = 0;  // a null key would mean "the key of last time"
    HAWSER_CHECK(EVP_MAC_init(context_, key.empty() ? &kEmptyKey : key.data(), key.size(), nullptr) == 1);
    for (const Bytes piece : message) {
      if (!piece.empty()) HAWSER_CHECK(EVP_MAC_update(context_, piece.data(), piece.size()) == 1);
    }
    std::size_t size = 0;
    HAWSER_CHECK(EVP_MAC_final(context_, out.data(), &size, out.size()) == 1 && size == out.size());
  }

 private:
  EVP_MAC_CTX* context_;
};

Hmac& hmac_of(CipherSuite suite) {
  thread_local Hmac sha256("SHA256");
  thread_local Hmac sha384("SHA384");
  return hash_length(suite) == 48 ? sha384 : sha256;
}

}  // namespace

const VersionKeyTable* version_key_table(Version version) {
  for (const VersionKeyTable& row : kKeyTables) {
    if (row.version == version) return &row;
  }
  return nullptr;
}

const VersionKeyTable& v1_key_table() {
  return kKeyTables[0];
}

Secret hkdf_extract(CipherSuite suite, Bytes salt, Bytes input_keying_material) {
  Secret secret = Secret::of_length(hash_length(suite));
  const Bytes message[] = {input_keying_material};
  hmac_of(suite).compute(salt, message, secret.mutable_view());
  return secret;
}

void hkdf_expand_label(CipherSuite suite, Bytes secret, std::string_view label, MutableBytes out) {
  static constexpr std::string_view kPrefix = "tls13 ";
  static constexpr std::size_t kMaxLabel = 32;
  HAWSER_CHECK(label.size() <= kMaxLabel && out.size() <= 64);

  // struct HkdfLabel of RFC 8446 section 7.1: length, label, an empty context.
  std::array<std::uint8_t, 2 + 1 + kPrefix.size() + kMaxLabel + 1> info{};
  info[1] = static_cast<std::uint8_t>(out.size());
  info[2] = static_cast<std::uint8_t>(kPrefix.size() + label.size());
  std::memcpy(info.data() + 3, kPrefix.data(), kPrefix.size());
  std::memcpy(info.data() + 3 + kPrefix.size(), label.data(), label.size());
  const std::size_t info_size = 3 + kPrefix.size() + label.size() + 1;

  // RFC 5869 section 2.3: T(i) = HMAC(secret, T(i-1) || info || i).
  const std::size_t hash_size = hash_length(suite);
  Secret block = Secret::of_length(hash_size);
  std::size_t done = 0;
  for (std::uint8_t i = 1; done < out.size(); ++i) {
    const Bytes previous = i == 1 ? Bytes{} : block.view();
    const Bytes message[] = {previous, {info.data(), info_size}, {&i, 1}};
    hmac_of(suite).compute(secret, message, block.mutable_view());
    const std::size_t count = std::min(hash_size, out.size() - done);
    std::memcpy(out.data() + done, block.view().data(), count);
    done += count;
  }
}

InitialSecrets initial_secrets(const VersionKeyTable& table, Bytes dcid) {
  const Secret initial = hkdf_extract(kInitialSuite, table.initial_salt, dcid);
  InitialSecrets secrets{Secret::of_length(hash_length(kInitialSuite)), Secret::of_length(hash_length(kInitialSuite))};
  hkdf_expand_label(kInitialSuite, initial.view(), "client in", secrets.client.mutable_view());
  hkdf_expand_label(kInitialSuite, initial.view(), "server in", secrets.server.mutable_view());
  return secrets;
}

KeyMaterial::KeyMaterial(const VersionKeyTable& table, CipherSuite suite, Bytes secret) : length_(key_length(suite)) {
  hkdf_expand_label(suite, secret, table.key_label, {key_.data(), length_});
  hkdf_expand_label(suite, secret, table.iv_label, {iv_.data(), iv_.size()});
  hkdf_expand_label(suite, secret, table.hp_label, {hp_.data(), length_});
}

KeyMaterial::~KeyMaterial() {
  wipe(key_);
  wipe(hp_);
  wipe(iv_);
}

Secret next_generation_secret(const VersionKeyTable& table, CipherSuite suite, Bytes secret) {
  Secret next = Secret::of_length(hash_length(suite));
  hkdf_expand_label(suite, secret, table.ku_label, next.mutable_view());
  return next;
}

}  // namespace hawser::quic
