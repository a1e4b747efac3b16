// Goal: the growth of LIA, OLIA and BALIA follows their formulas, only members that share a bottleneck are
// coupled, and RFC 8382 tells by their delays which do.
// Method: windows and RTTs set by events by hand; delays from two models of a queue. src/sim/coupling_test.cc
// runs whole flows.
#include "quic/congestion/coupling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "quic/congestion/coupled_controllers.h"

namespace hawser::quic {
namespace {

constexpr std::uint64_t kMss = 1'200;

std::unique_ptr<CoupledController> make(std::string_view name) {
  if (name == "lia") return std::make_unique<Lia>(kMss);
  if (name == "olia") return std::make_unique<Olia>(kMss);
  return std::make_unique<Balia>(kMss);
}

// A member in congestion avoidance with a window and an RTT.
struct Member {
  Member(std::string_view name, std::uint64_t window, Duration round_trip)
      : owned(make(name)), controller(*owned), rtt(round_trip) {
    controller.adopt({.window = window, .ssthresh = kMss, .min_rtt = round_trip});
    acknowledge(0);
  }

  AckEvent event(std::uint64_t bytes) const {
    AckEvent event;
    event.now = now;
    event.acked_bytes = event.growth_bytes = bytes;
    event.latest_rtt = rtt;
    event.smoothed_rtt = event.min_rtt = rtt;
    event.largest_acked_sent_time = now - rtt;
    return event;
  }
  void acknowledge(std::uint64_t bytes) { controller.on_ack(event(bytes)); }
  // What the window gains when it is acknowledged once over, in datagrams.
  double gain() {
    const std::uint64_t before = controller.congestion_window();
    acknowledge(before);
    return (static_cast<double>(controller.congestion_window()) - static_cast<double>(before)) / kMss;
  }

