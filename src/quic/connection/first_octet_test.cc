// first_octet_test.cc: goal: the bits that anybody can read vary as RFC 9287 and RFC 9000 section 17.4
// ask; method: many draws with a fixed seed.
#include "quic/connection/first_octet.h"

#include <gtest/gtest.h>

#include <set>

namespace hawser::quic {
namespace {

TEST(first_octet, leaves_all_bits_alone_unless_asked) {
  SeededRandom random{1};
  FirstOctet octet(SpinBitPolicy::kOff, random);
  EXPECT_TRUE(octet.plain());
  for (const bool is_short : {true, false})
    for (const bool spin : {true, false}) EXPECT_EQ(octet.flips(is_short, spin, random), 0);
}

// rfc9287:3.1-unpredictable
TEST(first_octet, greases_the_quic_bit_of_every_other_packet_and_no_other_bit) {
  SeededRandom random{2};
  FirstOctet octet(SpinBitPolicy::kOff, random);
  octet.grease();
  EXPECT_FALSE(octet.plain());
  int clear = 0;
  int runs = 0;
  std::uint8_t before = 0xff;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint8_t flip = octet.flips(i % 2 == 0, true, random);
    ASSERT_EQ(flip & ~kFixedBit, 0);
    clear += flip != 0 ? 1 : 0;
    runs += flip != before ? 1 : 0;
    before = flip;
  }
  // Within seven standard deviations, 50 each.
  EXPECT_NEAR(clear, 5'000, 350);
  EXPECT_NEAR(runs, 5'000, 350);
}

// rfc9000:17.4-one-in-16 rfc9000:17.4-administrator
TEST(first_octet, of_the_connections_that_may_spin_at_least_one_in_16_does_not) {
  SeededRandom random{3};
  int silent = 0;
  for (int i = 0; i < 16'000; ++i) silent += FirstOctet(SpinBitPolicy::kOn, random).spins() ? 0 : 1;
  EXPECT_GT(silent, 1'500);
  EXPECT_LT(silent, 2'500);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(FirstOctet(SpinBitPolicy::kRandom, random).spins());
}

TEST(first_octet, a_spin_bit_follows_the_path_in_short_headers_only) {
  SeededRandom random{4};
  for (int i = 0; i < 100; ++i) {
    FirstOctet octet(SpinBitPolicy::kOn, random);
    if (!octet.spins()) continue;
    EXPECT_EQ(octet.flips(true, true, random), kSpinBit);
    EXPECT_EQ(octet.flips(true, false, random), 0);
    EXPECT_EQ(octet.flips(false, true, random), 0);
  }
}

// rfc9000:17.4-random
TEST(first_octet, a_random_spin_bit_stays_the_same_for_the_connection) {
  SeededRandom random{5};
  std::set<std::uint8_t> seen;
  for (int i = 0; i < 100; ++i) {
    FirstOctet octet(SpinBitPolicy::kRandom, random);
    const std::uint8_t first = octet.flips(true, false, random);
    seen.insert(first);
    for (int more = 0; more < 4; ++more) EXPECT_EQ(octet.flips(true, more % 2 == 0, random), first);
    EXPECT_EQ(octet.flips(false, true, random), 0);
  }
  EXPECT_EQ(seen, (std::set<std::uint8_t>{0, kSpinBit}));
}

}  // namespace
}  // namespace hawser::quic
