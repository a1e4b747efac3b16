// replay_guard_test.cc: goal: of all who show one ticket within a generation exactly one is
// believed, on any thread and when the clock turns, and hardly anyone else is refused. Method:
// tickets by number, time by hand, and threads that race for the same tickets.
#include "quic/connection/replay_guard.h"

#include <gtest/gtest.h>

#include <barrier>
#include <thread>
#include <vector>

namespace hawser::quic {
namespace {

constexpr Timestamp kStart{100s};

std::array<std::uint8_t, 32> secret(std::uint64_t number) {
  std::array<std::uint8_t, 32> octets{};
  for (std::size_t i = 0; i < 8; ++i) octets[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return octets;
}

TEST(replay_guard, a_ticket_is_used_once_for_a_whole_generation_at_least) {
  constexpr Duration kStep = 100ms;
  for (Duration first{0}; first < 2 * ReplayGuard::kGeneration; first += 700ms) {
    ReplayGuard guard({.buckets = 64, .key = {1, 2}, .start = kStart});
    ASSERT_TRUE(guard.first_use(secret(7), kStart + first));
    for (Duration later{0}; later <= ReplayGuard::kGeneration; later += kStep)
      ASSERT_FALSE(guard.first_use(secret(7), kStart + first + later)) << to_us(first) << " + " << to_us(later);
    EXPECT_TRUE(guard.first_use(secret(8), kStart + first + ReplayGuard::kGeneration));
  }
}

TEST(replay_guard, forgets_what_tls_itself_would_refuse) {
  for (const int generations : {2, 3, 4, 5, 1'000}) {
    ReplayGuard guard({.buckets = 1, .key = {1, 2}, .start = kStart});
    for (std::uint64_t i = 0; i < ReplayGuard::kBucketSize; ++i) ASSERT_TRUE(guard.first_use(secret(i), kStart));
    EXPECT_FALSE(guard.first_use(secret(99), kStart)) << "no room counts as used";
    EXPECT_TRUE(guard.first_use(secret(99), kStart + generations * ReplayGuard::kGeneration)) << generations;
    EXPECT_TRUE(guard.first_use(secret(0), kStart + generations * ReplayGuard::kGeneration)) << generations;
  }
}

TEST(replay_guard, refuses_all_for_a_generation_if_tickets_are_older_than_the_process) {
  ReplayGuard guard({.buckets = 64, .key = {1, 2}, .tickets_outlive_process = true, .start = kStart});
  for (Duration time{0}; time <= ReplayGuard::kGeneration; time += 1s)
    EXPECT_FALSE(guard.first_use(secret(1), kStart + time));
  EXPECT_TRUE(guard.first_use(secret(1), kStart + 2 * ReplayGuard::kGeneration));
}

// At a mean of 4 entries a bucket 5 of a million are refused at the end of a generation.
TEST(replay_guard, refuses_hardly_anyone_in_error) {
  constexpr std::uint64_t kTickets = 4 * ReplayGuard::kDefaultBuckets;
  ReplayGuard guard({.key = {3, 4}, .start = kStart});
  EXPECT_EQ(guard.memory(), std::size_t{3} << 20);
  std::uint64_t refused = 0;
  for (std::uint64_t i = 0; i < kTickets; ++i) refused += guard.first_use(secret(i), kStart) ? 0 : 1;
  EXPECT_LE(refused, 2u);
}

TEST(replay_guard, threads_that_race_for_a_ticket_have_one_winner) {
  constexpr std::size_t kThreads = 4;
  constexpr std::uint64_t kTickets = 20'000;
  ReplayGuard guard({.key = {5, 6}, .start = kStart});
  std::vector<std::atomic<int>> wins(kTickets);
  std::barrier line(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < kTickets; ++i) {
        if (i % 64 == 0) line.arrive_and_wait();
        // The clocks of two threads stand on either side of a generation's end now and then.
        const bool turned = i % 1'000 < 100 && thread % 2 == 1;
        const auto generation = static_cast<std::int64_t>(i / 1'000) + (turned ? 1 : 0);
        if (guard.first_use(secret(i), kStart + generation * ReplayGuard::kGeneration)) ++wins[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t winners = 0;
  for (const std::atomic<int>& count : wins) {
    ASSERT_LE(count.load(), 1);
    winners += static_cast<std::uint64_t>(count.load());
  }
  EXPECT_GT(winners, kTickets * 8 / 10) << "refused are those that meet a turn of the clock";
}

}  // namespace
}  // namespace hawser::quic
