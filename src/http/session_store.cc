// session_store.cc: records in memory, and the file: eight octets that name the format, then for each
// record its kind (1), expiry (8), and key, octets and settings with 2 octets of length before each.
#include "http/session_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "base/reader.h"
#include "base/writer.h"

namespace hawser::http {
namespace {

constexpr std::string_view kMagic = "hawserS1";
// Of a file: all that kMaxRecords records can have.
constexpr std::size_t kMaxFileOctets =
    kMagic.size() + MemorySessionStore::kMaxRecords * (MemorySessionStore::kMaxRecordOctets + 16);

std::vector<std::uint8_t> copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

bool read_part(Reader& in, Bytes& part) {
  std::uint16_t size = 0;
  return in.u16(size) && in.bytes(size, part);
}

// An open file that closes itself.
struct File {
  int fd;
  explicit File(int descriptor) : fd(descriptor) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

bool write_all(int fd, Bytes octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(fd, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    octets = octets.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

void MemorySessionStore::put(Record record) {
  if (record.key.size() + record.octets.size() + record.settings.size() > kMaxRecordOctets) return;
  const auto alike = [&](const Record& other) { return other.key == record.key && other.kind == record.kind; };
  if (static_cast<std::size_t>(std::count_if(records_.begin(), records_.end(), alike)) >= kMaxOfOneKey)
    records_.erase(std::find_if(records_.begin(), records_.end(), alike));
  if (records_.size() >= kMaxRecords) records_.pop_front();
  records_.push_back(std::move(record));
}

// What is taken is gone: a ticket and a token are for one connection.
// rfc9001:4.5-ticket-once rfc9000:8.1.3-token-not-reused
std::optional<MemorySessionStore::Record> MemorySessionStore::take_newest(std::string_view key, Kind kind,
                                                                          std::int64_t now_s) {
  std::erase_if(records_, [now_s](const Record& record) { return record.expires_s <= now_s; });
  const auto found = std::find_if(records_.rbegin(), records_.rend(),
                                  [&](const Record& record) { return record.key == key && record.kind == kind; });
  if (found == records_.rend()) return std::nullopt;
  Record record = std::move(*found);
  records_.erase(std::next(found).base());
  return record;
}

KeptSession MemorySessionStore::take(std::string_view key, std::int64_t now_s) {
  KeptSession kept;
  if (std::optional<Record> ticket = take_newest(key, Kind::kTicket, now_s)) {
    kept.ticket = std::move(ticket->octets);
    kept.settings = std::move(ticket->settings);
  }
  if (std::optional<Record> token = take_newest(key, Kind::kToken, now_s)) kept.token = std::move(token->octets);
  if (std::optional<Record> path = take_newest(key, Kind::kPath, now_s)) kept.path = std::move(path->octets);
  return kept;
}

void MemorySessionStore::put_ticket(std::string_view key, Bytes ticket, Bytes settings, std::int64_t expires_s) {
  put({.kind = Kind::kTicket,
       .expires_s = expires_s,
       .key = std::string(key),
       .octets = copy_of(ticket),
       .settings = copy_of(settings)});
}

void MemorySessionStore::put_token(std::string_view key, Bytes token, std::int64_t expires_s) {
  put({.kind = Kind::kToken,
       .expires_s = expires_s,
       .key = std::string(key),
       .octets = copy_of(token),
       .settings = {}});
}

void MemorySessionStore::put_path(std::string_view key, Bytes path, std::int64_t expires_s) {
  std::erase_if(records_, [key](const Record& record) { return record.kind == Kind::kPath && record.key == key; });
  put({.kind = Kind::kPath, .expires_s = expires_s, .key = std::string(key), .octets = copy_of(path), .settings = {}});
}

std::vector<std::uint8_t> MemorySessionStore::serialize() const {
  std::size_t size = kMagic.size();
  for (const Record& record : records_) size += 15 + record.key.size() + record.octets.size() + record.settings.size();
  std::vector<std::uint8_t> out(size);
  Writer writer(out);
  writer.bytes(as_bytes(kMagic));
  for (const Record& record : records_) {
    writer.u8(static_cast<std::uint8_t>(record.kind));
    writer.u32(static_cast<std::uint32_t>(static_cast<std::uint64_t>(record.expires_s) >> 32));
    writer.u32(static_cast<std::uint32_t>(record.expires_s));
    for (const Bytes part : {as_bytes(record.key), Bytes(record.octets), Bytes(record.settings)}) {
      writer.u16(static_cast<std::uint16_t>(part.size()));
      writer.bytes(part);
    }
  }
  return out;
}

void MemorySessionStore::restore(Bytes octets, std::int64_t now_s) {
  records_.clear();
  Reader in(octets);
  Bytes magic;
  if (!in.bytes(kMagic.size(), magic) || as_text(magic) != kMagic) return;
  while (!in.empty()) {
    std::uint8_t kind = 0;
    std::uint32_t high = 0, low = 0;
    Bytes key, record, settings;
    if (!in.u8(kind) || kind > static_cast<std::uint8_t>(Kind::kPath) || !in.u32(high) || !in.u32(low)) return;
    if (!read_part(in, key) || !read_part(in, record) || !read_part(in, settings)) return;
    const auto expires_s = static_cast<std::int64_t>(std::uint64_t{high} << 32 | low);
    if (expires_s <= now_s) continue;
    put({.kind = static_cast<Kind>(kind),
         .expires_s = expires_s,
         .key = std::string(as_text(key)),
         .octets = copy_of(record),
         .settings = copy_of(settings)});
  }
}

std::expected<std::unique_ptr<FileSessionStore>, ConfigError> FileSessionStore::open(std::string path) {
  const File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file.fd < 0) return std::unexpected(ConfigError{fmt::format("{}: {}", path, std::strerror(errno))});
  struct stat status{};
  if (::fstat(file.fd, &status) != 0 || !S_ISREG(status.st_mode))
    return std::unexpected(ConfigError{fmt::format("{}: not a file", path)});
  if ((status.st_mode & 077) != 0)
    return std::unexpected(ConfigError{
        fmt::format("{}: others may read it, and with it resume sessions; chmod 600 it, or name another file", path)});
  // What is there is replaced with the first session: nothing but sessions may be.
  std::array<char, kMagic.size()> begin{};
  const ssize_t size = ::pread(file.fd, begin.data(), begin.size(), 0);
  if (status.st_size != 0 && (size < 0 || std::string_view(begin.data(), static_cast<std::size_t>(size)) != kMagic))
    return std::unexpected(
        ConfigError{fmt::format("{}: it holds something else than sessions; name another file", path)});
  // A link stays one.
  if (char* const real = ::realpath(path.c_str(), nullptr); real != nullptr) {
    path = real;
    std::free(real);
  }
  return std::unique_ptr<FileSessionStore>(new FileSessionStore(std::move(path)));
}

// On the file itself, which is replaced at each change: a lock on one that is no longer there is none.
class FileSessionStore::Lock {
 public:
  explicit Lock(const std::string& path) {
    for (int i = 0; i < kTries; ++i) {
      File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      struct stat locked{}, current{};
      if (file.fd < 0) return;
      if (::flock(file.fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) return;
        std::this_thread::sleep_for(kBetweenTries);
      } else if (::fstat(file.fd, &locked) == 0 && ::stat(path.c_str(), &current) == 0 &&
                 locked.st_ino == current.st_ino) {
        file_.fd = std::exchange(file.fd, -1);
        return;
      }
    }
  }

 private:
  static constexpr int kTries = 1'000;
  static constexpr std::chrono::milliseconds kBetweenTries{1};
  File file_{-1};  // closing it lets go
};

MemorySessionStore FileSessionStore::load(std::int64_t now_s) const {
  MemorySessionStore store;
  const File file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (file.fd < 0 || ::fstat(file.fd, &status) != 0) return store;
  std::vector<std::uint8_t> octets(std::min<std::size_t>(static_cast<std::size_t>(status.st_size), kMaxFileOctets));
  const ssize_t size = ::read(file.fd, octets.data(), octets.size());
  if (size > 0) store.restore(Bytes(octets).first(static_cast<std::size_t>(size)), now_s);
  return store;
}

// A file that cannot be written is left as it was: a session that is not kept costs a round trip.
void FileSessionStore::replace(const MemorySessionStore& store) const {
  const std::string fresh = fmt::format("{}.{}", path_, ::getpid());
  {
    ::unlink(fresh.c_str());
    const File file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.fd >= 0 && write_all(file.fd, store.serialize()) && ::rename(fresh.c_str(), path_.c_str()) == 0) return;
  }
  ::unlink(fresh.c_str());
}

KeptSession FileSessionStore::take(std::string_view key, std::int64_t now_s) {
  const Lock lock(path_);
  MemorySessionStore store = load(now_s);
  KeptSession kept = store.take(key, now_s);
  if (!kept.ticket.empty() || !kept.token.empty() || !kept.path.empty()) replace(store);
  return kept;
}

void FileSessionStore::put_ticket(std::string_view key, Bytes ticket, Bytes settings, std::int64_t expires_s) {
  const Lock lock(path_);
  MemorySessionStore store = load(0);
  store.put_ticket(key, ticket, settings, expires_s);
  replace(store);
}

void FileSessionStore::put_token(std::string_view key, Bytes token, std::int64_t expires_s) {
  const Lock lock(path_);
  MemorySessionStore store = load(0);
  store.put_token(key, token, expires_s);
  replace(store);
}

void FileSessionStore::put_path(std::string_view key, Bytes path, std::int64_t expires_s) {
  const Lock lock(path_);
  MemorySessionStore store = load(0);
  store.put_path(key, path, expires_s);
  replace(store);
}

}  // namespace hawser::http
