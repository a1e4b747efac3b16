// fec_config.cc: words to a configuration and back.
#include "quic/fec/fec_config.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "quic/fec/fec_code.h"

namespace hawser::quic {
namespace {

// Takes a whole number off the front of `text`.
std::optional<std::size_t> take_number(std::string_view& text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

// What stands behind the colon: "8", "16/4" or "5-30%".
bool read_amount(std::string_view text, FecConfig& out) {
  const auto first = take_number(text);
  if (!first) return false;
  if (take(text, '-')) {
    const auto last = take_number(text);
    if (!last || text != "%" || *first > *last || *last == 0 || *last > 100) return false;
    out.share_min = static_cast<double>(*first) / 100;
    out.share_max = static_cast<double>(*last) / 100;
    return true;
  }
  out.sources = *first;
  out.repairs = 1;
  if (out.scheme == FecScheme::kReedSolomon) {
    if (!take(text, '/')) return false;
    const auto repairs = take_number(text);
    if (!repairs || *repairs == 0 || *repairs > kMaxFecRepairs) return false;
    out.repairs = *repairs;
  }
  return text.empty() && out.sources != 0 && out.sources <= kMaxFecSources;
}

// All but "off".
bool read_words(std::string_view text, FecConfig& out) {
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    std::string_view rest = text.substr(at + 1);
    out.asked_only = rest == "asked";
    if (!out.asked_only) {
      const auto urgency = take_number(rest);
      if (!urgency || *urgency > 7 || !rest.empty()) return false;
      out.urgency_max = static_cast<std::uint8_t>(*urgency);
    }
    text = text.substr(0, at);
  }
  const std::string_view name = text.substr(0, text.find(':'));
  if (name != "xor" && name != "rs") return false;
  out.scheme = name == "xor" ? FecScheme::kXor : FecScheme::kReedSolomon;
  return name.size() == text.size() || read_amount(text.substr(name.size() + 1), out);
}

}  // namespace

std::expected<FecConfig, ConfigError> parse_fec_config(std::string_view text) {
  if (text == "off") return FecConfig{};
  FecConfig config{.enabled = true};
  if (!read_words(text, config))
    return std::unexpected(ConfigError{
        "'" + std::string(text) +
        "' is no forward error correction: give off, xor, rs, xor:N (1 to 32 packets for each repair "
        "symbol), rs:N/R (R, 1 to 16, for every N, 1 to 32) or xor:A-B%, rs:A-B% (bounds, up to 100); and behind it "
        "@U for what is of urgency U, 0 to 7, or more urgent, @asked for what asks"});
  // One symbol for each block is a thirty-second at least.
  if (config.scheme == FecScheme::kXor && config.adapts() && config.share_max * kMaxFecSources < 1)
    return std::unexpected(
        ConfigError{"'" + std::string(text) +
                    "': blocks of xor have 32 packets at most, and a symbol each: give 4% or more as "
                    "the upper bound"});
  if (!is_available(config.scheme))
    return std::unexpected(ConfigError{"this build has no Reed-Solomon code (ISA-L): give xor"});
  return config;
}

std::string to_string(const FecConfig& config) {
  if (!config.enabled) return "off";
  std::string text = config.scheme == FecScheme::kXor ? "xor" : "rs";
  const FecConfig usual;
  if (!config.adapts()) {
    text += ":" + std::to_string(config.sources);
    if (config.scheme == FecScheme::kReedSolomon) text += "/" + std::to_string(config.repairs);
  } else if (config.share_min != usual.share_min || config.share_max != usual.share_max) {
    text += ":" + std::to_string(std::lround(config.share_min * 100)) + "-" +
            std::to_string(std::lround(config.share_max * 100)) + "%";
  }
  if (config.asked_only) return text + "@asked";
  if (config.urgency_max != usual.urgency_max) text += "@" + std::to_string(config.urgency_max);
  return text;
}

}  // namespace hawser::quic
