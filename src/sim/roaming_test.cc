// roaming_test.cc: goal: a client keeps its transfer while networks come and go, one after another or all at random.
// Method: links that are dead except in their time, over many seeds; each octet of the stream is checked.
#include <gtest/gtest.h>

#include <utility>

#include "sim/bonded.h"
#include "sim/draw.h"

namespace hawser::sim {
namespace {

// One network after another, each with a link and an address of its own, as when somebody walks: the old one is gone
// before, when or after the new one is there.
class Walk final : public BondedRun {
 public:
  struct Network {
    Duration from{0};
    Duration until{0};
  };
  Walk(BondPlan plan, std::vector<Network> networks) : BondedRun(std::move(plan)), networks_(std::move(networks)) {}

  [[nodiscard]] std::size_t opened() const { return opened_; }

 private:
  // What a path manager does: the interface says that it is up, or that its address is gone.
  void on_tick(Timestamp now) override {
    for (std::size_t i = 1; i < networks_.size(); ++i)
      if (i > opened_ && now >= kWorldStart + networks_[i].from &&
          client->open_path({bond_client_at(i), bond_server()}).has_value())
        opened_ = i;
    for (const quic::PathInfo& path : client->paths())
      for (std::size_t i = 0; i < networks_.size(); ++i)
        if (path.tuple.local == bond_client_at(i) && now >= kWorldStart + networks_[i].until)
          (void)client->abandon_path(path.id);
  }

  std::vector<Network> networks_;
  std::size_t opened_ = 0;
};

TEST(roaming, a_transfer_outlives_its_network_again_and_again) {
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    SeededRandom random(seed);
    std::vector<Walk::Network> networks;
    std::vector<LinkSpec> links;
    Duration at{0};
    for (std::size_t i = 0; i < 7; ++i) {
      const Duration stay = between(random, 2s, 4s);
      networks.push_back({.from = at, .until = i == 6 ? 600s : at + stay});
      const std::uint64_t mbit_per_second = between(random, 4, 20);
      const Duration one_way = between(random, 5ms, 60ms);
      links.push_back(link({rate(mbit(mbit_per_second), 100'000), delay(one_way), drop(0.005)}));
      if (i != 0) links.back().push_back(blackhole(0s, networks.back().from));
      links.back().push_back(blackhole(networks.back().until, 600s));
      // The next one may be there already, or not for a while.
      at += stay + between(random, 0s, 4s) - 1s;
    }
    Walk run({.links = std::move(links),
              .octets = 25'000'000,
              .download = seed % 2 == 0,
              .seed = seed,
              .client_max_paths = 3,
              .opens = false},
             networks);
    EXPECT_TRUE(run.finish(300s)) << "seed " << seed << ", in network " << run.opened();
    EXPECT_EQ(run.failure(), "") << "seed " << seed;
    EXPECT_GT(run.opened(), 2u) << "seed " << seed << ": the transfer was over too soon to show anything";
  }
}

// Up and down at random times, up to four seconds down: now and then no link is there.
TEST(roaming, ten_minutes_of_flapping_links_lose_nothing) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SeededRandom random(seed);
    std::vector<LinkSpec> links;
    std::uint64_t kbits = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      const std::uint64_t kbit_per_second = between(random, 200, 700);
      const Duration one_way = between(random, 5ms, 80ms);
      const double loss = share(random, 0, 0.02);
      links.push_back(link({rate(kbit(kbit_per_second), 60'000), delay(one_way), drop(loss)}));
      kbits += kbit_per_second;
      for (Duration from = 1s; from < 1'200s;) {
        const Duration until = from + between(random, 20ms, 4s);
        links.back().push_back(blackhole(from, until));
        from = until + between(random, 100ms, 5s);
      }
    }
    // What both carry in ten minutes without any loss at all, they being up for more than half of the time.
    const std::uint64_t octets = kbits * 125 * 600 / 2;
    BondedRun run({.links = std::move(links), .octets = octets, .download = seed % 2 == 0, .seed = seed});
    EXPECT_TRUE(run.finish(3'000s)) << "seed " << seed;
    EXPECT_EQ(run.failure(), "") << "seed " << seed;
    EXPECT_GE(to_ms(run.reader().ended_at.value_or(kWorldStart) - kWorldStart), 600'000) << "seed " << seed;
    EXPECT_GT(run.sender().multipath_stats().failures, 20u) << "seed " << seed;
  }
}

// All links up together for a short while, and then none: with probes that back off without end the idle timeout
// would come first.
TEST(roaming, links_that_are_seldom_up_are_found_within_the_idle_time) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SeededRandom random(seed);
    std::vector<LinkSpec> links;
    std::vector<LinkSpec::value_type> holes;
    for (Duration from = 1s; from < 600s;) {
      const Duration until = from + between(random, 6s, 11s);
      holes.push_back(blackhole(from, until));
      from = until + 2'300ms;
    }
    for (std::size_t i = 0; i < 2; ++i) {
      links.push_back(link({rate(mbit(4), 60'000), delay(10ms)}));
      links.back().insert(links.back().end(), holes.begin(), holes.end());
    }
    BondedRun run({.links = std::move(links), .octets = 8'000'000, .download = seed % 2 == 0, .seed = seed});
    EXPECT_TRUE(run.finish(600s)) << "seed " << seed;
    EXPECT_EQ(run.failure(), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace hawser::sim
