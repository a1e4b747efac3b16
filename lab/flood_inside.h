// flood_inside.h: floods inside connections, with the keys of an honest handshake.
#pragma once

#include <string>

#include "flood_options.h"

namespace hawser::flood {

[[nodiscard]] bool is_inside_kind(const std::string& kind);
Outcome flood_inside(const Options& options);

}  // namespace hawser::flood
