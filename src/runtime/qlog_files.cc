// qlog_files.cc: buffered appends to a bounded number of open files.
#include "runtime/qlog_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "runtime/clock.h"

namespace hawser::runtime {
namespace {

// Names tried by the time of day; two workers seldom ask in the same nanosecond.
constexpr std::uint64_t kUniqueNameTries = 4;

// Hexadecimal, so whatever octets a peer chose make a harmless file name.
std::string base_name(const ConnectionKey& key) {
  const std::string id = key.original_destination_cid.empty() ? "endpoint" : to_hex(key.original_destination_cid);
  return id + "_" + std::string{qlog_name(key.vantage)};
}

// By writing: what permissions say is not all there is to it. 0, or an errno.
int why_not_writable(const std::string& folder) {
  std::string name = folder + "/.hawser-qlog-XXXXXX";
  const int file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) return errno;
  ::close(file);
  ::unlink(name.c_str());
  return 0;
}

}  // namespace

// One log: its current file, and how much of its limit it has used.
class QlogFiles::Log final : public LogOutput {
 public:
  Log(QlogFiles& files, std::string path, std::string_view header)
      : files_(files), path_(std::move(path)), header_(files.limit_ == 0 ? std::string_view{} : header) {
    if (files_.limit_ != 0) part_limit_ = files_.limit_ / kParts;
    choose_name();
    write(header);
  }
  ~Log() override { close(); }

  void write(std::string_view records) override {
    std::FILE* stream = provide();
    if (stream == nullptr || std::fwrite(records.data(), 1, records.size(), stream) != records.size())
      files_.count_failure(errno);
    written_ += records.size();
  }

  // The part is full: the next one begins. Of the parts between the first and the last few, the
  // oldest goes.
  void end_record() override {
    if (part_limit_ == 0 || name_error_ != 0 || written_ < part_limit_) return;
    close();
    ++part_;
    written_ = 0;
    if (part_ >= kParts) std::remove(name_of(part_ - kParts + 1).c_str());
    write(header_);
  }

  void close() {
    if (stream_ == nullptr) return;
    if (std::fclose(std::exchange(stream_, nullptr)) != 0) files_.count_failure(errno);
    files_.in_use_.erase(place_);
  }

 private:
  friend class QlogFiles;

  // Nothing is written into a file that is there already: another worker's, or an earlier run's. A
  // log without a name of its own stays without a file.
  void choose_name() {
    const std::string first = path_;
    for (std::uint64_t i = 1; i <= kSameNameMax + kUniqueNameTries; ++i) {
      if (i > 1)
        path_ = first + "-" +
                std::to_string(i <= kSameNameMax ? i : static_cast<std::uint64_t>(read_clock(CLOCK_REALTIME).count()));
      stream_ = std::fopen(name_of(0).c_str(), "wxe");
      if (stream_ != nullptr) return files_.use(*this);
      if (errno != EEXIST) break;
    }
    name_error_ = errno;
  }

  // "ID_server.sqlog", then "ID_server.1.sqlog" and so on.
  [[nodiscard]] std::string name_of(std::uint64_t part) const {
    return part == 0 ? path_ + ".sqlog" : path_ + "." + std::to_string(part) + ".sqlog";
  }

  std::FILE* provide() {
    if (stream_ != nullptr && files_.in_use_.front() == this) return stream_;
    if (name_error_ != 0) {
      errno = name_error_;
      return nullptr;
    }
    if (stream_ == nullptr) {
      stream_ = std::fopen(name_of(part_).c_str(), "ae");
      if (stream_ == nullptr) return nullptr;
      files_.use(*this);
    } else {
      files_.in_use_.splice(files_.in_use_.begin(), files_.in_use_, place_);
    }
    return stream_;
  }

  QlogFiles& files_;
  std::string path_;
  std::string header_;
  std::uint64_t part_limit_ = 0;  // 0: none
  std::uint64_t part_ = 0;
  std::uint64_t written_ = 0;  // octets in this part
  int name_error_ = 0;         // why there is no file; 0: there is one
  std::FILE* stream_ = nullptr;
  std::list<Log*>::iterator place_;
};

std::expected<std::unique_ptr<QlogFiles>, ConfigError> QlogFiles::create(std::string folder,
                                                                         std::uint64_t limit_octets) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    return std::unexpected(ConfigError{"qlog folder \"" + folder + "\" does not exist: create it or name another"});
  if (const int reason = why_not_writable(folder); reason != 0)
    return std::unexpected(
        ConfigError{"cannot write qlog into \"" + folder + "\": " + std::strerror(reason) + "; name another folder"});
  if (limit_octets != 0 && limit_octets < kLimitMin)
    return std::unexpected(ConfigError{"a qlog limit below " + std::to_string(kLimitMin) + " octets holds no log"});
  if (!folder.ends_with('/')) folder += '/';
  return std::unique_ptr<QlogFiles>{new QlogFiles(std::move(folder), limit_octets)};
}

QlogFiles::~QlogFiles() = default;

std::unique_ptr<LogOutput> QlogFiles::open(const ConnectionKey& key, std::string_view header) {
  return std::make_unique<Log>(*this, folder_ + base_name(key), header);
}

void QlogFiles::use(Log& log) {
  if (in_use_.size() >= kOpenFilesMax) in_use_.back()->close();
  in_use_.push_front(&log);
  log.place_ = in_use_.begin();
}

}  // namespace hawser::runtime
