// count_option.cc: digits, and nothing else.
#include "count_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <string>
#include <string_view>

namespace hawser::app {

CLI::Validator is_above_zero() {
  const auto check = [](std::string& text) -> std::string {
    double number = 0;
    if (CLI::detail::lexical_cast(text, number) && number > 0 && number <= 1e12) return {};
    return fmt::format("\"{}\" is no such number: give one above 0", text);
  };
  return {check, ""};
}

CLI::Validator is_count(std::uint64_t least, std::uint64_t most) {
  const std::string range = most >= INT64_MAX ? fmt::format("{} or more", least) : fmt::format("{} to {}", least, most);
  const auto check = [least, most, range](std::string& text) -> std::string {
    std::string_view digits = text;
    const bool is_hex = digits.starts_with("0x") || digits.starts_with("0X");
    if (is_hex) digits.remove_prefix(2);
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count, is_hex ? 16 : 10);
    if (error == std::errc{} && end == digits.data() + digits.size() && count >= least && count <= most) return {};
    return fmt::format("\"{}\" is no such number: give {}", text, range);
  };
  return {check, ""};
}

}  // namespace hawser::app
