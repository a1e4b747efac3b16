// key_schedule.cc: HKDF, and the labels and salts of QUIC's key schedule.
#include "quic/crypto/key_schedule.h"

#include <algorithm>
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
    // RFC 9369 section 3.3. rfc9369:3-like-v1
    {.version = Version::kV2,
     .initial_salt = {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                      0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
     .key_label = "quicv2 key",
     .iv_label = "quicv2 iv",
     .hp_label = "quicv2 hp",
     .ku_label = "quicv2 ku",
     .retry_key = {0x8f, 0xb4, 0xb0, 0x1b, 0x56, 0xac, 0x48, 0xe2, 0x60, 0xfb, 0xcb, 0xce, 0xad, 0x7c, 0xcc, 0x92},
     .retry_nonce = {0xd8, 0x69, 0x69, 0xbc, 0x2d, 0x7c, 0x6d, 0x99, 0x90, 0xef, 0xb0, 0x4a}},
    {.version = Version::kV2Draft,
     .initial_salt = {0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d,
                      0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a, 0xe3, 0xe5, 0xd3},
     .key_label = "quicv2 key",
     .iv_label = "quicv2 iv",
     .hp_label = "quicv2 hp",
     .ku_label = "quicv2 ku",
     .retry_key = {0xba, 0x85, 0x8d, 0xc7, 0xb4, 0x3d, 0xe5, 0xdb, 0xf8, 0x76, 0x17, 0xff, 0x4a, 0xb2, 0x53, 0xdb},
     .retry_nonce = {0x14, 0x1b, 0x99, 0xc2, 0x39, 0xb0, 0x3e, 0x78, 0x5d, 0x6a, 0x2e, 0x9f}},
};

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
  HmacKey(hash_length(suite), salt).compute(message, secret.mutable_view());
  return secret;
}

void HkdfSecret::expand_label(std::string_view label, MutableBytes out, Bytes context) const {
  static constexpr std::string_view kPrefix = "tls13 ";
  const std::size_t hash_size = key_.hash_length();
  HAWSER_CHECK(label.size() <= kMaxLabel && context.size() <= Secret::kMaxLength && out.size() <= kMaxOutput);

  // struct HkdfLabel of RFC 8446 section 7.1: length, label, context.
  std::array<std::uint8_t, 2 + 1 + kPrefix.size() + kMaxLabel + 1> info;
  info[0] = 0;
  info[1] = static_cast<std::uint8_t>(out.size());
  info[2] = static_cast<std::uint8_t>(kPrefix.size() + label.size());
  std::memcpy(info.data() + 3, kPrefix.data(), kPrefix.size());
  std::memcpy(info.data() + 3 + kPrefix.size(), label.data(), label.size());
  const std::size_t info_size = 3 + kPrefix.size() + label.size() + 1;
  info[info_size - 1] = static_cast<std::uint8_t>(context.size());

  // RFC 5869 section 2.3: T(i) = HMAC(secret, T(i-1) || info || i).
  Secret block = Secret::of_length(hash_size);
  std::size_t done = 0;
  for (std::uint8_t i = 1; done < out.size(); ++i) {
    const Bytes previous = i == 1 ? Bytes{} : block.view();
    const Bytes message[] = {previous, {info.data(), info_size}, context, {&i, 1}};
    key_.compute(message, block.mutable_view());
    const std::size_t count = std::min(hash_size, out.size() - done);
    std::memcpy(out.data() + done, block.view().data(), count);
    done += count;
  }
}

void hkdf_expand_label(CipherSuite suite, Bytes secret, std::string_view label, MutableBytes out) {
  HkdfSecret(suite, secret).expand_label(label, out);
}

// rfc9001:5.2-expand-label
InitialSecrets initial_secrets(const VersionKeyTable& table, Bytes dcid) {
  const HkdfSecret initial(kInitialSuite, hkdf_extract(kInitialSuite, table.initial_salt, dcid).view());
  InitialSecrets secrets{Secret::of_length(hash_length(kInitialSuite)), Secret::of_length(hash_length(kInitialSuite))};
  initial.expand_label("client in", secrets.client.mutable_view());
  initial.expand_label("server in", secrets.server.mutable_view());
  return secrets;
}

KeyMaterial::KeyMaterial(const VersionKeyTable& table, CipherSuite suite, Bytes secret) : length_(key_length(suite)) {
  const HkdfSecret hkdf(suite, secret);
  hkdf.expand_label(table.key_label, {key_.data(), length_});
  hkdf.expand_label(table.iv_label, {iv_.data(), iv_.size()});
  hkdf.expand_label(table.hp_label, {hp_.data(), length_});
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
