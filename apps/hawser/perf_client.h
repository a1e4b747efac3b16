// perf_client.h: the side of `hawser perf` that asks, measures and prints.
#pragma once

#include "perf_options.h"

namespace hawser::perf {

// Runs one measurement; returns the exit code of the program.
int run_client(const ClientOptions& options);

}  // namespace hawser::perf
