// attempts_test.cc: goal: a client tries what may lead to its server in the order of preference. Method: addresses by
// hand.
#include "net/attempts.h"

#include <gtest/gtest.h>

namespace hawser::net {
namespace {

const SocketAddress kServer = ipv4_address({192, 0, 2, 1}, 443);
const SocketAddress kOther = ipv4_address({192, 0, 2, 2}, 443);
const SocketAddress kWifi = ipv4_address({10, 1, 0, 2}, 0);
const SocketAddress kModem = ipv4_address({10, 2, 0, 2}, 0);

TEST(attempts, one_address_is_tried_from_each_place_before_the_next_address_is) {
  const std::vector<StartingPlace> places{{.local = kWifi}, {.local = kModem, .after = 100ms}};
  Attempts attempts;
  attempts.add(kServer, places, 250ms);
  attempts.add(kOther, places, 250ms);
  EXPECT_EQ(attempts.next(), (FourTuple{kWifi, kServer}));
  EXPECT_EQ(attempts.head_start(), Duration{100ms});
  EXPECT_EQ(attempts.next(), (FourTuple{kModem, kServer}));
  EXPECT_EQ(attempts.head_start(), Duration{250ms});
  EXPECT_EQ(attempts.next(), (FourTuple{kWifi, kOther}));
  EXPECT_EQ(attempts.next(), (FourTuple{kModem, kOther}));
  EXPECT_EQ(attempts.head_start(), std::nullopt) << "nothing is waited for";
  EXPECT_EQ(attempts.next(), std::nullopt);
}

TEST(attempts, none_is_made_once_they_are_stopped) {
  Attempts attempts;
  EXPECT_EQ(attempts.next(), std::nullopt);
  attempts.add(kServer, std::vector<StartingPlace>(2), 250ms);
  attempts.stop();
  EXPECT_EQ(attempts.head_start(), std::nullopt);
  EXPECT_EQ(attempts.next(), std::nullopt);
}

}  // namespace
}  // namespace hawser::net
