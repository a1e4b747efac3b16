// tidy_test.cc: goal: tidy finds what breaks the rules and is silent about what does not.
// Method: small good and bad sources as strings, and a floor plan of three rooms.
#include <gtest/gtest.h>

#include <stdexcept>

#include "rules.h"

namespace hawser::tidy {
namespace {

constexpr std::string_view kPlan = R"(
[rooms.base]
folder = "base"
core = true
sees = []
[rooms.connection]
folder = "quic/connection"
core = true
sees = ["base"]
[rooms.http3]
folder = "http3"
core = true
sees = ["base"]
faces = ["quic/connection/connection.h"]
tests = ["connection"]
[rooms.net]
folder = "net"
sees = ["base"]
system = ["boost/"]
)";

std::vector<std::string> texts(const Findings& findings) {
  std::vector<std::string> out;
  for (const Finding& f : findings) out.push_back(f.path + ":" + std::to_string(f.line) + ": " + f.what);
  return out;
}

std::vector<std::string> includes_of(std::string path, std::string_view text) {
  Findings findings;
  check_includes(SourceText(std::move(path), text), FloorPlan::parse(kPlan), findings);
  return texts(findings);
}

std::string lines(int count, std::string_view line) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line;
  return text;
}

TEST(tidy, an_arrow_that_points_up_is_found) {
  const auto found = includes_of("src/base/a.h", "// a.h: x\n#include \"http3/b.h\"\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], "src/base/a.h:2: includes http3/b.h of room http3; allowed: nothing");
}

TEST(tidy, only_the_public_face_of_a_room_is_seen) {
  EXPECT_TRUE(includes_of("src/http3/a.cc", "#include \"quic/connection/connection.h\"\n").empty());
  const auto found = includes_of("src/http3/a.cc", "#include \"quic/connection/send.h\"\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NE(found[0].find("allowed: base quic/connection/connection.h"), std::string::npos) << found[0];
  EXPECT_TRUE(includes_of("src/http3/a_test.cc", "#include \"quic/connection/send.h\"\n").empty());
}

TEST(tidy, an_include_in_a_comment_is_none) {
  EXPECT_TRUE(includes_of("src/base/a.h", "// #include \"http3/b.h\"\n/*\n#include \"http3/b.h\"\n*/\n").empty());
}

TEST(tidy, the_core_includes_no_operating_system) {
  EXPECT_EQ(includes_of("src/base/a.cc", "#include <sys/socket.h>\n").size(), 1u);
  EXPECT_EQ(includes_of("src/base/a.cc", "#include <thread>\n").size(), 1u);
  EXPECT_TRUE(includes_of("src/net/a.cc", "#include <sys/socket.h>\n#include <boost/asio.hpp>\n").empty());
  EXPECT_EQ(includes_of("src/net/a.cc", "#include <openssl/ssl.h>\n").size(), 1u);
}

TEST(tidy, heavy_headers_stay_out_of_headers) {
  EXPECT_EQ(includes_of("src/net/a.h", "#include <regex>\n").size(), 1u);
  EXPECT_EQ(includes_of("src/net/a.h", "#include <chrono>\n").size(), 1u);
  EXPECT_TRUE(includes_of("src/net/a.cc", "#include <chrono>\n").empty());
  EXPECT_TRUE(includes_of("src/base/time.h", "#include <chrono>\n").empty());
}

TEST(tidy, a_file_outside_the_plan_is_found) {
  EXPECT_EQ(includes_of("src/elsewhere/a.cc", "int x;\n").size(), 1u);
  EXPECT_EQ(includes_of("src/base/a.cc", "#include \"near.h\"\n").size(), 1u);
}

TEST(tidy, a_plan_with_a_circle_or_an_unknown_room_is_refused) {
  EXPECT_THROW(FloorPlan::parse("[rooms.a]\nfolder=\"a\"\nsees=[\"b\"]\n[rooms.b]\nfolder=\"b\"\nsees=[\"a\"]\n"),
               std::runtime_error);
  EXPECT_THROW(FloorPlan::parse("[rooms.a]\nfolder=\"a\"\nsees=[\"nobody\"]\n"), std::runtime_error);
  EXPECT_THROW(FloorPlan::parse("[rooms.a\n"), std::runtime_error);
}

TEST(tidy, comments_and_blank_lines_of_a_function_do_not_count) {
  const std::string body = "int f() {\n" + lines(50, "  // why\n\n") + lines(68, "  g();\n") + "}\n";
  const SourceText source("src/base/a.cc", body);
  ASSERT_EQ(source.functions().size(), 1u);
  EXPECT_EQ(source.functions()[0].code_lines, 70);
  Findings findings;
  check_lengths(source, Limits{}, findings);
  EXPECT_TRUE(findings.empty());
}

TEST(tidy, a_function_of_71_code_lines_is_found) {
  Findings findings;
  check_lengths(SourceText("src/base/a.cc", "void A::f() const {\n" + lines(69, "  g();\n") + "}\n"), Limits{},
                findings);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].what, "f has 71 code lines; allowed: 70");
}

