// Goal: datagrams of a flow that may arrive twice go on every path that a redundant scheduler names, so that the loss
// of one path is no loss; those of other flows go once. Method: numbered datagrams at an even rate over two links, of
// which one loses packets and dies for half a second; many seeds; the receiver counts each number.
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "sim/bonded.h"

namespace hawser::sim {
namespace {

class Speech final : public BondedRun {
 public:
  Speech(std::uint64_t seed, bool copies, std::string scheduler = "redundant")
      : BondedRun({.links = {link({rate(mbit(20), 100'000), delay(10ms), drop(0.05), blackhole(2s, 2'500ms)}),
                             link({rate(mbit(20), 100'000), delay(25ms)})},
                   .octets = 0,
                   .seed = seed,
                   .scheduler = std::move(scheduler),
                   .datagrams = true}),
        copies_(copies) {}

  static constexpr std::size_t kSize = 160;  // 20 ms of speech
  std::uint64_t sent = 0;
  [[nodiscard]] std::set<std::uint64_t> numbers() const {
    std::set<std::uint64_t> seen;
    for (const std::vector<std::uint8_t>& payload : server_end.datagrams) {
      std::uint64_t number = 0;
      EXPECT_EQ(payload.size(), kSize);
      std::memcpy(&number, payload.data(), sizeof(number));
      seen.insert(number);
    }
    return seen;
  }
  [[nodiscard]] std::uint64_t copies() const { return server_end.datagrams.size() - numbers().size(); }

 private:
  void on_tick(Timestamp now) override {
    if (server == nullptr || client->paths().size() < 2 || state_at(*client, 1) != quic::PathState::kActive) return;
    if (sent == 0) ASSERT_TRUE(client->set_datagram_flow(0, {.copies = copies_}).has_value());
    if (now < kWorldStart + 500ms || now > kWorldStart + 4s) return;
    std::vector<std::uint8_t> payload(kSize);
    std::memcpy(payload.data(), &sent, sizeof(sent));
    if (client->send_datagram(payload).has_value()) ++sent;
  }

  bool copies_;
};

TEST(datagram_copies, outlive_the_loss_and_the_death_of_one_path) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Speech twice(seed, true);
    twice.pass(5s);
    EXPECT_EQ(twice.failure(), "");
    ASSERT_GT(twice.sent, 600u);
    EXPECT_EQ(twice.numbers().size(), twice.sent) << "seed " << seed;
    EXPECT_GT(twice.copies(), twice.sent * 7 / 10);
    EXPECT_GT(twice.client->multipath_stats().octets_copied, twice.copies() * Speech::kSize);
    // Each is counted and told of once.
    EXPECT_EQ(twice.client->datagram_stats().sent, twice.sent);
  }
}

TEST(datagram_copies, are_made_of_flows_that_ask_for_them_alone) {
  Speech once(1, false);
  once.pass(5s);
  EXPECT_LT(once.numbers().size(), once.sent);
  EXPECT_EQ(once.copies(), 0u);
  // Nor does a flow that may arrive twice where the scheduler names one path.
  Speech alone(1, true, "min-rtt");
  alone.pass(5s);
  EXPECT_EQ(alone.copies(), 0u);
}

}  // namespace
}  // namespace hawser::sim
