// receive_timestamps_test.cc: tests of the receive timestamps at the end of ACK frames.
// Goal: they are read as draft-smith-quic-receive-ts-03 lays them out, and no octets make the parser read past
// them or name a packet or time that cannot be. Method: the draft's own examples, and one row per fault.
#include "quic/wire/frames/receive_timestamps.h"

#include <gtest/gtest.h>

#include <vector>

#include "quic/wire/frames/ack.h"

namespace hawser::quic {
namespace {

using Told = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Parsed<ReceiveTimestamps> parse(const std::vector<std::uint8_t>& octets, std::uint64_t largest) {
  FrameReader in(Bytes(octets), FrameType::kAck);
  return parse_receive_timestamps(in, largest);
}

Told told(const std::vector<std::uint8_t>& octets, std::uint64_t largest, std::uint64_t exponent = 0) {
  Told all;
  const auto parsed = parse(octets, largest);
  EXPECT_TRUE(parsed);
  if (parsed)
    for_each_receive_time(*parsed, largest, exponent,
                          [&all](std::uint64_t number, std::uint64_t us) { all.emplace_back(number, us); });
  EXPECT_TRUE(!parsed || all.size() == parsed->timestamp_count);
  return all;
}

TEST(receive_timestamps, the_drafts_first_example_reads_as_it_says) {
  const Told expected{{100, 380}, {99, 370}, {98, 360}, {97, 355}, {96, 350},
                      {91, 330},  {90, 320}, {89, 310}, {88, 305}, {87, 300}};
  EXPECT_EQ(told(from_hex("02 00 05 417c 0a 0a 05 05 09 05 14 0a 0a 05 05"), 100), expected);
}

TEST(receive_timestamps, a_range_may_stand_above_the_one_before_it) {
  const Told expected{{95, 395}, {94, 394}, {93, 392}, {92, 390}, {100, 380}, {99, 370}};
  EXPECT_EQ(told(from_hex("02 05 04 418b 01 02 02 00 02 0a 0a"), 100), expected);
}

TEST(receive_timestamps, the_exponent_multiplies_and_no_time_overflows) {
  EXPECT_EQ(told(from_hex("01 00 02 05 01"), 7, 3), (Told{{7, 40}, {6, 32}}));
  EXPECT_EQ(told(from_hex("01 00 01 ffffffffffffffff"), 7, 20), (Told{{7, kReceiveTimeMaxUs}}));
  EXPECT_EQ(told(from_hex("00"), 7), Told{});
}

TEST(receive_timestamps, what_cannot_be_is_a_frame_encoding_error) {
  for (const char* hex : {
           "01 06 01 05",                    // below packet number 0
           "01 05 02 05 01",                 // the second is
           "01 00 07 09 01 01 01 01 01 01",  // the seventh is
           "01 00 02 05 06",                 // before the basis
           "02 00 01 05 02 01 06",           // in the next range
           "01 00 ffffffffffffffff 01",      // a count that no packet has
           "ffffffffffffffff 00 01 05",      // ranges that are not there
           "01 00 02 05",                    // cut
           "01",
           "",
       }) {
    const auto octets = from_hex(hex);
    const auto parsed = parse(octets, 5);
    ASSERT_FALSE(parsed) << hex;
    EXPECT_EQ(parsed.error().code, TransportErrorCode::kFrameEncodingError) << hex;
    EXPECT_EQ(parsed.error().frame_type, 2u);
  }
}

TEST(receive_timestamps, are_part_of_an_ack_frame_where_they_were_agreed_on_and_of_no_other) {
  const auto octets = from_hex("02 05 00 00 05 01 00 01 09 01");
  FrameReader agreed{Bytes(octets)};
  agreed.expect_ack_timestamps();
  ASSERT_TRUE(agreed.next_type());
  const auto ack = parse_ack(agreed);
  ASSERT_TRUE(ack && ack->timestamps);
  EXPECT_EQ(agreed.remaining(), 1u);
  std::array<std::uint8_t, 32> area;
  PacketPayload payload{MutableBytes(area)};
  write_ack(payload, *ack);
  EXPECT_EQ(payload.size(), ack_size(*ack));
  EXPECT_TRUE(equal(Bytes(area).first(payload.size()), Bytes(octets).first(9)));

  FrameReader plain{Bytes(octets)};
  ASSERT_TRUE(plain.next_type());
  const auto without = parse_ack(plain);
  ASSERT_TRUE(without && !without->timestamps);
  EXPECT_EQ(plain.remaining(), 5u);

  FrameReader path_ack{Bytes(octets).subspan(1), FrameType::kPathAck};
  path_ack.expect_ack_timestamps();
  const auto other = parse_ack(path_ack);
  ASSERT_TRUE(other && !other->timestamps);
}

}  // namespace
}  // namespace hawser::quic
