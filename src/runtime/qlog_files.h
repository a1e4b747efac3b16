// qlog_files.h: puts qlog into a folder, one file per connection and vantage point, named as
// the drafts ask: original Destination Connection ID and vantage, "83f1_client.sqlog".
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
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

  // `folder` must exist and be writable.
  static std::expected<QlogFiles, ConfigError> create(std::string folder);
  QlogFiles(QlogFiles&&) = default;
  QlogFiles& operator=(QlogFiles&&) = delete;
  ~QlogFiles() override;

  void write(const ConnectionKey& key, std::string_view records) override;
  void finish(const ConnectionKey& key) override;

  // Writes that failed: a full disk, a removed folder. Their records are lost.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  struct File {
    std::string name;
    std::FILE* stream = nullptr;
  };

  explicit QlogFiles(std::string folder) : folder_(std::move(folder)) {}
  std::FILE* open(const std::string& name);
  void close_file(std::list<File>::iterator file);

  std::string folder_;     // ends with '/'
  std::list<File> files_;  // the one used last stands first
  std::unordered_map<std::string, std::list<File>::iterator> by_name_;
  std::uint64_t failures_ = 0;
};

}  // namespace hawser::runtime
