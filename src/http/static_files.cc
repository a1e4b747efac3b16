// static_files.cc: from a request to a response, without any transport.
#include "http/static_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "base/markup.h"
#include "http/http_date.h"
#include "http/media_types.h"
#include "http/url.h"

namespace hawser::http {
namespace {

// It stands between the parts of a multipart answer. Fixed: a client finds the parts by
// their Content-Range, and what a file holds cannot be confused with a header it precedes.
constexpr std::string_view kBoundary = "hawser-7c1b58f2e94a4d0d-part";

std::string content_range(const ByteRange& range, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", range.first, range.first + range.size - 1, size);
}

// The path, not the target: "//host/x" as a Location would lead to another host.
Response redirect_to_slash(const Request& request, const TargetPath& path) {
  std::string location = "/" + percent_encode(path.relative) + "/";
  if (const std::size_t query = request.target.find('?'); query != std::string_view::npos) {
    location += request.target.substr(query);
  }
  Response response = error_page(301, fmt::format("<a href=\"{0}\">{0}</a>", escape_markup(location)));
  response.fields.emplace_back("location", std::move(location));
  return response;
}

// Sorted names, folders with a trailing '/'.
std::vector<std::string> names_in(int folder_fd, bool hidden) {
  std::vector<std::string> names;
  const int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* folder = fd < 0 ? nullptr : fdopendir(fd);
  if (folder == nullptr) return names;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || (name.starts_with('.') && !hidden)) continue;
    names.push_back(entry->d_type == DT_DIR ? name + "/" : name);
    if (names.size() == kListingMax) break;
  }
  closedir(folder);
  std::ranges::sort(names);
  return names;
}

// What a path names does not depend on the query.
std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find_first_of("?#"));
}

// Nothing in it asks for another answer than the whole file. Conditions begin with "if-".
bool is_plain(const Request& request) {
  if (request.clock.second == 0) return false;
  for (const Field& field : request.fields)
    if (field.name == "range" || field.name.starts_with("if-")) return false;
  return true;
}

// In which nothing happened lately that a second look would not see (http/file_cache.h).
bool is_settled(const Request& request, const FileState& state) {
  return is_plain(request) && request.clock.second - state.modified_s >= kUnchangedFor &&
         request.clock.second - state.changed_s >= kUnchangedFor;
}

std::vector<FilePart> whole(std::uint64_t size) {
  std::vector<FilePart> parts;
  parts.push_back({.text = {}, .range = {0, size}});
  return parts;
}

}  // namespace

std::string entity_tag(const OpenedFile& file) {
  return fmt::format("\"{:x}.{:x}-{:x}\"", file.state.modified_s, file.state.modified_ns, file.state.size);
}

std::expected<StaticFiles, ConfigError> StaticFiles::create(StaticFilesOptions options) {
  HAWSER_TRY(FileTree tree, FileTree::open(options.root));
  return StaticFiles{std::move(options), std::move(tree)};
}

Response StaticFiles::answer(const Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    Response response = error_page(405, "Only GET and HEAD are answered here.");
    response.fields.emplace_back("allow", "GET, HEAD");
    return response;
  }
  if (is_plain(request)) {
    if (KeptResponse* const kept = cache_.find(path_of(request.target), request.clock.second, tree_))
      return {.status = kept->status(), .fields = {}, .body = nullptr, .kept = kept};
    if (auto again = answer_again(request)) return *std::move(again);
  }
  const auto path = decode_target_path(request.target, options_.hidden);
  if (!path) return error_page(path.error());
  auto file = tree_.open_file(path->relative);
  if (!file) return error_page(file.error());
  if (file->directory) return answer_directory(request, *path, *file);
  // "/file.txt/" names nothing: a slash at the end means a folder.
  if (path->directory) return error_page(404);
  return answer_file(request, path->relative, *std::move(file));
}

Response StaticFiles::answer_directory(const Request& request, const TargetPath& path, const OpenedFile& directory) {
  if (!path.directory) return redirect_to_slash(request, path);
  const std::string index = path.relative.empty() ? "index.html" : path.relative + "/index.html";
  auto file = tree_.open_file(index);
  if (file && !file->directory) return answer_file(request, index, *std::move(file));
  if (!file && file.error() != 404) return error_page(file.error());
  return options_.listing ? list_directory(path, directory) : error_page(404);
}

