// get_run.h: carries out a checked `hawser get`: connections, redirects, time limits, progress.
#pragma once

#include "get_options.h"

namespace hawser::app {

// Blocks until everything is fetched or has failed; complains on standard error. Returns the
// exit code: that of the first URL that failed.
int run_get(const GetOptions& options);

}  // namespace hawser::app
