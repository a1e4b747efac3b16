// qlog_reader.h: reads qlog files of one record a line (.sqlog) in bounded memory,
// with the current drafts' names and those of qlog 0.3.
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

#include "base/result.h"

namespace hawser::app {

// One event; views are good until the next is read.
struct QlogEvent {
  double time_ms = 0;
  std::string_view name;   // as it stands in the file
  std::string_view event;  // behind the colon: "packet_sent"
  simdjson::dom::object data;
  std::string_view record;  // the line, without its frame
};

class QlogReader {
 public:
  // A longer record is an error: the longest of ours, a packet of 1,024 numbers, has 10 kB.
  static constexpr std::size_t kRecordMax = 16 * 1'024 * 1'024;

  static std::expected<QlogReader, ConfigError> open(const std::string& path);
  // The next event; nothing at the end of the file. The error names the line. A last record that was
  // cut off is passed over.
  std::expected<std::optional<QlogEvent>, ConfigError> next();
  // The first record of the file, for "trace.vantage_point.type" and the like.
  [[nodiscard]] const std::string& header() const { return header_; }
  [[nodiscard]] const std::string& vantage() const { return vantage_; }

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  QlogReader() = default;
  enum class Line : std::uint8_t { kWhole, kCut, kEnd, kTooLong };
  Line read_line();
  [[nodiscard]] ConfigError wrong(std::string_view what) const;

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  std::unique_ptr<simdjson::dom::parser> parser_;
  std::string line_;
  std::string header_;
  std::string vantage_;
  std::uint64_t line_number_ = 0;
};

}  // namespace hawser::app
