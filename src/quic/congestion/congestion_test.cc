// Goal: each controller follows its RFC's formulas, and the pacer keeps its rate.
// Method: events by hand and an ideal path in virtual time; no randomness.
#include <gtest/gtest.h>

#include <cmath>

#include "quic/congestion/congestion_controller.h"
#include "quic/congestion/cubic.h"
#include "quic/congestion/newreno.h"
#include "quic/congestion/pacer.h"
#include "quic/congestion/rate_sampler.h"

namespace hawser::quic {
namespace {

constexpr std::uint64_t kMss = 1'200;
constexpr Timestamp kStart{1s};

AckEvent ack(Timestamp now, std::uint64_t bytes, Duration rtt, Timestamp sent) {
  AckEvent event;
  event.now = now;
  event.acked_bytes = event.growth_bytes = bytes;
  event.largest_acked_sent_time = sent;
  event.latest_rtt = rtt;
  event.smoothed_rtt = event.min_rtt = rtt;
  return event;
}

LossEvent loss(Timestamp now, Timestamp sent, bool persistent = false) {
  LossEvent event;
  event.now = now;
  event.lost_bytes = kMss;
  event.lost_packets = 1;
  event.largest_lost_sent_time = sent;
  event.persistent_congestion = persistent;
  return event;
}

// rfc9002:7.2-initial
TEST(congestion, initial_window_is_ten_datagrams_within_the_bounds_of_rfc_9002) {
  EXPECT_EQ(initial_window(1'200), 12'000u);
  EXPECT_EQ(initial_window(1'472), 14'720u);
  EXPECT_EQ(initial_window(2'000), 14'720u);
  EXPECT_EQ(initial_window(9'000), 18'000u);
}

TEST(congestion, controllers_are_made_by_name_and_an_unknown_name_lists_them) {
  EXPECT_EQ((*make_congestion_controller("cubic", kMss))->name(), "cubic");
  EXPECT_EQ((*make_congestion_controller("newreno", kMss))->name(), "newreno");
  const auto unknown = make_congestion_controller("vegas", kMss);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_NE(unknown.error().message.find("cubic"), std::string::npos);
  EXPECT_NE(unknown.error().message.find("newreno"), std::string::npos);
}

TEST(congestion, a_name_that_is_added_has_no_zero_in_it) {
  const auto make = [](const void*, std::uint64_t size) {
    return std::move(*make_congestion_controller("cubic", size));
  };
  const auto added = add_congestion_controller(std::string_view("mine\0x", 6), make, nullptr);
  ASSERT_FALSE(added.has_value()) << "it would be found by another name than it has";
  EXPECT_NE(added.error().message.find("none of them zero"), std::string::npos);
}

class EveryController : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<CongestionController> cc = *make_congestion_controller(GetParam(), kMss);
};
INSTANTIATE_TEST_SUITE_P(congestion, EveryController, testing::Values("newreno", "cubic"));

TEST_P(EveryController, slow_start_adds_what_is_acknowledged) {
  cc->on_packet_sent(kMss, kMss, kStart);
  cc->on_ack(ack(kStart + 50ms, 3 * kMss, 50ms, kStart));
  EXPECT_EQ(cc->congestion_window(), 13 * kMss);
  EXPECT_EQ(cc->snapshot().phase, CongestionPhase::kSlowStart);
}

// rfc9002:7.8-not-grown
TEST_P(EveryController, an_unused_window_does_not_grow) {
  AckEvent event = ack(kStart + 50ms, 3 * kMss, 50ms, kStart);
  event.app_limited = true;
  cc->on_ack(event);
  EXPECT_EQ(cc->congestion_window(), 10 * kMss);
}

// rfc9002:7.3.2-reduce rfc9000:13.3-congestion
TEST_P(EveryController, one_reduction_per_round_trip) {
  cc->on_loss(loss(kStart + 50ms, kStart));
  const std::uint64_t reduced = cc->congestion_window();
  EXPECT_LT(reduced, 10 * kMss);
  EXPECT_EQ(cc->recovery_start_time(), kStart + 50ms);
  cc->on_loss(loss(kStart + 60ms, kStart + 40ms));
  cc->on_ecn_ce(1, kStart + 50ms, kStart + 61ms);
  EXPECT_EQ(cc->congestion_window(), reduced);
  cc->on_loss(loss(kStart + 110ms, kStart + 51ms));
  EXPECT_LT(cc->congestion_window(), reduced);
}

// rfc9002:7.3.1-exit
TEST_P(EveryController, a_loss_and_a_ce_mark_end_slow_start) {
  for (const bool marked : {false, true}) {
    const auto fresh = *make_congestion_controller(GetParam(), kMss);
    fresh->on_packet_sent(kMss, kMss, kStart);
    if (marked)
      fresh->on_ecn_ce(1, kStart, kStart + 50ms);
    else
      fresh->on_loss(loss(kStart + 50ms, kStart));
    EXPECT_EQ(fresh->snapshot().phase, CongestionPhase::kRecovery) << marked;
    const std::uint64_t reduced = fresh->congestion_window();
    fresh->on_packet_sent(kMss, kMss, kStart + 60ms);
    fresh->on_ack(ack(kStart + 110ms, kMss, 50ms, kStart + 60ms));
    EXPECT_EQ(fresh->snapshot().phase, CongestionPhase::kCongestionAvoidance) << marked;
    EXPECT_LT(fresh->congestion_window() - reduced, kMss) << "slow start would add all that was acknowledged";
  }
}

// rfc9002:7.2-minimum
TEST_P(EveryController, the_window_never_falls_below_two_datagrams) {
  for (int i = 0; i < 40; ++i) cc->on_loss(loss(kStart + 100ms * (i + 1), kStart + 100ms * i + 1ms));
  EXPECT_EQ(cc->congestion_window(), 2 * kMss);
}

// rfc9002:7.6.2-minimum
TEST_P(EveryController, persistent_congestion_leaves_the_minimum_and_slow_start) {
  cc->on_loss(loss(kStart + 500ms, kStart, true));
  EXPECT_EQ(cc->congestion_window(), 2 * kMss);
  EXPECT_EQ(cc->recovery_start_time(), Timestamp::min());
  EXPECT_EQ(cc->snapshot().phase, CongestionPhase::kSlowStart);
}

// What it knew of a path that became slower is more than what it has just lost of.
TEST(congestion, westwood_raises_no_window_on_a_loss) {
  auto cc = *make_congestion_controller("westwood", kMss);
  Timestamp now = kStart;
  for (int i = 0; i < 60; ++i) {
    now += 50ms;
    AckEvent event = ack(now, 100 * kMss, 50ms, now - 50ms);
    event.rate.bytes_per_second = 20 * 100 * kMss;
    cc->on_ack(event);
  }
  cc->on_loss(loss(now, now - 60ms, true));
  ASSERT_EQ(cc->congestion_window(), 2 * kMss);
  now += 50ms;
  cc->on_ack(ack(now, 2 * kMss, 50ms, now - 50ms));
  const std::uint64_t before = cc->congestion_window();
  now += 50ms;
  cc->on_loss(loss(now, now - 1ms));
  EXPECT_LE(cc->congestion_window(), before);
  EXPECT_LE(cc->snapshot().ssthresh, before);
}

TEST_P(EveryController, a_spurious_loss_is_undone) {
  cc->on_loss(loss(kStart + 50ms, kStart));
  cc->on_spurious_loss(kStart + 60ms);
  EXPECT_EQ(cc->congestion_window(), 10 * kMss);
  EXPECT_EQ(cc->snapshot().ssthresh, UINT64_MAX);
  EXPECT_EQ(cc->recovery_start_time(), Timestamp::min());
  cc->on_packet_sent(kMss, 10 * kMss, kStart + 60ms);
  cc->on_ack(ack(kStart + 110ms, 4 * kMss, 50ms, kStart + 60ms));
  EXPECT_EQ(cc->congestion_window(), 14 * kMss);
  EXPECT_EQ(cc->snapshot().ssthresh, UINT64_MAX) << "slow start does not go on";
}

TEST_P(EveryController, a_reduction_by_ce_is_never_undone) {
  cc->on_ecn_ce(1, kStart, kStart + 50ms);
  const std::uint64_t reduced = cc->congestion_window();
  EXPECT_LT(reduced, 10 * kMss);
  cc->on_spurious_loss(kStart + 60ms);
  EXPECT_EQ(cc->congestion_window(), reduced);
}

// rfc9000:9.4-reset
TEST_P(EveryController, a_new_network_path_starts_afresh) {
  cc->on_loss(loss(kStart + 50ms, kStart));
  cc->reset(1'400);
  EXPECT_EQ(cc->congestion_window(), initial_window(1'400));
  EXPECT_EQ(cc->snapshot().ssthresh, UINT64_MAX);
}

// rfc9002:7.2-size-changed rfc9002:7.2-size-decreased
TEST_P(EveryController, an_untouched_initial_window_follows_the_mtu) {
  cc->on_mtu_change(1'452);
  EXPECT_EQ(cc->congestion_window(), 14'520u);
}

TEST_P(EveryController, windows_stop_at_the_limit) {
  cc->on_packet_sent(kMss, kMss, kStart);
  for (int i = 1; i < 20; ++i) cc->on_ack(ack(kStart + 50ms * i, std::uint64_t{1} << 30, 50ms, kStart));
  EXPECT_EQ(cc->congestion_window(), kMaxWindowBytes);
}

// Slow start until the RTT of a round exceeds that of the round before by `rise`; returns
// the phase after `rounds` rounds of ten samples each.
CongestionPhase phase_after_rise(CongestionController& cc, Duration rise, int rounds, Duration later) {
  Timestamp now = kStart;
  for (int round = 0; round < rounds; ++round) {
    const Duration rtt = round < 3 ? Duration{40ms} : round == 3 ? 40ms + rise : later;
    const Timestamp sent = now;
    cc.on_packet_sent(kMss, kMss, sent);
    now += 100ms;
    for (int i = 0; i < 10; ++i) cc.on_ack(ack(now + i * 10us, kMss, rtt, sent));
  }
  return cc.snapshot().phase;
}

TEST_P(EveryController, hystart_leaves_slow_start_when_the_rtt_rises) {
  EXPECT_EQ(phase_after_rise(*cc, 10ms, 5, 50ms), CongestionPhase::kConservativeSlowStart);
}

TEST_P(EveryController, hystart_ends_slow_start_after_five_conservative_rounds) {
  EXPECT_EQ(phase_after_rise(*cc, 10ms, 12, 50ms), CongestionPhase::kCongestionAvoidance);
  EXPECT_LE(cc->snapshot().ssthresh, cc->congestion_window());
}

TEST_P(EveryController, hystart_returns_to_slow_start_when_the_rtt_falls_again) {
  EXPECT_EQ(phase_after_rise(*cc, 10ms, 7, 40ms), CongestionPhase::kSlowStart);
}

TEST_P(EveryController, hystart_ignores_a_rise_below_four_milliseconds) {
  EXPECT_EQ(phase_after_rise(*cc, 3ms, 12, 43ms), CongestionPhase::kSlowStart);
}

// rfc9002:7.3.2-half rfc9002:7.3.3-additive
TEST(newreno, halves_on_loss_and_adds_a_datagram_per_window) {
  NewReno cc(kMss);
  cc.on_loss(loss(kStart + 50ms, kStart));
  EXPECT_EQ(cc.congestion_window(), 5 * kMss);
  cc.on_ack(ack(kStart + 120ms, 5 * kMss - 1, 50ms, kStart + 60ms));
  EXPECT_EQ(cc.congestion_window(), 5 * kMss);
  cc.on_ack(ack(kStart + 121ms, 1, 50ms, kStart + 60ms));
  EXPECT_EQ(cc.congestion_window(), 6 * kMss);
}

// A cubic sender with a window of 1,000 datagrams that just lost one.
Cubic after_loss_at_thousand() {
  Cubic cc(kMss);
  cc.on_ack(ack(kStart, 990 * kMss, 50ms, kStart));
  cc.on_loss(loss(kStart + 50ms, kStart));
  return cc;
}

TEST(cubic, reduces_to_seven_tenths) {
  const Cubic cc = after_loss_at_thousand();
  EXPECT_EQ(cc.congestion_window(), 700 * kMss);
}

TEST(cubic, follows_the_curve_of_rfc_9438) {
  Cubic cc = after_loss_at_thousand();
  const Duration rtt = 50ms;
  const double k = std::cbrt(300.0 / Cubic::kC);  // 9.09 s
  const Timestamp epoch = kStart + 100ms;
  for (Timestamp now = epoch; now < epoch + 14s; now += rtt) {
    cc.on_ack(ack(now, cc.congestion_window(), rtt, now - rtt));
    const double t = to_seconds(now - epoch);
    const double expected = Cubic::kC * std::pow(t + 0.05 - k, 3) + 1'000.0;
    // Reno's estimate stays below the curve: 0.53 datagrams per 50 ms from 700.
    if (t < 1.0) continue;
    EXPECT_NEAR(static_cast<double>(cc.congestion_window()) / kMss, expected, 0.01 * expected) << t;
  }
}

TEST(cubic, is_never_slower_than_reno_on_short_paths) {
  Cubic cc(kMss);
  cc.on_ack(ack(kStart, 10 * kMss, 5ms, kStart));  // 20 datagrams
  cc.on_loss(loss(kStart + 5ms, kStart));
  EXPECT_EQ(cc.congestion_window(), 14 * kMss);
  double w_est = 14.0;
  Timestamp now = kStart + 10ms;
  for (int i = 0; i < 60; ++i, now += 5ms) {
    const double window = static_cast<double>(cc.congestion_window()) / kMss;
    w_est += (w_est >= 20.0 ? 1.0 : Cubic::kAlpha) * window / window;
    cc.on_ack(ack(now, cc.congestion_window(), 5ms, now - 5ms));
    EXPECT_NEAR(static_cast<double>(cc.congestion_window()) / kMss, w_est, 0.05) << i;
  }
  EXPECT_GT(w_est, 60.0);  // the pace of one datagram per round, not of 0.53
}

TEST(cubic, converges_fast_when_the_window_shrinks) {
  Cubic cc = after_loss_at_thousand();
  cc.on_loss(loss(kStart + 200ms, kStart + 100ms));
  EXPECT_EQ(cc.congestion_window(), 490 * kMss);
  // W_max is now 700 * 1.7 / 2 = 595: the plateau is reached after K = cbrt(105 / 0.4) = 6.4 s.
  const Timestamp epoch = kStart + 300ms;
  for (Timestamp now = epoch; now < epoch + 6400ms; now += 50ms)
    cc.on_ack(ack(now, cc.congestion_window(), 50ms, now - 50ms));
  EXPECT_NEAR(static_cast<double>(cc.congestion_window()) / kMss, 595.0, 6.0);
}

TEST(cubic, time_without_data_does_not_move_the_curve) {
  Cubic steady = after_loss_at_thousand();
  Cubic paused = after_loss_at_thousand();
  Timestamp now = kStart + 100ms;
  for (int i = 0; i < 40; ++i, now += 50ms) {
    steady.on_ack(ack(now, steady.congestion_window(), 50ms, now - 50ms));
    paused.on_ack(ack(now, paused.congestion_window(), 50ms, now - 50ms));
  }
  AckEvent idle = ack(now, kMss, 50ms, now - 50ms);
  idle.app_limited = true;
  paused.on_ack(idle);
  const Duration pause = 20s;
  for (int i = 0; i < 40; ++i, now += 50ms) {
    steady.on_ack(ack(now, steady.congestion_window(), 50ms, now - 50ms));
    paused.on_ack(ack(now + pause, paused.congestion_window(), 50ms, now + pause - 50ms));
    EXPECT_NEAR(static_cast<double>(paused.congestion_window()), static_cast<double>(steady.congestion_window()),
                2.0 * kMss);
  }
}

// What is sent last before a pause fills the window: no ACK says that the application had nothing more.
TEST(cubic, a_pause_behind_a_full_window_does_not_move_the_curve) {
  Cubic cc = after_loss_at_thousand();
  Timestamp now = kStart + 100ms;
  const auto round = [&] {
    const std::uint64_t window = cc.congestion_window();
    cc.on_packet_sent(kMss, kMss, now);  // nothing else is in flight
    cc.on_packet_sent(window - kMss, window, now);
    now += 50ms;
    cc.on_ack(ack(now, window, 50ms, now - 50ms));
  };
  for (int i = 0; i < 40; ++i) round();
  const std::uint64_t before = cc.congestion_window();
  now += 60s;
  round();
  EXPECT_LT(cc.congestion_window(), before + before / 10) << "the curve ran on for a minute";
}

TEST(cubic, at_most_half_again_per_round_trip) {
  Cubic cc = after_loss_at_thousand();
  Timestamp now = kStart + 100ms;
  cc.on_ack(ack(now, kMss, 50ms, now - 50ms));
  const std::uint64_t before = cc.congestion_window();
  now += 60s;  // far up the curve
  cc.on_ack(ack(now, before, 50ms, now - 50ms));
  EXPECT_LE(cc.congestion_window(), before + before / 2 + 1);
}

// rfc9002:7.7-initial-window
TEST(pacer, starts_with_a_burst_of_ten_datagrams) {
  Pacer pacer(kMss);
  EXPECT_EQ(pacer.budget(kStart), 10 * kMss);
}

// Sends whenever the pacer allows, woken `late` after next_release; returns octets per second.
double long_run_rate(Pacer& pacer, Duration run, Duration late = Duration{0}) {
  Timestamp now = kStart;
  std::uint64_t sent = 0;
  while (now < kStart + run) {
    while (pacer.budget(now) > 0) {
      pacer.on_packet_sent(kMss, now);
      sent += kMss;
    }
    const Timestamp next = pacer.next_release(now);
    EXPECT_GT(next, now);
    pacer.await_release(now);
    now = next + late;
  }
  return static_cast<double>(sent) / to_seconds(now - kStart);
}

// rfc9002:7.7-pace rfc9002:7.7-bursts
TEST(pacer, keeps_its_rate_in_the_long_run) {
  for (const std::uint64_t rate : {50'000u, 1'000'000u, 125'000'000u, 3'000'000'000u}) {
    Pacer pacer(kMss);
    pacer.set_rate(0, 50ms, false, rate);
    const Duration run = rate < 100'000 ? 300s : rate < 10'000'000 ? 20s : 1s;
    EXPECT_NEAR(long_run_rate(pacer, run), static_cast<double>(rate), 0.02 * static_cast<double>(rate)) << rate;
  }
}

TEST(pacer, keeps_its_rate_though_the_driver_wakes_it_late) {
  for (const std::uint64_t rate : {1'000'000u, 25'000'000u, 125'000'000u}) {
    Pacer pacer(kMss);
    pacer.set_rate(0, 50ms, false, rate);
    EXPECT_NEAR(long_run_rate(pacer, 20s, 3ms), static_cast<double>(rate), 0.03 * static_cast<double>(rate)) << rate;
  }
}

TEST(pacer, makes_up_for_five_milliseconds_of_lateness_and_for_no_pause) {
  Pacer pacer(kMss);
  pacer.set_rate(0, 50ms, false, 10'000'000);
  const auto drain = [&](Timestamp now) {
    while (pacer.budget(now) > 0) pacer.on_packet_sent(kMss, now);
  };
  drain(kStart);
  pacer.await_release(kStart);
  EXPECT_EQ(pacer.budget(kStart + 10s), pacer.burst_bytes() + 50'000);
  pacer.on_packet_sent(kMss, kStart + 10s);
  EXPECT_EQ(pacer.budget(kStart + 10s), pacer.burst_bytes() + 50'000 - kMss);
  // What was not sent then is gone.
  EXPECT_EQ(pacer.budget(kStart + 11s), pacer.burst_bytes());
  drain(kStart + 11s);
  pacer.await_release(kStart + 11s);
  pacer.stop_waiting();
  EXPECT_EQ(pacer.budget(kStart + 20s), pacer.burst_bytes());
}

TEST(pacer, derives_the_rate_from_window_and_rtt) {
  Pacer pacer(kMss);
  pacer.set_rate(1'000'000, 100ms, false, std::nullopt);
  EXPECT_EQ(pacer.rate_bytes_per_second(), 12'500'000u);
  pacer.set_rate(1'000'000, 100ms, true, std::nullopt);
  EXPECT_EQ(pacer.rate_bytes_per_second(), 20'000'000u);
}

TEST(pacer, releases_whole_trains_and_a_tick_of_the_timer) {
  Pacer pacer(kMss);
  pacer.set_rate(0, 1ms, false, 30'000'000);
  EXPECT_EQ(pacer.burst_bytes(), 30'000u);
  pacer.set_rate(0, 1ms, false, 65'000'000);
  EXPECT_EQ(pacer.burst_bytes(), 65'000u);
  pacer.set_rate(0, 1ms, false, 500'000'000);
  EXPECT_EQ(pacer.burst_bytes(), 500'000u);  // or a 1 ms timer could not reach the rate
}

TEST(pacer, ten_datagrams_of_loopback_size_are_still_one_train) {
  const Pacer pacer(65'527);
  EXPECT_EQ(pacer.burst_bytes(), Pacer::kBurstBytesMax);
}

TEST(pacer, a_long_pause_saves_one_burst_and_no_more) {
  Pacer pacer(kMss);
  pacer.set_rate(0, 1ms, false, 1'000'000);
  pacer.on_packet_sent(kMss, kStart);
  EXPECT_EQ(pacer.budget(kStart + 100'000s), pacer.burst_bytes());
}

TEST(rate_sampler, measures_a_steady_sender) {
  RateSampler sampler;
  // A packet per millisecond, acknowledged 20 ms later: 1,200,000 octets per second.
  std::vector<std::pair<DeliverySnapshot, Timestamp>> sent;
  std::uint64_t rate = 0;
  std::uint64_t in_flight = 0;
  for (int i = 0; i < 200; ++i) {
    const Timestamp now = kStart + i * 1ms;
    if (i >= 20) {
      const auto& [snapshot, at] = sent[static_cast<std::size_t>(i - 20)];
      sampler.on_packet_acked(snapshot, at, kMss, now);
      in_flight -= kMss;
      rate = sampler.next_sample(20ms).bytes_per_second;
    }
    sent.emplace_back(sampler.on_packet_sent(in_flight, kMss, now), now);
    in_flight += kMss;
  }
  EXPECT_NEAR(static_cast<double>(rate), 1'200'000.0, 60'000.0);
}

// rfc9002:7.8-pacing
TEST(rate_sampler, app_limited_lasts_until_the_flight_is_acknowledged) {
  RateSampler sampler;
  const DeliverySnapshot first = sampler.on_packet_sent(0, kMss, kStart);
  EXPECT_FALSE(first.app_limited);
  sampler.on_app_limited(kMss);
  const DeliverySnapshot second = sampler.on_packet_sent(kMss, kMss, kStart + 1ms);
  EXPECT_TRUE(second.app_limited);
  sampler.on_packet_acked(first, kStart, kMss, kStart + 20ms);
  EXPECT_FALSE(sampler.next_sample(1ms).app_limited);
  sampler.on_packet_acked(second, kStart + 1ms, kMss, kStart + 21ms);
  EXPECT_TRUE(sampler.next_sample(1ms).app_limited);
  EXPECT_FALSE(sampler.app_limited());
}

}  // namespace
}  // namespace hawser::quic
