// setup_text.cc: values to words and back, lines to setups and back, and simpler setups.
#include "sim/setup_text.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "sim/setup_fields.h"

namespace hawser::sim {
namespace {

using Kind = ElementSpec::Kind;
using Command = ScheduledCommand::Kind;

constexpr std::pair<std::string_view, Kind> kElements[] = {{"delay", Kind::kDelay},
                                                           {"jitter", Kind::kJitter},
                                                           {"drop", Kind::kDrop},
                                                           {"burst_drop", Kind::kBurstDrop},
                                                           {"reorder", Kind::kReorder},
                                                           {"duplicate", Kind::kDuplicate},
                                                           {"corrupt", Kind::kCorrupt},
                                                           {"truncate", Kind::kTruncate},
                                                           {"rate", Kind::kRate},
                                                           {"mtu", Kind::kMtu},
                                                           {"blackhole", Kind::kBlackhole},
                                                           {"ecn_mark", Kind::kEcnMark},
                                                           {"ecn_bleach", Kind::kEcnBleach},
                                                           {"nat", Kind::kNat},
                                                           {"bottleneck", Kind::kBottleneck},
                                                           {"spoof", Kind::kSpoof}};
constexpr std::pair<std::string_view, Command> kCommands[] = {{"close", Command::kClose},
                                                              {"key_update", Command::kKeyUpdate},
                                                              {"ping", Command::kPing},
                                                              {"probe", Command::kProbe},
                                                              {"migrate", Command::kMigrate},
                                                              {"congestion_control", Command::kCongestionControl},
                                                              {"open_path", Command::kOpenPath},
                                                              {"abandon_path", Command::kAbandonPath},
                                                              {"back_up_path", Command::kBackUpPath}};
constexpr std::pair<std::string_view, quic::Role> kRoles[] = {{"client", quic::Role::kClient},
                                                              {"server", quic::Role::kServer}};
constexpr std::pair<std::string_view, Reading> kReadings[] = {
    {"eager", Reading::kEager}, {"partly", Reading::kPartly}, {"slow", Reading::kSlow}};
constexpr std::pair<std::string_view, quic::RetryPolicy> kRetries[] = {{"never", quic::RetryPolicy::kNever},
                                                                       {"always", quic::RetryPolicy::kAlways},
                                                                       {"under_load", quic::RetryPolicy::kUnderLoad}};

constexpr std::pair<std::string_view, quic::Version> kVersions[] = {{"any", quic::Version::kNegotiation},
                                                                    {"1", quic::Version::kV1},
                                                                    {"2", quic::Version::kV2},
                                                                    {"2-draft", quic::Version::kV2Draft}};

constexpr std::pair<std::string_view, quic::SpinBitPolicy> kSpinBits[] = {
    {"off", quic::SpinBitPolicy::kOff}, {"on", quic::SpinBitPolicy::kOn}, {"random", quic::SpinBitPolicy::kRandom}};
constexpr std::pair<std::string_view, quic::AddressDiscovery> kDiscoveries[] = {
    {"off", quic::AddressDiscovery::kOff},
    {"provide", quic::AddressDiscovery::kProvide},
    {"receive", quic::AddressDiscovery::kReceive},
    {"both", quic::AddressDiscovery::kBoth}};

template <class E, std::size_t N>
std::string word_of(const std::pair<std::string_view, E> (&names)[N], E value) {
  for (const auto& [name, known] : names)
    if (known == value) return std::string{name};
  return "?";
}
template <class E, std::size_t N>
bool read_word(const std::pair<std::string_view, E> (&names)[N], std::string_view text, E& out) {
  for (const auto& [name, known] : names)
    if (name == text) return out = known, true;
  return false;
}

// Values as words. ------------------------------------------------------------------------------

template <class T>
std::string number_text(T value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return {text, end.ptr};
}
std::string text_of(bool value) {
  return value ? "yes" : "no";
}
std::string text_of(std::uint32_t value) {
  return number_text(value);
}
std::string text_of(std::uint64_t value) {
  return number_text(value);
}
std::string text_of(double value) {
  return number_text(value);
}
std::string text_of(ByteCount value) {
  return number_text(value.value);
}
std::string text_of(const std::string& value) {
  return value;
}
std::string text_of(quic::Role value) {
  return word_of(kRoles, value);
}
std::string text_of(Reading value) {
  return word_of(kReadings, value);
}
std::string text_of(quic::RetryPolicy value) {
  return word_of(kRetries, value);
}
std::string text_of(quic::SpinBitPolicy value) {
  return word_of(kSpinBits, value);
}
std::string text_of(quic::AddressDiscovery value) {
  return word_of(kDiscoveries, value);
}
std::string text_of(const quic::FecConfig& value) {
  return to_string(value);
}
std::string text_of(quic::Version value) {
  return word_of(kVersions, value);
}
std::string text_of(const quic::VersionPreference& values) {
  std::string text;
  for (const quic::Version value : values.view()) text += (text.empty() ? "" : ",") + text_of(value);
  return text;
}
std::string text_of(QueueKind value) {
  return std::string{name_of(value)};
}
std::string text_of(Duration value) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}};
  for (const auto& [unit, ns] : kUnits)
    if (value.count() != 0 && value.count() % ns == 0) return number_text(value.count() / ns) + std::string{unit};
  return number_text(value.count()) + "ns";
}
std::string text_of(const std::vector<Duration>& values) {
  std::string text;
  for (const Duration value : values) text += (text.empty() ? "" : ",") + text_of(value);
  return text;
}

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out);
  return end.ec == std::errc{} && end.ptr == text.data() + text.size();
}
bool read(std::string_view text, bool& out) {
  out = text == "yes";
  return out || text == "no";
}
bool read(std::string_view text, std::uint32_t& out) {
  return read_number(text, out);
}
bool read(std::string_view text, std::uint64_t& out) {
  return read_number(text, out);
}
bool read(std::string_view text, double& out) {
  return read_number(text, out);
}
bool read(std::string_view text, ByteCount& out) {
  return read_number(text, out.value);
}
bool read(std::string_view text, std::string& out) {
  return out = std::string{text}, true;
}
bool read(std::string_view text, quic::Role& out) {
  return read_word(kRoles, text, out);
}
bool read(std::string_view text, Reading& out) {
  return read_word(kReadings, text, out);
}
bool read(std::string_view text, quic::SpinBitPolicy& out) {
  return read_word(kSpinBits, text, out);
}
bool read(std::string_view text, quic::AddressDiscovery& out) {
  return read_word(kDiscoveries, text, out);
}
bool read(std::string_view text, quic::FecConfig& out) {
  const auto config = quic::parse_fec_config(text);
  if (config) out = *config;
  return config.has_value();
}
bool read(std::string_view text, quic::Version& out) {
  return read_word(kVersions, text, out);
}
bool read(std::string_view text, quic::VersionPreference& out) {
  const auto versions = quic::VersionPreference::parse(text);
  if (versions) out = *versions;
  return versions.has_value();
}
bool read(std::string_view text, quic::RetryPolicy& out) {
  return read_word(kRetries, text, out);
}
bool read(std::string_view text, QueueKind& out) {
  const auto kind = queue_kind_of(text);
  if (kind) out = *kind;
  return kind.has_value();
}
bool read(std::string_view text, Duration& out) {
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ns", 1}, {"us", 1'000}, {"ms", 1'000'000}, {"s", 1'000'000'000}};
  for (const auto& [unit, ns] : kUnits) {
    std::int64_t count = 0;
    if (!text.ends_with(unit) || !read_number(text.substr(0, text.size() - unit.size()), count)) continue;
    if (count < 0 || count > INT64_MAX / 4 / ns) return false;
    out = Duration{count * ns};
    return true;
  }
  return false;
}
bool read(std::string_view text, std::vector<Duration>& out) {
  out.clear();
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (!read(text.substr(0, comma), out.emplace_back())) return false;
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return true;
}

