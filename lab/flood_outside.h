// flood_outside.h: floods of packets that belong to no connection, or begin one.
#pragma once

#include "flood_options.h"

namespace hawser::flood {

[[nodiscard]] bool is_outside_kind(const std::string& kind);
Outcome flood_outside(const Options& options);

}  // namespace hawser::flood
