// engine_kind.h: the engines by name, as options, logs and reports spell them.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "base/result.h"

namespace hawser::net {

enum class EngineKind : std::uint8_t { kAuto, kEpoll, kIoUring, kAfXdp };

// "auto", "epoll", "io_uring", "af_xdp".
std::string_view to_string(EngineKind kind);
// The error lists the names that there are.
std::expected<EngineKind, ConfigError> parse_engine_kind(std::string_view name);

}  // namespace hawser::net
