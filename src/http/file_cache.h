// file_cache.h: small files that are asked for again and again, as whole responses in memory,
// so that neither the file system nor the encoder is asked for each request.
//
// A file is kept once it was asked for kAskedBefore times within a second of the wall clock and
// has not changed for kUnchangedFor; it is looked at again in every second in which it is asked
// for. What is served is therefore at most a second older than the file, and a file that
// somebody works on is read each time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/file_tree.h"
#include "http/kept_response.h"

namespace hawser::http {

// Octets of the largest file that is kept.
inline constexpr std::size_t kKeptFileMax = 64 * 1'024;
// Files kept: at most 256 * 2 * (64 KB + head) = 33 MB a worker, whatever is asked for.
inline constexpr std::size_t kKeptFilesMax = 256;
// The first that many requests in a second read the file.
inline constexpr std::uint32_t kAskedBefore = 4;
// Seconds since the last change: a file's times are as coarse as a clock tick, so that a change
// right after reading could not be told from the state that was read.
inline constexpr std::int64_t kUnchangedFor = 2;

class FileCache {
 public:
  // `key`: from a system's randomness, since clients choose what is looked for.
  explicit FileCache(const std::array<std::uint64_t, 2>& key) : key_{key[0], key[1]} {}

  // The response that is kept for the path of a request, if the file is still as it was when
  // read, which `tree` is asked for once a second. The pointer is good until the next keep().
  KeptResponse* find(std::string_view path, std::int64_t second, const FileTree& tree);

  // To be asked when find() gave nothing: whether the file behind `path` should be kept now.
  bool wants(std::string_view path, std::int64_t second, const OpenedFile& file);
  // Keeps it, in the place of what was not asked for in the last second. Null if all were.
  KeptResponse* keep(std::string_view path, std::int64_t second, const std::string& file_name, const OpenedFile& file,
                     std::unique_ptr<KeptResponse> response);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t memory() const;

 private:
  struct Entry {
    std::uint64_t hash = 0;
    std::string path;
    std::string file_name;  // below the root
    FileState state;
    std::int64_t checked_s = 0;  // the second in which `state` was last compared
    std::unique_ptr<KeptResponse> response;
  };
  // What was asked for in a second; one slot for all paths of a hash.
  struct Asked {
    std::uint64_t hash = 0;
    std::int64_t second = 0;
    std::uint32_t count = 0;
  };
  static constexpr std::size_t kAskedSlots = 1'024;
  static constexpr std::size_t kTableSlots = 1'024;  // a quarter full at most
  static_assert(kTableSlots >= 4 * kKeptFilesMax);
  static constexpr std::uint16_t kEmpty = 0xffff;

  [[nodiscard]] std::uint64_t hash_of(std::string_view path) const;
  [[nodiscard]] Entry* lookup(std::string_view path);
  void erase(std::size_t index);
  void rebuild_table();

  std::uint64_t key_[2];
  std::vector<Entry> entries_;
  std::vector<std::uint16_t> table_;  // index into entries_ by hash, linear probing; built with the first entry
  std::size_t last_ = 0;              // found last: bursts are for one file
  std::vector<Asked> asked_;
};

}  // namespace hawser::http
