// perf_command.h: `hawser perf server` and `hawser perf client`.
#pragma once

#include <CLI/CLI.hpp>

// Adds the command to the program; once it has been chosen and has run, `exit_code` is what
// the program should return.
void add_perf_command(CLI::App& app, int& exit_code);
