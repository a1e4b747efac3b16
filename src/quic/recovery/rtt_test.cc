// Goal: RttEstimator does what RFC 9002 section 5 says. Method: samples by hand; every expected number comes
// from the RFC's formulas.
#include "quic/recovery/rtt.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

// rfc9002:5.2-min
TEST(rtt, first_sample_sets_everything) {
  RttEstimator rtt;
  EXPECT_EQ(rtt.pto_base(), 333ms + 2 * 333ms);
  rtt.on_sample(100ms, 10ms, 25ms, true);
  EXPECT_EQ(rtt.smoothed(), 100ms);
  EXPECT_EQ(rtt.variation(), 50ms);
  EXPECT_EQ(rtt.min(), 100ms);
  EXPECT_EQ(rtt.pto_base(), 300ms);
}

TEST(rtt, later_samples_are_averaged_without_the_ack_delay) {
  RttEstimator rtt;
  rtt.on_sample(100ms, 0ms, 25ms, true);
  rtt.on_sample(130ms, 20ms, 25ms, true);  // adjusted: 110 ms
  EXPECT_EQ(rtt.latest(), 130ms);
  EXPECT_EQ(rtt.variation(), (50ms * 3 + 10ms) / 4);
  EXPECT_EQ(rtt.smoothed(), (Duration{100ms} * 7 + 110ms) / 8);
}

// rfc9002:5.3-lesser rfc9002:5.3-ignore-delay rfc9002:5.3-ignore-until-confirmed
TEST(rtt, ack_delay_is_capped_only_after_confirmation) {
  RttEstimator before;
  RttEstimator after;
  before.on_sample(100ms, 0ms, 25ms, false);
  after.on_sample(100ms, 0ms, 25ms, false);
  before.on_sample(180ms, 80ms, 25ms, false);  // adjusted: 100 ms
  after.on_sample(180ms, 80ms, 25ms, true);    // adjusted: 155 ms
  EXPECT_EQ(before.smoothed(), 100ms);
  EXPECT_EQ(after.smoothed(), (Duration{100ms} * 7 + 155ms) / 8);
}

// rfc9002:5.3-not-below-min
TEST(rtt, an_overstated_delay_never_undercuts_min_rtt) {
  RttEstimator rtt;
  rtt.on_sample(100ms, 0ms, 25ms, true);
  rtt.on_sample(110ms, 25ms, 25ms, true);
  EXPECT_EQ(rtt.smoothed(), (Duration{100ms} * 7 + 110ms) / 8);
}

TEST(rtt, what_the_path_took_leaves_out_the_time_of_the_peer_but_not_more) {
  RttEstimator rtt;
  EXPECT_EQ(rtt.on_sample(100ms, 10ms, 25ms, true), 100ms);
  EXPECT_EQ(rtt.on_sample(130ms, 20ms, 25ms, true), 110ms);
  EXPECT_EQ(rtt.on_sample(180ms, 80ms, 25ms, true), 155ms);  // capped by what it declared
  EXPECT_EQ(rtt.on_sample(110ms, 20ms, 25ms, true), 100ms);  // overstated: not below the smallest
}

}  // namespace
}  // namespace hawser::quic
