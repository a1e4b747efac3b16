// file_tree.h: opens files below one folder and never outside it, symbolic links included.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"

namespace hawser::http {

// A file descriptor with an owner.
class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(FileHandle&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  FileHandle& operator=(FileHandle o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~FileHandle();
  [[nodiscard]] int fd() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// What tells one state of a file from another. Times are seconds since 1970 and the part below.
struct FileState {
  std::uint64_t size = 0;       // octets
  std::int64_t modified_s = 0;  // the content
  std::uint32_t modified_ns = 0;
  std::int64_t changed_s = 0;  // the content or anything else of it; nobody can set this one
  std::uint32_t changed_ns = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileState&) const = default;
};

struct OpenedFile {
  FileHandle handle;
  bool directory = false;
  FileState state;
};

// Of an open file as it is now; nothing if the disk fails.
[[nodiscard]] std::optional<FileState> state_of(const FileHandle& file);

class FileTree {
 public:
  // `root` must be a folder that can be read.
  static std::expected<FileTree, ConfigError> open(const std::string& root);

  // Opens a regular file or a folder by its path below the root, "" for the root itself;
  // no leading '/'. Symbolic links are followed as long as they stay below the root (on
  // kernels before 5.6 they are refused). Errors are status codes: 404 also for what lies
  // outside and for devices, sockets and pipes; 403 without permission; 503 out of
  // descriptors; 500 for a failing disk.
  [[nodiscard]] std::expected<OpenedFile, std::uint16_t> open_file(const std::string& relative) const;

  // Another handle on the same folder, for another thread.
  [[nodiscard]] std::expected<FileTree, ConfigError> duplicate() const;

 private:
  explicit FileTree(FileHandle root) : root_(std::move(root)) {}
  FileHandle root_;
};

}  // namespace hawser::http
