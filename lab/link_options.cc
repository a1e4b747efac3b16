// link_options.cc: reads the words of a link. A table maps each word to what it sets.
#include "link_options.h"

#include <charconv>
#include <stdexcept>

namespace hawser::lab {
namespace {

struct Number {
  double value = 0;
  std::string_view unit;
};

[[noreturn]] void refuse(std::string_view text, std::string_view forms) {
  throw std::invalid_argument("'" + std::string(text) + "' is not understood; write " + std::string(forms));
}

Number split_number(std::string_view text, std::string_view forms) {
  Number number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error != std::errc() || number.value < 0) refuse(text, forms);
  number.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::uint64_t parse_size(std::string_view text) {
  constexpr std::string_view kForms = "a size such as 64kb, 1mb or 9000b";
  const Number number = split_number(text, kForms);
  if (number.unit == "b") return static_cast<std::uint64_t>(number.value);
  if (number.unit == "kb") return static_cast<std::uint64_t>(number.value * 1e3);
  if (number.unit == "mb") return static_cast<std::uint64_t>(number.value * 1e6);
  refuse(text, kForms);
}

void set_queue(LaneOptions& lane, std::string_view text) {
  constexpr std::string_view kForms = "a queue such as 100p (packets), 64kb or 50ms";
  const std::string_view unit = split_number(text, kForms).unit;
  lane.queue_packets.reset();
  lane.queue_bytes.reset();
  lane.queue_time.reset();
  if (unit == "p" || unit.empty()) {
    lane.queue_packets = static_cast<std::uint64_t>(split_number(text, kForms).value);
  } else if (unit == "b" || unit == "kb" || unit == "mb") {
    lane.queue_bytes = parse_size(text);
  } else {
    lane.queue_time = parse_duration(text);
  }
}

// "1%:8": a burst begins at one packet in a hundred and takes eight on average.
void set_burst(LaneOptions& lane, std::string_view text) {
  const std::size_t colon = text.find(':');
  lane.burst_start = parse_share(text.substr(0, colon));
  lane.burst_length = colon == std::string_view::npos ? 5 : split_number(text.substr(colon + 1), "1%:8").value;
  if (lane.burst_length < 1) refuse(text, "a burst such as 1%:8, at least one packet long");
}

// "2%:10ms": two in a hundred come ten milliseconds later than their neighbours.
void set_reorder(LaneOptions& lane, std::string_view text) {
  const std::size_t colon = text.find(':');
  lane.reorder = parse_share(text.substr(0, colon));
  if (colon != std::string_view::npos) lane.reorder_delay = parse_duration(text.substr(colon + 1));
}

void set_mtu(LaneOptions& lane, std::string_view text) {
  const Number number = split_number(text, "an MTU such as 1500");
  // Below 68 there is no IPv4 (RFC 791), above 65,535 no packet.
  if (!number.unit.empty() || number.value < 68 || number.value > 65535) refuse(text, "an MTU from 68 to 65535");
  lane.mtu = static_cast<std::uint32_t>(number.value);
}

struct LaneWord {
  std::string_view word;
  void (*set)(LaneOptions&, std::string_view);
};

constexpr LaneWord kLaneWords[] = {
    {"rate", [](LaneOptions& lane, std::string_view v) { lane.rate_bps = parse_rate(v); }},
    {"delay", [](LaneOptions& lane, std::string_view v) { lane.delay = parse_duration(v); }},
    {"jitter", [](LaneOptions& lane, std::string_view v) { lane.jitter = parse_duration(v); }},
    {"loss", [](LaneOptions& lane, std::string_view v) { lane.loss = parse_share(v); }},
    {"burst", set_burst},
    {"reorder", set_reorder},
    {"duplicate", [](LaneOptions& lane, std::string_view v) { lane.duplicate = parse_share(v); }},
    {"corrupt", [](LaneOptions& lane, std::string_view v) { lane.corrupt = parse_share(v); }},
    {"queue", set_queue},
    {"ecn", [](LaneOptions& lane, std::string_view v) { lane.ecn_threshold = parse_duration(v); }},
    {"mtu", set_mtu},
};

NatMode parse_nat(std::string_view text) {
  if (text == "none") return NatMode::kNone;
  if (text == "port") return NatMode::kPort;
  if (text == "address") return NatMode::kAddress;
  if (text == "both") return NatMode::kBoth;
  refuse(text, "nat=none, port, address or both");
}

void set_name(LinkOptions& link, std::string_view name) {
  constexpr std::size_t kDeviceNameMax = 15;  // IFNAMSIZ less its terminating zero
  const bool plain = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (name.empty() || name.size() > kDeviceNameMax || !plain || name == "lo")
    refuse(name, "a name of 1 to 15 small letters, digits and dashes");
  link.name = name;
}

void set_lanes(LinkOptions& link, std::string_view word, std::string_view value) {
  bool to_server = true;
  bool to_client = true;
  std::string_view key = word;
  if (key.starts_with("to-server.")) {
    to_client = false;
    key.remove_prefix(10);
  } else if (key.starts_with("to-client.")) {
    to_server = false;
    key.remove_prefix(10);
  }
  for (const LaneWord& lane_word : kLaneWords) {
    if (lane_word.word != key) continue;
    if (to_server) lane_word.set(link.to_server, value);
    if (to_client) lane_word.set(link.to_client, value);
    return;
  }
  refuse(word,
         "rate, delay, jitter, loss, burst, reorder, duplicate, corrupt, queue, ecn, mtu (each also as to-server.X "
         "or to-client.X), nat, rebind-every, name, up or down");
}

void apply_word(LinkOptions& link, std::string_view word, std::string_view value) {
  if (word == "up" || word == "down") {
    link.to_server.up = link.to_client.up = word == "up";
  } else if (word == "name") {
    set_name(link, value);
  } else if (word == "nat") {
    link.nat = parse_nat(value);
  } else if (word == "rebind-every") {
    link.rebind_every = parse_duration(value);
    if (link.nat == NatMode::kNone) link.nat = NatMode::kPort;
  } else {
    set_lanes(link, word, value);
  }
}

}  // namespace

std::uint64_t parse_rate(std::string_view text) {
  constexpr std::string_view kForms = "a rate such as 50mbit, 1gbit, 200kbit or 9600bit";
  const Number number = split_number(text, kForms);
  if (number.unit == "bit") return static_cast<std::uint64_t>(number.value);
  if (number.unit == "kbit") return static_cast<std::uint64_t>(number.value * 1e3);
  if (number.unit == "mbit") return static_cast<std::uint64_t>(number.value * 1e6);
  if (number.unit == "gbit") return static_cast<std::uint64_t>(number.value * 1e9);
  refuse(text, kForms);
}

Duration parse_duration(std::string_view text) {
  constexpr std::string_view kForms = "a duration such as 20ms, 500us or 2s";
  const Number number = split_number(text, kForms);
  if (number.unit == "us") return Duration(static_cast<std::int64_t>(number.value * 1e3));
  if (number.unit == "ms") return Duration(static_cast<std::int64_t>(number.value * 1e6));
  if (number.unit == "s") return Duration(static_cast<std::int64_t>(number.value * 1e9));
  refuse(text, kForms);
}

double parse_share(std::string_view text) {
  constexpr std::string_view kForms = "a share such as 1% or 0.01, at most 100%";
  const Number number = split_number(text, kForms);
  const double share = number.unit == "%" ? number.value / 100 : number.value;
  if ((number.unit != "%" && !number.unit.empty()) || share > 1) refuse(text, kForms);
  return share;
}

void apply_words(LinkOptions& options, std::string_view words) {
  LinkOptions changed = options;
  while (!words.empty()) {
    const std::size_t end = words.find_first_of(", ");
    const std::string_view item = words.substr(0, end);
    words.remove_prefix(end == std::string_view::npos ? words.size() : end + 1);
    if (item.empty()) continue;
    const std::size_t equals = item.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
    apply_word(changed, item.substr(0, equals), value);
  }
  options = changed;
}

}  // namespace hawser::lab
