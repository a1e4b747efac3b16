// qlog_files.h: puts qlog into a folder, one file per connection and vantage point, named as
// the drafts ask: original Destination Connection ID and vantage, "83f1_client.sqlog".
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "events/qlog_writer.h"

namespace hawser::runtime {

// Not thread-safe: each worker has its own, in the same folder if it likes.
class QlogFiles final : public ByteSink {
 public:
  // Files kept open at once; the one unused longest is closed for a new one and reopened for
  // appending when it has more to say. Far below the usual limit of 1,024 descriptors.
  static constexpr std::size_t kOpenFilesMax = 64;
  // A log with a limit is kept in so many files of equal size: the first, which has the handshake,
  // and the latest.
  static constexpr std::uint64_t kParts = 4;
  // Logs of one name in one folder are told apart by "-2", "-3" and so on up to this, further ones by
  // "-" and the time of day: the names of a peer that uses one connection ID for ever are soon found.
  static constexpr std::uint64_t kSameNameMax = 8;
  // The smallest limit that leaves each part room for the records of some packets.
  static constexpr std::uint64_t kLimitMin = 64 * 1'024;

  // `folder` must exist and be writable. `limit_octets`: what one log may take; 0: no limit.
  static std::expected<std::unique_ptr<QlogFiles>, ConfigError> create(std::string folder,
                                                                       std::uint64_t limit_octets = 0);
  ~QlogFiles() override;
  QlogFiles(const QlogFiles&) = delete;
  QlogFiles& operator=(const QlogFiles&) = delete;

  std::unique_ptr<LogOutput> open(const ConnectionKey& key, std::string_view header) override;

  // Writes that failed: a full disk, a removed folder. Their records are lost.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  // Of the first of them, as errno says it; 0: none, or it said nothing.
  [[nodiscard]] int first_error() const { return first_error_; }

 private:
  class Log;
  QlogFiles(std::string folder, std::uint64_t limit_octets) : folder_(std::move(folder)), limit_(limit_octets) {}
  void count_failure(int error) {
    if (failures_++ == 0) first_error_ = error;
  }
  // Makes room among the open files and puts `log` in front.
  void use(Log& log);

  std::string folder_;  // ends with '/'
  std::uint64_t limit_;
  std::list<Log*> in_use_;  // logs with an open file, the one used last stands first
  std::uint64_t failures_ = 0;
  int first_error_ = 0;
};

}  // namespace hawser::runtime
