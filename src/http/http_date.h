// http_date.h: dates as HTTP writes them (RFC 9110 section 5.6.7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hawser::http {

// Octets of a date as format_http_date() writes it.
inline constexpr std::size_t kHttpDateSize = 29;

// "Sun, 06 Nov 1994 08:49:37 GMT" from seconds since 1970; years 1 to 9999.
std::string format_http_date(std::int64_t seconds);

// The same into memory; no allocation.
void write_http_date(std::int64_t seconds, std::span<char, kHttpDateSize> out);

// Reads all three formats that section 5.6.7 has recipients accept. The two-digit years of
// the second one count from 1970 to 2069. Nothing for any other text.
std::optional<std::int64_t> parse_http_date(std::string_view text);

}  // namespace hawser::http
