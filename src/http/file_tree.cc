// file_tree.cc: openat2 with RESOLVE_BENEATH, where the kernel itself refuses to leave the
// folder; a walk that follows no symbolic link where the kernel is older than 5.6.
#include "http/file_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hawser::http {
namespace {

// A pipe without a writer would block open(); it is refused once fstat has shown what it is.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
// openat2 says EAGAIN while something in the path is being renamed.
constexpr int kRetriesMax = 16;

// A descriptor, or -1 and errno.
int open_beneath(int root, const std::string& relative) {
  open_how how{};
  how.flags = kOpenFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < kRetriesMax; ++attempt) {
    const long fd = syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EAGAIN && errno != EINTR) return -1;
  }
  return -1;
}

// The same for kernels and sandboxes without openat2; callers have refused "..".
int open_by_walking(int root, const std::string& relative) {
  FileHandle folder;
  int parent = root;
  std::size_t begin = 0;
  while (true) {
    const std::size_t slash = relative.find('/', begin);
    const std::string name = relative.substr(begin, slash - begin);
    const bool last = slash == std::string::npos;
    if (name == "..") {
      errno = EXDEV;
      return -1;
    }
    const int fd = openat(parent, name.c_str(), (last ? kOpenFlags : O_PATH | O_CLOEXEC | O_DIRECTORY) | O_NOFOLLOW);
    if (fd < 0 || last) return fd;
    folder = FileHandle{fd};
    parent = fd;
    begin = slash + 1;
  }
}

std::uint16_t status_of(int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return 403;
    case EMFILE:
    case ENFILE:
    case EAGAIN:
      return 503;
    case EIO:
    case ENOMEM:
      return 500;
    default:
      return 404;
  }
}

FileState state_from(const struct stat& status) {
  return {.size = static_cast<std::uint64_t>(status.st_size),
          .modified_s = status.st_mtim.tv_sec,
          .modified_ns = static_cast<std::uint32_t>(status.st_mtim.tv_nsec),
          .changed_s = status.st_ctim.tv_sec,
          .changed_ns = static_cast<std::uint32_t>(status.st_ctim.tv_nsec),
          .device = status.st_dev,
          .inode = status.st_ino};
}

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

std::expected<FileTree, ConfigError> FileTree::open(const std::string& root) {
  const int fd = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) return FileTree{FileHandle{fd}};
  return std::unexpected(ConfigError{fmt::format("cannot serve \"{}\": {}", root, std::strerror(errno))});
}

std::expected<FileTree, ConfigError> FileTree::duplicate() const {
  const int fd = fcntl(root_.fd(), F_DUPFD_CLOEXEC, 0);
  if (fd >= 0) return FileTree{FileHandle{fd}};
  return std::unexpected(ConfigError{fmt::format("cannot serve with one more worker: {}", std::strerror(errno))});
}

std::expected<OpenedFile, std::uint16_t> FileTree::open_file(const std::string& relative) const {
  const std::string path = relative.empty() ? "." : relative;
  if (path.find('\0') != std::string::npos) return std::unexpected(std::uint16_t{400});
  int fd = open_beneath(root_.fd(), path);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) fd = open_by_walking(root_.fd(), path);
  if (fd < 0) return std::unexpected(status_of(errno));
  OpenedFile file{.handle = FileHandle{fd}};
  struct stat status{};
  if (fstat(fd, &status) != 0) return std::unexpected(std::uint16_t{500});
  file.directory = S_ISDIR(status.st_mode);
  if (!file.directory && !S_ISREG(status.st_mode)) return std::unexpected(std::uint16_t{404});
  file.state = state_from(status);
  return file;
}

std::optional<FileState> state_of(const FileHandle& file) {
  struct stat status{};
  if (fstat(file.fd(), &status) != 0) return std::nullopt;
  return state_from(status);
}

}  // namespace hawser::http
