// Goal: noise is what is lost where no queue is, and nothing else.
// Method: rounds by hand, of 300 packets on a path of 100 ms.
#include "quic/congestion/random_loss.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

constexpr Duration kRtt = 100ms;
constexpr std::uint64_t kPacket = 1'452;

// One round: every `lose_one_of`th packet is lost (0: none), and packet i has the RTT that `rtt_of(i)` says.
template <class RttOf>
bool round(RandomLoss& loss, int lose_one_of, RttOf rtt_of) {
  for (int i = 0; i < 300; ++i) {
    if (lose_one_of != 0 && i % lose_one_of == lose_one_of / 2) {
      loss.on_loss(kPacket);
    } else {
      loss.on_ack(kPacket, rtt_of(i), kRtt);
    }
  }
  return loss.end_round(kRtt);
}
bool round(RandomLoss& loss, int lose_one_of, Duration rtt) {
  return round(loss, lose_one_of, [rtt](int) { return rtt; });
}

TEST(random_loss, noise_is_what_rounds_without_a_queue_lose) {
  RandomLoss loss;
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(round(loss, 20, kRtt)) << i;
  EXPECT_NEAR(loss.noise(), 0.05, 0.005);
  EXPECT_TRUE(round(loss, 4, kRtt)) << "a quarter is more than noise may take";
  EXPECT_TRUE(round(loss, 4, 2 * kRtt));
}

TEST(random_loss, where_a_queue_is_each_loss_is_congestion_until_noise_is_known) {
  RandomLoss loss;
  EXPECT_TRUE(round(loss, 250, 2 * kRtt));
  EXPECT_EQ(loss.noise(), 0);
}

// The sender had stopped: at the end of the round the queue is empty, and half of what it lost overflowed before.
TEST(random_loss, what_a_queue_lost_that_drains_is_no_noise) {
  RandomLoss loss;
  const auto draining = [](int i) { return i < 240 ? 2 * kRtt - kRtt * i / 240 : kRtt; };
  for (int i = 0; i < 5; ++i) {
    for (int packet = 0; packet < 150; ++packet) {
      loss.on_ack(kPacket, 2 * kRtt, kRtt);
      loss.on_loss(kPacket);
    }
    round(loss, 0, draining);
  }
  EXPECT_EQ(loss.noise(), 0);
}

TEST(random_loss, a_queue_is_one_if_nothing_in_a_round_was_faster) {
  RandomLoss loss;
  round(loss, 0, kRtt + 10ms);
  EXPECT_TRUE(loss.queued());
  EXPECT_FALSE(loss.long_queue());
  round(loss, 0, kRtt + 30ms);
  EXPECT_TRUE(loss.long_queue());
  round(loss, 0, [](int i) { return i == 200 ? kRtt : 2 * kRtt; });
  EXPECT_FALSE(loss.queued());
  EXPECT_FALSE(loss.long_queue());
}

TEST(random_loss, noise_that_is_not_there_is_unlearnt_beside_a_queue) {
  RandomLoss loss;
  for (int i = 0; i < 20; ++i) round(loss, 12, kRtt);
  EXPECT_GT(loss.noise(), 0.07);
  for (int i = 0; i < 20; ++i) round(loss, 0, 2 * kRtt);
  EXPECT_LT(loss.noise(), 0.01);
}

TEST(random_loss, noise_that_is_there_is_kept_beside_a_queue) {
  RandomLoss loss;
  for (int i = 0; i < 20; ++i) round(loss, 20, kRtt);
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(round(loss, 20, 2 * kRtt));
  EXPECT_NEAR(loss.noise(), 0.05, 0.005);
}

// Three of 300 where one is the mean.
TEST(random_loss, a_few_more_than_the_mean_are_chance) {
  RandomLoss loss;
  for (int i = 0; i < 20; ++i) round(loss, 300, kRtt);
  EXPECT_FALSE(round(loss, 100, 2 * kRtt));
  EXPECT_TRUE(round(loss, 20, 2 * kRtt));
}

}  // namespace
}  // namespace hawser::quic
