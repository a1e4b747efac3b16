// priority.h: the priority of a response (RFC 9218 sections 4 and 5), a structured-field dictionary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace hawser::http3 {

inline constexpr std::uint8_t kUrgencyMax = 7;

struct Priority {
  std::uint8_t urgency = 3;  // 0 is the most urgent
  bool incremental = false;

  bool operator==(const Priority&) const = default;
};

// Reads "u=1, i" and the like. Unknown members, members of a wrong type and values out of
// range are passed over (RFC 9218 section 4). What breaks the syntax of a dictionary (RFC 8941
// section 4.2) gives `false` and leaves `priority` as it was.
bool parse_priority(std::string_view text, Priority& priority);

// Longest text that format_priority() writes: "u=7, i".
inline constexpr std::size_t kPriorityTextMax = 6;

// Writes what differs from the default into `out` (kPriorityTextMax octets) and returns it.
std::string_view format_priority(Priority priority, char* out);

}  // namespace hawser::http3
