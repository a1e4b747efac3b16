// runtime.cc: the public face of the threads.
#include "hawser/runtime.h"

#include "runtime/runtime.h"

namespace hawser {
namespace {

net::EngineKind to_net(EngineKind kind) {
  switch (kind) {
    case EngineKind::kAuto:
      return net::EngineKind::kAuto;
    case EngineKind::kEpoll:
      return net::EngineKind::kEpoll;
    case EngineKind::kIoUring:
      return net::EngineKind::kIoUring;
    case EngineKind::kAfXdp:
      return net::EngineKind::kAfXdp;
  }
  return net::EngineKind::kAuto;
}

}  // namespace

std::expected<std::unique_ptr<Runtime>, Error> Runtime::create(const RuntimeOptions& options) {
  auto made = runtime::Runtime::create({.workers = options.workers,
                                        .spin = std::chrono::microseconds(options.spin_us),
                                        .engine = {.kind = to_net(options.engine)}});
  if (!made) return std::unexpected(Error{Error::Kind::kOptions, made.error().message});
  return std::unique_ptr<Runtime>(new Runtime(std::move(*made)));
}

Runtime::Runtime(std::unique_ptr<runtime::Runtime> machinery) : machinery_(std::move(machinery)) {}
Runtime::~Runtime() = default;

EngineKind Runtime::engine() const {
  for (const EngineKind kind : {EngineKind::kEpoll, EngineKind::kIoUring, EngineKind::kAfXdp}) {
    if (to_net(kind) == machinery_->engine()) return kind;
  }
  return EngineKind::kAuto;
}

}  // namespace hawser
