// Goal: two coupled subflows take no more of a bottleneck than one flow does, and each its share of a
// bottleneck of its own. Method: the subflows of one sender are flows of a congestion run whose controllers
// join one group; RFC 6356 section 2 names the two aims.
#include <gtest/gtest.h>

#include "quic/congestion/coupled_controllers.h"
#include "sim/congestion.h"
#include "sim/world.h"

namespace hawser::sim {
namespace {

using quic::CouplingGroup;

// Controllers of flows by this name join the group of the present test.
struct Subflow {
  std::string_view algorithm;
  CouplingGroup* group = nullptr;
};
Subflow subflow;

std::unique_ptr<quic::CongestionController> make_subflow(const void*, std::uint64_t max_datagram_size) {
  return *quic::make_path_controller(subflow.algorithm, max_datagram_size, *subflow.group);
}

const bool kAdded = quic::add_congestion_controller("subflow", &make_subflow, nullptr).has_value();

HopSpec hop(std::uint64_t bits_per_second, std::size_t queue_bytes) {
  HopSpec made{.bits_per_second = bits_per_second, .queue = {}};
  made.queue.bytes_max = queue_bytes;
  return made;
}

CongestionResult run(std::string_view algorithm, CouplingGroup::Couples couples, CongestionSetup setup) {
  EXPECT_TRUE(kAdded);
  CouplingGroup group(couples);
  subflow = {.algorithm = algorithm, .group = &group};
  const auto result = run_congestion(setup);
  EXPECT_TRUE(result.has_value());
  return *result;
}

// 20 Mbit/s, 40 ms and a queue of one bandwidth-delay product for two subflows and a single flow.
CongestionSetup one_bottleneck(std::uint64_t seed) {
  CongestionSetup setup = dumbbell(hop(mbit(20), 100'000), {{.controller = "subflow", .rtt = 40ms},
                                                            {.controller = "subflow", .rtt = 40ms},
                                                            {.controller = "newreno", .rtt = 40ms}});
  setup.duration = 40s;
  setup.warmup = 10s;
  setup.seed = seed;
  return setup;
}

// Each subflow has a bottleneck of its own, and a single flow there beside it.
CongestionSetup two_bottlenecks(std::uint64_t seed) {
  CongestionSetup setup;
  setup.hops = {hop(mbit(10), 50'000), hop(mbit(10), 80'000)};
  setup.flows = {{.controller = "subflow", .rtt = 40ms},
                 {.controller = "subflow", .rtt = 60ms, .first_hop = 1, .last_hop = 1},
                 {.controller = "newreno", .rtt = 40ms},
                 {.controller = "newreno", .rtt = 60ms, .first_hop = 1, .last_hop = 1}};
  setup.duration = 60s;
  setup.warmup = 20s;
  setup.seed = seed;
  return setup;
}

double share_of_subflows(const CongestionResult& result) {
  const double both = result.flows[0].steady_goodput_bps + result.flows[1].steady_goodput_bps;
  double all = 0;
  for (const FlowResult& flow : result.flows) all += flow.steady_goodput_bps;
  return both / all;
}

// Of eight seeds: how single flows meet in a queue is chance.
double mean_share(std::string_view algorithm, CouplingGroup::Couples couples, CongestionSetup (*setup)(std::uint64_t)) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) sum += share_of_subflows(run(algorithm, couples, setup(seed)));
  return sum / 8;
}

TEST(sim_coupling, two_subflows_take_no_more_than_the_single_flow_beside_them) {
  // Half, and what eight seeds scatter by.
  EXPECT_LE(mean_share("lia", CouplingGroup::Couples::kAll, &one_bottleneck), 0.55);
  EXPECT_LE(mean_share("balia", CouplingGroup::Couples::kAll, &one_bottleneck), 0.55);
  EXPECT_LE(mean_share("olia", CouplingGroup::Couples::kAll, &one_bottleneck), 0.55);
}

TEST(sim_coupling, uncoupled_subflows_take_two_thirds) {
  EXPECT_GT(mean_share("newreno", CouplingGroup::Couples::kAll, &one_bottleneck), 0.62);
}

TEST(sim_coupling, a_shared_bottleneck_is_found_and_coupled) {
  EXPECT_LE(mean_share("lia", CouplingGroup::Couples::kSharing, &one_bottleneck), 0.57);
}

TEST(sim_coupling, subflows_with_bottlenecks_of_their_own_take_a_share_of_each) {
  const double all = mean_share("lia", CouplingGroup::Couples::kAll, &two_bottlenecks);
  const double sharing = mean_share("lia", CouplingGroup::Couples::kSharing, &two_bottlenecks);
  EXPECT_LT(all, 0.4);  // what coupling costs when nothing is shared
  EXPECT_GT(sharing, 0.42);
}

}  // namespace
}  // namespace hawser::sim
