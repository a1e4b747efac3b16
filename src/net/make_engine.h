// make_engine.h: the choice among the engines: by name, or by what this machine and this build
// can do.
#pragma once

#include <expected>
#include <memory>
#include <optional>

#include "base/result.h"
#include "net/af_xdp_options.h"
#include "net/engine.h"
#include "net/engine_kind.h"
#include "net/epoll_engine.h"
#include "net/io_uring/io_uring_engine.h"

namespace hawser::net {

struct EngineOptions {
  EngineKind kind = EngineKind::kAuto;
  EpollOptions epoll{};
  IoUringOptions io_uring{};
  AfXdpOptions af_xdp{};
};

// Why this machine or this build cannot have an engine of `kind`, and what to change; nothing
// if it can. kAuto is always possible.
std::optional<ConfigError> why_not(EngineKind kind, const EngineOptions& options);

// What kAuto stands for here: the best of the engines that work, never kAuto itself.
EngineKind choose_engine(const EngineOptions& options);

// An engine of options.kind. The error says why there is none, and what to change.
std::expected<std::unique_ptr<Engine>, ConfigError> make_engine(const EngineOptions& options);

}  // namespace hawser::net
