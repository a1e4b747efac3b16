// Goal: forward error correction brings messages across a lossy path without another round trip, at a cost that is
// counted, and its adaptive form does as well as the best fixed one. Method: whole connections in virtual time.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/messages.h"

namespace hawser::sim {
namespace {

MessagesResult messages(double loss, const char* fec, std::size_t count = 400, std::uint64_t seed = 1) {
  const auto config = quic::parse_fec_config(fec);
  EXPECT_TRUE(config.has_value());
  auto result = run_messages({.loss = loss, .messages = count, .fec = *config, .seed = seed});
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(result->failure, "");
  EXPECT_EQ(result->completion.size(), count);
  return std::move(*result);
}

bool has_reed_solomon() {
  return quic::parse_fec_config("rs").has_value();
}

TEST(messages, without_loss_symbols_cost_what_they_are_and_bring_nothing) {
  const MessagesResult off = messages(0, "off", 50);
  const MessagesResult fec = messages(0, "xor:4", 50);
  EXPECT_EQ(off.overhead, 0);
  EXPECT_EQ(off.sender.packets_protected, 0u);
  EXPECT_NEAR(fec.overhead, 0.28, 0.02);  // four symbols for fifteen packets, the last of which is short
  EXPECT_EQ(fec.receiver.packets_recovered, 0u);
  EXPECT_EQ(fec.receiver.repairs_unused, fec.receiver.repairs_received);
  EXPECT_LE(fec.percentile(0.99), off.percentile(0.99) + 10ms);
}

// fec:4-congestion
TEST(messages, one_symbol_for_four_packets_mends_most_losses_and_hides_none) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const MessagesResult off = messages(0.02, "off", 400, seed);
    const MessagesResult fec = messages(0.02, "xor:4", 400, seed);
    EXPECT_GT(fec.receiver.packets_recovered, 50u);
    // Every packet that was recovered is lost for the sender; reports of some are lost on their way.
    EXPECT_GE(fec.packets_lost, fec.sender.peer_recovered / 2);
    EXPECT_LE(fec.sender.peer_recovered, fec.receiver.packets_recovered);
    EXPECT_LT(fec.percentile(0.9), off.percentile(0.9));
  }
}

// The 99th percentile of the messages of three runs.
Duration p99_of_three(double loss, const char* fec) {
  MessagesResult all;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const MessagesResult one = messages(loss, fec, 400, seed);
    all.completion.insert(all.completion.end(), one.completion.begin(), one.completion.end());
  }
  std::ranges::sort(all.completion);
  return all.percentile(0.99);
}

TEST(messages, adaptive_redundancy_ends_within_a_fifth_of_the_best_fixed_one) {
  if (!has_reed_solomon()) GTEST_SKIP() << "built without ISA-L";
  for (const double loss : {0.02, 0.05, 0.10}) {
    Duration best = Duration::max();
    for (const char* fixed : {"rs:16/2", "rs:16/4", "rs:16/6", "rs:16/8"})
      best = std::min(best, p99_of_three(loss, fixed));
    const Duration adaptive = p99_of_three(loss, "rs");
    EXPECT_LE(adaptive, best * 6 / 5) << loss;
    EXPECT_LT(adaptive, p99_of_three(loss, "off")) << loss;
  }
}

// One seed in some twenty is bad luck: a symbol too few for a while, or a report that was lost.
TEST(messages, adaptive_redundancy_does_so_over_nearly_every_seed) {
  if (!has_reed_solomon()) GTEST_SKIP() << "built without ISA-L";
  int over = 0;
  // A message that loses nothing takes 51.6 ms.
  for (std::uint64_t seed = 11; seed <= 18; ++seed) over += messages(0.10, "rs", 400, seed).percentile(0.99) > 62ms;
  EXPECT_LE(over, 1);
}

// fec:4-urgency
TEST(messages, beside_bulk_only_what_is_urgent_costs_symbols) {
  const auto run = [](const char* fec) {
    auto result = run_messages({.loss = 0.02,
                                .bits_per_second = 20'000'000,
                                .messages = 200,
                                .warmup_messages = 40,
                                .bulk = true,
                                .fec = *quic::parse_fec_config(fec)});
    EXPECT_TRUE(result.has_value());
    EXPECT_EQ(result->failure, "");
    return std::move(*result);
  };
  const MessagesResult off = run("off");
  const MessagesResult all = run("xor:4");
  const MessagesResult urgent = run("xor:4@1");
  EXPECT_GT(all.overhead, 0.2);
  // Twenty packets of some 400 in the time from one message to the next.
  EXPECT_GT(urgent.overhead, 0.005);
  EXPECT_LT(urgent.overhead, 0.03);
  EXPECT_GT(urgent.bulk_mbit_per_second, 0.9 * off.bulk_mbit_per_second);
  EXPECT_LT(all.bulk_mbit_per_second, 0.9 * off.bulk_mbit_per_second);
  EXPECT_GT(urgent.receiver.packets_recovered, 50u);
  EXPECT_LT(urgent.percentile(0.9), off.percentile(0.9));
}

// fec:5-loss
TEST(messages, the_loss_of_the_path_is_measured_through_what_was_recovered) {
  for (const double loss : {0.02, 0.05, 0.10}) EXPECT_NEAR(messages(loss, "xor:4", 1'000).sender.loss, loss, loss / 2);
}

}  // namespace
}  // namespace hawser::sim
