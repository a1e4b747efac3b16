// window_check_test.cc: goal: what goes above a full window without leave is seen. Method: made-up packets.
#include "sim/window_check.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "sim/scenario.h"
#include "sim/sleep_check.h"

namespace hawser::sim {
namespace {

constexpr Flight kFull{.bytes_in_flight = 12'000, .congestion_window = 12'000, .space_elicits = true};

bool may_go(std::initializer_list<std::uint64_t> frame_types, const Flight& flight = kFull,
            LoggedPacketType type = LoggedPacketType::kOneRtt, PacketSentTrigger trigger = PacketSentTrigger::kNone) {
  std::vector<FrameSummary> frames;
  for (const std::uint64_t frame : frame_types) frames.push_back({.type = frame});
  return window_violation(
             {.packet_type = type, .packet_number = 1, .size = 1'200, .frames = frames, .trigger = trigger}, flight)
      .empty();
}

TEST(window_check, data_waits_for_the_window) {
  EXPECT_FALSE(may_go({0x0a}));
  EXPECT_FALSE(may_go({0x02, 0x0a}));
  EXPECT_FALSE(may_go({0x10}));
  EXPECT_FALSE(may_go({0x31}));
  EXPECT_FALSE(may_go({0x01, 0x00}));  // an MTU probe, a keep-alive
  EXPECT_TRUE(may_go({0x0a}, {.bytes_in_flight = 11'999, .congestion_window = 12'000}));
}

TEST(window_check, what_is_free_goes_above_it) {
  EXPECT_TRUE(may_go({0x02}));
  EXPECT_TRUE(may_go({0x02, 0x01}));
  EXPECT_TRUE(may_go({0x1a, 0x1b, 0x00}));
  EXPECT_TRUE(may_go({0x1d}));
  EXPECT_TRUE(may_go({0x0a}, kFull, LoggedPacketType::kOneRtt, PacketSentTrigger::kPtoProbe));
}

TEST(window_check, a_handshake_goes_on_if_nothing_of_it_is_under_way) {
  Flight flight = kFull;
  EXPECT_FALSE(may_go({0x06}, flight, LoggedPacketType::kHandshake));
  flight.space_elicits = false;
  EXPECT_TRUE(may_go({0x06}, flight, LoggedPacketType::kHandshake));
  EXPECT_FALSE(may_go({0x06}, flight));
}

TEST(window_check, a_packet_may_share_the_datagram_that_reached_the_window) {
  Flight flight{.bytes_in_flight = 12'100, .congestion_window = 12'000, .space_elicits = true, .coalesced = true};
  EXPECT_TRUE(may_go({0x06}, flight, LoggedPacketType::kHandshake));
  flight.bytes_in_flight = 13'500;
  EXPECT_FALSE(may_go({0x06}, flight, LoggedPacketType::kHandshake));
}

TEST(sleep_check, timers_without_end_are_seen_and_a_datagram_begins_anew) {
  Verdict verdict;
  SleepCheck check(verdict);
  Timestamp now = kWorldStart;
  const auto timers = [&] {
    for (std::size_t i = 0; i < SleepCheck::kTimersMax; ++i) check.on_timer(0, now += SleepCheck::kApart);
  };
  timers();
  check.on_sent(0, {}, {}, now);
  timers();
  check.on_timer(1, now);
  // Losses of one flight.
  for (int i = 0; i < 100; ++i) check.on_timer(0, now + i * 10us);
  EXPECT_FALSE(verdict.failed()) << verdict.failure();
  check.on_timer(0, now + SleepCheck::kApart);
  EXPECT_TRUE(verdict.failed());
}

// A client under a full window woke at each interval of its keep-alive, with one PING owed already.
TEST(sleep_check, a_keep_alive_that_waits_for_the_window_sleeps) {
  const auto result = run_scenario("rebind_storm", {.seed = 4});
  EXPECT_TRUE(result.passed) << result.failure;
}

}  // namespace
}  // namespace hawser::sim
