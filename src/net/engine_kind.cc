// engine_kind.cc: one table for both directions.
#include "net/engine_kind.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace hawser::net {
namespace {

constexpr std::array kNames{
    std::pair{EngineKind::kAuto, std::string_view("auto")},
    std::pair{EngineKind::kEpoll, std::string_view("epoll")},
    std::pair{EngineKind::kIoUring, std::string_view("io_uring")},
    std::pair{EngineKind::kAfXdp, std::string_view("af_xdp")},
};

}  // namespace

std::string_view to_string(EngineKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  return "unknown";
}

std::expected<EngineKind, ConfigError> parse_engine_kind(std::string_view name) {
  for (const auto& [kind, known] : kNames) {
    if (known == name) return kind;
  }
  return std::unexpected(
      ConfigError{fmt::format("there is no engine '{}': give auto, epoll, io_uring or af_xdp", name)});
}

}  // namespace hawser::net
