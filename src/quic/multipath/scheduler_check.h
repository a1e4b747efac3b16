// scheduler_check.h: whether a scheduler exists, without making one: a program's own are made where they are used.
#pragma once

#include <expected>
#include <string_view>

#include "base/result.h"

namespace hawser::quic {

// `name` is one of path_scheduler_names(); the error lists them.
std::expected<void, ConfigError> check_path_scheduler(std::string_view name);

}  // namespace hawser::quic
