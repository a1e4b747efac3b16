// link_pairs.cc: drawing links, and the four runs of a pair.
#include "sim/link_pairs.h"

#include <utility>

#include "quic/tls/deterministic_random.h"
#include "sim/tls_contexts.h"

namespace hawser::sim {
namespace {

constexpr std::int64_t kRoundTrips = 20;
// Of virtual time, for what a link alone needs: as many times what it would take at its full rate.
constexpr std::int64_t kPatience = 40;

struct Outcome {
  double mbit_per_second = 0;
  Duration time{0};
  std::string failure;
};

Outcome run_links(const std::vector<const DrawnLink*>& links, const LinkPair& pair, const PairOptions& options,
                  std::uint64_t octets, Duration limit) {
  Ways ways;
  BondPlan plan{.links = {}, .octets = octets, .download = options.download, .seed = pair.seed};
  for (const DrawnLink* drawn : links) plan.links.push_back(ways.add(*drawn, 2 * pair.seed + (drawn == &pair.second)));
  // A link alone has a connection of one path, as anybody would use it.
  if (links.size() == 1) plan.client_max_paths = 0;
  plan.controller = options.controller;
  plan.scheduler = options.scheduler;
  plan.window = options.window;
  BondedRun run(std::move(plan));
  run.finish(limit);
  return {.mbit_per_second = run.mbit_per_second(), .time = run.world.now() - kWorldStart, .failure = run.failure()};
}

}  // namespace

LinkPair draw_pair(std::uint64_t seed) {
  SeededRandom random(seed);
  LinkPair pair{.seed = seed, .first = {}, .second = {}};
  pair.first = draw_link(random);
  pair.second = draw_link(random);
  return pair;
}

std::string describe(const LinkPair& pair) {
  return describe(pair.first) + ", " + describe(pair.second);
}

PairResult run_pair(const LinkPair& pair, const PairOptions& options) {
  tls_contexts();
  const quic::DeterministicTlsRandom tls_random(pair.seed);
  const bool first_is_faster = pair.first.mbit_per_second >= pair.second.mbit_per_second;
  const DrawnLink& faster = first_is_faster ? pair.first : pair.second;
  const DrawnLink& slower = first_is_faster ? pair.second : pair.first;
  const Duration time = options.time + kRoundTrips * std::max(pair.first.rtt, pair.second.rtt);
  PairResult result{.pair = pair, .failure = {}};
  result.octets = static_cast<std::uint64_t>(faster.mbit_per_second * 125'000 * to_seconds(time));
  const Outcome fast = run_links({&faster}, pair, options, result.octets, kPatience * time);
  const Outcome slow = run_links({&slower}, pair, options, result.octets, fast.time);
  result.first_alone = (first_is_faster ? fast : slow).mbit_per_second;
  result.second_alone = (first_is_faster ? slow : fast).mbit_per_second;
  const bool first_is_better = result.first_alone >= result.second_alone;
  const DrawnLink& better = first_is_better ? pair.first : pair.second;
  const DrawnLink& worse = first_is_better ? pair.second : pair.first;
  const Outcome both = run_links({&better, &worse}, pair, options, result.octets, kPatience * time);
  const Outcome from_worse = run_links({&worse, &better}, pair, options, result.octets, kPatience * time);
  result.bonded = both.mbit_per_second;
  result.bonded_from_worse = from_worse.mbit_per_second;
  result.failure = both.failure + from_worse.failure;
  return result;
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[std::min(at, values.size() - 1)];
}

}  // namespace hawser::sim
