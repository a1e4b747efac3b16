// load_report.h: the outcome of a run of `hawser load`, for people and as JSON.
#pragma once

#include <string>

#include "load_options.h"
#include "load_stats.h"
#include "perf_options.h"

namespace hawser::load {

struct Outcome {
  double seconds = 0;  // that were measured
  perf::CpuTime cpu;   // of this process, in that time
  Stats stats;
  std::size_t connections_failed = 0;

  // Requests that failed and connections that were given up.
  [[nodiscard]] std::uint64_t errors() const { return stats.requests_failed() + connections_failed; }
};

// Several lines, the last with its line feed.
std::string describe(const LoadOptions& options, const Outcome& outcome);
// One JSON object and a line feed; every key says its unit.
std::string to_json(const LoadOptions& options, const Outcome& outcome);

}  // namespace hawser::load
