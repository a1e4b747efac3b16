// qlog_options.cc: what --qlog and its companions say.
#include "qlog_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "load_options.h"
#include "perf_options.h"

namespace hawser::app {
namespace {

// Where --qlog-ring stands without --qlog-trigger.
constexpr QlogTriggers kUsualTriggers{.handshake = 1s, .loss_per_million = 50'000, .close = true};
// A ring below this holds no packets worth reading, one above it is more than a log should need.
constexpr std::uint64_t kRingMin = 4 * 1'024;
constexpr std::uint64_t kRingMax = std::uint64_t{1} << 30;

// "5%" or "0.05" in millionths.
std::optional<std::uint32_t> parse_share(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  if (percent) value /= 100;
  if (!(value > 0) || value > 1) return std::nullopt;
  const double millionths = value * 1e6;
  return millionths < 1 ? 1 : static_cast<std::uint32_t>(millionths + 0.5);
}

std::unexpected<ConfigError> wrong_trigger(std::string_view word) {
  return std::unexpected(ConfigError{fmt::format(
      "'{}' is no trigger: write handshake=500ms, loss=5%, close, or several of them with commas between", word)});
}

std::expected<void, ConfigError> add_trigger(std::string_view word, QlogTriggers& triggers) {
  if (word == "close") {
    triggers.close = true;
    return {};
  }
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return wrong_trigger(word);
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = word.substr(equals + 1);
  if (name == "handshake") {
    HAWSER_TRY(triggers.handshake, load::parse_duration(value));
    if (triggers.handshake != Duration{0}) return {};
  } else if (name == "loss") {
    if (const auto share = parse_share(value)) {
      triggers.loss_per_million = *share;
      return {};
    }
  }
  return wrong_trigger(word);
}

std::uint64_t size_of(const std::string& option, const std::string& text, std::uint64_t least, std::uint64_t most) {
  const auto size = perf::parse_size(text);
  if (!size) throw CLI::ValidationError(option, size.error().message);
  if (*size < least || *size > most)
    throw CLI::ValidationError(option, fmt::format("{} is out of range: {} to {} octets", text, least, most));
  return *size;
}

// What is in memory is written into one part of the log, with more to come.
void check_ring_and_limit(const runtime::QlogSettings& settings) {
  const std::uint64_t part = settings.limit_octets / runtime::QlogFiles::kParts;
  if (settings.limit_octets == 0 || settings.options.ring_octets <= part) return;
  throw CLI::ValidationError(
      "--qlog-ring",
      fmt::format("{} octets do not fit into a quarter of --qlog-limit, {}: give a smaller ring or a larger "
                  "limit",
                  settings.options.ring_octets, part));
}

}  // namespace

std::expected<QlogTriggers, ConfigError> parse_qlog_triggers(std::string_view text) {
  QlogTriggers triggers;
  while (true) {
    const std::size_t comma = text.find(',');
    HAWSER_TRY_VOID(add_trigger(text.substr(0, comma), triggers));
    if (comma == std::string_view::npos) return triggers;
    text.remove_prefix(comma + 1);
  }
}

void report_qlog_loss() {
  const runtime::QlogLoss loss = runtime::qlog_loss();
  // Not by fmt::print, which throws where standard error is on the same full disk.
  std::string text;
  if (loss.failures > 0)
    text = fmt::format("hawser: qlog is incomplete: {} writes failed{}{}\n", loss.failures, loss.error == 0 ? "" : ": ",
                       loss.error == 0 ? "" : std::strerror(loss.error));
  if (loss.skipped > 0) text += fmt::format("hawser: {} connections have no qlog: too many at a time\n", loss.skipped);
  std::fputs(text.c_str(), stderr);
}

void add_qlog_options(CLI::App& command, runtime::QlogSettings& settings) {
  CLI::Option* const folder =
      command.add_option("--qlog", settings.folder, "Write qlog into this folder, a file for each connection")
          ->type_name("DIR");
  command
      .add_flag_callback(
          "--qlog-legacy", [&settings] { settings.options.names = QlogNames::kLegacy; },
          "Write qlog 0.3, which the qvis viewer reads, instead of the current drafts")
      ->needs(folder);
  const auto sample = [&settings](const std::string& text) {
    const auto share = parse_share(text);
    if (!share) throw CLI::ValidationError("--qlog-sample", "give a share above 0 and up to 1, as 0.01 or 1%");
    settings.options.sample_per_million = *share;
  };
  command
      .add_option_function<std::string>("--qlog-sample", sample,
                                        "Log only this share of the connections, 0.01 or 1%; both ends choose alike")
      ->type_name("SHARE")
      ->needs(folder);
  const auto limit = [&settings](const std::string& text) {
    settings.limit_octets = size_of("--qlog-limit", text, runtime::QlogFiles::kLimitMin, std::uint64_t{1} << 50);
    check_ring_and_limit(settings);
  };
  command
      .add_option_function<std::string>("--qlog-limit", limit,
                                        "Octets that a log may take, 100M: its first part and the latest are kept")
      ->type_name("SIZE")
      ->needs(folder);
  const auto ring = [&settings](const std::string& text) {
    settings.options.ring_octets = static_cast<std::size_t>(size_of("--qlog-ring", text, kRingMin, kRingMax));
    check_ring_and_limit(settings);
    if (!settings.options.triggers.any()) settings.options.triggers = kUsualTriggers;
  };
  CLI::Option* const in_memory =
      command
          .add_option_function<std::string>(
              "--qlog-ring", ring, "Keep each log in so much memory, 256k, and write it only once a trigger fires")
          ->type_name("SIZE")
          ->needs(folder);
  const auto trigger = [&settings](const std::string& text) {
    const auto triggers = parse_qlog_triggers(text);
    if (!triggers) throw CLI::ValidationError("--qlog-trigger", triggers.error().message);
    settings.options.triggers = *triggers;
  };
  command
      .add_option_function<std::string>(
          "--qlog-trigger", trigger,
          "What makes a log of --qlog-ring worth writing: a handshake that takes longer, a larger share of\n"
          "packets lost, an end by error, timeout or reset [handshake=1s,loss=5%,close]")
      ->type_name("LIST")
      ->needs(in_memory);
}

}  // namespace hawser::app
