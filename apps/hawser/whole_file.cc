// whole_file.cc: by C streams, whose reads tell of errors.
#include "whole_file.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace hawser::app {

std::expected<std::string, ConfigError> read_whole_file(const std::string& name) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const auto failed = [&] { return std::unexpected(ConfigError{fmt::format("{}: {}", name, std::strerror(errno))}); };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(name.c_str(), "rb"));
  if (file == nullptr) return failed();
  std::string text;
  std::array<char, 65'536> piece;
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), file.get()))
    text.append(piece.data(), count);
  if (std::ferror(file.get()) != 0) return failed();
  return text;
}

}  // namespace hawser::app
