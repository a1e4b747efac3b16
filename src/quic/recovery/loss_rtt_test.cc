// loss_rtt_test.cc: goal: the corners of RFC 9002 sections 5.3, 6 and 7: what a LossDetector takes for an RTT sample,
// how long it waits, and what it forgets once the peer is heard again. Method: by hand in virtual time, a test for each
// mutation of the code that no other test noticed.
#include "quic/recovery/recovery_harness.h"

namespace hawser::quic {
namespace {

// rfc9002:6.1.2-nine-eighths
TEST(loss_rtt, the_time_threshold_goes_by_the_latest_rtt_where_that_is_longer) {
  Recovery r;
  r.confirmed();
  r.send();
  r.now += 100ms;
  ASSERT_TRUE(r.ack({{0, 0}}));
  const Timestamp sent = r.now;
  r.send();
  r.send();
  r.now += 300ms;
  // Smoothed 125 ms, latest 300 ms: nine eighths of the former are long over.
  EXPECT_EQ(r.ack({{2, 2}})->lost_packets, 0u);
  EXPECT_EQ(r.loss.next_timeout(), sent + Duration{300ms} * 9 / 8);
}

// rfc9002:5.3-local-delay
TEST(loss_rtt, what_an_ack_waited_for_its_keys_is_no_rtt_until_the_handshake_is_confirmed) {
  for (const bool confirmed : {false, true}) {
    Recovery r;
    if (confirmed) r.confirmed();
    r.send();
    r.now += 100ms;
    const std::vector<TestRange> ranges{{0, 0}};
    ASSERT_TRUE(r.loss.on_ack_received({.largest_acknowledged = PacketNumber{0}, .waited = 40ms, .now = r.now}, ranges,
                                       r.frames));
    EXPECT_EQ(r.loss.rtt().latest(), confirmed ? 100ms : 60ms);
  }
}

// The first packets of a path may wait at the peer for the end of the handshake. Its word makes no round trip of
// nothing, and counts for the first sample alone.
TEST(loss_rtt, what_a_first_packet_waited_at_the_peer_is_no_rtt_until_the_handshake_is_confirmed) {
  for (const auto& [confirmed, told, first] :
       {std::tuple{false, 40ms, 60ms}, {true, 40ms, 100ms}, {false, 100ms, 1ms}, {false, 5'000ms, 1ms}}) {
    Recovery r;
    if (confirmed) r.confirmed();
    for (const std::uint64_t number : {0u, 1u}) {
      r.send();
      r.now += 100ms;
      const std::vector<TestRange> ranges{{number, number}};
      ASSERT_TRUE(r.loss.on_ack_received(
          {.largest_acknowledged = PacketNumber{number}, .ack_delay = told, .now = r.now}, ranges, r.frames));
      EXPECT_EQ(r.loss.rtt().latest(), number == 0 ? Duration{first} : Duration{100ms});
    }
  }
}

// An ACK that came on another path, whose way back is another.
TEST(loss_rtt, a_detour_is_no_round_trip) {
  Recovery r;
  r.confirmed();
  r.send();
  r.now += 100ms;
  ASSERT_TRUE(r.ack({{0, 0}}));
  r.send();
  r.now += 20ms;
  const std::vector<TestRange> ranges{{1, 1}};
  const auto outcome = r.loss.on_ack_received({.largest_acknowledged = PacketNumber{1}, .detoured = true, .now = r.now},
                                              ranges, r.frames);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->acked_packets, 1u);
  EXPECT_FALSE(outcome->rtt_sampled);
  EXPECT_EQ(r.loss.rtt().min(), 100ms);
}

// Packets 1 to 20, over a path of 100 ms, of which another way tells the newest three.
struct Detoured : Recovery {
  Detoured() {
    confirmed();
    send();
    now += 100ms;
    EXPECT_TRUE(ack({{0, 0}}));
    for (int i = 1; i <= 20; ++i) send();
  }
  Parsed<RecoveryOutcome> tell_newest() {
    const std::vector<TestRange> newest{{18, 20}};
    return loss.on_ack_received({.largest_acknowledged = PacketNumber{20}, .detoured = true, .now = now}, newest,
                                frames);
  }
};

// It has room for the newest of many ranges: what is below them may have arrived, and the ACKs on their way say so.
TEST(loss_rtt, what_a_detour_leaves_out_is_not_lost_by_count) {
  Detoured r;
  r.now += 50ms;
  const auto told = r.tell_newest();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->acked_packets, 3u);
  EXPECT_EQ(told->lost_packets, 0u);
  r.now += 50ms;
  const auto usual = r.ack({{11, 20}, {1, 9}});
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->acked_packets, 16u);
  EXPECT_EQ(usual->lost_packets, 1u) << "packet 10, by those behind it";
  EXPECT_EQ(usual->spurious_losses, 0u);
}

TEST(loss_rtt, what_a_detour_leaves_out_is_lost_by_time) {
  Detoured r;
  r.now += 110ms;
  ASSERT_TRUE(r.tell_newest());
  r.now += 5ms;  // nine eighths of the round trip and some
  const TimeoutOutcome timeout = r.loss.on_timeout(r.now, r.frames);
  EXPECT_EQ(timeout.kind, TimeoutKind::kLoss);
  EXPECT_EQ(timeout.losses.lost_packets, 17u);
}

// Each detour would look through all that came after it again.
TEST(loss_rtt, an_ack_alone_that_a_detour_leaves_out_is_given_up_at_once) {
  Recovery r;
  r.confirmed();
  r.send();
  r.now += 100ms;
  ASSERT_TRUE(r.ack({{0, 0}}));
  const SentFrame said{.kind = SentFrameKind::kAck};
  const PacketNumber alone = r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random);
  r.loss.on_packet_sent({.packet_number = alone, .size = 40, .frames = {&said, 1}}, r.now);
  for (int i = 0; i < 4; ++i) r.send();
  r.frames.clear();
  const std::vector<TestRange> newest{{2, 5}};
  const auto told = r.loss.on_ack_received({.largest_acknowledged = PacketNumber{5}, .detoured = true, .now = r.now},
                                           newest, r.frames);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->lost_packets, 0u);
  ASSERT_EQ(r.frames.lost.size(), 1u);
  EXPECT_EQ(r.frames.lost[0].kind, SentFrameKind::kAck);
}

