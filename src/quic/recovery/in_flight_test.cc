// Goal: what several paths ask of one path's recovery: the oldest packet that is missed, and a smallest RTT that
// starts anew; and that what is not in flight is forgotten. Method: recovery_harness.h.
#include "quic/recovery/recovery_harness.h"

namespace hawser::quic {
namespace {

TEST(loss, names_the_oldest_packet_in_flight_whose_frames_nobody_has_repeated) {
  Recovery r;
  r.confirmed();
  EXPECT_FALSE(r.loss.first_in_flight(0));
  const Timestamp began = r.now;
  for (std::uint32_t i = 0; i < 4; ++i) {
    r.send_stream(4, i * 1'000, 1'000);
    r.now += 1ms;
  }
  ASSERT_TRUE(r.loss.first_in_flight(0));
  EXPECT_EQ(r.loss.first_in_flight(0)->number, 0u);
  EXPECT_EQ(r.loss.first_in_flight(0)->time_sent, began);
  EXPECT_EQ(r.loss.frame_in_flight(0, 0).offset, 0u);
  EXPECT_EQ(r.loss.first_in_flight(2)->number, 2u);
  EXPECT_FALSE(r.loss.first_in_flight(r.loss.numbers_end()));
  ASSERT_TRUE(r.ack({{0, 0}}).has_value());
  EXPECT_EQ(r.loss.first_in_flight(0)->number, 1u);
  r.loss.report_flight(r.frames);
  EXPECT_FALSE(r.loss.first_in_flight(0));
  const std::uint64_t next = r.send_stream(4, 4'000, 1'000);
  EXPECT_EQ(r.loss.first_in_flight(0)->number, next);
}

TEST(loss, knows_whether_something_larger_than_a_size_is_in_flight) {
  Recovery r;
  r.confirmed();
  const std::uint64_t small = r.send(PacketNumberSpace::kApplication, 1'200);
  EXPECT_FALSE(r.loss.has_in_flight_above(1'200));
  const std::uint64_t large = r.send(PacketNumberSpace::kApplication, 1'201);
  EXPECT_TRUE(r.loss.has_in_flight_above(1'200));
  ASSERT_TRUE(r.ack({{large, large}}).has_value());
  EXPECT_FALSE(r.loss.has_in_flight_above(1'200));
  EXPECT_TRUE(r.loss.has_in_flight_above(1'199)) << small;
}

// Careful Resume hands one controller back and forth; that is no exchange.
TEST(loss, what_was_lost_before_an_exchange_of_controllers_is_not_the_new_ones_to_undo) {
  for (const bool exchanged : {false, true}) {
    Recovery r;
    r.confirmed();
    for (int i = 0; i < 10; ++i) r.send();
    r.now += 50ms;
    ASSERT_EQ(r.ack({{1, 5}})->lost_packets, 1u);
    NewReno other{kTestSize};
    const std::uint64_t window = other.congestion_window();
    other.on_loss({.now = r.now, .lost_bytes = kTestSize, .lost_packets = 1, .largest_lost_sent_time = r.now});
    exchanged ? r.loss.exchange_controller(other) : r.loss.set_controller(other);
    r.now += 1ms;
    ASSERT_EQ(r.ack({{0, 6}})->spurious_losses, 1u);
    EXPECT_EQ(other.snapshot().ssthresh == UINT64_MAX, !exchanged);
    EXPECT_EQ(other.congestion_window() < window, exchanged);
  }
}

// A path of several that carries nothing in one direction: its packets are forgotten from time to time.
TEST(loss, what_the_peer_did_not_hear_of_a_forgotten_flight_is_counted_from_zero) {
  Recovery r;
  r.confirmed();
  for (std::uint64_t i = 0; i <= kUnheardMax; ++i)
    r.loss.on_packet_sent({.packet_number = r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random),
                           .size = 50,
                           .frames = {}},
                          r.now);
  r.now += kUnheardTime;
  ASSERT_TRUE(r.loss.peer_is_deaf(r.now));
  r.loss.forget_flight(r.frames);
  EXPECT_FALSE(r.loss.peer_is_deaf(r.now));
}

TEST(loss, smallest_rtt_starts_anew_when_acknowledgements_come_another_way) {
  Recovery r;
  r.confirmed();
  const auto round_trip = [&r](Duration time) {
    const std::uint64_t pn = r.send();
    r.now += time;
    ASSERT_TRUE(r.ack({{pn, pn}}).has_value());
  };
  round_trip(50ms);
  round_trip(80ms);
  EXPECT_EQ(r.loss.rtt().min(), 50ms);
  r.loss.restart_min_rtt();
  round_trip(80ms);
  EXPECT_EQ(r.loss.rtt().min(), 80ms);
  round_trip(70ms);
  EXPECT_EQ(r.loss.rtt().min(), 70ms);
}

// No timer waits for the loss of what is not in flight; the next acknowledgement settles it, and the ring moves on.
TEST(loss, an_ack_alone_that_is_lost_is_forgotten) {
  Recovery r;
  r.confirmed();
  const auto round = [&] {
    const std::uint64_t pn = r.send();
    r.now += 50ms;
    ASSERT_TRUE(r.ack({{pn, pn}}));
  };
  round();
  const PacketNumber alone = r.loss.next_packet_number(PacketNumberSpace::kApplication, r.random);
  const SentFrame frame{.kind = SentFrameKind::kAck};
  r.loss.on_packet_sent({.packet_number = alone, .size = 40, .frames = {&frame, 1}}, r.now);
  for (int i = 0; i < 100; ++i) round();
  EXPECT_LT(r.loss.tracked_packets(PacketNumberSpace::kApplication), 10u);
}

}  // namespace
}  // namespace hawser::quic
