// load_run.h: one run of `hawser load`: connect, send, watch, report.
#pragma once

#include "load_options.h"
#include "load_report.h"

namespace hawser::load {

// The error says why no run came about.
std::expected<Outcome, ConfigError> measure(const LoadOptions& options);

// Runs, prints, and returns the exit code of the program: 0, or 1 if there were errors.
int run_load(const LoadOptions& options);

}  // namespace hawser::load