// It says nothing new, but counts.
TEST(loss_rtt, what_a_detour_left_out_is_lost_by_an_usual_ack_of_the_same) {
  Detoured r;
  r.now += 50ms;
  ASSERT_TRUE(r.tell_newest());
  const auto usual = r.ack({{18, 20}});
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->acked_packets, 0u);
  EXPECT_EQ(usual->lost_packets, 17u);
}

TEST(loss_rtt, the_delay_that_an_ack_of_initial_packets_states_counts_for_nothing) {
  for (const PacketNumberSpace space : {PacketNumberSpace::kInitial, PacketNumberSpace::kHandshake}) {
    Recovery r;
    r.send(space);
    r.now += 100ms;
    ASSERT_TRUE(r.ack({{0, 0}}, {}, space));
    r.send(space);
    r.now += 180ms;
    ASSERT_TRUE(r.ack({{1, 1}}, 48ms, space));
    const Duration adjusted = space == PacketNumberSpace::kInitial ? 180ms : 132ms;
    EXPECT_EQ(r.loss.rtt().smoothed(), (7 * Duration{100ms} + adjusted) / 8);
  }
}

// rfc9002:7.3.2-reduce
TEST(loss_rtt, an_ack_that_begins_recovery_grows_no_window) {
  Recovery r;
  r.confirmed();
  const std::uint64_t window = r.controller.congestion_window();
  for (int i = 0; i < 10; ++i) r.send();
  r.now += 100ms;
  ASSERT_EQ(r.ack({{1, 9}})->lost_packets, 1u);
  EXPECT_EQ(r.controller.congestion_window(), window / 2);
}

