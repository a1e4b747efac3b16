// ledger_test.cc: goal: the ledger finds citations of requirements that do not exist, and
// requirements without code or test, and refuses files that say less than they seem to.
// Method: small specifications and sources as strings.
#include "ledger.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace hawser::ledger {
namespace {

constexpr std::string_view kSpec = R"(
document = "RFC 1"
title = "Rope"
rules = [
  { id = "2-strands", must = "A rope has strands." },
  { id = "2.1-knots", must_not = "No knot is left open." },
  { id = "3-colour", should = "A rope is brown." },
]
)";

Ledger ledger_of(std::string_view toml = kSpec) {
  return Ledger({Specification::parse("rfc1", toml)});
}

std::string refusal(std::string_view toml) {
  try {
    Specification::parse("rfc1", toml);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(ledger, code_and_tests_are_told_apart_by_their_path) {
  Ledger ledger = ledger_of();
  ledger.read_source("src/rope.cc", "// one\n// rfc1:2-strands. Because.\n");
  ledger.read_source("src/rope_test.cc", "// rfc1:2-strands\n");
  ledger.read_source("tests/pull.cc", "// (rfc1:2.1-knots)\n");
  const auto& requirements = ledger.specifications()[0].requirements;
  EXPECT_EQ(requirements[0].code, (std::vector<Place>{{"src/rope.cc", 2}}));
  EXPECT_EQ(requirements[0].tests, (std::vector<Place>{{"src/rope_test.cc", 1}}));
  EXPECT_TRUE(requirements[1].code.empty());
  EXPECT_EQ(requirements[1].tests.size(), 1u);
  EXPECT_TRUE(ledger.unknown().empty());
}

TEST(ledger, a_citation_of_nothing_is_found) {
  Ledger ledger = ledger_of();
  ledger.read_source("src/rope.cc", "x\n// rfc1:2-strand\n// myrfc1:nothing\nrfc1::function();\n");
  ASSERT_EQ(ledger.unknown().size(), 1u);
  EXPECT_EQ(ledger.unknown()[0].place, (Place{"src/rope.cc", 2}));
}

TEST(ledger, a_must_without_code_or_test_is_found_and_a_should_on_demand) {
  Ledger ledger = ledger_of();
  ledger.read_source("src/rope.cc", "// rfc1:2-strands rfc1:2.1-knots\n");
  ledger.read_source("src/rope_test.cc", "// rfc1:2-strands\n");
  ASSERT_EQ(ledger.findings(false).size(), 1u);
  EXPECT_EQ(ledger.findings(false)[0].what, "rfc1:2.1-knots is cited by no test: No knot is left open.");
  EXPECT_EQ(ledger.findings(true).size(), 3u);
}

TEST(ledger, a_reason_stands_for_code_and_goes_when_code_comes) {
  Ledger ledger = ledger_of("document = \"RFC 1\"\nrules = [{ id = \"2-a\", must = \"x\", no_code = \"for users\" }]");
  EXPECT_TRUE(ledger.findings(false).empty());
  EXPECT_EQ(count(ledger.specifications()[0], true).excused_code, 1);
  EXPECT_EQ(count(ledger.specifications()[0], true).without_test, 0);
  ledger.read_source("src/rope.cc", "// rfc1:2-a\n");
  ASSERT_EQ(ledger.findings(false).size(), 1u);
}

TEST(ledger, an_untested_must_counts_even_with_a_reason) {
  Ledger ledger = ledger_of("document = \"RFC 1\"\nrules = [{ id = \"2-a\", must = \"x\", no_test = \"too dear\" }]");
  ledger.read_source("src/rope.cc", "// rfc1:2-a\n");
  EXPECT_TRUE(ledger.findings(false).empty());
  EXPECT_EQ(count(ledger.specifications()[0], true).without_test, 1);
  EXPECT_EQ(count(ledger.specifications()[0], true).unexplained_test, 0);
}

TEST(ledger, a_bad_file_is_refused_with_its_line) {
  EXPECT_EQ(
      refusal("document = \"RFC 1\"\nrules = [\n{ id = \"2-a\", must = \"x\" },\n{ id = \"2-a\", must = \"y\" }]"),
      "specs/rfc1.toml:4: 2-a stands there twice");
  EXPECT_NE(refusal("document = \"RFC 1\"\nrules = [{ id = \"2-a\" }]").find("exactly one of must"), std::string::npos);
  EXPECT_NE(refusal("document = \"RFC 1\"\nrules = [{ id = \"2\", must = \"x\" }]").find("a section"),
            std::string::npos);
  EXPECT_NE(refusal("document = \"RFC 1\"\nrules = [{ id = \"2-a\", wants = \"x\" }]").find("unknown key"),
            std::string::npos);
  EXPECT_NE(refusal("rules = 3").find("wants 'document'"), std::string::npos);
  EXPECT_NE(refusal("document = ").find("specs/rfc1.toml:1"), std::string::npos);
}

TEST(ledger, the_page_names_files_reasons_and_shares) {
  Ledger ledger = ledger_of();
  ledger.read_source("src/rope.cc", "// rfc1:2-strands\n");
  const std::string page = to_markdown(ledger);
  EXPECT_NE(page.find("| `rfc1:2-strands` | MUST | A rope has strands. | [rope.cc](../src/rope.cc) | **none** |"),
            std::string::npos);
  EXPECT_NE(page.find("| RFC 1 | 2 | 1 | 0 | 2 (100.0 %) | 1 | 1 | 1 |"), std::string::npos);
}

}  // namespace
}  // namespace hawser::ledger
