// early_requests.cc: reading and applying the rules.
#include "http/early_requests.h"

#include <algorithm>
#include <optional>

#include "http/target_path.h"

// rfc9114:10.9-replay
namespace hawser::http {
namespace {

std::optional<EarlyRequests> parse_word(std::string_view word) {
  if (word == "safe") return EarlyRequests::kSafe;
  if (word == "all") return EarlyRequests::kAll;
  if (word == "off") return EarlyRequests::kOff;
  return std::nullopt;
}

// The path as a file or a handler will see it, so that no spelling of it gets by a rule; nothing: it is answered with
// an error anyway.
std::optional<std::string> plain_path(std::string_view target) {
  const auto decoded = decode_target_path(target, true);
  if (!decoded) return std::nullopt;
  std::string path = "/" + decoded->relative;
  if (decoded->directory && path.size() > 1) path += '/';
  return path;
}

bool covers(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return false;
  return prefix.ends_with('/') || path.size() == prefix.size() || path[prefix.size()] == '/';
}

}  // namespace

bool is_safe_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// rfc9114:10.9-replay
bool EarlyRequestRules::permit(std::string_view method, std::string_view target, bool has_body) const {
  EarlyRequests permitted = requests;
  if (!routes.empty() && target.starts_with('/')) {
    const auto path = plain_path(target);
    if (!path) return false;
    std::size_t longest = 0;
    for (const Route& route : routes) {
      if (route.prefix.size() < longest || !covers(route.prefix, *path)) continue;
      longest = route.prefix.size();
      permitted = route.requests;
    }
  }
  if (permitted == EarlyRequests::kSafe) return is_safe_method(method) && !has_body;
  return permitted == EarlyRequests::kAll;
}

std::expected<EarlyRequestRules, ConfigError> parse_early_request_rules(std::string_view text) {
  EarlyRequestRules rules;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const std::size_t equals = part.rfind('=');
    const bool is_route = equals != std::string_view::npos;
    const auto word = parse_word(is_route ? part.substr(equals + 1) : part);
    // As a request's path is held against it.
    const bool plain = is_route && part.starts_with('/') && part.find_first_of("?#") == std::string_view::npos;
    const auto prefix = plain ? plain_path(part.substr(0, equals)) : std::nullopt;
    if (!word || (is_route && !prefix)) {
      return std::unexpected(ConfigError{"\"" + std::string(part) +
                                         "\": give safe, all or off, or /PREFIX=safe, /PREFIX=all, /PREFIX=off"});
    }
    if (is_route) {
      rules.routes.push_back({*prefix, *word});
    } else {
      rules.requests = *word;
    }
  }
  return rules;
}

}  // namespace hawser::http
