// get_output.cc: writev for files, small polled writes for pipes, nothing for /dev/null.
#include "get_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

namespace hawser::app {
namespace {

std::size_t total_size(std::span<const Bytes> views) {
  std::size_t total = 0;
  for (const Bytes view : views) total += view.size();
  return total;
}

}  // namespace

GetOutput::~GetOutput() {
  (void)close();
}

std::string GetOutput::failure(const char* what) const {
  return fmt::format("cannot {} {}: {}", what, name_ == "-" ? "standard output" : name_, std::strerror(errno));
}

std::expected<void, std::string> GetOutput::open(std::uint64_t offset) {
  if (is_open()) return {};
  fd_ = name_ == "-" ? STDOUT_FILENO
                     : ::open(name_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (offset == 0 ? O_TRUNC : 0), 0666);
  if (fd_ < 0) return std::unexpected(failure("write to"));
  struct stat status{};
  if (fstat(fd_, &status) != 0) return std::unexpected(failure("write to"));
  const bool null = S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
  kind_ = null ? Kind::kNull : S_ISREG(status.st_mode) ? Kind::kFile : Kind::kPipe;
  if (kind_ == Kind::kFile && offset > 0 && name_ != "-" && lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) {
    return std::unexpected(failure("continue"));
  }
  return {};
}

std::expected<std::size_t, std::string> GetOutput::write(std::span<const Bytes> views) {
  if (kind_ == Kind::kNull) return total_size(views);
  return kind_ == Kind::kFile ? write_file(views) : write_pipe(views);
}

std::expected<std::size_t, std::string> GetOutput::write_file(std::span<const Bytes> views) {
  std::array<iovec, 64> vectors;
  std::size_t written = 0;
  std::size_t skip = 0;  // octets of the first view that are written
  while (!views.empty()) {
    const std::size_t count = std::min(views.size(), vectors.size());
    for (std::size_t i = 0; i < count; ++i) vectors[i] = {const_cast<std::uint8_t*>(views[i].data()), views[i].size()};
    vectors[0] = {const_cast<std::uint8_t*>(views[0].data()) + skip, views[0].size() - skip};
    const ssize_t result = writev(fd_, vectors.data(), static_cast<int>(count));
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) return std::unexpected(failure("write to"));
    written += static_cast<std::size_t>(result);
    skip += static_cast<std::size_t>(result);
    while (!views.empty() && skip >= views[0].size()) {
      skip -= views[0].size();
      views = views.subspan(1);
    }
  }
  return written;
}

// A pipe that poll() calls writable takes PIPE_BUF octets without blocking (pipe(7)), so the
// worker never waits for a slow reader.
std::expected<std::size_t, std::string> GetOutput::write_pipe(std::span<const Bytes> views) {
  std::size_t written = 0;
  for (Bytes view : views) {
    while (!view.empty()) {
      pollfd waiting{.fd = fd_, .events = POLLOUT, .revents = 0};
      if (poll(&waiting, 1, 0) == 0) return written;
      const ssize_t result = ::write(fd_, view.data(), std::min<std::size_t>(view.size(), PIPE_BUF));
      if (result < 0 && errno == EINTR) continue;
      if (result < 0 && errno == EAGAIN) return written;
      if (result < 0) return std::unexpected(failure("write to"));
      written += static_cast<std::size_t>(result);
      view = view.subspan(static_cast<std::size_t>(result));
    }
  }
  return written;
}

std::expected<void, std::string> GetOutput::write_text(std::string_view text) {
  while (!text.empty()) {
    const Bytes view = as_bytes(text);
    const auto written = write({&view, 1});
    if (!written) return std::unexpected(written.error());
    text.remove_prefix(*written);
    if (text.empty()) break;
    pollfd waiting{.fd = fd_, .events = POLLOUT, .revents = 0};
    poll(&waiting, 1, -1);
  }
  return {};
}

std::expected<void, std::string> GetOutput::close() {
  const bool own = kind_ != Kind::kClosed && name_ != "-";
  kind_ = Kind::kClosed;
  if (own && ::close(std::exchange(fd_, -1)) != 0) return std::unexpected(failure("close"));
  return {};
}

}  // namespace hawser::app
