// Goal: only requests that a recording may repeat are answered in 0-RTT. Method: rules as people write
// them, held against methods, paths and bodies.
#include "http/early_requests.h"

#include <gtest/gtest.h>

namespace hawser::http {
namespace {

// rfc9001:9.2-replay rfc9114:10.9-replay
TEST(early_requests, safe_methods_without_a_body_are_answered_early_by_default) {
  const EarlyRequestRules rules = parse_early_request_rules("").value();
  for (const auto* method : {"GET", "HEAD", "OPTIONS"}) {
    EXPECT_TRUE(rules.permit(method, "/", false)) << method;
    EXPECT_FALSE(rules.permit(method, "/", true)) << method;
  }
  for (const auto* method : {"POST", "PUT", "DELETE", "PATCH", "CONNECT", "get", ""})
    EXPECT_FALSE(rules.permit(method, "/", false)) << method;
}

TEST(early_requests, the_longest_prefix_of_the_path_decides) {
  const EarlyRequestRules rules = parse_early_request_rules("/shop/=off,/shop/prices=safe,/log=all").value();
  EXPECT_TRUE(rules.permit("GET", "/", false));
  EXPECT_FALSE(rules.permit("GET", "/shop/cart", false));
  EXPECT_TRUE(rules.permit("GET", "/shop/prices?of=tea", false));
  EXPECT_FALSE(rules.permit("POST", "/shop/prices", true));
  EXPECT_TRUE(rules.permit("POST", "/log", true));
  const EarlyRequestRules closed = parse_early_request_rules("off,/open=safe").value();
  EXPECT_FALSE(closed.permit("GET", "/", false));
  EXPECT_TRUE(closed.permit("GET", "/open/x", false));
}

// rfc9114:10.9-replay
TEST(early_requests, no_spelling_of_a_path_gets_by_its_rule) {
  const EarlyRequestRules rules = parse_early_request_rules("/account/=off,/log=all").value();
  for (const auto* target : {"/account/x", "//account/x", "/%61ccount/x", "/./account/x", "/account//x", "/account/%78",
                             "/a%2fb", "/account/../account/x", "/%zz"})
    EXPECT_FALSE(rules.permit("GET", target, false)) << target;
  for (const auto* target : {"/accounts", "/other", "/?of=/account/", "*"})
    EXPECT_TRUE(rules.permit("GET", target, false)) << target;
  for (const auto* target : {"/log", "/log/", "/log/today", "/log?x"})
    EXPECT_TRUE(rules.permit("POST", target, true)) << target;
  for (const auto* target : {"/logout", "/login"}) EXPECT_FALSE(rules.permit("POST", target, true)) << target;
}

TEST(early_requests, no_spelling_of_a_rule_loses_its_path) {
  const EarlyRequestRules rules = parse_early_request_rules("/a%20b=off,/x//y=off,/./z/=off").value();
  for (const auto* target : {"/a%20b", "/a%20b/c", "/x/y", "/z/1"})
    EXPECT_FALSE(rules.permit("GET", target, false)) << target;
  EXPECT_TRUE(rules.permit("GET", "/x", false));
  for (const auto* wrong : {"/a?b=off", "/a#b=off", "/%zz=off", "/a/../b=off"})
    EXPECT_FALSE(parse_early_request_rules(wrong).has_value()) << wrong;
}

TEST(early_requests, the_error_names_the_part_that_cannot_be_read) {
  for (const auto* text : {"some", "/a", "a=off", "/a=maybe", "safe,,all"}) {
    const auto rules = parse_early_request_rules(text);
    ASSERT_FALSE(rules) << text;
    EXPECT_NE(rules.error().message.find("safe, all or off"), std::string::npos);
  }
  EXPECT_NE(parse_early_request_rules("/a=safe,/b=maybe").error().message.find("\"/b=maybe\""), std::string::npos);
}

}  // namespace
}  // namespace hawser::http
