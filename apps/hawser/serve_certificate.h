// serve_certificate.h: the development certificate that `hawser serve --dev-cert` keeps in the
// user's data folder and uses again while it lasts.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"
#include "quic/tls/dev_certificate.h"

namespace hawser::app {

// A kept certificate is used again while it is valid for longer than this, in seconds.
inline constexpr std::int64_t kDevCertificateReserve_s = 86'400;

struct KeptCertificate {
  quic::DevCertificate certificate;
  std::string chain_file;
  std::string key_file;
  bool minted = false;  // just now; false: it was there
};

// $XDG_DATA_HOME/hawser, or ~/.local/share/hawser.
std::expected<std::string, ConfigError> data_folder();

// Reads dev-cert.pem and dev-key.pem of `folder`, or makes them: ECDSA P-256, 13 days, for
// localhost, 127.0.0.1, ::1 and this machine's name; likewise if they do not belong together. The key is readable
// by its owner alone.
std::expected<KeptCertificate, ConfigError> keep_dev_certificate(const std::string& folder, std::int64_t now_s);

// What a person needs to try the server: the hash, Chromium's flags, a `hawser get` line.
std::string describe_dev_certificate(const KeptCertificate& kept, std::string_view host, std::uint16_t port);

}  // namespace hawser::app
