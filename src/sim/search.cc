// search.cc: greedy descent. Each accepted step begins a new round of candidates.
#include "sim/search.h"

#include <utility>

namespace hawser::sim {

std::string signature_of(std::string_view failure) {
  std::string signature;
  for (const char c : failure)
    if (c < '0' || c > '9') signature += c;
  return signature;
}

Shrunk shrink(SetupText scenario, const ScenarioOptions& options, std::size_t runs_max) {
  Shrunk best{.scenario = std::move(scenario), .failure = {}, .runs = 1};
  best.failure = run_scenario(best.scenario, options).failure;
  const std::string wanted = signature_of(best.failure);
  bool smaller = !best.failure.empty();
  while (smaller) {
    smaller = false;
    for (Setup& candidate : simpler(best.scenario.setup)) {
      if (best.runs >= runs_max) return best;
      ++best.runs;
      SetupText tried{.setup = std::move(candidate), .seed = best.scenario.seed};
      ScenarioResult result = run_scenario(tried, options);
      if (result.passed || signature_of(result.failure) != wanted) continue;
      best.scenario = std::move(tried);
      best.failure = std::move(result.failure);
      smaller = true;
      break;
    }
  }
  return best;
}

}  // namespace hawser::sim
