// runtime.cc: the public face of the threads.
#include "hawser/runtime.h"

#include "runtime/runtime.h"

namespace hawser {

std::expected<std::unique_ptr<Runtime>, Error> Runtime::create(const RuntimeOptions& options) {
  auto made = runtime::Runtime::create({.workers = options.workers});
  if (!made) return std::unexpected(Error{Error::Kind::kOptions, made.error().message});
  return std::unique_ptr<Runtime>(new Runtime(std::move(*made)));
}

Runtime::Runtime(std::unique_ptr<runtime::Runtime> machinery) : machinery_(std::move(machinery)) {}
Runtime::~Runtime() = default;

}  // namespace hawser
