// Goal: a failing scenario becomes a small text that still fails in the same way and replays.
// Method: a rule that does not hold is planted (no packet may be lost once keys were updated),
// random scenarios are searched for one that breaks it, and the search makes it small.
#include "sim/search.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hawser::sim {
namespace {

class NoLossAfterKeyUpdate final : public ExtraCheck {
 public:
  using ExtraCheck::on_event;
  void begin() override {
    updated_ = false;
    failure_.clear();
  }
  void on_event(const EventContext&, const KeyUpdated& event) override { updated_ |= event.key_phase.value_or(0) > 0; }
  void on_event(const EventContext&, const PacketLost&) override {
    if (updated_) failure_ = "planted: a packet was lost after a key update";
  }
  [[nodiscard]] const std::string& failure() const override { return failure_; }

 private:
  bool updated_ = false;
  std::string failure_;
};

TEST(sim_search, finds_a_planted_fault_and_makes_it_small) {
  NoLossAfterKeyUpdate planted;
  const ScenarioOptions options{.check = &planted};
  std::uint64_t seed = 1;
  while (run_scenario(scenario_text("random", seed), options).passed) ASSERT_LT(++seed, 100u);
  const SetupText found = scenario_text("random", seed);
  const Shrunk small = shrink(found, options);
  EXPECT_NE(small.failure.find("planted"), std::string::npos);
  const std::string text = to_text(small.scenario);
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 16) << text;
  // The text alone fails the same way, to the microsecond.
  const auto read = parse_setup(text);
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(run_scenario(*read, options).failure, small.failure);
  // And without the planted rule nothing is wrong with it.
  EXPECT_TRUE(run_scenario(*read, {}).passed);
}

TEST(sim_search, leaves_what_passes_as_it_is) {
  const SetupText fine = scenario_text("transfer", 3);
  const Shrunk same = shrink(fine, {});
  EXPECT_EQ(same.runs, 1u);
  EXPECT_EQ(same.failure, "");
  EXPECT_EQ(to_text(same.scenario), to_text(fine));
}

TEST(sim_setup_text, every_scenario_reads_back_and_runs_the_same) {
  for (const ScenarioInfo& info : scenarios()) {
    const SetupText written = scenario_text(info.name, 5);
    const auto read = parse_setup(to_text(written));
    ASSERT_TRUE(read.has_value()) << info.name << ": " << read.error().message;
    EXPECT_EQ(to_text(*read), to_text(written));
    EXPECT_EQ(run_scenario(*read, {}).digest, run_scenario(info.name, {.seed = 5}).digest) << info.name;
  }
}

TEST(sim_setup_text, a_line_that_makes_no_sense_is_named) {
  for (const char* line : {"link sideways drop", "link drop probability=much", "client.idle_timeout 5", "nonsense 1",
                           "link bottleneck", "command close at=1", "seed 0xz", "closer client server"}) {
    const auto read = parse_setup("# comment\n\n" + std::string{line} + "\n");
    ASSERT_FALSE(read.has_value()) << line;
    EXPECT_NE(read.error().message.find("line 3"), std::string::npos);
  }
}

// Found by the search: the timer of a path MTU probe that was due while the congestion window
// was closed stood in the past until an acknowledgement came.
TEST(sim_search, a_probe_that_the_window_holds_back_does_not_spin) {
  const auto scenario = parse_setup(
      "seed 0xa2\n"
      "link delay duration=509274071ns\n"
      "link drop probability=0.12418719744109304\n"
      "server_application.streams_bidi 53\n"
      "bytes_max 259442\n"
      "client.idle_timeout 300s\n"
      "server.idle_timeout 300s\n"
      "client.handshake_timeout 300s\n"
      "server.handshake_timeout 300s\n"
      "limit 7200s\n");
  ASSERT_TRUE(scenario.has_value());
  EXPECT_EQ(run_scenario(*scenario, {}).failure, "");
}

TEST(sim_search, a_signature_is_the_failure_without_its_numbers) {
  EXPECT_EQ(signature_of("at 12 us: stream 4"), signature_of("at 7 us: stream 88"));
  EXPECT_NE(signature_of("deadlock"), signature_of("livelock"));
}

}  // namespace
}  // namespace hawser::sim
