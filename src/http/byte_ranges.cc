// byte_ranges.cc: "bytes=0-99,200-,-50".
#include "http/byte_ranges.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace hawser::http {
namespace {

struct RangeSpec {
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Digits only. A number too large for 64 bits is as good as the largest.
bool read_number(std::string_view text, std::optional<std::uint64_t>& out) {
  if (text.empty()) return true;
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return false;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  out = error == std::errc{} ? value : std::numeric_limits<std::uint64_t>::max();
  return true;
}

bool read_spec(std::string_view text, RangeSpec& spec) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return false;
  if (!read_number(text.substr(0, dash), spec.first) || !read_number(text.substr(dash + 1), spec.last)) return false;
  if (!spec.first) return spec.last.has_value();
  return !spec.last || *spec.last >= *spec.first;
}

// Nothing if the range lies past the end of the file.
std::optional<ByteRange> cut_to(const RangeSpec& spec, std::uint64_t size) {
  if (!spec.first) {
    const std::uint64_t count = std::min(*spec.last, size);
    return count == 0 ? std::nullopt : std::optional(ByteRange{size - count, count});
  }
  if (*spec.first >= size) return std::nullopt;
  const std::uint64_t last = std::min(spec.last.value_or(size - 1), size - 1);
  return ByteRange{*spec.first, last - *spec.first + 1};
}

bool is_bytes_unit(std::string_view text) {
  constexpr std::string_view kUnit = "bytes";
  return std::ranges::equal(text, kUnit, [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

RangeRequest parse_range(std::string_view value, std::uint64_t size) {
  const std::size_t equals = value.find('=');
  if (equals == std::string_view::npos || !is_bytes_unit(trim(value.substr(0, equals)))) return {};
  std::string_view list = value.substr(equals + 1);
  RangeRequest out{.verdict = RangeVerdict::kUnsatisfiable, .ranges = {}};
  std::size_t specs = 0;
  std::uint64_t total = 0;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    more = comma != std::string_view::npos;
    const std::string_view item = trim(list.substr(0, comma));
    if (more) list.remove_prefix(comma + 1);
    if (item.empty()) continue;
    RangeSpec spec;
    if (++specs > kRangesMax || !read_spec(item, spec)) return {};
    const std::optional<ByteRange> range = cut_to(spec, size);
    if (!range) continue;
    total += range->size;
    out.ranges.push_back(*range);
  }
  if (specs == 0 || (out.ranges.size() > 1 && total > size)) return {};
  if (!out.ranges.empty()) out.verdict = RangeVerdict::kPartial;
  return out;
}

}  // namespace hawser::http
