// qlog_files.cc: buffered appends to a bounded number of open files.
#include "runtime/qlog_files.h"

#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/bytes.h"

namespace hawser::runtime {
namespace {

// Hexadecimal, so whatever octets a peer chose make a harmless file name.
std::string file_name(const ConnectionKey& key) {
  const std::string id = key.original_destination_cid.empty() ? "endpoint" : to_hex(key.original_destination_cid);
  return id + "_" + std::string{qlog_name(key.vantage)} + ".sqlog";
}

}  // namespace

std::expected<QlogFiles, ConfigError> QlogFiles::create(std::string folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    return std::unexpected(ConfigError{"qlog folder \"" + folder + "\" does not exist: create it or name another"});
  if (!folder.ends_with('/')) folder += '/';
  return QlogFiles(std::move(folder));
}

QlogFiles::~QlogFiles() {
  for (File& file : files_) std::fclose(file.stream);
}

void QlogFiles::write(const ConnectionKey& key, std::string_view records) {
  std::FILE* stream = open(file_name(key));
  if (stream == nullptr || std::fwrite(records.data(), 1, records.size(), stream) != records.size()) ++failures_;
}

void QlogFiles::finish(const ConnectionKey& key) {
  const auto found = by_name_.find(file_name(key));
  if (found != by_name_.end()) close_file(found->second);
}

// The stream for `name`, moved to the front; null if it cannot be opened.
std::FILE* QlogFiles::open(const std::string& name) {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) {
    files_.splice(files_.begin(), files_, found->second);
    return found->second->stream;
  }
  if (files_.size() >= kOpenFilesMax) close_file(std::prev(files_.end()));
  std::FILE* stream = std::fopen((folder_ + name).c_str(), "ae");
  if (stream == nullptr) return nullptr;
  files_.push_front({name, stream});
  by_name_[name] = files_.begin();
  return stream;
}

void QlogFiles::close_file(std::list<File>::iterator file) {
  if (std::fclose(file->stream) != 0) ++failures_;
  by_name_.erase(file->name);
  files_.erase(file);
}

}  // namespace hawser::runtime
