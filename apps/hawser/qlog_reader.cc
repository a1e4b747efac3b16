// qlog_reader.cc: records that must be a header or an event, from the lines of a file or out of a document.
#include "qlog_reader.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

namespace hawser::app {

namespace dom = simdjson::dom;

ConfigError QlogReader::wrong(std::string_view what) const {
  if (document_) return ConfigError{fmt::format("{}: event {}: {}", path_, line_number_, what)};
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

std::expected<QlogReader, ConfigError> QlogReader::open(const std::string& path, std::size_t trace) {
  File file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return std::unexpected(ConfigError{path + ": " + std::strerror(errno)});
  return read(std::move(file), path, trace);
}

std::expected<QlogReader, ConfigError> QlogReader::read(File file, const std::string& name, std::size_t trace) {
  QlogReader reader;
  reader.path_ = name;
  reader.file_ = std::move(file);
  reader.parser_ = std::make_unique<dom::parser>(kRecordMax + 64);
  const int first = getc_unlocked(reader.file_.get());
  (void)ungetc(first, reader.file_.get());
  const Line line = reader.read_line();
  dom::element root;
  const bool is_record = line != Line::kEnd && line != Line::kTooLong &&
                         reader.parser_->parse(reader.line_).get(root) == simdjson::SUCCESS;
  dom::object header;
  if (is_record && root["trace"].get(header) == simdjson::SUCCESS) {
    reader.header_ = reader.line_;
    reader.read_header(header);
    return reader;
  }
  // What begins like a text sequence is no document; what is whole in its first line and has no traces neither.
  dom::element traces;
  if (first == 0x1e || line == Line::kEnd || (is_record && root["traces"].get(traces) != simdjson::SUCCESS))
    return std::unexpected(
        reader.wrong(is_record ? "this is no qlog: its first record has no \"trace\""
                               : "this is no qlog: neither a record a line (.sqlog) nor a JSON document (.qlog)"));
  if (const auto opened = reader.open_document(trace); !opened)
    return std::unexpected(ConfigError{fmt::format("{}:1: {}", name, opened.error().message)});
  return reader;
}

std::expected<void, ConfigError> QlogReader::open_document(std::size_t trace) {
  auto document = std::make_unique<QlogDocument>(file_.get(), kRecordMax);
  if (auto found = document->find(trace); !found) return std::unexpected(found.error());
  const std::string& members = document->document_members();
  header_ = fmt::format("{{{}{}\"trace\":{{{}}}}}", members, members.empty() ? "" : ",", document->trace_members());
  dom::object root;
  if (parser_->parse(header_).get(root) != simdjson::SUCCESS)
    return std::unexpected(ConfigError{"this is no qlog document: what describes its trace is no JSON"});
  dom::object described;
  if (root["trace"].get(described) == simdjson::SUCCESS) read_header(described);
  document_ = std::move(document);
  line_number_ = 0;
  return {};
}

// What the trace says of itself: by whom it was written, and how its times are meant.
void QlogReader::read_header(dom::object trace) {
  std::string_view text;
  if (trace["vantage_point"]["type"].get(text) == simdjson::SUCCESS) vantage_ = text;
  if (trace["common_fields"]["time_format"].get(text) == simdjson::SUCCESS)
    times_are_deltas_ = text == "delta" || text == "relative_to_previous_event";
  if (trace["configuration"]["time_units"].get(text) == simdjson::SUCCESS && text == "us") time_unit_ms_ = 1e-3;
  dom::array columns;
  if (trace["event_fields"].get(columns) != simdjson::SUCCESS) return;
  constexpr std::size_t kColumnsMax = 64;  // drafts have five
  for (const dom::element column : columns) {
    if (columns_.size() == kColumnsMax) return;
    columns_.emplace_back(column.get(text) == simdjson::SUCCESS ? text : std::string_view());
    if (columns_.back() == "delta_time") times_are_deltas_ = true;
  }
}

bool QlogReader::set_time(QlogEvent& event, double time) {
  event.time_ms = time * time_unit_ms_ + (times_are_deltas_ ? previous_time_ : 0);
  previous_time_ = event.time_ms;
  return std::abs(event.time_ms) <= kTimeMax;
}

// Events of drafts before qlog 0.3: arrays whose columns the trace names.
bool QlogReader::fill_from_array(QlogEvent& event, dom::array values) {
  std::string_view category, type;
  bool has_time = false, has_data = false;
  std::size_t index = 0;
  for (const dom::element value : values) {
    if (index == columns_.size()) break;
    const std::string& column = columns_[index++];
    double time = 0;
    if (column.ends_with("time")) has_time = value.get(time) == simdjson::SUCCESS && set_time(event, time);
    if (column == "category" && value.get(category) != simdjson::SUCCESS) return false;
    if ((column == "event" || column == "event_type") && value.get(type) != simdjson::SUCCESS) return false;
    if (column == "data") has_data = value.get(event.data) == simdjson::SUCCESS;
  }
  name_ = fmt::format("{}:{}", category, type);
  event.name = name_;
  return has_time && has_data && !type.empty();
}

bool QlogReader::fill(QlogEvent& event, dom::element root) {
  dom::array values;
  if (root.get(values) == simdjson::SUCCESS) {
    if (!fill_from_array(event, values)) return false;
  } else {
    double time = 0;
    if (root["time"].get(time) != simdjson::SUCCESS || !set_time(event, time) ||
        root["name"].get(event.name) != simdjson::SUCCESS || root["data"].get(event.data) != simdjson::SUCCESS)
      return false;
  }
  event.event = event.name.substr(event.name.find(':') + 1);
  event.root = root;
  event.record = line_;
  return true;
}

std::expected<std::optional<QlogEvent>, ConfigError> QlogReader::next_of_document() {
  ++line_number_;
  const auto more = document_->next(line_);
  if (!more) return std::unexpected(wrong(more.error().message));
  if (!*more) return std::nullopt;
  dom::element root;
  if (parser_->parse(line_).get(root) != simdjson::SUCCESS) return std::unexpected(wrong("this is no JSON"));
  QlogEvent event;
  if (!fill(event, root)) return std::unexpected(wrong("an event has a time, a name and \"data\""));
  return event;
}

std::expected<std::optional<QlogEvent>, ConfigError> QlogReader::next() {
  if (document_) return next_of_document();
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
    if (!fill(event, root)) return std::unexpected(wrong("an event has \"time\", \"name\" and \"data\""));
    return event;
  }
}

}  // namespace hawser::app
