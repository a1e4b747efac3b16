// qlog_command.cc: `hawser qlog summary` and `hawser qlog filter`.
#include "qlog_command.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "qlog_reader.h"

namespace hawser::app {
namespace {

namespace dom = simdjson::dom;

constexpr const char* kFooter = R"(Examples:
  hawser qlog summary /tmp/qlog/83f1_client.sqlog
  hawser qlog filter --name packet_lost FILE            losses only
  hawser qlog filter --from 100 --to 250 --stream 4 FILE)";

// Round trips kept for the percentiles; past it each is kept with falling probability, evenly spread.
constexpr std::size_t kRttSamplesMax = 65'536;

struct Summary {
  double first = std::numeric_limits<double>::infinity();
  double last = 0;
  double handshake = -1;
  std::uint64_t sent = 0, received = 0, lost = 0, sent_octets = 0, received_octets = 0;
  std::uint64_t stream_sent = 0, stream_received = 0, resent_octets = 0;
  std::string version, alpn, close;
  std::vector<double> rtts;
  std::uint64_t rtt_count = 0;
  std::string state;
  double state_since = 0;
  std::map<std::string, double> states;

  void add(const QlogEvent& event);
  void add_rtt(double rtt);
  void print(const std::string& path, const std::string& vantage);
};

std::uint64_t number(dom::object object, std::string_view name) {
  std::uint64_t value = 0;
  return object[name].get(value) == simdjson::SUCCESS ? value : 0;
}
std::string word(dom::object object, std::string_view name) {
  std::string_view value;
  return object[name].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}
std::uint64_t raw_length(dom::object object) {
  dom::object raw;
  return object["raw"].get(raw) == simdjson::SUCCESS ? number(raw, "length") : 0;
}
std::uint64_t stream_octets(dom::object data) {
  dom::array frames;
  std::uint64_t octets = 0;
  if (data["frames"].get(frames) != simdjson::SUCCESS) return 0;
  for (dom::element element : frames) {
    dom::object frame;
    if (element.get(frame) == simdjson::SUCCESS && word(frame, "frame_type") == "stream")
      octets += std::max(raw_length(frame), number(frame, "length"));
  }
  return octets;
}

void Summary::add_rtt(double rtt) {
  const std::uint64_t at = rtt_count++;
  if (rtts.size() < kRttSamplesMax) {
    rtts.push_back(rtt);
    return;
  }
  const std::uint64_t slot = at * 0x9e3779b97f4a7c15u % rtt_count;
  if (slot < kRttSamplesMax) rtts[slot] = rtt;
}

void Summary::add(const QlogEvent& event) {
  first = std::min(first, event.time_ms);
  last = std::max(last, event.time_ms);
  const std::string_view name = event.event;
  double value = 0;
  if (name == "packet_sent") {
    ++sent;
    sent_octets += raw_length(event.data);
    stream_sent += stream_octets(event.data);
  } else if (name == "packet_received") {
    ++received;
    received_octets += raw_length(event.data);
    stream_received += stream_octets(event.data);
  } else if (name == "packet_lost") {
    ++lost;
  } else if (name == "marked_for_retransmit") {
    resent_octets += stream_octets(event.data);
  } else if (name == "recovery_metrics_updated" || name == "metrics_updated") {
    if (event.data["latest_rtt"].get(value) == simdjson::SUCCESS && value > 0) add_rtt(value);
  } else if (name == "congestion_state_updated") {
    if (!state.empty()) states[state] += event.time_ms - state_since;
    state = word(event.data, "new");
    state_since = event.time_ms;
  } else if (name == "connection_state_updated") {
    if (word(event.data, "new") == "handshake_complete") handshake = event.time_ms - first;
  } else if (name == "version_information") {
    version = word(event.data, "chosen_version");
  } else if (name == "alpn_information") {
    std::string_view alpn_text;
    if (event.data["chosen_alpn"]["string_value"].get(alpn_text) == simdjson::SUCCESS) alpn = alpn_text;
  } else if (name == "connection_closed") {
    close = word(event.data, "trigger");
    for (const char* field : {"connection_error", "application_error", "reason"})
      if (const std::string text = word(event.data, field); !text.empty()) close += ", " + text;
  }
}

void Summary::print(const std::string& path, const std::string& vantage) {
  const double duration = std::max(0.0, last - first);
  const auto mbit = [duration](std::uint64_t octets) {
    return duration > 0 ? static_cast<double>(octets) * 8 / duration / 1e3 : 0.0;
  };
  const auto share = [](std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  };
  fmt::print("{} ({})\n", path, vantage.empty() ? "unknown" : vantage);
  fmt::print("  version      {}, ALPN {}\n", version.empty() ? "unknown" : version, alpn.empty() ? "unknown" : alpn);
  if (handshake >= 0) fmt::print("  handshake    {:.3f} ms\n", handshake);
  fmt::print("  duration     {:.3f} ms\n", duration);
  fmt::print("  sent         {} packets, {} octets, stream data {:.3f} Mbit/s\n", sent, sent_octets, mbit(stream_sent));
  fmt::print("  received     {} packets, {} octets, stream data {:.3f} Mbit/s\n", received, received_octets,
             mbit(stream_received));
  fmt::print("  lost         {} packets ({:.2f} %), {:.2f} % of the stream data marked to be sent again\n", lost,
             share(lost, sent), share(resent_octets, stream_sent));
  if (!rtts.empty()) {
    std::sort(rtts.begin(), rtts.end());
    fmt::print("  round trip   min {:.3f}, median {:.3f}, 99th percentile {:.3f} ms\n", rtts.front(),
               rtts[rtts.size() / 2], rtts[(rtts.size() - 1) * 99 / 100]);
  }
  if (!state.empty()) states[state] += last - state_since;
  for (const auto& [name, ms] : states) fmt::print("  congestion   {} for {:.3f} ms\n", name, ms);
  fmt::print("  closed       {}\n", close.empty() ? "not in this file" : close);
}

struct Options {
  std::vector<std::string> files;
  std::vector<std::string> names;
  double from = 0;
  double to = std::numeric_limits<double>::infinity();
  std::int64_t stream = -1;
  std::int64_t packet = -1;
};

int complain(const ConfigError& error) {
  fmt::print(stderr, "hawser qlog: {}\n", error.message);
  return 1;
}

int summarise(const Options& options) {
  int exit_code = 0;
  for (const std::string& path : options.files) {
    auto reader = QlogReader::open(path);
    if (!reader) return complain(reader.error());
    Summary summary;
    for (;;) {
      const auto event = reader->next();
      if (!event) {
        exit_code = complain(event.error());
        break;
      }
      if (!*event) break;
      summary.add(**event);
    }
    summary.print(path, reader->vantage());
  }
  return exit_code;
}

bool concerns_stream(dom::object data, std::uint64_t id) {
  std::uint64_t value = 0;
  if (data["stream_id"].get(value) == simdjson::SUCCESS) return value == id;
  dom::array frames;
  if (data["frames"].get(frames) != simdjson::SUCCESS) return false;
  for (dom::element frame : frames)
    if (frame["stream_id"].get(value) == simdjson::SUCCESS && value == id) return true;
  return false;
}

bool is_wanted(const QlogEvent& event, const Options& options) {
  if (event.time_ms < options.from || event.time_ms > options.to) return false;
  const auto is_named = [&event](const std::string& name) { return name == event.name || name == event.event; };
  if (!options.names.empty() && std::none_of(options.names.begin(), options.names.end(), is_named)) return false;
  if (options.stream >= 0 && !concerns_stream(event.data, static_cast<std::uint64_t>(options.stream))) return false;
  std::int64_t packet = -1;
  if (options.packet >= 0 &&
      (event.data["header"]["packet_number"].get(packet) != simdjson::SUCCESS || packet != options.packet))
    return false;
  return true;
}

// Writes a file of the same kind: its header and the events wanted.
int filter(const Options& options) {
  for (const std::string& path : options.files) {
    auto reader = QlogReader::open(path);
    if (!reader) return complain(reader.error());
    fmt::print("\x1e{}\n", reader->header());
    for (;;) {
      const auto event = reader->next();
      if (!event) return complain(event.error());
      if (!*event) break;
      if (is_wanted(**event, options)) fmt::print("\x1e{}\n", (*event)->record);
    }
  }
  return 0;
}

}  // namespace

