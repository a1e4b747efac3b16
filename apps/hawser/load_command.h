// load_command.h: `hawser load`, a load generator for HTTP/3 servers.
#pragma once

#include <CLI/CLI.hpp>

namespace hawser::app {

// Adds the command to the program; once it has been chosen and has run, `exit_code` is what
// the program should return.
void add_load_command(CLI::App& app, int& exit_code);

}  // namespace hawser::app
