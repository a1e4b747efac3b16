// time_option.cc: comparisons are written so that "nan", which CLI::Range lets through, is no time either.
#include "time_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "base/check.h"

namespace hawser::app {

CLI::Validator is_seconds(double least, double most) {
  const auto check = [least, most](std::string& text) -> std::string {
    double count = -1;
    if (CLI::detail::lexical_cast(text, count) && count >= least && count <= most) return {};
    return fmt::format("\"{}\" is no time: give {:.15g} to {:.15g} seconds", text, least, most);
  };
  return {check, fmt::format("in [{:.15g} - {:.15g}]", least, most)};
}

Duration seconds(double count) {
  HAWSER_CHECK(count >= 0 && count <= kSecondsMax);
  return Duration{static_cast<std::int64_t>(count * 1e9)};
}

}  // namespace hawser::app
