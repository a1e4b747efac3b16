// scheduler_option.h: what --scheduler says: the name of a path scheduler, or a script in Lua.
#pragma once

#include <expected>
#include <string>

#include "base/result.h"

namespace hawser::app {

// For help texts: "What chooses ...: blest, ..., or lua:FILE".
std::string scheduler_help();

// The name by which connections find the scheduler `text` asks for. "lua:FILE" has the script read, checked and made
// known first, once for each file. The error says what is wrong, for scripts with the line.
std::expected<std::string, ConfigError> known_scheduler(const std::string& text);

}  // namespace hawser::app
