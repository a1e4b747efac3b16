// secret.cc: names of cipher suites and memory that is wiped.
#include "quic/crypto/secret.h"

#include <openssl/crypto.h>

#include <cstring>

#include "base/check.h"

namespace hawser::quic {

std::string_view to_string(CipherSuite suite) {
  switch (suite) {
    case CipherSuite::kAes128GcmSha256:
      return "TLS_AES_128_GCM_SHA256";
    case CipherSuite::kAes256GcmSha384:
      return "TLS_AES_256_GCM_SHA384";
    case CipherSuite::kChaCha20Poly1305Sha256:
      return "TLS_CHACHA20_POLY1305_SHA256";
  }
  return "unknown cipher suite";
}

void wipe(MutableBytes bytes) {
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

Secret::Secret(Bytes bytes) : length_(static_cast<std::uint8_t>(bytes.size())) {
  HAWSER_CHECK(bytes.size() <= kMaxLength);
  if (!bytes.empty()) std::memcpy(bytes_.data(), bytes.data(), bytes.size());
}

Secret Secret::of_length(std::size_t length) {
  HAWSER_CHECK(length <= kMaxLength);
  Secret secret;
  secret.length_ = static_cast<std::uint8_t>(length);
  return secret;
}

}  // namespace hawser::quic