  std::unique_ptr<CoupledController> owned;
  CoupledController& controller;
  Duration rtt;
  Timestamp now{10s};
};

class EveryCoupled : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(congestion_coupling, EveryCoupled, testing::Values("lia", "olia", "balia"));

TEST_P(EveryCoupled, alone_grows_as_newreno) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  Member grouped(GetParam(), 60'000, 40ms);
  Member lone(GetParam(), 60'000, 40ms);
  group.join(grouped.controller);
  EXPECT_NEAR(grouped.gain(), 1, 0.01);
  EXPECT_NEAR(lone.gain(), 1, 0.01);
}

// With equal windows and RTTs each of n paths gains 1/n^2 of a datagram in a round trip: together they gain
// 1/n, and hold 1/n of the window each, which is the balance of one flow.
TEST_P(EveryCoupled, equal_paths_together_grow_as_one_flow) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  Member a(GetParam(), 60'000, 40ms);
  Member b(GetParam(), 60'000, 40ms);
  group.join(a.controller);
  group.join(b.controller);
  EXPECT_NEAR(a.gain(), 0.25, 0.02);
}

TEST_P(EveryCoupled, an_idle_path_takes_nothing_from_the_others) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  Member a(GetParam(), 60'000, 40ms);
  Member idle(GetParam(), 600'000, 40ms);
  group.join(a.controller);
  group.join(idle.controller);
  a.now += 2s;
  EXPECT_NEAR(a.gain(), 1, 0.01);
}

TEST_P(EveryCoupled, halves_on_loss_when_it_is_the_fastest) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  Member fast(GetParam(), 120'000, 20ms);
  Member slow(GetParam(), 30'000, 80ms);
  group.join(fast.controller);
  group.join(slow.controller);
  fast.controller.on_loss({.now = fast.now, .lost_bytes = kMss, .lost_packets = 1, .largest_lost_sent_time = fast.now});
  EXPECT_EQ(fast.controller.snapshot().ssthresh, 60'000u);
}

TEST_P(EveryCoupled, members_leave_in_any_order) {
  auto group = std::make_unique<CouplingGroup>(CouplingGroup::Couples::kSharing);
  auto a = make(GetParam());
  auto b = make(GetParam());
  group->join(*a);
  group->join(*b);
  EXPECT_EQ(group->size(), 2u);
  EXPECT_GT(a->memory(), make(GetParam())->memory());
  a.reset();
  EXPECT_EQ(group->size(), 1u);
  group.reset();
  EXPECT_EQ(b->group(), nullptr);
}

// RFC 6356 section 3, computed by hand: alpha = 180 * max(100/0.02^2, 80/0.08^2) / (100/0.02 + 80/0.08)^2
// = 1.25; 180 acknowledged would give 1.25 datagrams in all.
TEST(congestion_coupling, lia_grows_by_alpha_of_rfc_6356) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  Member a("lia", 100 * kMss, 20ms);
  Member b("lia", 80 * kMss, 80ms);
  group.join(a.controller);
  group.join(b.controller);
  EXPECT_NEAR(a.gain(), 1.25 * 100 / 180, 0.02);
  EXPECT_NEAR(b.gain(), 1.25 * 80 / 180, 0.02);
}

TEST(congestion_coupling, lia_never_grows_faster_than_a_flow_of_its_own) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  Member slow("lia", 200 * kMss, 200ms);
  Member fast("lia", 4 * kMss, 2ms);
  group.join(slow.controller);
  group.join(fast.controller);
  EXPECT_LE(slow.gain(), 1.0);
}

// Losses come three times as far apart on b: window moves there from a, which has the larger one.
TEST(congestion_coupling, olia_moves_window_to_the_better_path) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  Member a("olia", 100 * kMss, 40ms);
  Member b("olia", 50 * kMss, 40ms);
  group.join(a.controller);
  group.join(b.controller);
  const auto lossless = [](Member& member, std::uint64_t bytes) {
    AckEvent event = member.event(bytes);
    event.growth_bytes = 0;
    member.controller.on_ack(event);
  };
  lossless(a, 1'000'000);
  lossless(b, 3'000'000);
  // (w / rtt^2) / (sum of w / rtt)^2 * w = (100/150)^2 and (50/150)^2, and alpha = 1/2.
  EXPECT_NEAR(a.gain(), 0.444 - 0.5, 0.02);
  EXPECT_NEAR(b.gain(), 0.111 + 0.5, 0.02);
}

TEST(congestion_coupling, balia_gives_the_slower_path_more_and_takes_more_from_it) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  Member fast("balia", 100 * kMss, 40ms);
  Member slow("balia", 50 * kMss, 40ms);
  group.join(fast.controller);
  group.join(slow.controller);
  EXPECT_NEAR(fast.gain(), 0.444, 0.02);
  // a = 2: (50/150)^2 * 3/2 * 6/5
  EXPECT_NEAR(slow.gain(), 0.2, 0.02);
  slow.controller.on_loss({.now = slow.now, .lost_bytes = kMss, .lost_packets = 1, .largest_lost_sent_time = slow.now});
  // Three quarters of the window, where a lone flow loses half.
  EXPECT_NEAR(static_cast<double>(slow.controller.snapshot().ssthresh), 12.5 * kMss, kMss);
}

TEST(congestion_coupling, controllers_are_made_into_the_group_by_name) {
  CouplingGroup group(CouplingGroup::Couples::kAll);
  const auto lia = make_path_controller("lia", kMss, group);
  const auto balia = make_path_controller("balia", kMss, group);
  const auto cubic = make_path_controller("cubic", kMss, group);
  ASSERT_TRUE(lia && balia && cubic);
  EXPECT_EQ((*lia)->name(), "lia");
  EXPECT_EQ((*cubic)->name(), "cubic");
  EXPECT_EQ(group.size(), 2u);
  EXPECT_FALSE(make_path_controller("reno", kMss, group).has_value());
}

// ---- RFC 8382

// A queue that fills slowly and empties at once, as loss-based flows make it; `phase` and `period` say when.
Duration sawtooth(int sample, int period, int phase, Duration height) {
  const int at = (sample + phase) % period;
  return height * at / period;
}

// One sample a millisecond for all flows, `delay(flow, sample)` of it, for `intervals`.
template <class Delay>
void measure(std::span<DelayStatistics> flows, int intervals, Delay delay) {
  const int samples = static_cast<int>(to_ms(kDelayInterval));
  for (int i = 0; i < intervals; ++i) {
    for (int j = 0; j < samples; ++j)
      for (std::size_t f = 0; f < flows.size(); ++f) {
        flows[f].on_packet_sent();
        flows[f].on_delay(delay(f, i * samples + j));
      }
    for (DelayStatistics& flow : flows) flow.end_interval();
  }
}

std::vector<std::size_t> groups_of(std::span<DelayStatistics> flows) {
  std::vector<DelayStatistics*> pointers;
  for (DelayStatistics& flow : flows) pointers.push_back(&flow);
  std::vector<std::size_t> groups(flows.size());
  group_by_bottleneck(pointers, groups);
  return groups;
}

TEST(congestion_coupling, flows_through_one_queue_are_grouped_and_one_through_another_is_not) {
  std::array<DelayStatistics, 3> flows;
  SeededRandom random(7);
  measure(flows, 60, [&](std::size_t flow, int sample) {
    const Duration noise{static_cast<std::int64_t>(random.unit() * 1e6)};
    if (flow == 2) return 40ms + noise + sawtooth(sample, 900, 200, 30ms);
    return 20ms * static_cast<int>(flow + 1) + noise + sawtooth(sample, 2'100, 0, 60ms);
  });
  const auto groups = groups_of(flows);
  EXPECT_EQ(groups[0], groups[1]);
  EXPECT_NE(groups[2], groups[0]);
  EXPECT_NE(groups[0], kNoBottleneck);
}

TEST(congestion_coupling, a_flow_that_hardly_ever_queues_passes_no_bottleneck) {
  std::array<DelayStatistics, 2> flows;
  SeededRandom random(7);
  measure(flows, 60, [&](std::size_t flow, int sample) {
    if (flow == 0) return 20ms + sawtooth(sample, 2'100, 0, 60ms);
    // Mostly nothing, at times much: skewed to the right.
    return random.unit() < 0.1 ? Duration{40ms} : 20ms + Duration{static_cast<std::int64_t>(random.unit() * 1e5)};
  });
  EXPECT_GT(flows[1].skew(), 0.3);
  EXPECT_EQ(groups_of(flows)[1], kNoBottleneck);
}

TEST(congestion_coupling, nothing_is_said_of_a_flow_before_there_is_enough) {
  std::array<DelayStatistics, 2> flows;
  const auto queue = [](std::size_t, int sample) { return 20ms + sawtooth(sample, 2'100, 0, 60ms); };
  measure(flows, 9, queue);
  EXPECT_EQ(groups_of(flows)[0], kNoBottleneck);
  measure(flows, 1, queue);
  EXPECT_EQ(groups_of(flows), (std::vector<std::size_t>{0, 0}));
}

TEST(congestion_coupling, unequal_loss_tells_flows_apart_where_there_is_much_of_it) {
  std::array<DelayStatistics, 2> flows;
  for (int i = 0; i < 20; ++i) {
    measure(flows, 1, [](std::size_t, int sample) { return 20ms + sawtooth(sample, 300, 0, 60ms); });
    flows[0].on_packets_lost(40);
    flows[1].on_packets_lost(80);
  }
  EXPECT_NEAR(flows[0].loss(), 40.0 / 350, 0.01);
  const auto groups = groups_of(flows);
  EXPECT_NE(groups[0], groups[1]);
}

TEST(congestion_coupling, members_are_coupled_once_their_delays_are_alike) {
  for (const bool shared : {true, false}) {
    CouplingGroup group(CouplingGroup::Couples::kSharing);
    Member a("lia", 60'000, 40ms);
    Member b("lia", 60'000, 40ms);
    group.join(a.controller);
    group.join(b.controller);
    EXPECT_NE(a.controller.bottleneck(), b.controller.bottleneck());
    EXPECT_NEAR(a.gain(), 1, 0.02);
    for (int sample = 0; sample < 60 * 350; ++sample) {
      a.now = b.now += 1ms;
      a.rtt = 40ms + sawtooth(sample, 2'100, 0, 60ms);
      b.rtt = 60ms + (shared ? sawtooth(sample, 2'100, 0, 60ms) : sawtooth(sample, 800, 300, 20ms));
      a.acknowledge(0);
      b.acknowledge(0);
    }
    EXPECT_EQ(a.controller.bottleneck() == b.controller.bottleneck(), shared);
    EXPECT_EQ(a.gain() < 0.9, shared);
  }
}

}  // namespace
}  // namespace hawser::quic
