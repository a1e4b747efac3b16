// conditions.cc: entity tags and dates against what the client sent.
#include "http/conditions.h"

#include <optional>
#include <string_view>

#include "http/http_date.h"

namespace hawser::http {
namespace {

enum class Comparison : std::uint8_t { kStrong, kWeak };

// RFC 9110 section 8.8.3.2. Our own tags are strong, so only the other one may be weak.
bool matches(std::string_view tag, std::string_view current, Comparison comparison) {
  if (tag.starts_with("W/")) {
    if (comparison == Comparison::kStrong) return false;
    tag.remove_prefix(2);
  }
  return tag == current;
}

// True if one of the tags in a list field's value matches. A tag may hold commas, so the
// list is split at quotes.
bool list_matches(std::string_view list, std::string_view current, Comparison comparison) {
  while (true) {
    const std::size_t begin = list.find_first_not_of(" \t,");
    if (begin == std::string_view::npos) return false;
    list.remove_prefix(begin);
    const std::size_t open = list.find('"');
    const std::size_t close = open == std::string_view::npos ? open : list.find('"', open + 1);
    if (close == std::string_view::npos) return false;
    if (matches(list.substr(0, close + 1), current, comparison)) return true;
    list.remove_prefix(close + 1);
  }
}

// What the fields of that name say, all lines together; nothing if there is none.
std::optional<bool> any_matches(const Request& request, std::string_view name, std::string_view current,
                                Comparison comparison) {
  std::optional<bool> found;
  for (const Field& field : request.fields) {
    if (field.name != name) continue;
    found = found.value_or(false) || field.value == "*" || list_matches(field.value, current, comparison);
  }
  return found;
}

std::optional<std::int64_t> date_of(const Request& request, std::string_view name) {
  const auto value = request.find(name);
  return value ? parse_http_date(*value) : std::nullopt;
}

}  // namespace

Condition evaluate_conditions(const Request& request, const Validators& current) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (const auto match = any_matches(request, "if-match", current.etag, Comparison::kStrong)) {
    if (!*match) return Condition::kPreconditionFailed;
  } else if (const auto date = date_of(request, "if-unmodified-since"); date && current.modified_s > *date) {
    return Condition::kPreconditionFailed;
  }
  if (const auto match = any_matches(request, "if-none-match", current.etag, Comparison::kWeak)) {
    if (*match) return reading ? Condition::kNotModified : Condition::kPreconditionFailed;
  } else if (const auto date = date_of(request, "if-modified-since"); reading && date && current.modified_s <= *date) {
    return Condition::kNotModified;
  }
  return Condition::kProceed;
}

bool if_range_holds(const Request& request, const Validators& current) {
  const auto value = request.find("if-range");
  if (!value) return true;
  if (value->starts_with('"') || value->starts_with("W/")) return matches(*value, current.etag, Comparison::kStrong);
  const auto date = parse_http_date(*value);
  return date && *date == current.modified_s;
}

}  // namespace hawser::http
