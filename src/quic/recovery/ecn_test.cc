// Goal: ECN is used only where it works (RFC 9000 section 13.4.2).
// Method: every way a path can spoil marks, as the counts it leads to.
#include "quic/recovery/ecn.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

constexpr Timestamp kNow{10s};

EcnValidator after_sending(std::uint32_t packets) {
  EcnValidator ecn;
  for (std::uint32_t i = 0; i < packets; ++i) ecn.on_packet_sent(ecn.mark(), kNow, 100ms);
  return ecn;
}

TEST(ecn, ten_packets_test_a_path_then_it_waits_for_the_answer) {
  EcnValidator ecn = after_sending(9);
  EXPECT_EQ(ecn.mark(), Ecn::kEct0);
  ecn.on_packet_sent(ecn.mark(), kNow, 100ms);
  EXPECT_EQ(ecn.state(), EcnState::kUnknown);
  EXPECT_EQ(ecn.mark(), Ecn::kNotEct);
  EXPECT_EQ(ecn.on_ack(2, 10, 0, EcnCounts{.ect0 = 10}), 0u);
  EXPECT_EQ(ecn.state(), EcnState::kCapable);
  EXPECT_EQ(ecn.mark(), Ecn::kEct0);
}

TEST(ecn, three_ptos_end_the_test_too) {
  EcnValidator ecn;
  ecn.on_packet_sent(ecn.mark(), kNow, 100ms);
  ecn.on_packet_sent(ecn.mark(), kNow + 301ms, 100ms);
  EXPECT_EQ(ecn.state(), EcnState::kUnknown);
}

TEST(ecn, new_ce_marks_are_counted_once) {
  EcnValidator ecn = after_sending(10);
  EXPECT_EQ(ecn.on_ack(2, 5, 0, EcnCounts{.ect0 = 3, .ce = 2}), 2u);
  EXPECT_EQ(ecn.on_ack(2, 5, 0, EcnCounts{.ect0 = 8, .ce = 2}), 0u);
  EXPECT_EQ(ecn.state(), EcnState::kCapable);
}

// rfc9000:13.4.2.2-disable
TEST(ecn, an_ack_without_counts_fails_a_marked_path) {
  EcnValidator ecn = after_sending(10);
  EXPECT_EQ(ecn.on_ack(2, 3, 0, std::nullopt), 0u);
  EXPECT_EQ(ecn.state(), EcnState::kFailed);
  EXPECT_EQ(ecn.mark(), Ecn::kNotEct);
}

TEST(ecn, an_ack_of_unmarked_packets_needs_no_counts) {
  EcnValidator ecn = after_sending(10);
  EXPECT_EQ(ecn.on_ack(2, 0, 0, std::nullopt), 0u);
  EXPECT_EQ(ecn.state(), EcnState::kUnknown);
}

TEST(ecn, bleaching_fails_the_path) {
  EcnValidator ecn = after_sending(10);
  (void)ecn.on_ack(2, 10, 0, EcnCounts{.ect0 = 4});
  EXPECT_EQ(ecn.state(), EcnState::kFailed);
}

TEST(ecn, rewriting_to_ect1_fails_the_path) {
  EcnValidator ecn = after_sending(10);
  (void)ecn.on_ack(2, 5, 0, EcnCounts{.ect0 = 5, .ect1 = 5});
  EXPECT_EQ(ecn.state(), EcnState::kFailed);
}

TEST(ecn, more_marks_than_were_sent_fail_the_path) {
  EcnValidator ecn = after_sending(10);
  (void)ecn.on_ack(2, 10, 0, EcnCounts{.ect0 = 11});
  EXPECT_EQ(ecn.state(), EcnState::kFailed);
}

// rfc9000:13.4.2.2-later
TEST(ecn, counts_that_shrink_fail_the_path_but_spaces_are_counted_apart) {
  EcnValidator ecn = after_sending(10);
  (void)ecn.on_ack(0, 4, 0, EcnCounts{.ect0 = 4});
  (void)ecn.on_ack(2, 2, 0, EcnCounts{.ect0 = 2});
  EXPECT_EQ(ecn.state(), EcnState::kCapable);
  (void)ecn.on_ack(0, 0, 0, EcnCounts{.ect0 = 3});
  EXPECT_EQ(ecn.state(), EcnState::kFailed);
}

TEST(ecn, losing_every_marked_packet_fails_the_path) {
  EcnValidator ecn = after_sending(10);
  ecn.on_packets_lost(9);
  EXPECT_EQ(ecn.state(), EcnState::kUnknown);
  ecn.on_packets_lost(1);
  EXPECT_EQ(ecn.state(), EcnState::kFailed);
}

TEST(ecn, a_new_path_is_tested_but_counts_go_on) {
  EcnValidator first = after_sending(10);
  (void)first.on_ack(2, 10, 0, EcnCounts{.ect0 = 8, .ce = 2});
  EcnValidator second;
  second.inherit_counts(first);
  EXPECT_EQ(second.state(), EcnState::kTesting);
  second.on_packet_sent(second.mark(), kNow, 100ms);
  EXPECT_EQ(second.on_ack(2, 1, 0, EcnCounts{.ect0 = 9, .ce = 2}), 0u);
  EXPECT_EQ(second.state(), EcnState::kCapable);
}

// rfc9000:13.4.2.2-disable
TEST(ecn, a_path_that_is_returned_to_counts_no_mark_twice) {
  EcnValidator first = after_sending(10);
  EcnValidator second;
  second.inherit_counts(first);
  first.inherit_counts(second);
  (void)first.on_ack(2, 10, 0, EcnCounts{.ect0 = 11});
  EXPECT_EQ(first.state(), EcnState::kFailed) << "ten were sent";
}

TEST(ecn, disabled_means_never_marked) {
  EcnValidator ecn(false);
  EXPECT_EQ(ecn.mark(), Ecn::kNotEct);
  EXPECT_EQ(ecn.on_ack(2, 0, 0, EcnCounts{.ce = 5}), 0u);
}

}  // namespace
}  // namespace hawser::quic
