// qlog_command.cc: `hawser qlog summary`, `hawser qlog filter` and `hawser qlog plot`.
#include "qlog_command.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "count_option.h"
#include "qlog_plot.h"
#include "qlog_reader.h"
#include "qlog_summary.h"
#include "say.h"

namespace hawser::app {
namespace {

namespace dom = simdjson::dom;

constexpr const char* kFooter = R"(Examples:
  hawser qlog summary /tmp/qlog/83f1_client.sqlog
  hawser qlog plot -o 83f1.svg /tmp/qlog/83f1_client.sqlog
  hawser qlog filter --name packet_lost FILE            losses only
  hawser qlog filter --from 100 --to 250 --stream 4 FILE
  hawser qlog filter --tuple 1 --name packet_sent,packet_received FILE   after the first move
FILE may be a .sqlog, a record a line, or a .qlog, one JSON document; of this program or of others.)";

struct Options {
  std::vector<std::string> files;
  std::vector<std::string> names;
  std::string output;
  std::size_t trace = 0;
  double from = 0;
  double to = std::numeric_limits<double>::infinity();
  std::int64_t stream = -1;
  std::int64_t packet = -1;
  std::int64_t path = -1;
  std::int64_t tuple = -1;
};

int complain(const ConfigError& error) {
  say("hawser qlog: {}\n", error.message);
  return 1;
}

// Opens a file and says so if there is more in it than what is read.
std::expected<QlogReader, ConfigError> open(const std::string& path, const Options& options) {
  auto reader = QlogReader::open(path, options.trace);
  if (reader && reader->traces() > 1)
    say("hawser qlog: {}: trace {} of {}; --trace N reads another one, counted from 0\n", path, options.trace,
        reader->traces());
  return reader;
}

// Gives every event of a file to visit(event). False: an error was complained of; what came before it counts.
template <class Visit>
bool read_all(QlogReader& reader, const Visit& visit) {
  for (;;) {
    const auto event = reader.next();
    if (!event) {
      complain(event.error());
      return false;
    }
    if (!*event) return true;
    visit(**event);
  }
}

int summarise(const Options& options) {
  int exit_code = 0;
  for (const std::string& path : options.files) {
    auto reader = open(path, options);
    if (!reader) return complain(reader.error());
    QlogSummary summary;
    if (!read_all(*reader, [&summary](const QlogEvent& event) { summary.add(event); })) exit_code = 1;
    fmt::print("{} ({})\n{}", path, reader->vantage().empty() ? "unknown" : reader->vantage(), summary.text());
  }
  return exit_code;
}

bool write_output(const std::string& text, const std::string& path) {
  std::FILE* const out = path.empty() || path == "-" ? stdout : std::fopen(path.c_str(), "wb");
  bool written = out != nullptr && std::fwrite(text.data(), 1, text.size(), out) == text.size();
  if (out != nullptr && std::fflush(out) != 0) written = false;
  if (out != nullptr && out != stdout && std::fclose(out) != 0) written = false;
  if (!written) complain({fmt::format("{}: {}", path.empty() ? "standard output" : path, std::strerror(errno))});
  return written;
}

int plot(const Options& options) {
  const std::string& path = options.files.front();
  std::error_code none;
  if (!options.output.empty() && std::filesystem::equivalent(path, options.output, none))
    return complain({options.output + ": the chart would replace the log; name another file with -o"});
  auto reader = open(path, options);
  if (!reader) return complain(reader.error());
  QlogPlot drawn;
  const bool is_whole = read_all(*reader, [&drawn](const QlogEvent& event) { drawn.add(event); });
  if (drawn.empty()) return is_whole ? complain({path + ": there is no event to draw"}) : 1;
  const std::string svg = drawn.svg(std::filesystem::path(path).filename().string(), reader->vantage());
  return write_output(svg, options.output) && is_whole ? 0 : 1;
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

// Paths stand in the data or in a packet's header; events of path 0 leave it out.
bool concerns_path(dom::object data, std::int64_t wanted) {
  std::int64_t value = 0;
  if (data["path_id"].get(value) == simdjson::SUCCESS) return value == wanted;
  if (data["header"]["path_id"].get(value) == simdjson::SUCCESS) return value == wanted;
  return wanted == 0;
}

// 4-tuples stand beside an event's name, as text; what names none is of the handshake's, 0.
bool concerns_tuple(dom::element root, std::int64_t wanted) {
  std::string_view tuple;
  if (root["tuple"].get(tuple) != simdjson::SUCCESS || tuple.empty()) return wanted == 0;
  return tuple == std::to_string(wanted);
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
  if (options.path >= 0 && !concerns_path(event.data, options.path)) return false;
  return options.tuple < 0 || concerns_tuple(event.root, options.tuple);
}

// Writes a file of one record a line: the header and the events wanted.
int filter(const Options& options) {
  auto reader = open(options.files.front(), options);
  if (!reader) return complain(reader.error());
  fmt::print("\x1e{}\n", reader->header());
  const bool is_whole = read_all(*reader, [&options](const QlogEvent& event) {
    if (is_wanted(event, options)) fmt::print("\x1e{}\n", event.record);
  });
  return is_whole ? 0 : 1;
}

void add_input(CLI::App& command, Options& options, bool several) {
  CLI::Option* const files = command.add_option("FILE", options.files, ".sqlog or .qlog file")->required();
  if (!several) files->expected(1);
  command.add_option("--trace", options.trace, "Which trace of a document that has several, from 0");
}

}  // namespace

void add_qlog_command(CLI::App& app, int& exit_code) {
  // The options live as long as the callbacks that read them.
  const auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("qlog", "What qlog files say: a summary, a chart, or the events that match");
  command.require_subcommand(1);
  command.footer(kFooter);
  CLI::App& summary = *command.add_subcommand("summary", "What a person wants to know of a connection");
  add_input(summary, *options, true);
  summary.callback([options, &exit_code] { exit_code = summarise(*options); });
  CLI::App& drawn = *command.add_subcommand(
      "plot", "Draws window, bytes in flight, round trips, losses, stalls and streams over time, as SVG");
  add_input(drawn, *options, false);
  drawn.add_option("-o,--output", options->output, "Where the SVG goes (default: standard output)");
  drawn.callback([options, &exit_code] { exit_code = plot(*options); });
  CLI::App& picked = *command.add_subcommand(
      "filter", "Writes the events that match all that is given, as qlog of a record a line, to standard output");
  add_input(picked, *options, false);
  picked
      .add_option("--name", options->names,
                  "Events of this name, quic:packet_lost or packet_lost; several by commas, or repeated")
      ->delimiter(',');
  picked.add_option("--from", options->from, "Not before this time, in milliseconds");
  picked.add_option("--to", options->to, "Not after this time, in milliseconds");
  picked.add_option("--stream", options->stream, "Events of this stream, or packets with frames of it")
      ->check(is_count(0, INT64_MAX));
  picked.add_option("--packet", options->packet, "Events of the packets of this number")->check(is_count(0, INT64_MAX));
  picked.add_option("--path", options->path, "Events of this path (multipath); what names none is of path 0")
      ->check(is_count(0, INT64_MAX));
  picked.add_option("--tuple", options->tuple, "Events of this 4-tuple; what names none is of 0, the handshake's")
      ->check(is_count(0, INT64_MAX));
  picked.callback([options, &exit_code] { exit_code = filter(*options); });
}

}  // namespace hawser::app
