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
// Between the seeds of two draws: no pair of a table has losses of another.
constexpr std::uint64_t kDrawStride = std::uint64_t{1} << 32;

struct Outcome {
  double mbit_per_second = 0;
  Duration time{0};
  std::string failure;
};

// A link, and the seed of its losses.
struct Way {
  const DrawnLink* link = nullptr;
  std::uint64_t seed = 0;
};

Outcome run_links(const std::vector<Way>& over, std::uint64_t seed, const PairOptions& options, std::uint64_t octets,
                  Duration limit) {
  Ways ways;
  BondPlan plan{.links = {}, .octets = octets, .download = options.download, .seed = seed};
  for (const Way& way : over) plan.links.push_back(ways.add(*way.link, way.seed));
  // A link alone has a connection of one path, as anybody would use it.
  plan.client_max_paths = plan.server_max_paths = over.size() == 1 ? 0 : over.size();
  plan.controller = options.controller;
  plan.scheduler = options.scheduler;
  plan.window = options.window;
  if (over.size() > 1) plan.head_start = options.head_start;
  BondedRun run(std::move(plan));
  run.finish(limit);
  return {.mbit_per_second = run.mbit_per_second(), .time = run.world.now() - kWorldStart, .failure = run.failure()};
}

std::uint64_t octets_in(double mbit_per_second, Duration time) {
  return static_cast<std::uint64_t>(mbit_per_second * 125'000 * to_seconds(time));
}

// The four runs.
void add_draw(PairResult& result, const PairOptions& options, std::uint64_t draw, Duration time) {
  const LinkPair& pair = result.pair;
  const std::uint64_t losses = 2 * pair.seed + draw * kDrawStride;
  const Way first{.link = &pair.first, .seed = losses};
  const Way second{.link = &pair.second, .seed = losses + 1};
  const bool first_is_faster = pair.first.mbit_per_second >= pair.second.mbit_per_second;
  const Way& faster = first_is_faster ? first : second;
  const Way& slower = first_is_faster ? second : first;
  const Outcome fast = run_links({faster}, pair.seed, options, result.octets, kPatience * time);
  const Outcome slow = run_links({slower}, pair.seed, options, result.octets, fast.time);
  const Outcome& of_first = first_is_faster ? fast : slow;
  const Outcome& of_second = first_is_faster ? slow : fast;
  const bool first_is_better = of_first.mbit_per_second >= of_second.mbit_per_second;
  const Way& better = first_is_better ? first : second;
  const Way& worse = first_is_better ? second : first;
  const Outcome both = run_links({better, worse}, pair.seed, options, result.octets, kPatience * time);
  const Outcome from_worse = run_links({worse, better}, pair.seed, options, result.octets, kPatience * time);
  result.first_alone += of_first.mbit_per_second;
  result.second_alone += of_second.mbit_per_second;
  result.bonded += both.mbit_per_second;
  result.bonded_from_worse += from_worse.mbit_per_second;
  result.failure += both.failure + from_worse.failure;
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
  const Duration time = options.time + kRoundTrips * std::max(pair.first.rtt, pair.second.rtt);
  const double fastest = std::max(pair.first.mbit_per_second, pair.second.mbit_per_second);
  PairResult result{.pair = pair, .failure = {}, .octets = octets_in(fastest, time)};
  for (std::uint64_t draw = 0; draw < options.draws; ++draw) add_draw(result, options, draw, time);
  for (double* const rate : {&result.first_alone, &result.second_alone, &result.bonded, &result.bonded_from_worse})
    *rate /= static_cast<double>(options.draws);
  return result;
}

double BundleResult::sum() const {
  double all = 0;
  for (const double one : alone) all += one;
  return all;
}

BundleResult run_bundle(const std::vector<DrawnLink>& links, std::uint64_t seed, const PairOptions& options) {
  tls_contexts();
  const quic::DeterministicTlsRandom tls_random(seed);
  BundleResult result;
  std::vector<Way> ways;
  std::uint64_t octets = 0;
  for (std::size_t i = 0; i < links.size(); ++i) {
    ways.push_back({.link = &links[i], .seed = links.size() * seed + i});
    const std::uint64_t share = octets_in(links[i].mbit_per_second, options.time);
    const Outcome alone = run_links({ways.back()}, seed, options, share, kPatience * options.time);
    result.alone.push_back(alone.mbit_per_second);
    octets += share;
  }
  const Outcome all = run_links(ways, seed, options, octets, kPatience * options.time);
  result.together = all.mbit_per_second;
  result.failure = all.failure;
  return result;
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  return values[std::min(at, values.size() - 1)];
}

}  // namespace hawser::sim
