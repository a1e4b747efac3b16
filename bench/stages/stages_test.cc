// stages_test.cc: goal: a stage that grew is found and named, one that shrank is no failure, and
// the baseline file comes back as it was written. Method: counts made up.
#include <gtest/gtest.h>

#include <fstream>

#include "../support/scratch.h"
#include "baseline.h"
#include "counting.h"

namespace hawser::stages {
namespace {

std::vector<Comparison> comparison_of(double before, double now) {
  return compare({{"seal", before}}, {{"seal", "packet", now}});
}

TEST(stages, growth_above_five_percent_fails_and_names_the_stage) {
  bool fails = false;
  const std::string text = describe(comparison_of(1'000, 1'051), fails);
  EXPECT_TRUE(fails);
  EXPECT_NE(text.find("'seal' takes 1051.0 instructions per packet, 51.0 (5.1 %) more"), std::string::npos) << text;
  EXPECT_NE(text.find("--update"), std::string::npos);
}

TEST(stages, growth_within_five_percent_passes) {
  bool fails = true;
  describe(comparison_of(1'000, 1'050), fails);
  EXPECT_FALSE(fails);
}

TEST(stages, three_instructions_more_of_a_tiny_stage_pass) {
  EXPECT_EQ(comparison_of(10, 13).front().verdict, Verdict::kSame);
  EXPECT_EQ(comparison_of(10, 13.5).front().verdict, Verdict::kGrew);
}

TEST(stages, shrinking_passes_and_says_that_the_baseline_may_be_lowered) {
  bool fails = true;
  const std::string text = describe(comparison_of(1'000, 900), fails);
  EXPECT_FALSE(fails);
  EXPECT_NE(text.find("lowers the baseline"), std::string::npos) << text;
}

TEST(stages, a_stage_without_baseline_fails) {
  bool fails = false;
  describe(compare({}, {{"seal", "packet", 100}}), fails);
  EXPECT_TRUE(fails);
}

TEST(stages, the_baseline_file_reads_back_as_written) {
  const bench::Scratch scratch;
  const std::string file = scratch.folder() + "/baseline.toml";
  const Baseline written{{"gcc-12", {{"seal, 40 octets", 123.5}, {"open", 7.0}}}, {"gcc-14", {{"open", 8.0}}}};
  std::ofstream(file) << format_baseline(written);
  const auto read = read_baseline(file);
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(*read, written);
}

TEST(stages, a_broken_baseline_file_is_named_with_its_line) {
  const bench::Scratch scratch;
  const std::string file = scratch.folder() + "/baseline.toml";
  std::ofstream(file) << "[gcc-12]\nseal = \n";
  const auto read = read_baseline(file);
  ASSERT_FALSE(read.has_value());
  EXPECT_NE(read.error().find("baseline.toml:2"), std::string::npos) << read.error();
}

TEST(stages, a_dump_is_read_with_the_share_of_the_aead) {
  const auto cost = parse_dump(
      "events: Ir\n\nfn=(1) f\n0 5\ncfn=(2) hawser::quic::PacketKey::seal(hawser::Bytes)\ncalls=3 +4\n* 70\n"
      "cfn=(3) memcpy\ncalls=1 0\n0 10\n\nfn=(5) hawser::quic::PacketKey::open(hawser::Bytes)\n0 5\n\n"
      "fn=(4) g\ncfn=(2)\ncalls=1 +4\n+8 15\ncfn=(5)\ncalls=1 +4\n+9 2\n\ntotals: 100\n");
  ASSERT_TRUE(cost.has_value());
  EXPECT_EQ(cost->total, 100);
  EXPECT_EQ(cost->aead, 87);
}

TEST(stages, a_dump_without_totals_is_nothing) {
  EXPECT_FALSE(parse_dump("events: Ir\nfn=(1) f\n0 5\n").has_value());
}

}  // namespace
}  // namespace hawser::stages
