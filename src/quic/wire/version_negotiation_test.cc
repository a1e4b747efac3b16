// version_negotiation_test.cc: tests of Version Negotiation packets.
// Goal: Version Negotiation packets are built and read as RFC 9000 sections 6 and 17.2.1 say.
// Method: round trips over seeds and the lists that a client must drop.
#include "quic/wire/version_negotiation.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::array kSupported{Version::kV1, Version{0x6b3343cf}};

// rfc9000:17.2.1-dcid rfc9000:17.2.1-scid rfc9000:17.2.1-version-0 rfc9000:17.2.1-0x40
TEST(version_negotiation, swaps_connection_ids_and_adds_a_reserved_version) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    Octets dcid(random.below(256));
    Octets scid(random.below(256));
    random.fill(dcid);
    random.fill(scid);
    const PacketHeader received{.type = PacketType::kUnsupportedVersion, .dcid = dcid, .scid = scid};
    Octets packet(version_negotiation_size(dcid.size(), scid.size(), kSupported.size() + 1));
    Writer out(packet);
    write_version_negotiation(out, received, kSupported, true, random);
    ASSERT_EQ(out.remaining(), 0u);
    EXPECT_EQ(packet[0] & 0xc0, 0xc0);

    const auto header = parse_packet_header(packet, 8);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->type, PacketType::kVersionNegotiation);
    EXPECT_TRUE(equal(header->dcid, scid) && equal(header->scid, dcid));
    const auto versions = parse_version_negotiation(*header, packet);
    ASSERT_TRUE(versions);
    ASSERT_EQ(versions->size(), 3u);
    EXPECT_TRUE(is_reserved_version((*versions)[0]));
    EXPECT_EQ((*versions)[1], Version::kV1);
    EXPECT_TRUE(versions->contains(kSupported[1]));
    EXPECT_FALSE(versions->contains(Version{2}));
  }
}

TEST(version_negotiation, has_no_reserved_version_if_told_so) {
  SeededRandom random(1);
  Octets packet(version_negotiation_size(0, 0, kSupported.size()));
  Writer out(packet);
  write_version_negotiation(out, {.type = PacketType::kUnsupportedVersion}, kSupported, false, random);
  ASSERT_EQ(out.remaining(), 0u);
  const auto header = parse_packet_header(packet, 8);
  ASSERT_TRUE(header);
  const auto versions = parse_version_negotiation(*header, packet);
  ASSERT_TRUE(versions);
  ASSERT_EQ(versions->size(), 2u);
  EXPECT_EQ((*versions)[0], Version::kV1);
}

// rfc9000:17.2.1-unused
TEST(version_negotiation, is_read_with_any_first_octet_that_says_long_header) {
  const Octets packet = from_hex("80 00000000 00 00 00000001");
  const auto header = parse_packet_header(packet, 8);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, PacketType::kVersionNegotiation);
  EXPECT_TRUE(parse_version_negotiation(*header, packet)->contains(Version::kV1));
}

TEST(version_negotiation, drops_an_empty_or_ragged_list) {
  for (const char* tail : {"", "01", "000000", "0000000100"}) {
    const Octets packet = from_hex(std::string("c0 00000000 00 00") + tail);
    const auto header = parse_packet_header(packet, 8);
    ASSERT_TRUE(header);
    EXPECT_FALSE(parse_version_negotiation(*header, packet)) << tail;
  }
}

TEST(version_negotiation, reserved_versions_follow_the_pattern) {
  EXPECT_TRUE(is_reserved_version(Version{0x1a2a3a4a}));
  EXPECT_FALSE(is_reserved_version(Version::kV1));
  EXPECT_FALSE(is_reserved_version(Version{0x1a2a3a4b}));
}

}  // namespace
}  // namespace hawser::quic
