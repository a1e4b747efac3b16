// ack_test.cc: tests of ACK frames.
// Goal: an ACK frame says exactly what was received, newest first, in the room there is.
// Method: random sets of packet numbers over seeds, written, parsed and compared.
#include "quic/wire/frames/ack.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

struct Written {
  WriteResult result = WriteResult::kDone;
  Octets octets;
};

Written write_into(std::size_t room, const AckToWrite& ack) {
  Octets area(room);
  PacketPayload payload{MutableBytes(area)};
  Written written;
  written.result = write_ack(payload, ack);
  area.resize(payload.size());
  written.octets = area;
  return written;
}

RangeSet random_set(Random& random, std::size_t ranges) {
  RangeSet set;
  std::uint64_t at = random.below(100);
  for (std::size_t i = 0; i < ranges; ++i) {
    const std::uint64_t end = at + 1 + random.below(random.below(4) == 0 ? 100'000 : 10);
    set.add(at, end);
    at = end + 1 + random.below(random.below(4) == 0 ? 100'000 : 10);
  }
  return set;
}

AckFrame parsed(Octets&&) = delete;  // The frame looks into the octets.

AckFrame parsed(const Octets& octets) {
  FrameReader in{Bytes(octets)};
  EXPECT_TRUE(in.next_type());
  const auto frame = parse_ack(in);
  EXPECT_TRUE(frame);
  EXPECT_TRUE(in.empty());
  return frame.value_or(AckFrame{});
}

// rfc9000:13.2.3-latest rfc9000:13.2.3-largest-range
TEST(ack, says_the_newest_ranges_that_fit_over_seeds) {
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    SeededRandom random(seed);
    const RangeSet received = random_set(random, 1 + random.below(100));
    const EcnCounts ecn{random.below(1'000), 0, random.below(10)};
    const AckToWrite ack{
        .received = received, .ack_delay = random.below(100'000), .ecn = seed % 2 == 0 ? &ecn : nullptr};
    const std::size_t room = random.below(3) == 0 ? 2'000 : random.below(200);
    const Written written = write_into(room, ack);
    if (written.result == WriteResult::kPacketFull) {
      ASSERT_TRUE(written.octets.empty());
      ASSERT_LT(room, 40u) << "one range always fits in 40 octets here";
      continue;
    }
    ASSERT_LE(written.octets.size(), room);
    if (room == 2'000) ASSERT_EQ(written.octets.size(), ack_size(ack));
    const AckFrame frame = parsed(written.octets);
    ASSERT_EQ(frame.ack_delay, ack.ack_delay);
    ASSERT_EQ(frame.largest_acknowledged().value, received.highest().end - 1);
    ASSERT_EQ(frame.ecn.has_value(), ack.ecn != nullptr);
    if (frame.ecn) ASSERT_EQ(*frame.ecn, ecn);
    std::size_t at = received.size();
    for (const Range& range : frame) {
      ASSERT_GT(at, 0u);
      ASSERT_EQ(range, received[--at]) << "seed " << seed;
    }
    ASSERT_EQ(received.size() - at, frame.range_count);
    ASSERT_LE(frame.range_count, kMaxAckRangesWritten);
    if (room == 2'000) ASSERT_EQ(frame.range_count, std::min(received.size(), kMaxAckRangesWritten));
  }
}

TEST(ack, stops_at_the_limit_of_ranges) {
  RangeSet received;
  for (std::uint64_t i = 0; i < kMaxAckRangesWritten + 1; ++i) received.add(2 * i, 2 * i + 1);
  const Written beyond = write_into(2'000, {.received = received});
  EXPECT_EQ(parsed(beyond.octets).range_count, kMaxAckRangesWritten);
  received.drop_lowest();
  const Written at_limit = write_into(2'000, {.received = received});
  EXPECT_EQ(parsed(at_limit.octets).range_count, kMaxAckRangesWritten);
}

TEST(ack, writes_nothing_where_not_even_one_range_fits) {
  RangeSet received;
  received.add(5, 6);
  EXPECT_EQ(write_into(5, {.received = received}).result, WriteResult::kDone);
  const Written full = write_into(4, {.received = received});
  EXPECT_EQ(full.result, WriteResult::kPacketFull);
  EXPECT_TRUE(full.octets.empty());
}

// rfc9000:19.3-both
TEST(ack, reads_ranges_as_section_19_3_1_counts_them) {
  // Largest 10, first range 10..8; a gap of 1 skips 7 and 6; then 5..3.
  const Octets octets = from_hex("02 0a 19 01 02 01 02");
  const AckFrame frame = parsed(octets);
  std::vector<Range> ranges;
  for (const Range& range : frame) ranges.push_back(range);
  EXPECT_EQ(ranges, (std::vector<Range>{{8, 11}, {3, 6}}));
  EXPECT_EQ(frame.ack_delay, 0x19u);
  EXPECT_FALSE(frame.ecn);
}

TEST(ack, the_largest_packet_number_can_be_acknowledged) {
  const Octets octets = from_hex("02 ffffffffffffffff 00 00 ffffffffffffffff");
  const AckFrame frame = parsed(octets);
  EXPECT_EQ(frame.largest_acknowledged().value, kVarintMax);
  EXPECT_EQ(*frame.begin(), (Range{0, kVarintMax + 1}));
}

}  // namespace
}  // namespace hawser::quic
