// key_log.cc: an append-only file of secrets.
#include "runtime/key_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace hawser::runtime {

std::expected<std::unique_ptr<KeyLog>, ConfigError> KeyLog::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return std::unexpected(ConfigError{fmt::format("key log \"{}\": {}", path, std::strerror(errno))});
  return std::unique_ptr<KeyLog>(new KeyLog(fd));
}

std::expected<std::unique_ptr<KeyLog>, ConfigError> KeyLog::open_from_environment() {
  const char* path = std::getenv("SSLKEYLOGFILE");
  if (path == nullptr || *path == '\0') return nullptr;
  return open(path);
}

KeyLog::~KeyLog() {
  ::close(fd_);
}

void KeyLog::append(std::string_view line) {
  std::string text;
  text.reserve(line.size() + 1);
  text.append(line).push_back('\n');
  // O_APPEND makes one write() one piece of the file, whoever else writes.
  (void)!::write(fd_, text.data(), text.size());
  explicit_bzero(text.data(), text.size());
}

}  // namespace hawser::runtime
