// Goal: BBR finds the path's bandwidth and RTT, keeps little queued, and bears loss that is not its doing.
// Method: the real loss detector and pacer over a model of one bottleneck, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>

#include "quic/congestion/bbr3.h"
#include "quic/recovery/path_model.h"

namespace hawser::quic {
namespace {

PathModel path_of(std::string_view name, const PathModelOptions& options) {
  return PathModel(*make_congestion_controller(name, PathModel::kSize), options);
}

Bbr3& bbr(PathModel& path) {
  return static_cast<Bbr3&>(path.controller());
}

CongestionPhase phase(PathModel& path) {
  return path.controller().snapshot().phase;
}

TEST(bbr, startup_ends_when_the_bandwidth_grows_no_more) {
  PathModel path = path_of("bbr", {.buffer = 1'000'000});
  EXPECT_EQ(phase(path), CongestionPhase::kStartup);
  path.run_for(1s);
  EXPECT_NE(phase(path), CongestionPhase::kStartup);
  EXPECT_NEAR(static_cast<double>(bbr(path).max_bandwidth()), 1'250'000, 62'500);
}

// Twice the BDP in flight is what Startup needs to double its rate: one BDP of it waits, and half of one is room to
// spare.
TEST(bbr, startup_does_not_overrun_a_queue_of_one_and_a_half_bdps) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 750'000});
  path.run_for(1s);
  EXPECT_NE(phase(path), CongestionPhase::kStartup);
  EXPECT_EQ(path.overflowed(), 0u);
}

// Startup by hand: acknowledgements of `flight` octets each, on a path of 100 ms.
class HandFed {
 public:
  static constexpr std::uint64_t kSize = 1'200;
  Bbr3 bbr{kSize};

  enum class Round : std::uint8_t { kNext, kSame };
  void ack(std::uint64_t flight, std::uint64_t bytes_per_second, Duration rtt, std::uint64_t lost = 0,
           Round round = Round::kNext) {
    now_ += 100ms;
    const std::uint64_t before = round == Round::kNext ? delivered_ : 0;
    bbr.on_ack({.now = now_,
                .acked_bytes = flight,
                .growth_bytes = flight,
                .bytes_in_flight_before = flight,
                .bytes_in_flight_after = flight / 2,
                .latest_rtt = rtt,
                .smoothed_rtt = rtt,
                .min_rtt = 100ms,
                .rate = {.bytes_per_second = bytes_per_second,
                         .interval = 100ms,
                         .delivered_bytes = delivered_ + flight - before,
                         .prior_delivered_bytes = before,
                         .bytes_in_flight_at_send = flight,
                         .lost_bytes = lost}});
    delivered_ += flight;
  }
  // Each by itself.
  void lose(int packets, std::uint64_t flight) {
    for (int i = 0; i < packets; ++i)
      bbr.on_packet_lost({.now = now_,
                          .packet_number = number_ += 10,
                          .bytes = kSize,
                          .bytes_in_flight_at_send = flight,
                          .lost_since_send = static_cast<std::uint64_t>(i + 1) * kSize,
                          .sent_time = now_ - 100ms,
                          .app_limited = false});
    bbr.on_loss({.now = now_, .lost_packets = static_cast<std::uint64_t>(packets), .largest_lost_sent_time = now_});
  }
  // Rates that double; the last is 2 MB/s.
  void grow() {
    for (std::uint64_t flight = 12'500; flight <= 200'000; flight *= 2) ack(flight, 10 * flight, 100ms);
  }
  [[nodiscard]] CongestionPhase phase() const { return bbr.snapshot().phase; }

