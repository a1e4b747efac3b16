// target_path.h: from the target of a request to the name of a file below the root. What it
// lets through has no dot segment, no NUL and no encoded slash, so it cannot climb out.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace hawser::http {

struct TargetPath {
  std::string relative;    // without leading or trailing '/'; empty: the root itself
  bool directory = false;  // the target ended in '/'
};

// Octets of a target's path; PATH_MAX of Linux is as long. Past it: 414.
inline constexpr std::size_t kTargetPathMax = 4'096;

// Decodes the path of `target` (a query is cut off). "//" counts as "/", "." segments are
// dropped. Errors are status codes: 400 for what is not a path, for a bad percent-encoding,
// an encoded NUL or '/', and for "..", encoded or not: clients resolve those before sending
// (RFC 3986 section 5.2.4); 404 for a name that begins with '.', unless `hidden` allows it or
// it is ".well-known" (RFC 8615); 414 if it is too long.
std::expected<TargetPath, std::uint16_t> decode_target_path(std::string_view target, bool hidden = false);

}  // namespace hawser::http