TEST(loss_rtt, an_ack_ends_the_backoff_but_for_a_client_that_may_not_be_validated) {
  for (const bool server : {false, true}) {
    Recovery r(server ? Recovery::server() : LossConfig{.skip_packet_numbers = false});
    r.send(PacketNumberSpace::kInitial);
    ASSERT_EQ(r.timeout().kind, TimeoutKind::kPto);
    ASSERT_TRUE(r.ack({{0, 0}}, {}, PacketNumberSpace::kInitial));
    EXPECT_EQ(r.loss.pto_count(), server ? 0u : 1u);
  }
}

TEST(loss_rtt, probes_that_were_not_sent_yet_are_not_owed_once_the_peer_is_heard) {
  Recovery r;
  r.confirmed();
  r.send();
  ASSERT_EQ(r.timeout().kind, TimeoutKind::kPto);
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kApplication), 2u);
  ASSERT_TRUE(r.ack({{0, 0}}));
  EXPECT_EQ(r.loss.probes_owed(PacketNumberSpace::kApplication), 0u);
}

TEST(loss_rtt, a_probe_timeout_says_nothing_again_of_what_probed_the_mtu) {
  Recovery r;
  r.confirmed();
  const SentFrame ping{.kind = SentFrameKind::kPing};
  r.loss.on_packet_sent({.packet_number = r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random),
                         .size = 1'400,
                         .ack_eliciting = true,
                         .in_flight = true,
                         .mtu_probe = true,
                         .frames = {&ping, 1}},
                        r.now);
  r.send();
  ASSERT_EQ(r.timeout().kind, TimeoutKind::kPto);
  ASSERT_EQ(r.frames.lost.size(), 1u);
  EXPECT_EQ(r.frames.lost[0].kind, SentFrameKind::kDatagram);
}

// What is sent at the very time when recovery begins belongs to the flight that was lost from.
// rfc9002:7.3.2-reduce
TEST(loss_rtt, what_was_sent_when_recovery_began_grows_no_window) {
  for (const bool later : {false, true}) {
    Recovery r;
    r.confirmed();
    for (int i = 0; i < 10; ++i) r.send();
    r.now += 100ms;
    ASSERT_EQ(r.ack({{1, 9}})->lost_packets, 1u);
    const std::uint64_t window = r.controller.congestion_window();
    if (later) r.now += 1ns;
    for (std::uint64_t sent = 0; sent < window; sent += kTestSize) r.send();
    r.now += 100ms;
    ASSERT_TRUE(r.ack({{10, 10 + window / kTestSize - 1}}));
    EXPECT_EQ(r.controller.congestion_window(), window + (later ? kTestSize : 0));
  }
}

// The smoothed RTT is 100 ms and its variation 37.5 when the next ACK looks what may be forgotten: a PTO is 250 ms.
TEST(loss_rtt, what_was_lost_is_remembered_for_three_ptos) {
  for (const Duration late : {Duration{600ms}, Duration{900ms}}) {
    Recovery r;
    r.confirmed();
    for (int i = 0; i < 5; ++i) r.send();
    r.now += 100ms;
    ASSERT_EQ(r.ack({{1, 4}})->lost_packets, 1u);
    r.now += late - 200ms;
    r.send();
    r.now += 100ms;
    ASSERT_TRUE(r.ack({{5, 5}}));
    EXPECT_EQ(r.ack({{0, 5}})->spurious_losses, late < 750ms ? 1u : 0u);
  }
}

// rfc9002:5.2-persistent
TEST(loss_rtt, persistent_congestion_forgets_the_smallest_rtt) {
  Recovery r;
  r.confirmed();
  r.send();
  r.now += 20ms;
  ASSERT_TRUE(r.ack({{0, 0}}));
  for (int i = 0; i < 10; ++i) {
    r.send();
    r.now += 200ms;
  }
  const std::uint64_t last = r.send();
  r.now += 300ms;
  ASSERT_TRUE(r.ack({{last, last}})->persistent_congestion);
  r.send();
  r.now += 300ms;
  ASSERT_TRUE(r.ack({{last + 1, last + 1}}));
  EXPECT_EQ(r.loss.rtt().min(), 300ms) << "the path may be another one";
}

}  // namespace
}  // namespace hawser::quic
