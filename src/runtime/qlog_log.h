// qlog_log.h: what an endpoint needs to write qlog: the files, and the writer that hears events.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "events/qlog_writer.h"
#include "runtime/qlog_files.h"

namespace hawser::runtime {

struct QlogSettings {
  std::string folder;              // empty: no qlog
  std::uint64_t limit_octets = 0;  // of one log; 0: none
  QlogOptions options;
};

// What the logs of this process that have ended lack.
struct QlogLoss {
  std::uint64_t failures = 0;  // writes that failed
  std::uint64_t skipped = 0;   // connections without a log
  int error = 0;               // errno of a first write that failed, or 0
};
// From any thread.
QlogLoss qlog_loss();

// Not thread-safe: each worker has its own. It must outlive the endpoint that is given its sink.
class QlogLog {
 public:
  // Adds what it lacks to qlog_loss().
  ~QlogLog();
  QlogLog(const QlogLog&) = delete;
  QlogLog& operator=(const QlogLog&) = delete;

  // Null if settings.folder is empty.
  static std::expected<std::unique_ptr<QlogLog>, ConfigError> create(const QlogSettings& settings) {
    if (settings.folder.empty()) return nullptr;
    HAWSER_TRY(auto files, QlogFiles::create(settings.folder, settings.limit_octets));
    return std::unique_ptr<QlogLog>{new QlogLog(std::move(files), settings.options)};
  }
  [[nodiscard]] EventSink& sink() { return *writer_; }
  [[nodiscard]] const QlogWriter& writer() const { return *writer_; }
  [[nodiscard]] const QlogFiles& files() const { return *files_; }

 private:
  QlogLog(std::unique_ptr<QlogFiles> files, const QlogOptions& options) : files_(std::move(files)) {
    writer_.emplace(*files_, options);
  }

  std::unique_ptr<QlogFiles> files_;
  std::optional<QlogWriter> writer_;
};

}  // namespace hawser::runtime
