// byte_ranges.h: the Range field of a request (RFC 9110 section 14).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace hawser::http {

// Octets [first, first + size) of a representation; never empty.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t size = 0;
  bool operator==(const ByteRange&) const = default;
};

// Ranges in one request. A range costs a part header of about 150 octets, so the largest
// overhead is 2.4 kB. Past it the field is passed over and the whole file is sent, as RFC
// 9110 section 14.2 allows.
inline constexpr std::size_t kRangesMax = 16;

enum class RangeVerdict : std::uint8_t {
  kWhole,          // no usable Range field: send everything with 200
  kPartial,        // 206 with `ranges`
  kUnsatisfiable,  // 416
};

struct RangeRequest {
  RangeVerdict verdict = RangeVerdict::kWhole;
  std::vector<ByteRange> ranges;  // as asked for, cut to the file, without those past its end
};

// `value` of the Range field, for a representation of `size` octets. Other units than bytes,
// malformed values, and ranges that together ask for more than the file has are passed over.
RangeRequest parse_range(std::string_view value, std::uint64_t size);

}  // namespace hawser::http
