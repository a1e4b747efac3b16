// url.h: http and https URLs taken apart and put together (RFC 3986, RFC 9110 section 4.2).
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/result.h"

namespace hawser::http {

struct Url {
  std::string scheme;      // "https" or "http", lower-case
  std::string host;        // lower-case; IPv6 addresses without brackets
  std::uint16_t port = 0;  // 443 for https, 80 for http, unless given
  std::string target;      // path and query, percent-encoded, begins with '/'

  // ":authority" and Host: the port only where it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
  // "host:port", for a socket and as a key.
  [[nodiscard]] std::string host_port() const;
  [[nodiscard]] std::string to_string() const;
  // What comes after the last '/' of the path, decoded; empty if there is nothing.
  [[nodiscard]] std::string file_name() const;

  bool operator==(const Url&) const = default;
};

// Longest URL read; browsers and proxies refuse longer ones too.
inline constexpr std::size_t kUrlMax = 64 * 1'024;

// Reads a URL as people type it: without a scheme it is https; octets that a URL may not
// hold are percent-encoded; a fragment is dropped. Errors: another scheme, no host, a bad
// port, a user name (curl's user:password@ is not taken), an octet that cannot be in a host.
std::expected<Url, ConfigError> parse_url(std::string_view text);

// What `reference` means on the page `base` (RFC 3986 section 5), for redirects.
std::expected<Url, ConfigError> resolve_reference(const Url& base, std::string_view reference);

// Decodes %XX. Nothing else changes; a '%' without two digits stays as it is.
std::string percent_decode(std::string_view text);

// Encodes every octet but letters, digits and those of `kept`.
std::string percent_encode(std::string_view text, std::string_view kept = "-._~/");

}  // namespace hawser::http