 private:
  Timestamp now_ = Timestamp{} + 1s;
  std::uint64_t delivered_ = 0;
  std::uint64_t number_ = 0;
};

// What came in bunches is added to the window only while it may be growth.
TEST(bbr, startup_keeps_two_bdps_in_flight_once_a_queue_is_seen) {
  HandFed path;
  path.grow();
  path.ack(400'000, 3'000'000, 100ms);
  ASSERT_EQ(path.phase(), CongestionPhase::kStartup);
  EXPECT_GT(path.bbr.congestion_window(), 600'000u) << "a bandwidth of 3 MB/s has a BDP of 300 KB";
  path.ack(200'000, 3'000'000, 150ms);
  ASSERT_EQ(path.phase(), CongestionPhase::kStartup);
  EXPECT_EQ(path.bbr.congestion_window(), 600'000u);
}

// It found what there is; a probe would meet the losses of its end and take them for its own.
TEST(bbr, a_startup_that_ends_in_a_queue_is_not_followed_by_a_probe_at_once) {
  for (const Duration last : {115ms, 200ms}) {
    HandFed path;
    path.grow();
    path.ack(400'000, 4'000'000, 110ms);
    path.lose(20, 400'000);
    path.ack(200'000, 4'000'000, 115ms, 20 * HandFed::kSize, HandFed::Round::kSame);
    ASSERT_EQ(path.phase(), CongestionPhase::kStartup);
    path.ack(200'000, 4'000'000, last, 20 * HandFed::kSize);
    EXPECT_EQ(path.phase(), last == 115ms ? CongestionPhase::kProbeBwRefill : CongestionPhase::kProbeBwCruise);
  }
}

// Behind a queue that stands the rate grows no more, whatever holds the window: the bound is from a Startup that met
// a shorter queue.
TEST(bbr, a_probe_behind_a_long_queue_ends_although_the_window_holds_it) {
  PathModel path = path_of("bbr", {.bytes_per_second = 50'000'000, .rtt = 200ms, .buffer = 7'000'000});
  while (phase(path) == CongestionPhase::kStartup) path.run_for(1ms);
  path.options().buffer = 30'000'000;
  Duration up{0};
  Duration longest{0};
  for (int i = 0; i < 15'000; ++i) {
    path.run_for(1ms);
    up = phase(path) == CongestionPhase::kProbeBwUp ? up + 1ms : Duration{0};
    longest = std::max(longest, up);
  }
  EXPECT_GT(longest, 2s);
  EXPECT_LT(longest, 4'500ms) << "eleven round trips, and three without growth";
}

// Pacing rate over bandwidth while it cruises: the largest.
double cruise_margin(PathModel& path, int ms) {
  double largest = 0;
  for (int i = 0; i < ms; ++i) {
    path.run_for(1ms);
    if (phase(path) != CongestionPhase::kProbeBwCruise) continue;
    largest = std::max(largest, static_cast<double>(*bbr(path).pacing_rate()) /
                                    static_cast<double>(path.controller().snapshot().bytes_per_second));
  }
  return largest;
}

TEST(bbr, a_path_that_is_seen_empty_is_paced_at_its_full_rate) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 1'000'000});
  path.run_for(3s);
  EXPECT_NEAR(cruise_margin(path, 4'000), 1.0, 1e-6);
}

// Between two probes: from the end of one to the refilling before the next.
Duration probe_wait(PathModel& path) {
  const auto run_until = [&path](CongestionPhase wanted) {
    for (int i = 0; i < 20'000 && phase(path) != wanted; ++i) path.run_for(1ms);
    EXPECT_EQ(phase(path), wanted);
  };
  run_until(CongestionPhase::kProbeBwUp);
  run_until(CongestionPhase::kProbeBwDown);
  const Timestamp start = path.now();
  run_until(CongestionPhase::kProbeBwRefill);
  return path.now() - start;
}

TEST(bbr, beside_a_queue_that_stands_it_leaves_three_percent) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 1'000'000});
  path.run_for(3s);
  path.options().rtt = 45ms;  // somebody else's queue, for all that is to be seen
  path.run_for(200ms);
  EXPECT_NEAR(cruise_margin(path, 3'000), Bbr3::kQueueMargin, 1e-6);
}

// What was seen once, before the path became slower or of acknowledgements in bunches: a queue that stands shows what
// there is, long before it overflows.
TEST(bbr, a_bandwidth_that_a_queue_refutes_is_not_cruised_at) {
  PathModel path = path_of("bbr", {.bytes_per_second = 14'500'000, .buffer = 2'000'000});
  path.run_for(3s);
  // From where it begins to cruise, so that no probe is due in between.
  for (int i = 0; i < 5'000 && phase(path) != CongestionPhase::kProbeBwDown; ++i) path.run_for(1ms);
  for (int i = 0; i < 3'000 && phase(path) != CongestionPhase::kProbeBwCruise; ++i) path.run_for(1ms);
  path.options().bytes_per_second = 12'500'000;
  path.run_for(300ms);
  ASSERT_EQ(phase(path), CongestionPhase::kProbeBwCruise);
  EXPECT_EQ(path.overflowed(), 0u);
  EXPECT_GE(bbr(path).max_bandwidth(), 14'400'000u);
  EXPECT_NEAR(static_cast<double>(path.controller().snapshot().bytes_per_second), 12'500'000, 400'000);
}

TEST(bbr, an_application_that_says_little_beside_a_queue_does_not_refute_the_bandwidth) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 1'000'000});
  path.run_for(3s);
  const std::uint64_t known = path.controller().snapshot().bytes_per_second;
  path.options().rtt = 45ms;  // somebody else's queue
  path.offer(0);
  std::uint64_t least = known;
  for (int i = 0; i < 2'000; ++i) {
    path.offer(3'000);  // each millisecond, a quarter of what the path takes
    path.run_for(1ms);
    if (phase(path) == CongestionPhase::kProbeBwCruise)
      least = std::min(least, path.controller().snapshot().bytes_per_second);
  }
  EXPECT_GE(least, known * 9 / 10);
}

TEST(bbr, a_probe_waits_half_as_long_again_while_somebody_else_queues) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 1'000'000});
  path.run_for(3s);
  EXPECT_LE(probe_wait(path), 3'050ms);
  path.options().rtt = 55ms;
  EXPECT_GE(probe_wait(path), 3s);
}

// The draft's precaution: a probe after one that overflowed the queue stops where that did; if that loses nothing, the
// next follows at once.
TEST(bbr, what_was_too_much_is_tried_for_a_moment_before_a_whole_probe) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 400'000});
  path.run_for(3s);
  Duration shortest = Duration::max();
  for (int i = 0; i < 12; ++i) shortest = std::min(shortest, probe_wait(path));
  EXPECT_LT(shortest, 500ms);
}

TEST(bbr, a_controller_that_takes_over_looks_for_more_at_once) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 500'000});
  bbr(path).adopt(
      {.now = path.now(), .window = 250'000, .ssthresh = 250'000, .bytes_per_second = 5'000'000, .min_rtt = 40ms});
  path.run_for(600ms);  // twice the bandwidth and more is seven round trips away
  EXPECT_GT(bbr(path).max_bandwidth(), 11'000'000u);
}

TEST(bbr, fills_the_path_with_a_short_queue) {
  PathModel path = path_of("bbr", {.buffer = 1'000'000});
  path.run_for(3s);
  path.run_for(20s);
  EXPECT_GT(path.utilisation(), 0.93);
  EXPECT_LT(path.queue_delay(0.5), 10ms);
}

TEST(bbr, bears_random_loss) {
  for (const double loss : {0.01, 0.05}) {
    PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 500'000, .loss = loss});
    path.run_for(3s);
    path.run_for(20s);
    EXPECT_GT(path.utilisation(), (1 - loss) * (loss < 0.02 ? 0.95 : 0.90)) << loss;
    EXPECT_NEAR(bbr(path).noise(), loss, 0.02);
  }
}

TEST(bbr, an_overflowing_queue_bounds_what_is_in_flight) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 100'000});
  path.run_for(10s);
  EXPECT_LT(bbr(path).inflight_longterm(), path.bdp() + 2 * 100'000);
  path.run_for(20s);
  EXPECT_GT(path.utilisation(), 0.9);
  EXPECT_LT(path.overflowed(), 20u * 12'500'000u / 1'200u / 50u);  // 2 %
}

// Whether ProbeRTT comes within eight seconds.
bool probes_rtt(PathModel& path) {
  for (int i = 0; i < 8'000; ++i) {
    path.run_for(1ms);
    if (phase(path) == CongestionPhase::kProbeRtt) return true;
  }
  return false;
}

TEST(bbr, probe_rtt_comes_after_five_seconds_without_the_smallest_rtt_and_empties_the_queue) {
  PathModel path = path_of("bbr", {.buffer = 1'000'000});
  path.run_for(1s);
  path.options().rtt = 50ms;  // somebody else's queue, for all that is to be seen
  EXPECT_TRUE(probes_rtt(path));
  path.run_for(100ms);
  EXPECT_LE(path.controller().congestion_window(), path.bdp() * 6 / 10);
  path.run_for(300ms);
  EXPECT_NE(phase(path), CongestionPhase::kProbeRtt);
}

TEST(bbr, a_path_that_is_seen_empty_anyway_is_not_emptied_for_it) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 1'000'000});
  path.run_for(1s);
  EXPECT_FALSE(probes_rtt(path));
  EXPECT_FALSE(probes_rtt(path));
}

TEST(bbr, an_application_that_says_little_does_not_lower_the_estimate) {
  PathModel path = path_of("bbr", {.buffer = 1'000'000});
  path.run_for(3s);
  const std::uint64_t before = bbr(path).max_bandwidth();
  for (int i = 0; i < 50; ++i) {
    path.offer(6'000);
    path.run_for(50ms);
  }
  EXPECT_GT(bbr(path).max_bandwidth(), before * 9 / 10);
}

// Held to the rate of its own messages, it would take a round trip for each that the path carries at once.
TEST(bbr, an_application_that_says_little_and_loses_much_of_it_fills_no_pipe) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    PathModel path =
        path_of("bbr", {.bytes_per_second = 12'500'000, .rtt = 100ms, .buffer = 1'000'000, .loss = 0.1, .seed = seed});
    for (int i = 0; i < 400; ++i) {
      path.offer(30'000);
      path.run_for(250ms);
      ASSERT_EQ(phase(path), CongestionPhase::kStartup) << seed << ": " << i;
    }
    path.offer(UINT64_MAX);
    path.run_for(5s);
    EXPECT_NE(phase(path), CongestionPhase::kStartup) << seed;
  }
}

TEST(bbr, resumes_at_the_known_rate_after_silence) {
  PathModel path = path_of("bbr", {.buffer = 1'000'000});
  path.run_for(3s);
  path.offer(0);
  path.run_for(4s);
  path.offer(UINT64_MAX);
  path.run_for(500ms);
  EXPECT_GT(path.utilisation(), 0.8);
}

TEST(bbr, follows_a_path_that_becomes_slower) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 1'000'000});
  path.run_for(5s);
  path.options().bytes_per_second = 2'500'000;
  path.run_for(20s);
  EXPECT_LT(bbr(path).max_bandwidth(), 3'000'000u);
  path.run_for(10s);
  EXPECT_GT(path.utilisation(), 0.85);
}

TEST(bbr, follows_a_path_that_becomes_faster) {
  PathModel path = path_of("bbr", {.bytes_per_second = 2'500'000, .buffer = 1'000'000});
  path.run_for(5s);
  path.options().bytes_per_second = 12'500'000;
  path.run_for(15s);
  path.run_for(5s);
  EXPECT_GT(path.utilisation(), 0.85);
}

// The loss that ends a probe is told packet by packet before the batch is: what it cuts comes back with it.
TEST(bbr, a_probe_that_a_spurious_loss_ended_goes_on) {
  PathModel path = path_of("bbr", {.bytes_per_second = 12'500'000, .buffer = 1'000'000});
  path.run_for(2s);
  for (int i = 0; i < 10'000 && phase(path) != CongestionPhase::kProbeBwUp; ++i) path.run_for(1ms);
  ASSERT_EQ(phase(path), CongestionPhase::kProbeBwUp);
  const std::uint64_t longterm = bbr(path).inflight_longterm();
  const Timestamp now = path.now();
  bbr(path).on_packet_lost({.now = now,
                            .packet_number = UINT32_MAX,
                            .bytes = 1'200,
                            .bytes_in_flight_at_send = 120'000,
                            .lost_since_send = 60'000,
                            .sent_time = now - 1ms});
  bbr(path).on_loss({.now = now, .lost_bytes = 1'200, .lost_packets = 1, .largest_lost_sent_time = now - 1ms});
  ASSERT_EQ(phase(path), CongestionPhase::kProbeBwDown);
  ASSERT_LT(bbr(path).inflight_longterm(), longterm);
  bbr(path).on_spurious_loss(now + 1ms);
  EXPECT_EQ(phase(path), CongestionPhase::kProbeBwUp);
  EXPECT_EQ(bbr(path).inflight_longterm(), longterm);
}

TEST(bbr, persistent_congestion_leaves_the_minimum_and_keeps_the_bandwidth) {
  Bbr3 controller(1'200);
  controller.on_loss({.now = Timestamp{2s}, .lost_bytes = 1'200, .lost_packets = 1, .persistent_congestion = true});
  EXPECT_EQ(controller.congestion_window(), 2 * 1'200u);
}

}  // namespace
}  // namespace hawser::quic
