// qlog_reader.h: reads qlog files in bounded memory: one record a line (.sqlog) and JSON documents
// (.qlog), with the current drafts' names, those of qlog 0.3, and the arrays of earlier drafts.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qlog_document.h"

namespace hawser::app {

// One event; views are good until the next is read.
struct QlogEvent {
  double time_ms = 0;      // within QlogReader::kTimeMax of 0
  std::string_view name;   // as it stands in the file; of earlier drafts "category:event"
  std::string_view event;  // behind the colon: "packet_sent"
  simdjson::dom::object data;
  simdjson::dom::element root;  // the whole of it
  std::string_view record;      // its text, without what frames it
};

class QlogReader {
 public:
  // A longer record is an error: the longest of ours, a packet of 1,024 numbers, has 10 kB.
  static constexpr std::size_t kRecordMax = 16 * 1'024 * 1'024;
  // Milliseconds: absolute times are 1.8e12; anything past 30,000 years is no time.
  static constexpr double kTimeMax = 1e15;

  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Closer>;

  // `trace`: which one of a document that has several, from 0.
  static std::expected<QlogReader, ConfigError> open(const std::string& path, std::size_t trace = 0);
  // The same of a file that is open; `name` stands in errors.
  static std::expected<QlogReader, ConfigError> read(File file, const std::string& name, std::size_t trace = 0);
  // The next event; nothing at the end of the file. The error names the line or the event. A last record
  // that was cut off is passed over.
  std::expected<std::optional<QlogEvent>, ConfigError> next();
  // The first record of the file, for "trace.vantage_point.type" and the like. Of a document: what a file of
  // one record a line with the same trace would have there.
  [[nodiscard]] const std::string& header() const { return header_; }
  [[nodiscard]] const std::string& vantage() const { return vantage_; }
  [[nodiscard]] std::size_t traces() const { return document_ ? document_->traces() : 1; }

 private:
  QlogReader() = default;
  enum class Line : std::uint8_t { kWhole, kCut, kEnd, kTooLong };
  Line read_line();
  std::expected<void, ConfigError> open_document(std::size_t trace);
  void read_header(simdjson::dom::object trace);
  std::expected<std::optional<QlogEvent>, ConfigError> next_of_document();
  bool fill(QlogEvent& event, simdjson::dom::element root);
  bool fill_from_array(QlogEvent& event, simdjson::dom::array values);
  bool set_time(QlogEvent& event, double time);
  [[nodiscard]] ConfigError wrong(std::string_view what) const;

  std::string path_;
  File file_;
  std::unique_ptr<simdjson::dom::parser> parser_;
  std::unique_ptr<QlogDocument> document_;
  std::vector<std::string> columns_;  // of events that are arrays
  std::string line_;
  std::string name_;  // put together from a category and an event
  std::string header_;
  std::string vantage_;
  double time_unit_ms_ = 1;
  double previous_time_ = 0;
  bool times_are_deltas_ = false;
  std::uint64_t line_number_ = 0;  // of a document: the event, from 1
};

}  // namespace hawser::app
