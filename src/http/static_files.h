// static_files.h: answers GET and HEAD with the files below a folder: ranges, conditional
// requests, index.html, redirects of folders to their trailing slash (RFC 9110).
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/conditions.h"
#include "http/file_body.h"
#include "http/file_cache.h"
#include "http/file_tree.h"
#include "http/message.h"
#include "http/open_files.h"
#include "http/target_path.h"

namespace hawser::http {

struct StaticFilesOptions {
  std::string root;           // the folder
  bool listing = false;       // show the names in a folder without index.html
  bool hidden = false;        // also names that begin with '.'; ".well-known" always goes
  std::string cache_control;  // a Cache-Control field for files, or empty: none
  std::string server_name;    // the Server field of answers that are kept, or empty: none
  // Octets that bodies may hold which the transport has not got rid of.
  std::size_t body_memory_max = ChunkPool::kOctetsMax;
  // Files that bodies may be read from at a time; past it further requests get 503.
  std::size_t open_files_max = OpenFiles::kDefaultMost;
  // From a system's randomness: what clients ask for is found by a hash.
  std::array<std::uint64_t, 2> hash_key{};
};

// Names shown of one folder; a listing of 10,000 names of 40 octets is about 1 MB.
inline constexpr std::size_t kListingMax = 10'000;

class StaticFiles final : public RequestHandler {
 public:
  static std::expected<StaticFiles, ConfigError> create(StaticFilesOptions options);

  // 200, 206, 301, 304; 400, 403, 404, 405, 412, 414, 416; 500, 503. Bodies refer to this
  // object, so it must outlive them. Small files that are asked for often are kept in memory
  // (http/file_cache.h) for requests that say what time it is.
  Response answer(const Request& request) override;
  [[nodiscard]] bool is_short_of_memory() const override { return !pool_.is_ample() || !open_files_.is_ample(); }
  // Requests that got 503 since the bodies of others hold too much memory or too many files
  // (StaticFilesOptions::body_memory_max, open_files_max).
  [[nodiscard]] std::uint64_t refused_for_memory() const { return refused_for_memory_; }

 private:
  StaticFiles(StaticFilesOptions options, FileTree tree)
      : options_(std::move(options)),
        tree_(std::move(tree)),
        pool_(options_.body_memory_max),
        open_files_(options_.open_files_max),
        cache_(options_.hash_key) {}
  Response answer_directory(const Request& request, const TargetPath& path, const OpenedFile& directory);
  Response answer_file(const Request& request, std::string_view name, OpenedFile file);
  KeptResponse* keep(const Request& request, std::string_view name, const OpenedFile& file);
  Response answer_ranges(const Request& request, OpenedFile file, std::vector<ByteRange> ranges, Response response);
  // `response` with these parts of `file`.
  Response with_body(std::shared_ptr<const FileHandle> file, std::vector<FilePart> parts, Response response);
  // The answer to a request without conditions, where the same one came a moment ago.
  std::optional<Response> answer_again(const Request& request);
  Response refuse_for_memory();
  Response list_directory(const TargetPath& path, const OpenedFile& directory);
  [[nodiscard]] SharedBytes listing_of(const TargetPath& path, const OpenedFile& directory);
  void keep_listing(const FileState& state, const std::string& path, const SharedBytes& page);

  // The large file that was asked for last: where its descriptor is shared, who asks for it again in the same second
  // costs neither a look at the folder nor a descriptor, unless somebody wrote into it.
  struct Latest {
    std::string path;         // of the request
    std::int64_t second = 0;  // in which it was opened
    FileState state;
    std::weak_ptr<const FileHandle> handle;
    OwnedFields fields;
  };

  // Pages of folders that have not changed since: all who ask for one, and do not read it, hold the same octets. They
  // count like bodies, and may take half of what is ample, so that they alone never make memory short.
  struct Listing {
    FileState state;
    std::string path;
    SharedBytes page;
  };
  static constexpr std::size_t kListingsKept = 8;  // of up to some megabyte

  StaticFilesOptions options_;
  FileTree tree_;
  ChunkPool pool_;
  OpenFiles open_files_;
  FileCache cache_;
  Latest latest_;
  std::vector<Listing> listings_;  // the latest last
  std::uint64_t refused_for_memory_ = 0;
};

// The entity tag of a file: its time of change to the nanosecond, and its size.
std::string entity_tag(const OpenedFile& file);

}  // namespace hawser::http
