// dev_certificate.h: self-signed certificates for development, with what browsers need to
// accept them: WebTransport's serverCertificateHashes (at most 14 days of validity, ECDSA)
// and Chromium's --ignore-certificate-errors-spki-list.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace hawser::quic {

struct DevCertificateOptions {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};  // DNS names or IP literals, at least one
  std::int64_t not_before_s = 0;                                    // seconds since 1970
  std::int64_t validity_s = 13 * 86'400;                            // browsers allow 14 days at most
};

struct DevCertificate {
  std::string certificate_pem;
  std::string key_pem;
  std::array<std::uint8_t, 32> sha256{};  // of the certificate's DER: serverCertificateHashes
  std::string spki_sha256_base64;         // of the public key: --ignore-certificate-errors-spki-list
  std::int64_t not_after_s = 0;           // seconds since 1970
};

// A new ECDSA P-256 key and a certificate for it. Errors: no name, a name that is neither
// DNS name nor address, a validity that is not positive.
std::expected<DevCertificate, ConfigError> mint_dev_certificate(const DevCertificateOptions& options);

// Reads the first certificate of a PEM text: fills all but key_pem. For deciding whether a
// kept certificate still serves.
std::expected<DevCertificate, ConfigError> read_certificate(std::string_view certificate_pem);

// Whether the first private key of a PEM text, without a passphrase, is that of the first certificate of another.
bool is_key_of_certificate(std::string_view key_pem, std::string_view certificate_pem);

}  // namespace hawser::quic
