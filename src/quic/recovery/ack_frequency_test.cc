// ack_frequency_test.cc: goal: a bulk sender asks once for few ACKs, a short one never, and the
// probe timeout covers every request that the peer may have read. Method: calls in order, frames
// read back.
#include "quic/recovery/ack_frequency.h"

#include <gtest/gtest.h>

#include <array>

#include "quic/wire/frames/ack_frequency.h"

namespace hawser::quic {
namespace {

constexpr Duration kPeerDelay = 25ms;

AckFrequencySender negotiated() {
  AckFrequencySender sender;
  sender.set_peer(1'000, kPeerDelay);
  return sender;
}

struct Written {
  AckFrequencyFrame frame;
  SentFrame sent;
};

Written write(AckFrequencySender& sender) {
  std::array<std::uint8_t, 64> area;
  PacketPayload payload{MutableBytes(area)};
  EXPECT_EQ(sender.write(payload), WriteResult::kDone);
  FrameReader in(Bytes(area).first(payload.size()));
  EXPECT_EQ(in.next_type().value(), 0xafu);
  return {parse_ack_frequency(in).value(), payload.frames()[0]};
}

// rfc9000:19.21-understood
TEST(ack_frequency, asks_nothing_of_a_peer_that_did_not_offer_it) {
  AckFrequencySender sender;
  sender.set_peer(std::nullopt, kPeerDelay);
  sender.update(10'000, 40ms, 3, false);
  EXPECT_FALSE(sender.owes_frame());
  EXPECT_EQ(sender.peer_max_ack_delay(), kPeerDelay);
}

TEST(ack_frequency, asks_nothing_while_the_window_is_small) {
  AckFrequencySender sender = negotiated();
  sender.update(15, 40ms, 3, false);
  EXPECT_FALSE(sender.owes_frame());
}

// ack-frequency:9-adaptive
TEST(ack_frequency, asks_for_four_acks_in_a_window_and_in_a_round_trip) {
  AckFrequencySender sender = negotiated();
  sender.update(80, 40ms, 3, false);
  ASSERT_TRUE(sender.owes_frame());
  const AckFrequencyFrame frame = write(sender).frame;
  EXPECT_EQ(frame.sequence_number, 0u);
  EXPECT_EQ(frame.ack_eliciting_threshold, 19u);
  EXPECT_EQ(frame.requested_max_ack_delay_us, 10'000u);
  EXPECT_EQ(frame.reordering_threshold, 3u);
  EXPECT_FALSE(sender.owes_frame());
}

TEST(ack_frequency, stays_within_what_the_peer_declared) {
  AckFrequencySender sender = negotiated();
  sender.update(100'000, 100us, 3, false);
  AckFrequencyFrame frame = write(sender).frame;
  EXPECT_EQ(frame.requested_max_ack_delay_us, 1'000u);
  EXPECT_EQ(frame.ack_eliciting_threshold, kAckEveryMax - 1);
  sender.update(100'000, 4s, 3, false);
  frame = write(sender).frame;
  EXPECT_EQ(frame.requested_max_ack_delay_us, 25'000u);
  EXPECT_EQ(frame.sequence_number, 1u);
}

TEST(ack_frequency, a_controller_that_takes_bursts_for_queues_gets_acks_of_a_quarter_millisecond) {
  AckFrequencySender sender = negotiated();
  sender.update(3'200, 40ms, 3, true);  // 80,000 packets a second: 20 in 250 us
  ASSERT_TRUE(sender.owes_frame());
  EXPECT_EQ(write(sender).frame.ack_eliciting_threshold, 19u);
  sender.update(32, 40ms, 3, true);  // a packet every 1.25 ms: each is acknowledged
  ASSERT_TRUE(sender.owes_frame());
  EXPECT_EQ(write(sender).frame.ack_eliciting_threshold, 0u);
}

// ack-frequency:4-sequence
TEST(ack_frequency, asks_again_only_when_a_quarter_more_or_less_is_wanted) {
  for (const auto& [window, asks] : {std::pair(96u, false), {100u, true}, {68u, false}, {64u, true}}) {
    AckFrequencySender sender = negotiated();
    sender.update(80, 40ms, 3, false);
    (void)write(sender);
    sender.update(window, 44ms, 3, false);
    EXPECT_EQ(sender.owes_frame(), asks) << window;
    if (asks) EXPECT_EQ(write(sender).frame.ack_eliciting_threshold, window / 4 - 1);
  }
}

// ack-frequency:7-greater ack-frequency:7-in-flight
TEST(ack_frequency, the_peers_delay_is_the_longest_it_may_know_of) {
  AckFrequencySender sender = negotiated();
  sender.update(80, 40ms, 3, false);
  const SentFrame first = write(sender).sent;
  EXPECT_EQ(sender.peer_max_ack_delay(), 25ms);  // it may not have read the first
  sender.on_frame_acked(first);
  EXPECT_EQ(sender.peer_max_ack_delay(), 10ms);
  sender.update(80, 80ms, 3, false);
  const SentFrame second = write(sender).sent;
  EXPECT_EQ(sender.peer_max_ack_delay(), 20ms);  // it may have read the second
  sender.update(80, 20ms, 3, false);
  const SentFrame third = write(sender).sent;
  sender.on_frame_acked(second);
  EXPECT_EQ(sender.peer_max_ack_delay(), 20ms);
  sender.on_frame_acked(third);
  EXPECT_EQ(sender.peer_max_ack_delay(), 5ms);
}

TEST(ack_frequency, the_newest_lost_request_is_repeated_under_a_new_number) {
  AckFrequencySender sender = negotiated();
  sender.update(80, 40ms, 3, false);
  const SentFrame first = write(sender).sent;
  sender.on_frame_lost(first);
  ASSERT_TRUE(sender.owes_frame());
  const Written second = write(sender);
  EXPECT_EQ(second.frame.sequence_number, 1u);
  EXPECT_EQ(second.frame.ack_eliciting_threshold, 19u);
  sender.on_frame_lost(first);
  EXPECT_FALSE(sender.owes_frame());
}

TEST(ack_frequency, waits_for_room) {
  AckFrequencySender sender = negotiated();
  sender.update(80, 40ms, 3, false);
  std::array<std::uint8_t, 4> area;
  PacketPayload payload{MutableBytes(area)};
  EXPECT_EQ(sender.write(payload), WriteResult::kPacketFull);
  EXPECT_TRUE(sender.owes_frame());
}

// ack-frequency:4-outdated
TEST(ack_frequency, a_receiver_takes_only_newer_requests) {
  AckFrequencyReceiver receiver;
  EXPECT_TRUE(receiver.accept(0));
  EXPECT_TRUE(receiver.accept(5));
  EXPECT_FALSE(receiver.accept(5));
  EXPECT_FALSE(receiver.accept(3));
  EXPECT_TRUE(receiver.accept(6));
}

}  // namespace
}  // namespace hawser::quic