void add_qlog_command(CLI::App& app, int& exit_code) {
  // The options live as long as the callbacks that read them.
  const auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("qlog", "What qlog files say: a summary, or the events that match");
  command.require_subcommand(1);
  command.footer(kFooter);
  CLI::App& summary = *command.add_subcommand("summary", "What a person wants to know of a connection");
  summary.add_option("FILE", options->files, ".sqlog files")->required();
  summary.callback([options, &exit_code] { exit_code = summarise(*options); });
  CLI::App& picked = *command.add_subcommand("filter", "Writes the events that match, as qlog, to standard output");
  picked.add_option("FILE", options->files, ".sqlog file")->required()->expected(1);
  picked.add_option("--name", options->names,
                    "Events of this name, quic:packet_lost or packet_lost; repeat for several");
  picked.add_option("--from", options->from, "Not before this time, in milliseconds");
  picked.add_option("--to", options->to, "Not after this time, in milliseconds");
  picked.add_option("--stream", options->stream, "Events of this stream, or packets with frames of it")
      ->check(CLI::NonNegativeNumber);
  picked.add_option("--packet", options->packet, "Events of the packets of this number")->check(CLI::NonNegativeNumber);
  picked.callback([options, &exit_code] { exit_code = filter(*options); });
}

}  // namespace hawser::app
