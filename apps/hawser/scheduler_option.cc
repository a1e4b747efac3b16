// scheduler_option.cc: scripts are files only here; the transport gets their text.
#include "scheduler_option.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "base/added_factories.h"
#include "quic/multipath/lua_scheduler.h"
#include "quic/multipath/path_scheduler.h"
#include "quic/multipath/scheduler_check.h"

namespace hawser::app {
namespace {

constexpr std::string_view kLua = "lua:";

std::expected<std::string, ConfigError> read_script(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  // One octet more than is allowed shows that there are too many.
  std::string text(quic::kLuaSourceMax + 1, '\0');
  if (!in || std::filesystem::is_directory(file))
    return std::unexpected(ConfigError{fmt::format("{}: {}", file, std::strerror(in ? EISDIR : errno))});
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::expected<std::string, ConfigError> add_script(const std::string& file) {
  HAWSER_TRY(std::string source, read_script(file));
  const std::filesystem::path path(file);
  std::string name = std::string(kLua) + path.stem().string();
  name.resize(std::min(name.size(), kAddedNameMax));
  HAWSER_TRY_VOID(quic::add_lua_scheduler(name, {.file = path.filename().string(), .source = std::move(source)}));
  return name;
}

}  // namespace

std::string scheduler_help() {
  return "What chooses the path of each packet that this end sends: " + quic::path_scheduler_names() +
         "; or lua:FILE, a script (docs/schedulers.md)";
}

std::expected<std::string, ConfigError> known_scheduler(const std::string& text) {
  if (!text.starts_with(kLua)) {
    HAWSER_TRY_VOID(quic::check_path_scheduler(text));
    return text;
  }
  static std::mutex mutex;
  static std::map<std::string, std::string> names;  // by file
  const std::lock_guard lock(mutex);
  const std::string file = text.substr(kLua.size());
  if (const auto found = names.find(file); found != names.end()) return found->second;
  HAWSER_TRY(std::string name, add_script(file));
  return names.emplace(file, std::move(name)).first->second;
}

}  // namespace hawser::app