Response StaticFiles::answer_file(const Request& request, std::string_view name, OpenedFile file) {
  if (is_plain(request)) {
    if (KeptResponse* const kept = keep(request, name, file))
      return {.status = kept->status(), .fields = {}, .body = nullptr, .kept = kept};
  }
  if (pool_.is_full()) return refuse_for_memory();
  const Validators validators{.etag = entity_tag(file), .modified_s = file.state.modified_s};
  const Condition condition = evaluate_conditions(request, validators);
  if (condition == Condition::kPreconditionFailed) return error_page(412);
  Response response;
  response.fields = {{"etag", validators.etag}, {"last-modified", format_http_date(file.state.modified_s)}};
  if (!options_.cache_control.empty()) response.fields.emplace_back("cache-control", options_.cache_control);
  if (condition == Condition::kNotModified) {
    response.status = 304;
    return response;
  }
  response.fields.emplace_back("accept-ranges", "bytes");
  response.fields.emplace_back("content-type", media_type_of(name));
  const auto range = request.find("range");
  // RFC 9110 section 14.2: a Range is defined for GET alone.
  if (range && request.method == "GET" && if_range_holds(request, validators)) {
    RangeRequest asked = parse_range(*range, file.state.size);
    if (asked.verdict == RangeVerdict::kUnsatisfiable) {
      response = error_page(416);
      response.fields.emplace_back("content-range", fmt::format("bytes */{}", file.state.size));
      return response;
    }
    if (asked.verdict == RangeVerdict::kPartial) {
      return answer_ranges(request, std::move(file), std::move(asked.ranges), std::move(response));
    }
  }
  response.fields.emplace_back("content-length", std::to_string(file.state.size));
  if (request.method == "HEAD" || file.state.size == 0) return response;
  const std::uint64_t size = file.state.size;
  const FileState state = file.state;
  auto handle = open_files_.keep(std::move(file));
  if (handle == nullptr) return refuse_for_memory();
  if (open_files_.shares() && is_settled(request, state)) {
    latest_ = {.path = std::string(path_of(request.target)),
               .second = request.clock.second,
               .state = state,
               .handle = handle,
               .fields = response.fields};
  }
  return with_body(std::move(handle), whole(size), std::move(response));
}

// Who asks for one file on a hundred streams and reads none of them shall not make us open it a hundred times.
std::optional<Response> StaticFiles::answer_again(const Request& request) {
  if (latest_.second != request.clock.second || latest_.path != path_of(request.target)) return std::nullopt;
  auto handle = latest_.handle.lock();
  if (handle == nullptr || state_of(*handle) != latest_.state) return std::nullopt;
  if (pool_.is_full()) return refuse_for_memory();
  Response response;
  response.fields = latest_.fields;
  if (request.method == "HEAD") return response;
  return with_body(std::move(handle), whole(latest_.state.size), std::move(response));
}

Response StaticFiles::with_body(std::shared_ptr<const FileHandle> file, std::vector<FilePart> parts,
                                Response response) {
  response.body = std::make_unique<FileBody>(std::move(file), pool_, std::move(parts));
  return response;
}

Response StaticFiles::refuse_for_memory() {
  ++refused_for_memory_;
  return error_page(503);
}

// The whole file as the answer to every request without conditions, if it is worth it.
KeptResponse* StaticFiles::keep(const Request& request, std::string_view name, const OpenedFile& file) {
  const std::string_view path = path_of(request.target);
  if (!cache_.wants(path, request.clock.second, file)) return nullptr;
  std::vector<std::uint8_t> content(file.state.size);
  if (!read_fully(file.handle.fd(), content, 0)) return nullptr;
  const std::string etag = entity_tag(file);
  const std::string modified = format_http_date(file.state.modified_s);
  std::vector<Field> fields;
  if (!options_.server_name.empty()) fields.push_back({"server", options_.server_name});
  fields.push_back({"etag", etag});
  fields.push_back({"last-modified", modified});
  if (!options_.cache_control.empty()) fields.push_back({"cache-control", options_.cache_control});
  fields.push_back({"accept-ranges", "bytes"});
  fields.push_back({"content-type", media_type_of(name)});
  auto response = std::make_unique<KeptResponse>(std::uint16_t{200}, fields, content);
  if (!response->is_legal()) return nullptr;
  return cache_.keep(path, request.clock.second, std::string(name), file, std::move(response));
}

