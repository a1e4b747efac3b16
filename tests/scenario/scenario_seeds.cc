// scenario_seeds.cc: runs a share of a range of seeds, spread over all scenarios, and prints
// the command that replays each failure. ctest runs it as shards, so that all cores are used.
//
//   scenario_seeds <shard> <shards> <seeds> [first seed [scenario [seconds]]]
//
// With a scenario only that one runs; after `seconds` no further run begins (0: all of them).
// The first few failures are shrunk, and the small scenario is printed for --scenario FILE.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "sim/scenario.h"
#include "sim/search.h"

namespace {

constexpr std::uint64_t kShrunkMax = 3;

std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char c : text.substr(0, text.size() - 1)) out += c == '\n' ? std::string("\n    ") : std::string(1, c);
  return out + "\n";
}

// A scenario and seed for run number `run`: each scenario gets the same number of seeds.
std::string run_one(std::uint64_t run, std::uint64_t first_seed, const std::string& only, bool shrinks) {
  const auto scenarios = hawser::sim::scenarios();
  const std::string name = only.empty() ? std::string{scenarios[run % scenarios.size()].name} : only;
  const auto result = hawser::sim::run_scenario(name, {.seed = first_seed + run});
  if (result.passed) return "";
  std::string text = result.replay + "\n  " + result.failure + "\n";
  if (!shrinks) return text;
  const auto small = hawser::sim::shrink(hawser::sim::scenario_text(name, first_seed + run), {}, 300);
  return text + "  shrunk: " + small.failure + "\n" + indented(hawser::sim::to_text(small.scenario));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: scenario_seeds <shard> <shards> <seeds> [first seed [scenario [seconds]]]\n");
    return 2;
  }
  const std::uint64_t shard = std::strtoull(argv[1], nullptr, 0);
  const std::uint64_t shards = std::strtoull(argv[2], nullptr, 0);
  const std::uint64_t seeds = std::strtoull(argv[3], nullptr, 0);
  const std::uint64_t first_seed = argc > 4 ? std::strtoull(argv[4], nullptr, 0) : 1;
  const std::string only = argc > 5 ? argv[5] : "";
  const std::time_t until = argc > 6 && std::atoi(argv[6]) > 0 ? std::time(nullptr) + std::atoi(argv[6]) : 0;
  std::uint64_t runs = 0;
  std::uint64_t failures = 0;
  for (std::uint64_t run = shard; run < seeds; run += shards, ++runs) {
    if (until != 0 && std::time(nullptr) >= until) break;
    const std::string failure = run_one(run, first_seed, only, failures < kShrunkMax);
    if (failure.empty()) continue;
    ++failures;
    std::printf("%s", failure.c_str());
    std::fflush(stdout);
  }
  std::printf("%llu runs, %llu failures\n", static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}
