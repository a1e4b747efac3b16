// early_requests.h: which requests a server answers while they may still be a recording that
// somebody sends again (RFC 8470): the rules, and how people write them.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hawser::http {

enum class EarlyRequests : std::uint8_t {
  kOff,   // none: 425 Too Early
  kSafe,  // GET, HEAD and OPTIONS without a body (RFC 9110 section 9.2.1)
  kAll,   // all: for routes where a request that comes twice does no harm
};

struct EarlyRequestRules {
  struct Route {
    std::string prefix;  // whole segments of the decoded path: "/a" is "/a" and "/a/b", "/a/" only what is below
    EarlyRequests requests = EarlyRequests::kSafe;
  };
  EarlyRequests requests = EarlyRequests::kSafe;
  std::vector<Route> routes;  // the longest prefix that fits decides

  // Whether such a request may be answered early. `target`: path and query as they came.
  [[nodiscard]] bool permit(std::string_view method, std::string_view target, bool has_body) const;
};

// True of GET, HEAD and OPTIONS.
bool is_safe_method(std::string_view method);

// "safe", "all" or "off" for all routes, "/PREFIX=safe" and so on for some, separated by commas;
// empty text: safe. The error names the part that cannot be read.
std::expected<EarlyRequestRules, ConfigError> parse_early_request_rules(std::string_view text);

}  // namespace hawser::http