TEST(tidy, functions_are_found_in_all_their_shapes) {
  const SourceText source("src/base/a.cc", R"(namespace a {
struct S {
  int x_{1};
  S(int a, std::span<int> b = {}) : x_{a}, y_(b) {
    if (a) { g(); }
  }
  int y = 2;
};
template <class T, class U = std::vector<T>>
auto free_one(T t) -> U {
  return {};
}
constexpr int kTable[] = {f(1), f(2)};
const auto x = [](int i) { return i; };
}  // namespace a
TEST(suite, a_fact) {
  const char c = '{';
  const char* s = "}{";
  const int n = 1'000;
}
)");
  std::vector<std::string> names;
  for (const Function& f : source.functions()) names.push_back(f.name);
  ASSERT_GE(names.size(), 3u);
  EXPECT_EQ(names.front(), "S");
  EXPECT_EQ(names[1], "free_one");
  EXPECT_EQ(names.back(), "suite.a_fact");
  EXPECT_EQ(source.functions().back().code_lines, 5);
}

TEST(tidy, a_macro_call_without_semicolon_is_no_function) {
  const SourceText source("src/base/a.h", "MAKE_ENUM(A, B(x))\nstruct S {\n  int f() { return 1; }\n};\n");
  ASSERT_EQ(source.functions().size(), 1u);
  EXPECT_EQ(source.functions()[0].name, "f");
  EXPECT_EQ(source.functions()[0].code_lines, 1);
}

TEST(tidy, exceptions_allow_what_is_there_and_only_shrink) {
  const std::vector<SourceText> sources = {
      SourceText("src/base/a.cc", "// a.cc: x\nvoid f() {\n" + lines(80, "  g();\n") + "}\n")};
  Limits limits;
  limits.function_exceptions["src/base/a.cc:f"] = 82;
  EXPECT_TRUE(check_all(sources, FloorPlan::parse(kPlan), limits).empty());
  limits.function_exceptions["src/base/a.cc:f"] = 90;
  limits.function_exceptions["src/base/a.cc:gone"] = 80;
  EXPECT_EQ(check_all(sources, FloorPlan::parse(kPlan), limits).size(), 2u);
}

TEST(tidy, promises_and_marks_are_found_as_whole_words) {
  Findings findings;
  check_banned_words(
      SourceText("src/base/a.cc",
                 "// TODO later\n// good for now.\nint TODOS; int stubborn;\nreturn \"Not Implemented\";\n"),
      Limits{}, findings);
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].line, 1);
  EXPECT_EQ(findings[1].line, 2);
}

TEST(tidy, a_file_opens_with_its_name_and_a_test_with_goal_and_method) {
  Findings findings;
  check_opening(SourceText("src/base/a.h", "// a.h: what it is.\n"), findings);
  check_opening(SourceText("src/base/a_test.cc", "// a_test.cc: goal: this holds. Method: vectors.\n"), findings);
  check_opening(SourceText("src/base/a_test.cc", "// Goal: this holds.\n// Method: vectors.\n"), findings);
  EXPECT_TRUE(findings.empty());
  check_opening(SourceText("src/base/a.h", "#pragma once\n"), findings);
  check_opening(SourceText("src/base/a_test.cc", "// a_test.cc: goal: this holds.\n"), findings);
  EXPECT_EQ(findings.size(), 2u);
}

TEST(tidy, a_file_that_is_too_long_is_found) {
  Findings findings;
  check_lengths(SourceText("src/base/a.cc", lines(600, "int x;\n")), Limits{}, findings);
  EXPECT_TRUE(findings.empty());
  check_lengths(SourceText("src/base/a.cc", lines(601, "int x;\n")), Limits{}, findings);
  EXPECT_EQ(findings.size(), 1u);
}

}  // namespace
}  // namespace hawser::tidy