Response StaticFiles::answer_ranges(const Request&, OpenedFile file, std::vector<ByteRange> ranges, Response response) {
  response.status = 206;
  std::vector<FilePart> parts;
  std::uint64_t length = 0;
  if (ranges.size() == 1) {
    response.fields.emplace_back("content-range", content_range(ranges[0], file.state.size));
    length = ranges[0].size;
    parts.push_back({.text = {}, .range = ranges[0]});
  } else {
    // RFC 9110 section 14.6: each part says what it is.
    const auto type = std::ranges::find(response.fields, "content-type", [](const auto& field) { return field.first; });
    for (const ByteRange& range : ranges) {
      std::string head =
          fmt::format("{}--{}\r\ncontent-type: {}\r\ncontent-range: {}\r\n\r\n", parts.empty() ? "" : "\r\n", kBoundary,
                      type->second, content_range(range, file.state.size));
      length += head.size() + range.size;
      parts.push_back({.text = std::move(head), .range = range});
    }
    parts.push_back({.text = fmt::format("\r\n--{}--\r\n", kBoundary), .range = {}});
    length += parts.back().text.size();
    type->second = fmt::format("multipart/byteranges; boundary={}", kBoundary);
  }
  response.fields.emplace_back("content-length", std::to_string(length));
  auto handle = open_files_.keep(std::move(file));
  if (handle == nullptr) return refuse_for_memory();
  return with_body(std::move(handle), std::move(parts), std::move(response));
}

SharedBytes StaticFiles::listing_of(const TargetPath& path, const OpenedFile& directory) {
  const auto found = std::ranges::find_if(
      listings_, [&](const Listing& kept) { return kept.state == directory.state && kept.path == path.relative; });
  if (found != listings_.end()) {
    std::rotate(found, found + 1, listings_.end());
    return listings_.back().page;
  }
  const std::string title = escape_markup("/" + path.relative + (path.relative.empty() ? "" : "/"));
  std::string page =
      fmt::format("<!doctype html><meta charset=\"utf-8\"><title>{0}</title><h1>{0}</h1>\n<ul>\n", title);
  if (!path.relative.empty()) page += "<li><a href=\"../\">../</a>\n";
  for (const std::string& name : names_in(directory.handle.fd(), options_.hidden)) {
    page += fmt::format("<li><a href=\"./{}\">{}</a>\n", percent_encode(name), escape_markup(name));
  }
  page += "</ul>\n";
  SharedBytes shared = pool_.count({page.begin(), page.end()});
  // Of one that changed just now the next change may have the same time.
  if (directory.state.changed_s + 2 <= ::time(nullptr)) keep_listing(directory.state, path.relative, shared);
  return shared;
}

void StaticFiles::keep_listing(const FileState& state, const std::string& path, const SharedBytes& page) {
  std::erase_if(listings_, [&](const Listing& kept) { return kept.path == path; });
  listings_.push_back({.state = state, .path = path, .page = page});
  std::size_t octets = 0;
  for (const Listing& kept : listings_) octets += kept.page.size();
  while (!listings_.empty() && (listings_.size() > kListingsKept || octets > pool_.ample_octets() / 2)) {
    octets -= listings_.front().page.size();
    listings_.erase(listings_.begin());
  }
}

Response StaticFiles::list_directory(const TargetPath& path, const OpenedFile& directory) {
  if (pool_.is_full()) return refuse_for_memory();
  SharedBytes page = listing_of(path, directory);
  Response response;
  response.fields = {{"content-type", "text/html; charset=utf-8"}, {"content-length", std::to_string(page.size())}};
  response.body = std::make_unique<MemoryBody>(std::move(page));
  return response;
}

}  // namespace hawser::http
