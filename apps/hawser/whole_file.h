// whole_file.h: what is in a file that the command line names.
#pragma once

#include <expected>
#include <string>

#include "base/result.h"

namespace hawser::app {

// All octets of a file. Error: "NAME: why", for a folder too, which can be opened but not read.
std::expected<std::string, ConfigError> read_whole_file(const std::string& name);

}  // namespace hawser::app
