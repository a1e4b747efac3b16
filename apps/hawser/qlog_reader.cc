// qlog_reader.cc: lines of a file, each a JSON value that must be a header or an event.
#include "qlog_reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace hawser::app {

namespace dom = simdjson::dom;

ConfigError QlogReader::wrong(std::string_view what) const {
  return ConfigError{fmt::format("{}:{}: {}", path_, line_number_, what)};
}

QlogReader::Line QlogReader::read_line() {
  line_.clear();
  ++line_number_;
  for (int c = 0; (c = getc_unlocked(file_.get())) != EOF;) {
    if (c == '\n') return Line::kWhole;
    if (c == 0x1e && line_.empty()) continue;
    if (line_.size() == kRecordMax) return Line::kTooLong;
    line_ += static_cast<char>(c);
  }
  return line_.empty() ? Line::kEnd : Line::kCut;
}

std::expected<QlogReader, ConfigError> QlogReader::open(const std::string& path) {
  QlogReader reader;
  reader.path_ = path;
  reader.file_.reset(std::fopen(path.c_str(), "rb"));
  if (reader.file_ == nullptr) return std::unexpected(ConfigError{path + ": " + std::strerror(errno)});
  reader.parser_ = std::make_unique<dom::parser>(kRecordMax + 64);
  const Line line = reader.read_line();
  dom::element root;
  if (line == Line::kEnd || line == Line::kTooLong ||
      reader.parser_->parse(reader.line_).get(root) != simdjson::SUCCESS)
    return std::unexpected(reader.wrong("this is no qlog with one record a line: give a .sqlog file"));
  dom::object trace;
  if (root["trace"].get(trace) != simdjson::SUCCESS)
    return std::unexpected(reader.wrong("the first record is no qlog header: it has no \"trace\""));
  std::string_view vantage;
  if (trace["vantage_point"]["type"].get(vantage) == simdjson::SUCCESS) reader.vantage_ = vantage;
  reader.header_ = reader.line_;
  return reader;
}

std::expected<std::optional<QlogEvent>, ConfigError> QlogReader::next() {
  for (;;) {
    const Line line = read_line();
    if (line == Line::kEnd) return std::nullopt;
    if (line == Line::kTooLong) return std::unexpected(wrong("a record of more than 16 MiB"));
    if (line_.empty()) continue;
    dom::element root;
    if (parser_->parse(line_).get(root) != simdjson::SUCCESS) {
      if (line == Line::kCut) return std::nullopt;
      return std::unexpected(wrong("this line is no JSON"));
    }
    QlogEvent event;
    if (root["time"].get(event.time_ms) != simdjson::SUCCESS || root["name"].get(event.name) != simdjson::SUCCESS ||
        root["data"].get(event.data) != simdjson::SUCCESS)
      return std::unexpected(wrong("an event has \"time\", \"name\" and \"data\""));
    event.event = event.name.substr(event.name.find(':') + 1);
    event.record = line_;
    return event;
  }
}

}  // namespace hawser::app
