// target_path.cc: decoding first, judging after, so that no spelling of ".." gets by.
#include "http/target_path.h"

#include "base/result.h"

namespace hawser::http {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::expected<std::string, std::uint16_t> decode_segment(std::string_view segment) {
  std::string out;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    char c = segment[i];
    if (c == '%') {
      if (i + 2 >= segment.size()) return std::unexpected(std::uint16_t{400});
      const int high = hex_digit(segment[i + 1]);
      const int low = hex_digit(segment[i + 2]);
      if (high < 0 || low < 0) return std::unexpected(std::uint16_t{400});
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0' || c == '/') return std::unexpected(std::uint16_t{400});
    out += c;
  }
  return out;
}

}  // namespace

std::expected<TargetPath, std::uint16_t> decode_target_path(std::string_view target, bool hidden) {
  std::string_view path = target.substr(0, target.find_first_of("?#"));
  if (!path.starts_with('/')) return std::unexpected(std::uint16_t{400});
  if (path.size() > kTargetPathMax) return std::unexpected(std::uint16_t{414});
  TargetPath out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    HAWSER_TRY(const std::string segment, decode_segment(path.substr(0, end)));
    path.remove_prefix(end);
    out.directory = segment.empty() || segment == ".";
    if (out.directory) continue;
    if (segment == "..") return std::unexpected(std::uint16_t{400});
    if (segment.front() == '.' && segment != ".well-known" && !hidden) return std::unexpected(std::uint16_t{404});
    if (!out.relative.empty()) out.relative += '/';
    out.relative += segment;
  }
  return out;
}

}  // namespace hawser::http
