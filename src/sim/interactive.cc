// interactive.cc: one run, and the percentiles of its answers.
#include "sim/interactive.h"

#include <algorithm>
#include <utility>

#include "quic/tls/deterministic_random.h"
#include "sim/bonded.h"
#include "sim/tls_contexts.h"

namespace hawser::sim {
namespace {

// The bulk goes on for so long after the last request.
constexpr Duration kGrace = 2s;

Duration at_share(const std::vector<Duration>& sorted, double share) {
  const auto at = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(at, sorted.size() - 1)];
}

}  // namespace

InteractiveResult run_interactive(const InteractivePlan& plan) {
  tls_contexts();
  const quic::DeterministicTlsRandom tls_random(plan.seed);
  Ways ways;
  BondPlan bond{.links = {}, .octets = plan.bulk ? UINT64_MAX : 0, .download = plan.download, .seed = plan.seed};
  InteractiveResult result{.failure = {}, .fastest_rtt = plan.links.front().rtt};
  for (std::size_t i = 0; i < plan.links.size(); ++i) {
    bond.links.push_back(ways.add(plan.links[i], 2 * plan.seed + i));
    result.fastest_rtt = std::min(result.fastest_rtt, plan.links[i].rtt);
  }
  bond.controller = plan.controller;
  bond.scheduler = plan.scheduler;
  bond.requests = {.per_second = plan.per_second, .bytes = plan.bytes, .from = plan.from, .until = plan.until};
  BondedRun run(std::move(bond));
  run.pass(plan.until + kGrace);
  result.failure = run.failure();
  result.bulk_mbit_per_second = run.mbit_per_second();
  std::vector<Duration> answers = run.client_end.answers;
  // What is not answered yet has taken as long as it has waited.
  for (const Duration waiting : run.client_end.waiting(run.world.now())) answers.push_back(waiting);
  result.answered = run.client_end.answers.size();
  if (answers.empty()) return result;
  std::ranges::sort(answers);
  result.p50 = at_share(answers, 0.5);
  result.p99 = at_share(answers, 0.99);
  result.longest = answers.back();
  return result;
}

}  // namespace hawser::sim
