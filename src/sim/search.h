// search.h: makes a failing scenario small: tries ever simpler ones and keeps those that fail
// in the same way.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sim/scenario.h"
#include "sim/setup_text.h"

namespace hawser::sim {

// A failure without its numbers: two with the same signature count as the same.
std::string signature_of(std::string_view failure);

struct Shrunk {
  SetupText scenario;
  std::string failure;   // of the smallest one
  std::size_t runs = 0;  // that it took
};

// `scenario` fails under `options`. Takes at most `runs_max` runs.
Shrunk shrink(SetupText scenario, const ScenarioOptions& options, std::size_t runs_max = 1'000);

}  // namespace hawser::sim
