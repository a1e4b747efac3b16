// secret.h: traffic secrets and cipher suites: what TLS hands over when a new encryption
// level is ready. A Secret wipes its memory when it goes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace hawser::quic {

// The TLS 1.3 suites that QUIC version 1 uses here, by IANA value (RFC 8446 appendix B.4).
// TLS_AES_128_CCM_SHA256 is legal too; hawser does not offer it.
enum class CipherSuite : std::uint16_t {
  kAes128GcmSha256 = 0x1301,
  kAes256GcmSha384 = 0x1302,
  kChaCha20Poly1305Sha256 = 0x1303,
};

// "TLS_AES_128_GCM_SHA256" and so on.
std::string_view to_string(CipherSuite suite);

// Octets of the suite's hash output, which is also the length of its traffic secrets.
constexpr std::size_t hash_length(CipherSuite suite) {
  return suite == CipherSuite::kAes256GcmSha384 ? 48 : 32;
}
// Octets of the AEAD key, which is also the length of the header protection key.
constexpr std::size_t key_length(CipherSuite suite) {
  return suite == CipherSuite::kAes128GcmSha256 ? 16 : 32;
}

// Overwrites memory in a way that the compiler keeps.
void wipe(MutableBytes bytes);

class Secret {
 public:
  static constexpr std::size_t kMaxLength = 48;  // SHA-384, the longest hash of the suites above

  Secret() = default;
  // Copies; bytes.size() <= kMaxLength.
  explicit Secret(Bytes bytes);
  // A secret of `length` zero octets, to be filled through mutable_view().
  static Secret of_length(std::size_t length);
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe({bytes_.data(), bytes_.size()}); }

  [[nodiscard]] Bytes view() const { return {bytes_.data(), length_}; }
  [[nodiscard]] MutableBytes mutable_view() { return {bytes_.data(), length_}; }
  [[nodiscard]] std::size_t length() const { return length_; }
  [[nodiscard]] bool empty() const { return length_ == 0; }

 private:
  std::array<std::uint8_t, kMaxLength> bytes_{};
  std::uint8_t length_ = 0;
};

}  // namespace hawser::quic
