// Goal: ACKs are due when RFC 9000 section 13.2 says, and say what was received.
// Method: packets by hand; written frames are read back by a small decoder of its own.
#include "quic/recovery/ack_tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/random.h"
#include "base/reader.h"

namespace hawser::quic {
namespace {

constexpr Timestamp kNow{10s};

struct Decoded {
  std::uint64_t type = 0;
  std::uint64_t path_id = 0;
  std::uint64_t delay = 0;
  std::vector<Range> ranges;  // descending
  EcnCounts ecn;
};

Decoded decode(Bytes wire) {
  Reader in(wire);
  Decoded d;
  std::uint64_t largest = 0;
  std::uint64_t count = 0;
  std::uint64_t length = 0;
  EXPECT_TRUE(in.varint(d.type));
  EXPECT_TRUE(d.type < 0x3e || in.varint(d.path_id));
  EXPECT_TRUE(in.varint(largest) && in.varint(d.delay) && in.varint(count) && in.varint(length));
  std::uint64_t smallest = largest - length;
  d.ranges.push_back({smallest, largest + 1});
  for (; count != 0; --count) {
    std::uint64_t gap = 0;
    EXPECT_TRUE(in.varint(gap) && in.varint(length));
    largest = smallest - gap - 2;
    smallest = largest - length;
    d.ranges.push_back({smallest, largest + 1});
  }
  EXPECT_TRUE(d.type % 2 == 0 || (in.varint(d.ecn.ect0) && in.varint(d.ecn.ect1) && in.varint(d.ecn.ce)));
  EXPECT_TRUE(in.empty());
  return d;
}

Decoded write(AckTracker& tracker, Timestamp now, std::size_t room = 1'200, std::optional<PathId> path = std::nullopt) {
  std::vector<std::uint8_t> area(room);
  PacketPayload out{area};
  EXPECT_EQ(tracker.write_ack(out, now, kAckDelayExponent, path), WriteResult::kDone);
  EXPECT_EQ(out.frames().size(), 1u);
  EXPECT_EQ(out.frames()[0].kind, SentFrameKind::kAck);
  EXPECT_EQ(out.frames()[0].offset, tracker.largest_received()->value);
  EXPECT_FALSE(out.ack_eliciting());
  return decode({area.data(), out.size()});
}

void receive(AckTracker& tracker, std::initializer_list<std::uint64_t> numbers, Timestamp now = kNow,
             Ecn ecn = Ecn::kNotEct) {
  for (const std::uint64_t pn : numbers) tracker.on_packet_received(PacketNumber{pn}, true, ecn, now);
}

// An ACK that was under way when a packet came late says nothing of it.
// rfc9000:13.2.1-within-delay
TEST(ack_tracker, what_came_late_is_told_though_an_older_ack_is_known_to_have_arrived) {
  const auto told = [](const Decoded& ack, std::uint64_t number) {
    return std::ranges::any_of(ack.ranges, [&](const Range& r) { return r.begin <= number && number < r.end; });
  };
  for (const bool told_once : {false, true}) {
    AckTracker tracker;
    std::vector<SentFrame> acks;
    const auto say = [&] {
      std::vector<std::uint8_t> area(200);
      PacketPayload out{area};
      EXPECT_EQ(tracker.write_ack(out, kNow), WriteResult::kDone);
      acks.push_back(out.frames()[0]);
      return decode({area.data(), out.size()});
    };
    receive(tracker, {0, 1, 2, 3, 4, 6, 8, 9});
    say();
    receive(tracker, {5});
    if (told_once) EXPECT_TRUE(told(say(), 5));  // and this one is lost
    receive(tracker, {10});
    tracker.on_ack_acked(acks[0]);
    EXPECT_TRUE(told(say(), 5));
    EXPECT_EQ(acks.size(), told_once ? 3u : 2u);
    tracker.on_ack_acked(acks.back());
    receive(tracker, {12});
    EXPECT_FALSE(told(say(), 5)) << "known to be known";
  }
}

TEST(ack_tracker, what_is_repeated_on_another_path_stays_due_on_its_own) {
  AckTracker tracker;
  receive(tracker, {0, 1, 3});
  const Timestamp due = tracker.next_timeout();
  std::vector<std::uint8_t> area(100);
  PacketPayload out{area};
  ASSERT_EQ(tracker.repeat_ack(out, kNow + 8ms, PathId{5}), WriteResult::kDone);
  const Decoded d = decode({area.data(), out.size()});
  EXPECT_EQ(d.path_id, 5u);
  EXPECT_EQ(d.delay << kAckDelayExponent, 8'000u);
  EXPECT_EQ(d.ranges, (std::vector<Range>{{3, 4}, {0, 2}}));
  EXPECT_TRUE(tracker.has_news());
  EXPECT_EQ(tracker.next_timeout(), due);
  EXPECT_TRUE(tracker.ack_due(kNow));
}

// rfc9000:13.2.2-two rfc9000:13.2.1-within-delay rfc9000:13.2.1-one-ack
TEST(ack_tracker, every_second_ack_eliciting_packet_is_acknowledged_at_once) {
  AckTracker tracker;
  receive(tracker, {0});
  EXPECT_EQ(tracker.next_timeout(), kNow + 25ms);
  receive(tracker, {1});
  EXPECT_TRUE(tracker.ack_due(kNow));
  write(tracker, kNow);
  EXPECT_EQ(tracker.next_timeout(), kNever);
  EXPECT_FALSE(tracker.has_news());
}

// rfc9000:13.2.1-no-loop rfc9000:13.2-include-ack
TEST(ack_tracker, packets_that_elicit_no_ack_are_reported_only_in_passing) {
  AckTracker tracker;
  for (std::uint64_t pn = 0; pn < 10; ++pn) tracker.on_packet_received(PacketNumber{pn}, false, Ecn::kNotEct, kNow);
  EXPECT_EQ(tracker.next_timeout(), kNever);
  EXPECT_TRUE(tracker.has_news());
}

// rfc9000:13.2.1-handshake-now
TEST(ack_tracker, handshake_spaces_acknowledge_at_once) {
  AckTracker tracker = AckTracker::for_space(PacketNumberSpace::kHandshake);
  receive(tracker, {0});
  EXPECT_TRUE(tracker.ack_due(kNow));
}

// rfc9000:13.2.1-reordered
TEST(ack_tracker, a_gap_and_its_filling_are_acknowledged_at_once_but_only_once) {
  AckTracker tracker;
  receive(tracker, {0, 1});
  write(tracker, kNow);
  receive(tracker, {3});
  EXPECT_TRUE(tracker.ack_due(kNow));
  write(tracker, kNow);
  receive(tracker, {4});  // the gap is known by now
  EXPECT_FALSE(tracker.ack_due(kNow));
  receive(tracker, {2});
  EXPECT_TRUE(tracker.ack_due(kNow));
}

// rfc9000:13.2.1-ce ack-frequency:6.3-ce
TEST(ack_tracker, a_ce_mark_is_acknowledged_at_once) {
  AckTracker tracker;
  receive(tracker, {0}, kNow, Ecn::kCe);
  EXPECT_TRUE(tracker.ack_due(kNow));
}

// A peer that asked for fewer ACKs learns of congestion by the first mark of a run: each of them at once would take the
// request away while a queue marks all.
// ack-frequency:6.3-ce
TEST(ack_tracker, of_a_run_of_ce_marks_the_first_is_acknowledged_at_once) {
  AckTracker tracker;
  tracker.set_frequency(10, 50ms, 3);
  receive(tracker, {0}, kNow, Ecn::kCe);
  ASSERT_TRUE(tracker.ack_due(kNow));
  (void)write(tracker, kNow);
  receive(tracker, {1, 2}, kNow, Ecn::kCe);
  EXPECT_FALSE(tracker.ack_due(kNow));
  receive(tracker, {3}, kNow, Ecn::kEct0);
  EXPECT_FALSE(tracker.ack_due(kNow));
  receive(tracker, {4}, kNow, Ecn::kCe);
  EXPECT_TRUE(tracker.ack_due(kNow));
}

// ack-frequency:4-threshold ack-frequency:4-delay ack-frequency:6.2-zero
TEST(ack_tracker, frequency_follows_the_peer) {
  AckTracker tracker;
  tracker.set_frequency(10, 5ms, 0);
  receive(tracker, {0, 1, 5, 3, 9});
  EXPECT_EQ(tracker.next_timeout(), kNow + 5ms);
  receive(tracker, {10, 11, 12, 13, 14});
  EXPECT_TRUE(tracker.ack_due(kNow));
}

// ack-frequency:6.2-outside
TEST(ack_tracker, a_reordering_threshold_of_three_tolerates_two) {
  AckTracker tracker;
  tracker.set_frequency(100, 25ms, 3);
  receive(tracker, {0, 1});
  write(tracker, kNow);
  receive(tracker, {3, 4});
  EXPECT_FALSE(tracker.ack_due(kNow));
  receive(tracker, {5});
  EXPECT_TRUE(tracker.ack_due(kNow));
}

// rfc9000:13.4.1-report rfc9000:13.2.5-large-delay
// rfc9000:13.2.5-own-delay
TEST(ack_tracker, the_frame_has_ranges_delay_and_counts) {
  AckTracker tracker;
  receive(tracker, {0, 1, 2, 5, 6, 9}, kNow, Ecn::kEct0);
  const Decoded d = write(tracker, kNow + 8ms);
  EXPECT_EQ(d.type, 0x03u);
  EXPECT_EQ(d.delay, 1'000u);  // 8,000 us >> 3
  EXPECT_EQ(d.ranges, (std::vector<Range>{{9, 10}, {5, 7}, {0, 3}}));
  EXPECT_EQ(d.ecn, (EcnCounts{.ect0 = 6, .ect1 = 0, .ce = 0}));
}

TEST(ack_tracker, a_path_ack_names_its_path) {
  AckTracker tracker;
  receive(tracker, {0});
  const Decoded d = write(tracker, kNow, 1'200, PathId{7});
  EXPECT_EQ(d.type, 0x3eu);
  EXPECT_EQ(d.path_id, 7u);
}

TEST(ack_tracker, a_small_room_holds_the_newest_ranges_or_nothing) {
  AckTracker tracker;
  for (std::uint64_t pn = 0; pn < 40; pn += 2) receive(tracker, {pn});
  const Decoded d = write(tracker, kNow, 11);
  EXPECT_EQ(d.ranges, (std::vector<Range>{{38, 39}, {36, 37}, {34, 35}, {32, 33}}));
  std::array<std::uint8_t, 4> area;
  PacketPayload out{area};
  EXPECT_EQ(tracker.write_ack(out, kNow), WriteResult::kPacketFull);
  EXPECT_TRUE(out.empty());
}

// A frame that is cut short proves nothing of the ranges it left out, and these go with the next one.
TEST(ack_tracker, ranges_that_had_no_room_stay_to_be_reported) {
  AckTracker tracker;
  for (std::uint64_t pn = 0; pn < 40; pn += 2) receive(tracker, {pn});
  std::vector<std::uint8_t> area(1'200);
  PacketPayload cut{std::span(area).first(11)};
  ASSERT_EQ(tracker.write_ack(cut, kNow), WriteResult::kDone);
  EXPECT_FALSE(cut.frames()[0].fin);
  EXPECT_TRUE(tracker.has_news());
  EXPECT_EQ(tracker.next_timeout(), kNever);
  tracker.on_ack_acked(cut.frames()[0]);
  PacketPayload whole{area};
  ASSERT_EQ(tracker.write_ack(whole, kNow), WriteResult::kDone);
  EXPECT_TRUE(whole.frames()[0].fin);
  EXPECT_FALSE(tracker.has_news());
  const Decoded d = decode({area.data(), whole.size()});
  EXPECT_EQ(d.ranges.size(), 20u);
  EXPECT_EQ(d.ranges.back(), (Range{0, 1}));
}

// rfc9000:12.3-duplicates rfc9000:13.2.3-retain rfc9000:13.2.3-largest
TEST(ack_tracker, duplicates_are_known_also_past_the_limit_of_ranges) {
  AckTracker tracker;
  for (std::uint64_t pn = 0; pn <= 2 * kMaxAckRanges; pn += 2) receive(tracker, {pn});
  EXPECT_EQ(tracker.received().size(), kMaxAckRanges);
  EXPECT_TRUE(tracker.is_duplicate(PacketNumber{0}));  // forgotten, so it counts as seen
  EXPECT_TRUE(tracker.is_duplicate(PacketNumber{2}));
  EXPECT_FALSE(tracker.is_duplicate(PacketNumber{3}));
  EXPECT_EQ(write(tracker, kNow).ranges.size(), kMaxAckRanges);
}

// rfc9000:13.2.3-stop-tracking
TEST(ack_tracker, what_the_peer_knows_is_not_repeated_but_still_a_duplicate) {
  AckTracker tracker;
  receive(tracker, {0, 1, 4, 5});
  write(tracker, kNow);
  tracker.on_ack_acked({.kind = SentFrameKind::kAck, .fin = true, .offset = 5});
  receive(tracker, {8});
  EXPECT_EQ(write(tracker, kNow).ranges, (std::vector<Range>{{8, 9}}));
  EXPECT_TRUE(tracker.is_duplicate(PacketNumber{4}));
  receive(tracker, {3});  // very late, and news
  EXPECT_EQ(write(tracker, kNow).ranges, (std::vector<Range>{{8, 9}, {3, 6}}));
}

TEST(ack_tracker, a_lost_ack_is_said_again_unless_a_later_one_went_out) {
  AckTracker tracker;
  receive(tracker, {0, 1});
  write(tracker, kNow);
  tracker.on_ack_lost(1, kNow);
  EXPECT_TRUE(tracker.has_news());
  write(tracker, kNow);
  receive(tracker, {2, 3});
  write(tracker, kNow);
  tracker.on_ack_lost(1, kNow);
  EXPECT_FALSE(tracker.has_news());
}

TEST(ack_tracker, frames_say_exactly_what_arrived) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SeededRandom random(seed);
    AckTracker tracker;
    std::set<std::uint64_t> received;
    std::uint64_t next = random.below(1'000'000);
    for (int i = 0; i < 300; ++i) {
      next += random.below(20) == 0 ? 2 + random.below(3) : 1;
      const std::uint64_t pn = next - random.below(4);
      if (tracker.is_duplicate(PacketNumber{pn})) continue;
      ASSERT_TRUE(received.insert(pn).second);
      tracker.on_packet_received(PacketNumber{pn}, true, Ecn::kNotEct, kNow);
    }
    const Decoded d = write(tracker, kNow);
    EXPECT_EQ(d.ranges[0].end - 1, *received.rbegin());
    for (std::uint64_t pn = d.ranges.back().begin; pn < d.ranges[0].end; ++pn) {
      bool said = false;
      for (const Range& range : d.ranges) said |= range.begin <= pn && pn < range.end;
      EXPECT_EQ(said, received.contains(pn)) << seed << ' ' << pn;
    }
  }
}

}  // namespace
}  // namespace hawser::quic