// Lines. --------------------------------------------------------------------------------------------

// " name=value" for each field that differs from the default.
template <class Part>
std::string parameters_of(Part part, Part usual) {
  std::vector<std::string> defaults;
  visit_fields(usual, [&](std::string_view, const auto& value) { defaults.push_back(text_of(value)); });
  std::string text;
  std::size_t at = 0;
  visit_fields(part, [&](std::string_view name, const auto& value) {
    if (text_of(value) != defaults[at++]) text += " " + std::string{name} + "=" + text_of(value);
  });
  return text;
}

std::string line_of(std::string_view which, const ElementSpec& element) {
  const std::string side = element.up && element.down ? "" : element.up ? "up " : "down ";
  return std::string{which} + " " + side + word_of(kElements, element.kind) + parameters_of(element, ElementSpec{}) +
         "\n";
}

std::string_view next_word(std::string_view& line) {
  while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

template <class Part>
bool read_parameters(std::string_view rest, Part& part) {
  for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return false;
    bool good = false;
    visit_fields(part, [&](std::string_view name, auto& value) {
      if (name == word.substr(0, equals)) good = read(word.substr(equals + 1), value);
    });
    if (!good) return false;
  }
  return true;
}

bool read_element(std::string_view rest, LinkSpec& link) {
  ElementSpec element;
  std::string_view word = next_word(rest);
  if (word == "up" || word == "down") {
    element.down = word == "down";
    element.up = !element.down;
    word = next_word(rest);
  }
  if (!read_word(kElements, word, element.kind) || !read_parameters(rest, element)) return false;
  const bool serves = element.kind == Kind::kRate || element.kind == Kind::kBottleneck;
  if (serves && element.rate.bits_per_second == 0) return false;
  link.push_back(std::move(element));
  return true;
}

