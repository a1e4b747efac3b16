// Goal: engines are found by their names, and one that cannot be had says why. Method: every
// kind there is, made on this machine.
#include "net/make_engine.h"

#include <gtest/gtest.h>

namespace hawser::net {
namespace {

constexpr std::array kKinds{EngineKind::kAuto, EngineKind::kEpoll, EngineKind::kIoUring, EngineKind::kAfXdp};

TEST(net_make_engine, names_lead_back_to_their_kinds) {
  for (const EngineKind kind : kKinds) EXPECT_EQ(parse_engine_kind(to_string(kind)).value(), kind);
}

TEST(net_make_engine, unknown_name_is_answered_with_the_known_ones) {
  const auto kind = parse_engine_kind("kqueue");
  ASSERT_FALSE(kind.has_value());
  for (const EngineKind known : kKinds) EXPECT_NE(kind.error().message.find(to_string(known)), std::string::npos);
  EXPECT_FALSE(parse_engine_kind("").has_value());
}

TEST(net_make_engine, makes_what_it_was_asked_for_or_says_why_not) {
  for (const EngineKind kind : kKinds) {
    const EngineOptions options{.kind = kind};
    const auto engine = make_engine(options);
    if (const auto reason = why_not(kind, options)) {
      ASSERT_FALSE(engine.has_value());
      EXPECT_EQ(engine.error().message, reason->message);
      EXPECT_NE(reason->message.find(to_string(kind)), std::string::npos);
    } else {
      ASSERT_TRUE(engine.has_value()) << engine.error().message;
      EXPECT_EQ((*engine)->kind(), kind == EngineKind::kAuto ? choose_engine(options) : kind);
    }
  }
}

TEST(net_make_engine, epoll_works_everywhere_and_auto_chooses_what_works) {
  EXPECT_FALSE(why_not(EngineKind::kEpoll, {}));
  EXPECT_FALSE(why_not(EngineKind::kAuto, {}));
  EXPECT_NE(choose_engine({}), EngineKind::kAuto);
  EXPECT_FALSE(why_not(choose_engine({}), {}));
}

}  // namespace
}  // namespace hawser::net
