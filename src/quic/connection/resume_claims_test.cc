// Goal: what was observed of a path is used by one connection at most, whatever the threads and however
// small the table. Method: claims at chosen times, and many threads at once.
#include "quic/connection/resume_claims.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace hawser::quic {
namespace {

SocketAddress host(std::uint32_t number) {
  return ipv4_address({10, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                       static_cast<std::uint8_t>(number)},
                      static_cast<std::uint16_t>(number));
}

constexpr Timestamp kStart{1000s};

// rfc9959:3.2-one-connection
TEST(resume_claims, one_claim_for_all_that_was_observed_before_it) {
  ResumeClaims claims({1, 2});
  EXPECT_TRUE(claims.claim(host(1), kStart - 60s, kStart));
  EXPECT_FALSE(claims.claim(host(1), kStart - 60s, kStart + 1s));
  EXPECT_FALSE(claims.claim(host(1), kStart - 1s, kStart + 1s));
  EXPECT_TRUE(claims.claim(host(2), kStart - 60s, kStart + 1s));
  EXPECT_TRUE(claims.claim(host(1), kStart + 1s, kStart + 2s));
}

// By another machine, or by this one before it was started again.
TEST(resume_claims, what_was_observed_before_the_clock_began_is_claimed_once) {
  ResumeClaims claims({1, 2});
  EXPECT_TRUE(claims.claim(host(1), Timestamp{60s} - 1h, Timestamp{60s}));
  EXPECT_FALSE(claims.claim(host(1), Timestamp{60s} - 1h, Timestamp{61s}));
  EXPECT_FALSE(claims.claim(host(1), Timestamp{61s} - 1min, Timestamp{61s}));
}

TEST(resume_claims, ports_do_not_make_another_client) {
  ResumeClaims claims({1, 2});
  SocketAddress other = host(1);
  other.port = 9;
  EXPECT_TRUE(claims.claim(host(1), kStart - 60s, kStart));
  EXPECT_FALSE(claims.claim(other, kStart - 60s, kStart));
}

TEST(resume_claims, a_full_table_refuses_what_it_may_have_forgotten) {
  ResumeClaims claims({1, 2}, 1);
  for (std::uint32_t i = 0; i < ResumeClaims::kBucketSize; ++i)
    EXPECT_TRUE(claims.claim(host(i), kStart - 60s, kStart + i * 1s));
  // Takes the place of the first, whose claim is forgotten: nothing from before it is accepted.
  EXPECT_TRUE(claims.claim(host(100), kStart - 60s, kStart + 100s));
  EXPECT_FALSE(claims.claim(host(0), kStart - 60s, kStart + 101s));
  EXPECT_FALSE(claims.claim(host(200), kStart - 60s, kStart + 101s));
  EXPECT_TRUE(claims.claim(host(0), kStart + 50s, kStart + 102s));
}

// A server may outlive the 32 bits of its ticks.
TEST(resume_claims, go_on_where_ticks_wrap) {
  const Timestamp wrap{ResumeClaims::kTick * (std::int64_t{1} << 32)};
  ResumeClaims claims({1, 2}, 1);
  for (std::uint32_t i = 0; i < ResumeClaims::kBucketSize; ++i)
    EXPECT_TRUE(claims.claim(host(i), wrap - 100s, wrap - 50s + i * 1s));
  EXPECT_TRUE(claims.claim(host(100), wrap - 49s, wrap - 40s)) << "in the place of the first";
  EXPECT_FALSE(claims.claim(host(1), wrap - 60s, wrap + 1s)) << "observed before its claim";
  EXPECT_TRUE(claims.claim(host(1), wrap + 1s, wrap + 2s));
  EXPECT_FALSE(claims.claim(host(1), wrap - 1s, wrap + 3s));
  EXPECT_TRUE(claims.claim(host(200), wrap + 1s, wrap + 4s)) << "what was forgotten is older";
}

TEST(resume_claims, of_many_threads_one_wins_at_most) {
  ResumeClaims claims({1, 2}, 4);
  constexpr std::uint32_t kHosts = 200;
  std::array<std::atomic<int>, kHosts> won{};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (std::uint32_t i = 0; i < kHosts; ++i)
        if (claims.claim(host(i), kStart - 1s, kStart)) ++won[i];
    });
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t i = 0; i < kHosts; ++i) EXPECT_LE(won[i], 1) << i;
  EXPECT_EQ(won[0], 1);
}

}  // namespace
}  // namespace hawser::quic
