// perf_server.h: the side of `hawser perf` that answers.
#pragma once

#include "perf_options.h"

namespace hawser::perf {

// Serves until SIGINT or SIGTERM; returns the exit code of the program.
int run_server(const ServerOptions& options);

}  // namespace hawser::perf
