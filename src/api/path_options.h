// path_options.h: PathOptions of the public API as the machinery has them.
#pragma once

#include <expected>
#include <optional>

#include "hawser/error.h"
#include "hawser/paths.h"
#include "quic/connection/config.h"
#include "runtime/path_plan.h"

namespace hawser {

// Checks them all, and has the connection offer as many paths. Nothing in, nothing out.
std::expected<std::optional<runtime::PathOptions>, Error> apply(const std::optional<PathOptions>& options,
                                                                quic::ConnectionConfig& config);

std::expected<runtime::PathInterface, Error> translated(const PathInterface& interface);

}  // namespace hawser
