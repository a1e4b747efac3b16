// spin_observer_test.cc: goal: somebody on the way measures the round trip by the spin bit where both ends show it,
// and nothing where one does not. Method: simulated transfers over links of known delay, both over seeds.
#include "sim/spin_observer.h"

#include <gtest/gtest.h>

#include "sim/scenario.h"
#include "sim/setup_text.h"

namespace hawser::sim {
namespace {

using quic::SpinBitPolicy;

// A transfer of 1 MB up over a clean link, as the observer sees it.
std::optional<Duration> measured(Duration one_way, SpinBitPolicy client, SpinBitPolicy server, std::uint64_t seed) {
  SetupText text = scenario_text("transfer", seed);
  text.setup.link = link({delay(one_way)});
  text.setup.client.spin_bit = client;
  text.setup.server.spin_bit = server;
  text.setup.client_application.streams_bidi = 4;
  text.setup.client_application.streams_uni = 4;
  text.setup.transfer.bytes_min = text.setup.transfer.bytes_max = 150'000;
  SpinObserver observer(0);
  const ScenarioResult result = run_scenario(text, {.wire = &observer});
  EXPECT_TRUE(result.passed) << result.failure;
  return observer.round_trips().size() < 3 ? std::nullopt : observer.median();
}

// rfc9000:17.4-administrator
TEST(spin_observer, measures_the_round_trip_of_connections_that_spin_at_both_ends) {
  int spinning = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Duration one_way = std::chrono::milliseconds{5 * seed};
    const auto round_trip = measured(one_way, SpinBitPolicy::kOn, SpinBitPolicy::kOn, seed);
    if (!round_trip) continue;
    ++spinning;
    EXPECT_GE(*round_trip, 2 * one_way) << seed;
    // An end that has nothing to send holds the edge for as long as an acknowledgement may wait.
    EXPECT_LE(*round_trip, 2 * one_way + 26ms) << seed;
  }
  // Each end keeps still on one connection in eight.
  EXPECT_GE(spinning, 4);
}

// rfc9000:17.4-ignored
TEST(spin_observer, measures_nothing_where_an_end_does_not_spin) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    EXPECT_FALSE(measured(10ms, SpinBitPolicy::kOff, SpinBitPolicy::kOn, seed));
    EXPECT_FALSE(measured(10ms, SpinBitPolicy::kOn, SpinBitPolicy::kRandom, seed));
    EXPECT_FALSE(measured(10ms, SpinBitPolicy::kOff, SpinBitPolicy::kOff, seed));
  }
}

}  // namespace
}  // namespace hawser::sim