// "link.1" and up are the client's other networks, "link.preferred" and "link.unreachable" the way to
// the server's preferred address.
bool read_other_link(std::string_view name, std::string_view rest, Setup& setup) {
  constexpr std::size_t kLinksMax = 16;
  if (name == "preferred" || name == "unreachable") {
    if (!setup.preferred) setup.preferred = PreferredSetup{.reachable = name == "preferred", .link = {}};
    return read_element(rest, setup.preferred->link);
  }
  std::size_t number = 0;
  if (!read_number(name, number) || number == 0 || number > kLinksMax) return false;
  if (setup.other_links.size() < number) setup.other_links.resize(number);
  return read_element(rest, setup.other_links[number - 1]);
}

bool read_command(std::string_view rest, Setup& setup) {
  ScheduledCommand command;
  if (!read_word(kCommands, next_word(rest), command.kind) || !read_parameters(rest, command)) return false;
  setup.commands.push_back(command);
  return true;
}

bool read_seed(std::string_view text, std::uint64_t& out) {
  const bool hex = text.starts_with("0x");
  if (hex) text.remove_prefix(2);
  const auto end = std::from_chars(text.data(), text.data() + text.size(), out, hex ? 16 : 10);
  return end.ec == std::errc{} && end.ptr == text.data() + text.size();
}

bool read_line(std::string_view line, SetupText& out) {
  const std::string_view key = next_word(line);
  if (key == "link") return read_element(line, out.setup.link);
  if (key.starts_with("link.")) return read_other_link(key.substr(5), line, out.setup);
  if (key == "command") return read_command(line, out.setup);
  const std::string_view word = next_word(line);
  if (!next_word(line).empty()) return false;
  if (key == "seed") return read_seed(word, out.seed);
  bool good = false;
  const auto take = [&](std::string_view name, auto& value) {
    if (name == key) good = read(word, value);
  };
  visit_story(out.setup, take);
  visit_terms(out.setup, take);
  return good;
}

// Simplification. -------------------------------------------------------------------------------------

void halve(bool&) {}
template <class E>
  requires std::is_enum_v<E>
void halve(E&) {}
void halve(std::string&) {}
void halve(quic::VersionPreference&) {}
void halve(quic::FecConfig&) {}
void halve(std::uint32_t& value) {
  value /= 2;
}
void halve(std::uint64_t& value) {
  value /= 2;
}
void halve(double& value) {
  value = value < 1e-3 ? 0 : value / 2;
}
void halve(ByteCount& value) {
  value = ByteCount{value.value / 2};
}
// Down to whole milliseconds.
void halve(Duration& value) {
  value = std::chrono::duration_cast<std::chrono::milliseconds>(value / 2);
}
void halve(std::vector<Duration>& values) {
  if (values.size() > 1) values.pop_back();
}

// Calls make(copy) for the n-th field, n counting up, until it says that there are no more.
template <class Make>
void each_field(const Setup& setup, std::vector<Setup>& out, Make&& make) {
  for (std::size_t target = 0;; ++target) {
    Setup copy = setup;
    if (!make(copy, target)) return;
    if (copy.transfer.bytes_max < copy.transfer.bytes_min) continue;
    if (to_text({copy, 0}) != to_text({setup, 0})) out.push_back(std::move(copy));
  }
}

