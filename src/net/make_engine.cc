// make_engine.cc: what works here, what is best of it, and making it.
#include "net/make_engine.h"

namespace hawser::net {

std::optional<ConfigError> why_not(EngineKind kind, const EngineOptions&) {
  switch (kind) {
    case EngineKind::kAuto:
    case EngineKind::kEpoll:
      return std::nullopt;
    case EngineKind::kIoUring:
      return why_not_io_uring();
    case EngineKind::kAfXdp:
      return ConfigError{"af_xdp: this build does not have that engine; take epoll, or auto"};
  }
  return std::nullopt;
}

EngineKind choose_engine(const EngineOptions&) {
  return EngineKind::kEpoll;
}

std::expected<std::unique_ptr<Engine>, ConfigError> make_engine(const EngineOptions& options) {
  switch (options.kind == EngineKind::kAuto ? choose_engine(options) : options.kind) {
    case EngineKind::kAuto:
    case EngineKind::kEpoll:
      break;
    case EngineKind::kIoUring:
      return make_io_uring_engine(options.io_uring);
    case EngineKind::kAfXdp:
      return std::unexpected(*why_not(EngineKind::kAfXdp, options));
  }
  return EpollEngine::create(options.epoll);
}

}  // namespace hawser::net
