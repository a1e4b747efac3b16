// Goal: what is sent again when nothing else is left gets one second copy, and nothing else does.
// Method: packets by hand; the copies are the frames that repeat_tail() hands out.
#include "quic/recovery/recovery_harness.h"

namespace hawser::quic {
namespace {

// Five packets of new data, of which the first is lost and sent again as number 5; that was all.
struct Tail : Recovery {
  Tail() {
    confirmed();
    for (int i = 0; i < 5; ++i) send_stream(0, static_cast<std::uint64_t>(i) * 1'000, 1'000);
    EXPECT_FALSE(repeat(5'000));
    now += 50ms;
    EXPECT_TRUE(ack({{1, 4}}).has_value());
    EXPECT_EQ(lost_numbers(), std::vector<std::uint64_t>{0});
    send_stream(0, 0, 1'000);
  }
  bool repeat(std::uint64_t stream_octets) {
    frames.clear();
    return loss.repeat_tail(stream_octets, frames);
  }
};

TEST(tail, what_is_sent_again_at_the_end_gets_one_copy) {
  Tail r;
  ASSERT_TRUE(r.repeat(5'000));
  ASSERT_EQ(r.frames.lost.size(), 1u);
  EXPECT_EQ(r.frames.lost[0].offset, 0u);
  EXPECT_TRUE(r.lost_numbers().empty());
  r.send_stream(0, 0, 1'000);
  EXPECT_FALSE(r.repeat(5'000));
  EXPECT_FALSE(r.repeat(5'000));
}

TEST(tail, a_copy_arrives_where_its_original_is_lost_again) {
  Tail r;
  ASSERT_TRUE(r.repeat(5'000));
  const std::uint64_t copy = r.send_stream(0, 0, 1'000);
  r.now += 50ms;
  ASSERT_TRUE(r.ack({{copy, copy}, {1, 4}}).has_value());
  ASSERT_EQ(r.frames.acked.size(), 1u);
  EXPECT_EQ(r.frames.acked[0].offset, 0u);
  // When the original is given up its frame, which has its copy, is not sent a third time.
  r.now = r.loss.next_timeout();
  r.frames.clear();
  (void)r.loss.on_timeout(r.now, r.frames);
  EXPECT_EQ(r.lost_numbers(), std::vector<std::uint64_t>{5});
  EXPECT_TRUE(r.frames.lost.empty());
}

// The probes carry it already, and a path that may be down is not to be filled.
TEST(tail, after_a_probe_timeout_nothing_is_copied) {
  Tail r;
  for (int i = 1; i < 4; ++i) r.send_stream(0, static_cast<std::uint64_t>(i) * 1'000, 1'000);
  ASSERT_EQ(r.timeout().kind, TimeoutKind::kPto);
  ASSERT_EQ(r.frames.lost.size(), 2u) << "of four that wait";
  EXPECT_FALSE(r.repeat(5'000));
}

TEST(tail, new_data_behind_it_is_no_end) {
  Tail r;
  EXPECT_FALSE(r.repeat(6'000));
}

TEST(tail, what_goes_out_for_the_first_time_has_no_copy) {
  Recovery r;
  r.confirmed();
  EXPECT_FALSE(r.loss.repeat_tail(0, r.frames));
  for (int i = 0; i < 3; ++i) r.send_stream(0, static_cast<std::uint64_t>(i) * 1'000, 1'000);
  EXPECT_FALSE(r.loss.repeat_tail(3'000, r.frames));
  EXPECT_FALSE(r.loss.repeat_tail(3'000, r.frames));
}

// Four hundred packets, a tenth of a millisecond apart over 40 ms; of those before them each hundredth was lost, or as
// many as are said.
struct LastFlight : Recovery {
  explicit LastFlight(bool fin = true, int lost_each = 100) {
    confirmed();
    for (int i = 0; i < kPackets; ++i) {
      send_at(i);
      now += 100us;
    }
    for (int i = 0; i < kPackets; ++i) {
      if (i % lost_each != lost_each - 1)
        EXPECT_TRUE(ack({{static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i)}}).has_value());
      send_at(kPackets + i, fin && i == kPackets - 1);
      now += 100us;
    }
  }
  void send_at(int i, bool fin = false) { send_stream(0, static_cast<std::uint64_t>(i) * kTestSize, kTestSize, fin); }
  // Octets of copies, the least of their offsets.
  std::pair<std::uint64_t, std::uint64_t> repeat(std::uint64_t stream_octets) {
    frames.clear();
    std::pair<std::uint64_t, std::uint64_t> copies{0, UINT64_MAX};
    if (!loss.repeat_last_flight(stream_octets, frames)) return copies;
    for (const SentFrame& frame : frames.lost) {
      copies.first += frame.length;
      copies.second = std::min(copies.second, frame.offset);
    }
    return copies;
  }
  static constexpr int kPackets = 400;
  static constexpr std::uint64_t kManyOctets = 100'000'000;
};

TEST(tail, the_second_half_of_a_last_flight_is_copied_where_some_of_it_is_lost) {
  LastFlight r;
  const auto [octets, from] = r.repeat(LastFlight::kManyOctets);
  EXPECT_NEAR(static_cast<double>(octets), 200.0 * kTestSize, 5.0 * kTestSize);
  EXPECT_EQ(from, 2 * LastFlight::kPackets * std::uint64_t{kTestSize} - octets) << "the end of it";
  EXPECT_EQ(r.repeat(LastFlight::kManyOctets).first, 0u) << "once";
}

TEST(tail, copies_of_a_last_flight_are_a_small_part_of_what_was_sent) {
  LastFlight r;
  const std::uint64_t sent = 2 * LastFlight::kPackets * std::uint64_t{kTestSize};
  const std::uint64_t octets = r.repeat(sent).first;
  EXPECT_LE(octets, sent / kLastFlightOctetsShare);
  EXPECT_GE(octets, sent / kLastFlightOctetsShare - kTestSize);
}

TEST(tail, a_last_flight_is_not_copied_without_an_end_without_loss_or_with_much_of_it) {
  EXPECT_EQ(LastFlight(false).repeat(LastFlight::kManyOctets).first, 0u) << "more may come";
  EXPECT_EQ(LastFlight(true, 1'000).repeat(LastFlight::kManyOctets).first, 0u) << "nothing is lost";
  EXPECT_EQ(LastFlight(true, 10).repeat(LastFlight::kManyOctets).first, 0u) << "of copies too many were lost as well";
}

// Found lost, it goes out once more: by then its copy may be lost as well.
TEST(tail, the_original_of_a_copy_that_is_lost_is_sent_again) {
  LastFlight r;
  ASSERT_GT(r.repeat(LastFlight::kManyOctets).first, 0u);
  const auto last = static_cast<std::uint64_t>(2 * LastFlight::kPackets - 1);
  const std::uint64_t missing = last - 20;
  ASSERT_TRUE(r.ack({{missing + 1, last}, {LastFlight::kPackets, missing - 1}}).has_value());
  ASSERT_FALSE(r.frames.lost.empty());
  EXPECT_EQ(r.lost_numbers().back(), missing);
  EXPECT_EQ(r.frames.lost.back().offset, missing * kTestSize);
}

TEST(tail, a_datagram_is_never_said_to_be_lost_for_a_copy) {
  Tail r;
  r.send();
  ASSERT_TRUE(r.repeat(5'000));
  ASSERT_EQ(r.frames.lost.size(), 1u);
  EXPECT_EQ(r.frames.lost[0].kind, SentFrameKind::kStream);
}

TEST(tail, copies_stay_within_their_share_of_the_window) {
  Tail r;
  for (int i = 0; i < 9; ++i) r.send_stream(0, 1'000, 1'000);
  ASSERT_TRUE(r.repeat(5'000));
  EXPECT_EQ(r.frames.lost.size(), kTailLeast / kTestSize);
}

TEST(tail, probes_of_a_timeout_have_none) {
  Tail r;
  (void)r.timeout();
  EXPECT_FALSE(r.repeat(5'000));
}

}  // namespace
}  // namespace hawser::quic
