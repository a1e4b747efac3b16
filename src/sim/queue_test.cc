// Goal: each discipline behaves as its RFC says. Method: datagrams of one size are put in and
// taken out by hand at chosen times, and what is dropped and marked, and when, is compared with
// figures computed from the RFC's formulas.
#include "sim/queue.h"

#include <gtest/gtest.h>

#include <vector>

#include "sim/dualpi2.h"

namespace hawser::sim {
namespace {

constexpr std::size_t kSize = 1'000;

Timestamp at(Duration d) {
  return kWorldStart + d;
}

struct Observed final : QueueObserver {
  void on_drop(const QueuedDatagram&) override { drops.push_back(now); }
  void on_mark(const QueuedDatagram&) override { marks.push_back(now); }
  Duration now{0};
  std::vector<Duration> drops;
  std::vector<Duration> marks;
};

struct Bench {
  explicit Bench(const QueueSpec& spec) : queue(make_queue(spec)) {}
  void put(Duration now, Ecn ecn = Ecn::kNotEct, std::size_t count = 1, std::size_t size = kSize) {
    seen.now = now;
    for (; count > 0; --count)
      queue->enqueue(
          {.datagram = {.bytes = {}, .tuple = {}, .ecn = ecn}, .passage = {}, .enqueued_at = at(now), .size = size},
          at(now), seen);
  }
  std::optional<QueuedDatagram> take(Duration now) {
    seen.now = now;
    return queue->dequeue(at(now), seen);
  }
  std::unique_ptr<Queue> queue;
  Observed seen;
};

TEST(sim_queue, drop_tail_drops_what_exceeds_its_octets_or_packets) {
  Bench octets({.bytes_max = 3 * kSize});
  octets.put(0ms, Ecn::kNotEct, 5);
  EXPECT_EQ(octets.queue->bytes(), 3 * kSize);
  EXPECT_EQ(octets.seen.drops.size(), 2u);
  Bench packets({.packets_max = 2});
  packets.put(0ms, Ecn::kNotEct, 5);
  EXPECT_EQ(packets.queue->packets(), 2u);
  EXPECT_EQ(packets.seen.drops.size(), 3u);
}

TEST(sim_queue, drop_tail_marks_above_its_threshold_only_what_knows_ecn) {
  Bench bench({.mark_above_bytes = kSize});
  bench.put(0ms, Ecn::kEct0, 3);
  bench.put(0ms, Ecn::kNotEct, 1);
  EXPECT_EQ(bench.seen.marks.size(), 1u);
  std::vector<Ecn> ecns;
  while (const auto taken = bench.take(1ms)) ecns.push_back(taken->datagram.ecn);
  EXPECT_EQ(ecns, (std::vector{Ecn::kEct0, Ecn::kEct0, Ecn::kCe, Ecn::kNotEct}));
}

TEST(sim_codel, lets_pass_a_burst_that_drains_within_an_interval) {
  Bench bench({.kind = QueueKind::kCodel});
  bench.put(0ms, Ecn::kNotEct, 90);
  for (int i = 0; i < 90; ++i) EXPECT_TRUE(bench.take(i * 1ms).has_value());
  EXPECT_TRUE(bench.seen.drops.empty());
}

// RFC 8289 section 5.3: the first signal comes an interval after the delay rose above the
// target, the next ones at interval / sqrt(count).
TEST(sim_codel, drops_at_intervals_that_shrink_with_the_square_root) {
  Bench bench({.kind = QueueKind::kCodel});
  bench.put(0ms, Ecn::kNotEct, 1'000);
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(bench.take(i * 1ms).has_value());
  ASSERT_EQ(bench.seen.drops.size(), 5u);
  EXPECT_EQ(bench.seen.drops[0], 105ms);  // above target since 5 ms
  EXPECT_EQ(bench.seen.drops[1], 205ms);  // + 100 ms
  EXPECT_EQ(bench.seen.drops[2], 276ms);  // + 70.7 ms
  EXPECT_EQ(bench.seen.drops[3], 334ms);  // + 57.7 ms
}

TEST(sim_codel, marks_what_knows_ecn_and_drops_none_of_it) {
  Bench bench({.kind = QueueKind::kCodel});
  bench.put(0ms, Ecn::kEct0, 1'000);
  int marked = 0;
  for (int i = 0; i < 400; ++i) marked += bench.take(i * 1ms)->datagram.ecn == Ecn::kCe;
  EXPECT_TRUE(bench.seen.drops.empty());
  EXPECT_EQ(bench.seen.marks.size(), 5u);
  EXPECT_EQ(marked, 5);
}

TEST(sim_codel, leaves_a_queue_of_one_packet_alone_however_slow_the_link) {
  Bench bench({.kind = QueueKind::kCodel});
  for (int i = 0; i < 100; ++i) {
    bench.put(i * 50ms);
    if (i > 0) EXPECT_TRUE(bench.take(i * 50ms).has_value());
  }
  EXPECT_TRUE(bench.seen.drops.empty());
}

TEST(sim_codel, goes_on_near_its_former_rate_when_the_queue_comes_back_soon) {
  Bench bench({.kind = QueueKind::kCodel});
  bench.put(0ms, Ecn::kNotEct, 1'000);
  int i = 0;
  while (bench.take(i++ * 1ms)) {
  }
  const std::size_t before = bench.seen.drops.size();
  ASSERT_GT(before, 10u);
  const Duration again = i * 1ms;
  bench.put(again, Ecn::kNotEct, 1'000);
  for (int k = 0; k < 200; ++k) bench.take(again + k * 1ms);
  // Afresh it would be one signal in 200 ms; with the former count it is more.
  EXPECT_GE(bench.seen.drops.size() - before, 4u);
}

TEST(sim_dualpi2, marks_l4s_above_the_step_and_not_below) {
  Bench bench({.kind = QueueKind::kDualPi2});
  bench.put(0ms, Ecn::kEct1, 3);
  EXPECT_EQ(bench.take(999us)->datagram.ecn, Ecn::kEct1);
  bench.put(999us, Ecn::kEct1, 3);
  EXPECT_EQ(bench.take(1ms)->datagram.ecn, Ecn::kCe);
}

TEST(sim_dualpi2, ramps_its_marks_between_two_delays) {
  Bench bench({.kind = QueueKind::kDualPi2, .l4s_ramp_from = 1ms, .l4s_ramp_until = 3ms});
  int marked = 0;
  bench.put(0ms, Ecn::kEct1, 102);
  for (int i = 0; i < 100; ++i) marked += bench.take(2ms)->datagram.ecn == Ecn::kCe;
  EXPECT_EQ(marked, 50);
}

TEST(sim_dualpi2, does_not_mark_the_last_packet_of_a_slow_link) {
  Bench bench({.kind = QueueKind::kDualPi2});
  bench.put(0ms, Ecn::kEct1, 1);
  EXPECT_EQ(bench.take(10ms)->datagram.ecn, Ecn::kEct1);
}

// RFC 9332 appendix A.1: with the defaults, alpha is 0.15 and beta 3 for each 15 ms period.
TEST(sim_dualpi2, moves_its_probability_by_the_pi_formula) {
  DualPi2 queue({.kind = QueueKind::kDualPi2});
  Observed seen;
  const auto put = [&](Duration now) {
    queue.enqueue({.datagram = {}, .passage = {}, .enqueued_at = at(now), .size = kSize}, at(now), seen);
  };
  put(0ms);
  put(0ms);
  EXPECT_EQ(queue.classic_probability(), 0);
  put(15ms);  // one update, delay 15 ms: 0.15 * 0 + 3 * 0.015
  const double first = 3 * 0.015;
  EXPECT_NEAR(queue.coupled_probability(), 2 * first, 1e-9);
  put(30ms);  // delay 30 ms: 0.15 * 0.015 + 3 * 0.015
  const double second = first + 0.15 * 0.015 + 3 * 0.015;
  EXPECT_NEAR(queue.coupled_probability(), 2 * second, 1e-9);
  EXPECT_NEAR(queue.classic_probability(), second * second, 1e-9);
}

TEST(sim_dualpi2, forgets_its_probability_when_idle) {
  Bench bench({.kind = QueueKind::kDualPi2});
  bench.put(0ms, Ecn::kNotEct, 50);
  for (int i = 0; i < 40; ++i) bench.take(i * 2ms);
  while (bench.take(80ms)) {
  }
  bench.put(60s, Ecn::kNotEct, 2);
  bench.put(60s, Ecn::kEct1, 2);
  const auto& queue = dynamic_cast<const DualPi2&>(*bench.queue);
  EXPECT_EQ(queue.classic_probability(), 0);
}

TEST(sim_dualpi2, serves_l4s_first_but_leaves_the_classic_queue_a_sixteenth) {
  Bench bench({.kind = QueueKind::kDualPi2});
  bench.put(0ms, Ecn::kNotEct, 100);
  bench.put(0ms, Ecn::kEct1, 1'000);
  int classic = 0;
  for (int i = 0; i < 160; ++i) classic += bench.take(0ms)->datagram.ecn == Ecn::kNotEct;
  EXPECT_EQ(classic, 10);
}

TEST(sim_dualpi2, marks_l4s_by_coupling_when_only_the_classic_queue_is_long) {
  Bench bench({.kind = QueueKind::kDualPi2});
  bench.put(0ms, Ecn::kNotEct, 2'000);
  bench.put(45ms, Ecn::kEct1, 1);  // three updates: p' is near 3 * 0.045
  int marked = 0;
  for (int i = 0; i < 100; ++i) {
    bench.put(45ms, Ecn::kEct1, 1);
    marked += bench.take(45ms)->datagram.ecn == Ecn::kCe;
  }
  const auto& queue = dynamic_cast<const DualPi2&>(*bench.queue);
  EXPECT_NEAR(marked, 100 * queue.coupled_probability(), 8);  // the classic queue has its sixteenth
}

TEST(sim_dualpi2, drops_l4s_too_once_marks_no_longer_help) {
  Bench bench({.kind = QueueKind::kDualPi2});
  bench.put(0ms, Ecn::kNotEct, 100);
  bench.put(400ms, Ecn::kEct1, 100);
  const auto& queue = dynamic_cast<const DualPi2&>(*bench.queue);
  ASSERT_GE(queue.coupled_probability(), 1);
  while (bench.take(400ms)) {
  }
  EXPECT_GT(bench.seen.drops.size(), 100u);
}

TEST(sim_queue, disciplines_have_names) {
  for (const QueueKind kind : {QueueKind::kDropTail, QueueKind::kCodel, QueueKind::kDualPi2})
    EXPECT_EQ(queue_kind_of(name_of(kind)), kind);
  EXPECT_FALSE(queue_kind_of("red").has_value());
}

}  // namespace
}  // namespace hawser::sim
