// media_types.cc: the table. Types as IANA registers them.
#include "http/media_types.h"

#include <algorithm>
#include <array>

namespace hawser::http {
namespace {

struct MediaType {
  std::string_view extension;  // lower-case
  std::string_view type;
};

// Sorted by extension; the check below holds it so.
constexpr std::array kMediaTypes{
    MediaType{"3gp", "video/3gpp"},
    MediaType{"7z", "application/x-7z-compressed"},
    MediaType{"aac", "audio/aac"},
    MediaType{"apk", "application/vnd.android.package-archive"},
    MediaType{"apng", "image/apng"},
    MediaType{"atom", "application/atom+xml"},
    MediaType{"avif", "image/avif"},
    MediaType{"bmp", "image/bmp"},
    MediaType{"br", "application/x-brotli"},
    MediaType{"bz2", "application/x-bzip2"},
    MediaType{"c", "text/plain; charset=utf-8"},
    MediaType{"cbor", "application/cbor"},
    MediaType{"cc", "text/plain; charset=utf-8"},
    MediaType{"cjs", "text/javascript; charset=utf-8"},
    MediaType{"conf", "text/plain; charset=utf-8"},
    MediaType{"cpp", "text/plain; charset=utf-8"},
    MediaType{"crt", "application/x-x509-ca-cert"},
    MediaType{"css", "text/css; charset=utf-8"},
    MediaType{"csv", "text/csv; charset=utf-8"},
    MediaType{"deb", "application/vnd.debian.binary-package"},
    MediaType{"doc", "application/msword"},
    MediaType{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    MediaType{"epub", "application/epub+zip"},
    MediaType{"flac", "audio/flac"},
    MediaType{"gif", "image/gif"},
    MediaType{"glb", "model/gltf-binary"},
    MediaType{"gltf", "model/gltf+json"},
    MediaType{"gz", "application/gzip"},
    MediaType{"h", "text/plain; charset=utf-8"},
    MediaType{"heic", "image/heic"},
    MediaType{"htm", "text/html; charset=utf-8"},
    MediaType{"html", "text/html; charset=utf-8"},
    MediaType{"ico", "image/vnd.microsoft.icon"},
    MediaType{"ics", "text/calendar; charset=utf-8"},
    MediaType{"iso", "application/x-iso9660-image"},
    MediaType{"jar", "application/java-archive"},
    MediaType{"jpeg", "image/jpeg"},
    MediaType{"jpg", "image/jpeg"},
    MediaType{"js", "text/javascript; charset=utf-8"},
    MediaType{"json", "application/json"},
    MediaType{"jsonld", "application/ld+json"},
    MediaType{"jxl", "image/jxl"},
    MediaType{"log", "text/plain; charset=utf-8"},
    MediaType{"m3u8", "application/vnd.apple.mpegurl"},
    MediaType{"m4a", "audio/mp4"},
    MediaType{"m4s", "video/iso.segment"},
    MediaType{"m4v", "video/mp4"},
    MediaType{"map", "application/json"},
    MediaType{"md", "text/markdown; charset=utf-8"},
    MediaType{"mid", "audio/midi"},
    MediaType{"mjs", "text/javascript; charset=utf-8"},
    MediaType{"mkv", "video/matroska"},
    MediaType{"mov", "video/quicktime"},
    MediaType{"mp3", "audio/mpeg"},
    MediaType{"mp4", "video/mp4"},
    MediaType{"mpd", "application/dash+xml"},
    MediaType{"mpeg", "video/mpeg"},
    MediaType{"odp", "application/vnd.oasis.opendocument.presentation"},
    MediaType{"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    MediaType{"odt", "application/vnd.oasis.opendocument.text"},
    MediaType{"oga", "audio/ogg"},
    MediaType{"ogg", "audio/ogg"},
    MediaType{"ogv", "video/ogg"},
    MediaType{"opus", "audio/ogg"},
    MediaType{"otf", "font/otf"},
    MediaType{"pdf", "application/pdf"},
    MediaType{"pem", "application/x-pem-file"},
    MediaType{"png", "image/png"},
    MediaType{"ppt", "application/vnd.ms-powerpoint"},
    MediaType{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    MediaType{"py", "text/x-python; charset=utf-8"},
    MediaType{"qlog", "application/qlog+json"},
    MediaType{"rar", "application/vnd.rar"},
    MediaType{"rs", "text/plain; charset=utf-8"},
    MediaType{"rss", "application/rss+xml"},
    MediaType{"rtf", "application/rtf"},
    MediaType{"sh", "application/x-sh"},
    MediaType{"sqlog", "application/qlog+json-seq"},
    MediaType{"stl", "model/stl"},
    MediaType{"svg", "image/svg+xml"},
    MediaType{"svgz", "image/svg+xml"},
    MediaType{"tar", "application/x-tar"},
    MediaType{"tgz", "application/gzip"},
    MediaType{"tif", "image/tiff"},
    MediaType{"tiff", "image/tiff"},
    MediaType{"toml", "application/toml"},
    MediaType{"ts", "video/mp2t"},
    MediaType{"tsv", "text/tab-separated-values; charset=utf-8"},
    MediaType{"ttf", "font/ttf"},
    MediaType{"txt", "text/plain; charset=utf-8"},
    MediaType{"vtt", "text/vtt; charset=utf-8"},
    MediaType{"wasm", "application/wasm"},
    MediaType{"wav", "audio/wav"},
    MediaType{"weba", "audio/webm"},
    MediaType{"webm", "video/webm"},
    MediaType{"webmanifest", "application/manifest+json"},
    MediaType{"webp", "image/webp"},
    MediaType{"woff", "font/woff"},
    MediaType{"woff2", "font/woff2"},
    MediaType{"xhtml", "application/xhtml+xml"},
    MediaType{"xls", "application/vnd.ms-excel"},
    MediaType{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    MediaType{"xml", "application/xml"},
    MediaType{"xz", "application/x-xz"},
    MediaType{"yaml", "application/yaml"},
    MediaType{"yml", "application/yaml"},
    MediaType{"zip", "application/zip"},
    MediaType{"zst", "application/zstd"},
};
static_assert(std::ranges::is_sorted(kMediaTypes, {}, &MediaType::extension));

constexpr std::size_t kExtensionMax = 16;

}  // namespace

std::string_view media_type_of(std::string_view file_name) {
  constexpr std::string_view kUnknown = "application/octet-stream";
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos || file_name.size() - dot - 1 > kExtensionMax) return kUnknown;
  std::array<char, kExtensionMax> lower{};
  const std::string_view extension = file_name.substr(dot + 1);
  std::ranges::transform(extension, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  const std::string_view key{lower.data(), extension.size()};
  const auto found = std::ranges::lower_bound(kMediaTypes, key, {}, &MediaType::extension);
  return found != kMediaTypes.end() && found->extension == key ? found->type : kUnknown;
}

}  // namespace hawser::http