// A copy with the n-th field of the story back at its default (or halved).
bool simplify_field(Setup& copy, std::size_t target, bool half) {
  Setup usual;
  std::vector<std::string> defaults;
  visit_story(usual, [&](const std::string&, const auto& value) { defaults.push_back(text_of(value)); });
  if (target >= defaults.size()) return false;
  std::size_t at = 0;
  visit_story(copy, [&](const std::string&, auto& value) {
    if (at == target && half && text_of(value) != defaults[at]) halve(value);
    if (at == target && !half) read(defaults[at], value);
    ++at;
  });
  return true;
}

// A copy with one number of one link element halved, unless it is as usual.
bool halve_element(Setup& copy, std::size_t target) {
  std::size_t at = 0;
  ElementSpec usual;
  std::vector<std::string> defaults;
  visit_fields(usual, [&](std::string_view, const auto& value) { defaults.push_back(text_of(value)); });
  for (ElementSpec& element : copy.link)
    visit_fields(element, [&](std::string_view name, auto& value) {
      const bool untouchable = name == "bits_per_second" || name == "bytes" || name.starts_with("queue");
      const bool chosen = at++ == target;
      if (chosen && !untouchable && text_of(value) != defaults[(at - 1) % defaults.size()]) halve(value);
    });
  return target < at;
}

}  // namespace

std::string to_text(const SetupText& scenario) {
  Setup setup = scenario.setup;
  char seed[24];
  const auto end = std::to_chars(seed, seed + sizeof seed, scenario.seed, 16);
  std::string text = "seed 0x" + std::string(seed, end.ptr) + "\n";
  for (const ElementSpec& element : setup.link) text += line_of("link", element);
  for (std::size_t i = 0; i < setup.other_links.size(); ++i)
    for (const ElementSpec& element : setup.other_links[i]) text += line_of("link." + std::to_string(i + 1), element);
  if (setup.preferred)
    for (const ElementSpec& element : setup.preferred->link)
      text += line_of(setup.preferred->reachable ? "link.preferred" : "link.unreachable", element);
  for (const ScheduledCommand& command : setup.commands)
    text += "command " + word_of(kCommands, command.kind) + parameters_of(command, ScheduledCommand{}) + "\n";
  Setup usual;
  std::vector<std::string> defaults;
  const auto remember = [&](const std::string&, const auto& value) { defaults.push_back(text_of(value)); };
  visit_story(usual, remember);
  visit_terms(usual, remember);
  std::size_t at = 0;
  const auto write = [&](const std::string& name, const auto& value) {
    if (text_of(value) != defaults[at++]) text += name + " " + text_of(value) + "\n";
  };
  visit_story(setup, write);
  visit_terms(setup, write);
  return text;
}

std::expected<SetupText, ConfigError> parse_setup(std::string_view text) {
  SetupText out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, std::min(end, text.find('#')));
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.remove_suffix(1);
    if (!line.empty() && !read_line(line, out))
      return std::unexpected(
          ConfigError{"line " + std::to_string(number) + " of the scenario makes no sense: " + std::string{line}});
  }
  return out;
}

std::vector<Setup> simpler(const Setup& setup) {
  std::vector<Setup> out;
  each_field(setup, out, [](Setup& copy, std::size_t target) {
    if (target >= copy.commands.size()) return false;
    copy.commands.erase(copy.commands.begin() + static_cast<std::ptrdiff_t>(target));
    return true;
  });
  each_field(setup, out, [](Setup& copy, std::size_t target) {
    if (target >= copy.link.size()) return false;
    // Without any delay two endpoints answer each other at one instant.
    if (copy.link[target].kind != Kind::kDelay)
      copy.link.erase(copy.link.begin() + static_cast<std::ptrdiff_t>(target));
    return true;
  });
  each_field(setup, out, [](Setup& copy, std::size_t target) { return simplify_field(copy, target, false); });
  each_field(setup, out, [](Setup& copy, std::size_t target) { return simplify_field(copy, target, true); });
  each_field(setup, out, [](Setup& copy, std::size_t target) { return halve_element(copy, target); });
  return out;
}

}  // namespace hawser::sim
