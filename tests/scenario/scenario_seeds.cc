// scenario_seeds.cc: runs a share of a range of seeds, spread over all scenarios, and prints
// the command that replays each failure. ctest runs it as shards, so that all cores are used.
//
//   scenario_seeds <shard> <shards> <seeds> [first seed]
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/scenario.h"

namespace {

// A scenario and seed for run number `run`: each scenario gets the same number of seeds.
std::string run_one(std::uint64_t run, std::uint64_t first_seed) {
  const auto scenarios = hawser::sim::scenarios();
  const auto& scenario = scenarios[run % scenarios.size()];
  const auto result = hawser::sim::run_scenario(scenario.name, {.seed = first_seed + run});
  return result.passed ? "" : result.replay + "\n  " + result.failure + "\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: scenario_seeds <shard> <shards> <seeds> [first seed]\n");
    return 2;
  }
  const std::uint64_t shard = std::strtoull(argv[1], nullptr, 0);
  const std::uint64_t shards = std::strtoull(argv[2], nullptr, 0);
  const std::uint64_t seeds = std::strtoull(argv[3], nullptr, 0);
  const std::uint64_t first_seed = argc > 4 ? std::strtoull(argv[4], nullptr, 0) : 1;
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
  for (std::uint64_t run = shard; run < seeds; run += shards, ++runs) {
    const std::string failure = run_one(run, first_seed);
    if (failure.empty()) continue;
    ++failures;
    std::printf("%s", failure.c_str());
    std::fflush(stdout);
  }
  std::printf("%llu runs, %llu failures\n", static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}
