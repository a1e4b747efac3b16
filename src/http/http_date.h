// http_date.h: dates as HTTP writes them (RFC 9110 section 5.6.7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hawser::http {

// "Sun, 06 Nov 1994 08:49:37 GMT" from seconds since 1970; years 1 to 9999.
std::string format_http_date(std::int64_t seconds);

// Reads all three formats that section 5.6.7 has recipients accept. The two-digit years of
// the second one count from 1970 to 2069. Nothing for any other text.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace hawser::http
