// make_engine.cc: what works here, what is best of it, and making it.
#include "net/make_engine.h"

#include "net/af_xdp/af_xdp_engine.h"

namespace hawser::net {

std::optional<ConfigError> why_not(EngineKind kind, const EngineOptions& options) {
  switch (kind) {
    case EngineKind::kAuto:
    case EngineKind::kEpoll:
      return std::nullopt;
    case EngineKind::kIoUring:
      return why_not_io_uring();
    case EngineKind::kAfXdp:
      return AfXdpEngine::why_not(options.af_xdp);
  }
  return std::nullopt;
}

EngineKind choose_engine(const EngineOptions&) {
  // Measured (docs/performance.md, Engines): io_uring is even in bulk, not ahead under full load,
  // and saves CPU time only where little comes at a time. AF_XDP changes what the machine does.
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
      return AfXdpEngine::create(options.af_xdp, options.epoll);
  }
  return EpollEngine::create(options.epoll);
}

}  // namespace hawser::net
