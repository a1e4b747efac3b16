// Goal: the paths of one connection under a coupled controller take of a bottleneck that they share no more than
// one flow beside them does, and of bottlenecks of their own what uncoupled ones take. Method: a bonded download
// over two links that lead through one router's queue, or through two, beside a single-path flow.
#include <gtest/gtest.h>

#include "events/event_sink.h"
#include "sim/bonded.h"
#include "sim/bottleneck.h"
#include "sim/flow.h"

namespace hawser::sim {
namespace {

constexpr std::size_t kBeside = 300;  // makes addresses that the bonded run does not use

// Counts what the server tells of coupling, which is the end that sends.
class CouplingEvents final : public EventSink {
 public:
  void on_event(const EventContext& context, const PathCouplingUpdated& event) override {
    if (context.vantage != Vantage::kServer) return;
    ++told;
    coupled = event.bottleneck.has_value();
    last_controller = event.controller;
  }

  std::size_t told = 0;
  bool coupled = false;
  std::string last_controller;
};

struct Shares {
  double bonded = 0;  // Mbit/s, once it is settled
  double beside = 0;
  bool coupled = false;  // at the end
  std::string failure;
};

// Both links through one queue of 20 Mbit/s, or through two of 10; the flow beside goes through the first.
Shares run(const std::string& controller, bool shared, std::uint64_t seed, EventSink* events = nullptr) {
  const auto queue = [](std::uint64_t mbits) {
    BottleneckOptions options{.bits_per_second = mbits * 1'000'000, .queue = {}};
    options.queue.bytes_max = mbits * 5'000;  // of one bandwidth-delay product
    return options;
  };
  Bottleneck first(queue(shared ? 20 : 10));
  Bottleneck second(queue(10));
  BondPlan plan{
      .links = {link({down(through(first)), delay(20ms)}), link({down(through(shared ? first : second)), delay(20ms)})},
      .octets = UINT64_MAX,
      .seed = seed,
      .controller = controller,
      .events = events};
  BondedRun bonded(plan);
  CongestionSetup setup{.seed = seed};
  setup.flows = {{.controller = "newreno", .rtt = 40ms}};
  setup.duration = 60s;
  Flow beside(setup.flows[0], kBeside, setup, bonded.world, {&first});
  bonded.pass(20s);
  const std::uint64_t bonded_before = bonded.reader().octets;
  const std::uint64_t beside_before = beside.bytes_received();
  bonded.pass(30s);
  const auto mbits = [](std::uint64_t octets) { return static_cast<double>(octets) * 8e-6 / 30; };
  Shares shares{.bonded = mbits(bonded.reader().octets - bonded_before),
                .beside = mbits(beside.bytes_received() - beside_before),
                .failure = bonded.failure()};
  for (const quic::PathInfo& path : bonded.server->paths()) shares.coupled |= path.bottleneck.has_value();
  return shares;
}

struct Mean {
  double bonded = 0;
  double beside = 0;
};

Mean mean_of(const std::string& controller, bool shared, std::uint64_t seeds = 6) {
  Mean mean;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Shares shares = run(controller, shared, seed);
    EXPECT_EQ(shares.failure, "");
    mean.bonded += shares.bonded / static_cast<double>(seeds);
    mean.beside += shares.beside / static_cast<double>(seeds);
  }
  return mean;
}

TEST(coupled_paths, take_one_share_of_a_bottleneck_that_they_share) {
  const Mean uncoupled = mean_of("newreno", true, 18);
  EXPECT_GT(uncoupled.bonded, 1.7 * uncoupled.beside);
  for (const char* controller : {"lia", "olia", "balia"}) {
    const Mean coupled = mean_of(controller, true);
    EXPECT_LT(coupled.bonded, 1.35 * coupled.beside) << controller;
    EXPECT_GT(coupled.bonded, 0.6 * coupled.beside) << controller;
    // Nothing is left unused.
    EXPECT_GT(coupled.bonded + coupled.beside, 0.95 * (uncoupled.bonded + uncoupled.beside)) << controller;
  }
}

TEST(coupled_paths, keep_their_sum_over_bottlenecks_of_their_own) {
  const Mean uncoupled = mean_of("newreno", false);
  for (const char* controller : {"lia", "olia", "balia"})
    EXPECT_GT(mean_of(controller, false).bonded, 0.93 * uncoupled.bonded) << controller;
}

TEST(coupled_paths, tell_when_they_are_coupled) {
  CouplingEvents events;
  const Shares shares = run("lia", true, 1, &events);
  EXPECT_GE(events.told, 2u);  // of each path
  EXPECT_EQ(events.last_controller, "lia");
  EXPECT_EQ(events.coupled, shares.coupled);
}

TEST(coupled_paths, are_one_group_whatever_they_began_with) {
  BondedRun bonded({.links = {link({rate(mbit(10), 50'000), delay(20ms)}), link({rate(mbit(10), 50'000), delay(20ms)})},
                    .octets = UINT64_MAX});
  ASSERT_TRUE(bonded.until([&] { return bonded.reader().octets > 500'000; }));
  const auto group_of = [&](quic::PathId id) -> const quic::CouplingGroup* {
    quic::CoupledController* const coupled = bonded.server->core().multipath()->find(id)->path->controller().coupled();
    return coupled == nullptr ? nullptr : coupled->group();
  };
  EXPECT_EQ(group_of(quic::PathId{0}), nullptr);
  ASSERT_TRUE(bonded.server->set_congestion_control("olia").has_value());
  ASSERT_NE(group_of(quic::PathId{0}), nullptr);
  EXPECT_EQ(group_of(quic::PathId{0}), group_of(quic::PathId{1}));
  EXPECT_EQ(group_of(quic::PathId{0})->size(), 2u);
  ASSERT_TRUE(bonded.server->abandon_path(quic::PathId{0}).has_value());
  EXPECT_EQ(group_of(quic::PathId{1})->size(), 1u);
  bonded.pass(2s);
  EXPECT_EQ(bonded.failure(), "");
}

// A NAT's new address is another path to the controller: RFC 9000 section 9.4.
TEST(coupled_paths, stay_in_their_group_when_one_moves) {
  std::vector<LinkSpec> links{link({nat(with_new_address(rebind_every(700ms))), rate(mbit(10), 50'000), delay(20ms)}),
                              link({rate(mbit(10), 50'000), delay(30ms)})};
  BondedRun bonded({.links = links, .octets = 6'000'000, .controller = "balia"});
  ASSERT_TRUE(bonded.finish());
  EXPECT_EQ(bonded.failure(), "");
  ASSERT_EQ(bonded.server->paths().size(), 2u);
  const quic::CoupledController* moved =
      bonded.server->core().multipath()->find(quic::PathId{0})->path->controller().coupled();
  ASSERT_NE(moved, nullptr);
  ASSERT_NE(moved->group(), nullptr);
  EXPECT_EQ(moved->group()->size(), 2u);
}

}  // namespace
}  // namespace hawser::sim
