// compare_test.cc: goal: medians, ratios, tables, JSON and chart say what was measured, also of
// contenders that failed or are not there. Method: contenders that return made-up samples.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "programs.h"
#include "report.h"
#include "scenario.h"

namespace hawser::compare {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
const Machine kMachine{.cpu = "a \"fast\" CPU", .kernel = "6.1", .cpus = 2, .compiler = "GCC 12.2"};

// Four contenders: ours with 10, 30 and 20, one that has no second figure, one that fails, one
// that is not installed.
Result measured() {
  Scenario scenario{.name = "bulk",
                    .title = "A <title>",
                    .metrics = {{.key = "speed_gbit_per_s", .title = "Gbit/s", .decimals = 1},
                                {.key = "cpu_s", .title = "CPU s", .less_is_better = true}}};
  int turn = 0;
  scenario.add({"ours", "we", "", true}, [turn]() mutable -> Measured {
    constexpr double kSpeeds[] = {10, 30, 20};
    return Sample{kSpeeds[turn++ % 3], 2};
  });
  scenario.add({"half", "they"}, []() -> Measured { return Sample{10, kNothing}; });
  scenario.add({"broken", "it"}, []() -> Measured { return std::unexpected("it broke"); });
  scenario.add({"absent", "that", "install that"}, []() -> Measured {
    ADD_FAILURE() << "what is missing is not run";
    return Sample{0, 0};
  });
  return measure(scenario, 3);
}

TEST(compare, median_is_the_middle_or_between_the_middles) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({kNothing, 5}), 5);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(compare, figures_are_median_least_and_most) {
  const Result result = measured();
  const Figure& speed = result.rows[0].figures[0];
  EXPECT_EQ(speed.median, 20);
  EXPECT_EQ(speed.least, 10);
  EXPECT_EQ(speed.most, 30);
  EXPECT_EQ(result.rows[0].runs, 3u);
}

TEST(compare, ratios_are_to_the_first_contender) {
  const Result result = measured();
  EXPECT_EQ(ratio_to_first(result, 0, 0), 1);
  EXPECT_EQ(ratio_to_first(result, 1, 0), 0.5);
  EXPECT_TRUE(std::isnan(ratio_to_first(result, 1, 1)));
  EXPECT_TRUE(std::isnan(ratio_to_first(result, 2, 0)));
}

TEST(compare, table_names_what_failed_and_what_to_install) {
  EXPECT_EQ(to_table(measured()),
            "A <title>\n"
            "           Gbit/s        CPU s  least to most\n"
            "ours  20.0 (1.00)  2.00 (1.00)   10.0 to 30.0\n"
            "half  10.0 (0.50)            -   10.0 to 10.0\n"
            "broken: failed: it broke\n"
            "absent: not measured: install that\n");
}

TEST(compare, json_has_every_contender_and_null_for_nothing) {
  const std::string json = to_json(kMachine, {measured()});
  EXPECT_NE(json.find("\"cpu\": \"a \\\"fast\\\" CPU\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"speed_gbit_per_s\": {\"median\": 20, \"least\": 10, \"most\": 30, \"ratio_to_first\": 1}"),
            std::string::npos);
  EXPECT_NE(json.find("\"cpu_s\": {\"median\": null"), std::string::npos);
  EXPECT_NE(json.find("\"failure\": \"it broke\""), std::string::npos);
  EXPECT_NE(json.find("\"missing\": \"install that\""), std::string::npos);
}

TEST(compare, chart_has_a_bar_for_each_contender_with_figures) {
  const std::string svg = to_svg(kMachine, {measured()});
  std::size_t bars = 0;
  for (std::size_t at = svg.find("<rect"); at != std::string::npos; at = svg.find("<rect", at + 1)) ++bars;
  EXPECT_EQ(bars, 2u);
  EXPECT_NE(svg.find("A &lt;title&gt;"), std::string::npos);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(compare, numbers_are_found_behind_their_section) {
  const std::string json = R"({"rate": 5, "sender": {"ns": 1.5}, "receiver": {"ns": 2.5}})";
  EXPECT_EQ(json_number(json, "rate"), 5);
  EXPECT_EQ(json_number(json, "ns", "receiver"), 2.5);
  EXPECT_EQ(json_number(json, "ns", "nobody"), std::nullopt);
  EXPECT_TRUE(std::isnan(json_value(json, "missing")));
}

TEST(compare, what_is_missing_names_its_remedy) {
  EXPECT_EQ(Session::missing({"/bin/sh"}, "install it"), "");
  EXPECT_EQ(Session::missing({"/bin/sh", ""}, "install it"), "install it");
}

}  // namespace
}  // namespace hawser::compare
