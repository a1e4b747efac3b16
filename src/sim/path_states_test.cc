// path_states_test.cc: goal: where every path fails the connection is degraded, keeps its data, and goes on with
// whichever comes back first; each change is an event. Method: two links that are dead for some seconds, one longer.
#include <gtest/gtest.h>

#include <algorithm>

#include "events/event_sink.h"
#include "sim/bonded.h"

namespace hawser::sim {
namespace {

using quic::PathState;

// Of the server, which sends the bulk.
class Changes final : public EventSink {
 public:
  Changes() : EventSink(event_bit(EventGroup::kConnection)) {}
  void on_event(const EventContext& context, const PathStateUpdated& event) override {
    if (context.vantage == Vantage::kServer) states.emplace_back(event.new_state);
  }
  std::vector<std::string> states;
};

TEST(path_states, when_all_fail_the_connection_is_degraded_and_goes_on_with_the_first_that_returns) {
  Changes changes;
  BondPlan plan{.links = {link({rate(mbit(20), 100'000), delay(10ms), blackhole(1s, 14s)}),
                          link({rate(mbit(20), 100'000), delay(20ms), blackhole(1s, 8s)})},
                .octets = 8'000'000};
  plan.events = &changes;
  BondedRun run(plan);
  const auto until_second = [&run](std::int64_t second) {
    run.until([&] { return run.world.now() >= kWorldStart + std::chrono::seconds(second); });
  };
  until_second(6);
  ASSERT_FALSE(run.server->closed());
  const std::uint64_t before = run.reader().octets;
  std::size_t degraded = 0;
  for (const quic::PathInfo& path : run.server->paths()) {
    EXPECT_NE(path.state, PathState::kActive) << path.id.value;
    degraded += path.state == PathState::kDegraded;
  }
  EXPECT_GE(degraded, 1u) << "the last one is asked, not given up";
  until_second(13);
  EXPECT_EQ(run.state_at(*run.server, 1), PathState::kActive) << "back within the idle time of 30 s";
  EXPECT_NE(run.state_at(*run.server, 0), PathState::kActive) << "still dead";
  EXPECT_GT(run.reader().octets, before + 1'000'000) << "by one path";
  ASSERT_TRUE(run.finish()) << run.failure();
  EXPECT_EQ(run.failure(), "");
  for (const char* state : {"active", "degraded", "failed"})
    EXPECT_NE(std::ranges::find(changes.states, state), changes.states.end()) << state;
}

}  // namespace
}  // namespace hawser::sim
