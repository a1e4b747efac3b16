// packet_number_test.cc: tests of packet numbers.
// Goal: packet numbers survive truncation. Method: the vectors of RFC 9000 appendix A, then a
// property over seeds: whatever the receiver has as its largest, the number is restored.
#include "quic/wire/packet_number.h"

#include <gtest/gtest.h>

#include <array>

#include "base/random.h"

namespace hawser::quic {
namespace {

// rfc9000:17.1-twice-range
TEST(packet_number, length_follows_appendix_a_2) {
  const PacketNumber acked{0xabe8b3};
  EXPECT_EQ(packet_number_length(PacketNumber{0xac5c02}, acked), 2u);
  EXPECT_EQ(packet_number_length(PacketNumber{0xace8fe}, acked), 3u);
}

// rfc9000:17.1-full-before-ack rfc9000:17.1-twice-range
TEST(packet_number, length_grows_at_the_limit_of_each_size) {
  const auto length_at_span = [](std::uint64_t span) {
    return packet_number_length(PacketNumber{1'000 + span}, PacketNumber{1'000});
  };
  EXPECT_EQ(length_at_span(1), 1u);
  EXPECT_EQ(length_at_span(0x7f), 1u);
  EXPECT_EQ(length_at_span(0x80), 2u);
  EXPECT_EQ(length_at_span(0x7fff), 2u);
  EXPECT_EQ(length_at_span(0x8000), 3u);
  EXPECT_EQ(length_at_span(0x7f'ffff), 3u);
  EXPECT_EQ(length_at_span(0x80'0000), 4u);
  EXPECT_EQ(packet_number_length(PacketNumber{0}, std::nullopt), 1u);
  EXPECT_EQ(packet_number_length(PacketNumber{0x7e}, std::nullopt), 1u);
  EXPECT_EQ(packet_number_length(PacketNumber{0x7f}, std::nullopt), 2u);
}

TEST(packet_number, decodes_appendix_a_3) {
  EXPECT_EQ(decode_packet_number(PacketNumber{0xa82f30ea}, 0x9b32, 16), PacketNumber{0xa82f9b32});
}

TEST(packet_number, first_packet_is_read_as_it_stands) {
  EXPECT_EQ(decode_packet_number(std::nullopt, 0, 8), PacketNumber{0});
  EXPECT_EQ(decode_packet_number(std::nullopt, 200, 8), PacketNumber{200});
}

TEST(packet_number, decoding_never_passes_the_largest_number) {
  EXPECT_EQ(decode_packet_number(PacketNumber{kMaxPacketNumber - 1}, 0xff, 8), PacketNumber{kMaxPacketNumber});
  EXPECT_LE(decode_packet_number(PacketNumber{kMaxPacketNumber - 1}, 0x01, 8).value, kMaxPacketNumber);
}

TEST(packet_number, writes_big_endian_and_reads_it_back) {
  std::array<std::uint8_t, 4> octets{};
  EXPECT_EQ(put_packet_number(octets.data(), PacketNumber{0xaabbccdd11}, 3), octets.data() + 3);
  EXPECT_EQ(octets, (std::array<std::uint8_t, 4>{0xcc, 0xdd, 0x11, 0}));
  EXPECT_EQ(take_truncated_packet_number(octets.data(), 3), 0xccdd11u);
}

// rfc9000:17.1-late
TEST(packet_number, any_receiver_between_acked_and_sent_restores_it) {
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    SeededRandom random(seed);
    const std::uint64_t acked = random.next_u64() >> (2 + random.below(60));
    const std::uint64_t span = 1 + (random.next_u64() >> (33 + random.below(31)));
    const PacketNumber sent{acked + span};
    if (sent.value > kMaxPacketNumber) continue;
    const std::size_t length = packet_number_length(sent, PacketNumber{acked});
    if (span >= std::uint64_t{1} << 31) continue;  // No encoding is long enough.
    std::array<std::uint8_t, 4> octets{};
    put_packet_number(octets.data(), sent, length);
    // The receiver has at least what it acknowledged, and packets up to the span beyond may
    // have overtaken this one.
    const std::uint64_t largest = acked + random.below(2 * span);
    if (largest > kMaxPacketNumber) continue;
    const std::uint32_t truncated = take_truncated_packet_number(octets.data(), length);
    ASSERT_EQ(decode_packet_number(PacketNumber{largest}, truncated, static_cast<unsigned>(8 * length)), sent)
        << "seed " << seed;
  }
}

}  // namespace
}  // namespace hawser::quic
