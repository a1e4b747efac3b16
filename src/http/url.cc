// url.cc: a small reader of http and https URLs. Other schemes are not its business.
#include "http/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "net/address.h"

namespace hawser::http {
namespace {

std::unexpected<ConfigError> bad_url(std::string_view url, std::string_view why) {
  return std::unexpected(ConfigError{fmt::format("bad URL \"{}\": {}", url.substr(0, 200), why)});
}

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The length of "scheme" in "scheme:..." , or npos if the text begins with none.
std::size_t scheme_length(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_alpha(text.front())) return std::string_view::npos;
  const auto in_scheme = [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; };
  return std::ranges::all_of(text.substr(0, colon), in_scheme) ? colon : std::string_view::npos;
}

bool is_host_octet(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("-._~!$&'()*+,;=%").find(c) != std::string_view::npos;
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

// Path and query as the wire may carry them: what is already encoded stays, what a URI may
// not hold (spaces, quotes, non-ASCII) is encoded. A fragment is cut off.
std::string clean_target(std::string_view text) {
  text = text.substr(0, text.find('#'));
  std::string target = text.starts_with('/') ? "" : "/";
  target += percent_encode(text, "-._~!$&'()*+,;=:@/?%[]|");
  return target;
}

// RFC 3986 section 5.2.4, on an absolute path.
std::string remove_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool trailing = true;
  path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    const bool dots = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!dots) kept.push_back(segment);
    trailing = dots;
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  if (trailing || out.empty()) out += '/';
  return out;
}

std::expected<void, ConfigError> read_port(std::string_view url, std::string_view digits, Url& out) {
  if (digits.empty()) return {};  // "host:" is legal and means the default
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65'535) {
    return bad_url(url, fmt::format("\"{}\" is not a port (1 to 65535)", digits));
  }
  out.port = static_cast<std::uint16_t>(port);
  return {};
}

std::expected<void, ConfigError> read_authority(std::string_view url, std::string_view authority, Url& out) {
  if (authority.find('@') != std::string_view::npos) {
    return bad_url(url, "a user name before @ is not taken: pass -H 'Authorization: ...'");
  }
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad_url(url, "the ']' of the address is missing");
    out.host = lower_case(authority.substr(1, close - 1));
    if (net::parse_ip(out.host).family != AddressFamily::kIpv6) return bad_url(url, "no IPv6 address in the brackets");
    port = authority.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return bad_url(url, "after ']' comes a ':' and the port");
  } else {
    const std::size_t colon = authority.find(':');
    out.host = lower_case(authority.substr(0, colon));
    if (colon != std::string_view::npos) port = authority.substr(colon);
    if (!std::ranges::all_of(out.host, is_host_octet)) {
      return bad_url(url, "the host has a character that no host has; write international names in punycode (xn--...)");
    }
  }
  if (out.host.empty()) return bad_url(url, "the host is missing; write https://HOST/PATH");
  if (!port.empty()) port.remove_prefix(1);
  return read_port(url, port, out);
}

}  // namespace

std::string Url::authority() const {
  return port == default_port(scheme) ? host_port().substr(0, host_port().rfind(':')) : host_port();
}

std::string Url::host_port() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

std::string Url::to_string() const {
  return scheme + "://" + authority() + target;
}

std::string Url::file_name() const {
  const std::string_view path = std::string_view(target).substr(0, target.find('?'));
  return percent_decode(path.substr(path.rfind('/') + 1));
}

std::expected<Url, ConfigError> parse_url(std::string_view text) {
  if (text.size() > kUrlMax) return bad_url(text, fmt::format("longer than {} octets", kUrlMax));
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; })) {
    return bad_url(text, "it holds a control character");
  }
  Url url;
  std::string_view rest = text;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    url.scheme = "https";
  } else {
    url.scheme = lower_case(text.substr(0, scheme_end));
    rest.remove_prefix(scheme_end + 3);
  }
  if (url.scheme != "https" && url.scheme != "http") {
    return bad_url(text, fmt::format("scheme \"{}\" is not spoken here; write https://...", url.scheme));
  }
  url.port = default_port(url.scheme);
  const std::size_t end = rest.find_first_of("/?#");
  HAWSER_TRY_VOID(read_authority(text, rest.substr(0, end), url));
  url.target = clean_target(end == std::string_view::npos ? "" : rest.substr(end));
  return url;
}

std::expected<Url, ConfigError> resolve_reference(const Url& base, std::string_view reference) {
  if (scheme_length(reference) != std::string_view::npos) return parse_url(reference);
  if (reference.starts_with("//")) return parse_url(base.scheme + ":" + std::string(reference));
  if (reference.size() > kUrlMax) return bad_url(reference, fmt::format("longer than {} octets", kUrlMax));
  reference = reference.substr(0, reference.find('#'));
  const std::string_view base_path = std::string_view(base.target).substr(0, base.target.find('?'));
  Url url = base;
  if (reference.empty()) return url;
  if (reference.starts_with('?')) {
    url.target = clean_target(std::string(base_path) + std::string(reference));
    return url;
  }
  const std::size_t query = reference.find('?');
  std::string path(reference.substr(0, query));
  if (!path.starts_with('/')) path = std::string(base_path.substr(0, base_path.rfind('/') + 1)) + path;
  path = remove_dot_segments(path);
  if (query != std::string_view::npos) path += reference.substr(query);
  url.target = clean_target(path);
  return url;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool encoded =
        text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    out += encoded ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
    if (encoded) i += 2;
  }
  return out;
}

std::string percent_encode(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_alpha(c) || is_digit(c) || kept.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace hawser::http
