// packet_header_test.cc: tests of packet headers.
// Goal: headers are read as RFC 8999 and RFC 9000 section 17 lay them out, and what must be
// dropped is. Method: the packets of RFC 9001 appendix A, round trips over seeds, and every
// cut of every packet in memory of exactly its size.
#include "quic/wire/packet_header.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/random.h"
#include "quic/wire/retry.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets padded(std::string_view hex, std::size_t size) {
  Octets packet = from_hex(hex);
  packet.resize(size, 0x5a);
  return packet;
}

Octets random_octets(Random& random, std::size_t size) {
  Octets octets(size);
  random.fill(octets);
  return octets;
}

TEST(packet_header, reads_the_client_initial_of_rfc9001_a_2) {
  const Octets packet = padded("c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11", 1'200);
  const auto header = parse_packet_header(packet, 8);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, PacketType::kInitial);
  EXPECT_EQ(header->version, Version::kV1);
  EXPECT_EQ(to_hex(header->dcid), "8394c8f03e515708");
  EXPECT_TRUE(header->scid.empty());
  EXPECT_TRUE(header->token.empty());
  EXPECT_EQ(header->length, 1'182u);
  EXPECT_EQ(header->pn_offset, 18u);
  EXPECT_EQ(header->packet_size, 1'200u);
  EXPECT_TRUE(header->is_long());
  EXPECT_TRUE(header->is_protected());
}

// rfc9000:17.2-reserved-sent
TEST(packet_header, writes_the_client_initial_header_of_rfc9001_a_2) {
  const Octets dcid = from_hex("8394c8f03e515708");
  Octets packet(1'200);
  Writer out(packet);
  const LongHeader header{
      .type = PacketType::kInitial, .dcid = dcid, .packet_number = PacketNumber{2}, .packet_number_length = 4};
  const HeaderLayout layout = write_long_header(out, header);
  patch_length(packet, layout, 1'182);
  EXPECT_EQ(layout.size, long_header_size(header));
  EXPECT_EQ(layout.pn_offset, 18u);
  EXPECT_EQ(to_hex(Bytes(packet).first(layout.size)), "c300000001088394c8f03e5157080000449e00000002");
}

TEST(packet_header, writes_the_server_initial_header_of_rfc9001_a_3) {
  const Octets scid = from_hex("f067a5502a4262b5");
  Octets packet(200);
  Writer out(packet);
  const HeaderLayout layout =
      write_long_header(out, {.scid = scid, .packet_number = PacketNumber{1}, .packet_number_length = 2});
  patch_length(packet, layout, 117);
  EXPECT_EQ(to_hex(Bytes(packet).first(layout.size)), "c1000000010008f067a5502a4262b50040750001");
}

// rfc9000:17.3.1-reserved-sent
TEST(packet_header, writes_the_short_header_of_rfc9001_a_5) {
  Octets packet(4);
  Writer out(packet);
  const HeaderLayout layout =
      write_short_header(out, {.packet_number = PacketNumber{654'360'564}, .packet_number_length = 3});
  EXPECT_EQ(to_hex(packet), "4200bff4");
  EXPECT_EQ(layout.pn_offset, 1u);
  EXPECT_EQ(layout.size, 4u);
}

// rfc9000:17.2.5-unused
TEST(packet_header, reads_the_retry_of_rfc9001_a_4) {
  const Octets packet = from_hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
  const auto header = parse_packet_header(packet, 8);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, PacketType::kRetry);
  EXPECT_EQ(as_text(header->token), "token");
  EXPECT_FALSE(header->is_protected());
  EXPECT_EQ(header->packet_size, packet.size());
}

TEST(packet_header, short_header_takes_the_local_connection_id_length) {
  const Octets packet = padded("60 0102030405060708 aa", 40);
  const auto header = parse_packet_header(packet, 8);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, PacketType::kOneRtt);
  EXPECT_EQ(to_hex(header->dcid), "0102030405060708");
  EXPECT_EQ(header->pn_offset, 9u);
  EXPECT_EQ(header->length, 31u);
  EXPECT_EQ(header->packet_size, 40u);
  EXPECT_EQ(header->first_octet, 0x60);
}

// rfc9001:5.4.2-sample rfc9000:10.3-too-small
TEST(packet_header, drops_a_packet_too_short_to_sample) {
  EXPECT_TRUE(parse_packet_header(padded("40 01020304", 5 + kMinProtectedLength), 4));
  EXPECT_FALSE(parse_packet_header(padded("40 01020304", 5 + kMinProtectedLength - 1), 4));
  // Length says 19 octets; one more packet stands behind it and stays reachable.
  const Octets handshake = padded("e000000001 00 00 13", 8 + 19 + 30);
  const auto header = parse_packet_header(handshake, 4);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, PacketType::kDiscard);
  EXPECT_FALSE(header->is_protected());
  EXPECT_EQ(header->packet_size, 8u + 19u);
}

// rfc9000:17.2-fixed-bit rfc9000:17.3.1-fixed-bit rfc9287:3-accept
TEST(packet_header, drops_a_clear_fixed_bit_unless_greased) {
  const Octets short_packet = padded("00 01020304", 40);
  EXPECT_FALSE(parse_packet_header(short_packet, 4));
  EXPECT_TRUE(parse_packet_header(short_packet, 4, true));
  const Octets long_packet = padded("a000000001 00 00 14", 8 + 20);
  EXPECT_FALSE(parse_packet_header(long_packet, 4));
  EXPECT_TRUE(parse_packet_header(long_packet, 4, true));
}

// rfc9000:17.2-cid-too-long
TEST(packet_header, drops_connection_ids_over_20_octets_in_v1) {
  for (const std::size_t length : {20u, 21u}) {
    for (const bool in_scid : {false, true}) {
      Octets packet = from_hex("e000000001");
      if (in_scid) packet.push_back(0);
      packet.push_back(static_cast<std::uint8_t>(length));
      packet.resize(packet.size() + length, 7);
      if (!in_scid) packet.push_back(0);
      packet.push_back(20);
      packet.resize(packet.size() + 20);
      EXPECT_EQ(parse_packet_header(packet, 8).has_value(), length == 20) << length << " " << in_scid;
    }
  }
}

// rfc9000:17.2-long-cids-read rfc9000:17.2.1-no-rules
TEST(packet_header, unknown_versions_may_have_connection_ids_of_255_octets) {
  Octets packet = from_hex("80 babababa ff");
  packet.resize(packet.size() + 255, 1);
  packet.push_back(255);
  packet.resize(packet.size() + 255, 2);
  const auto header = parse_packet_header(packet, 8);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->type, PacketType::kUnsupportedVersion);
  EXPECT_EQ(header->version, Version{0xbabababa});
  EXPECT_EQ(header->dcid.size(), 255u);
  EXPECT_EQ(header->scid.size(), 255u);
  EXPECT_EQ(header->packet_size, packet.size());
}

TEST(packet_header, drops_token_and_length_that_pass_the_datagram) {
  EXPECT_FALSE(parse_packet_header(padded("c000000001 00 00 4040 14", 60), 8)) << "token length 64 of 50";
  EXPECT_FALSE(parse_packet_header(padded("c000000001 00 00 00 4040", 60), 8)) << "length 64 of 50";
  EXPECT_FALSE(parse_packet_header(padded("c000000001 00 00 ffffffffffffffff", 60), 8));
  EXPECT_FALSE(parse_packet_header(padded("c000000001 00 00 00 ffffffffffffffff", 60), 8));
  EXPECT_TRUE(parse_packet_header(padded("c000000001 00 00 00 32", 59), 8)) << "length 50 of 50";
}

TEST(packet_header, retry_needs_room_for_its_tag) {
  EXPECT_FALSE(parse_packet_header(padded("f000000001 00 00", 7 + 15), 8));
  const auto header = parse_packet_header(padded("f000000001 00 00", 7 + 16), 8);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->token.empty());
}

// rfc9000:12.2-process
TEST(packet_header, steps_through_coalesced_packets) {
  Octets datagram = padded("c000000001 01aa 00 00 19", 10 + 25);
  const Octets handshake = padded("e000000001 01aa 00 1e", 9 + 30);
  const Octets short_packet = padded("40aa", 60);
  datagram.insert(datagram.end(), handshake.begin(), handshake.end());
  datagram.insert(datagram.end(), short_packet.begin(), short_packet.end());
  std::vector<PacketType> types;
  Bytes rest = datagram;
  while (!rest.empty()) {
    const auto header = parse_packet_header(rest, 1);
    ASSERT_TRUE(header);
    EXPECT_EQ(to_hex(header->dcid), "aa");
    types.push_back(header->type);
    rest = rest.subspan(header->packet_size);
  }
  EXPECT_EQ(types, (std::vector{PacketType::kInitial, PacketType::kHandshake, PacketType::kOneRtt}));
}

TEST(packet_header, long_headers_round_trip_over_seeds) {
  constexpr std::array kTypes{PacketType::kInitial, PacketType::kZeroRtt, PacketType::kHandshake};
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    SeededRandom random(seed);
    const Octets dcid = random_octets(random, random.below(21));
    const Octets scid = random_octets(random, random.below(21));
    const PacketType type = kTypes[random.below(3)];
    const Octets token = random_octets(random, type == PacketType::kInitial ? random.below(100) : 0);
    const LongHeader sent{.type = type,
                          .dcid = dcid,
                          .scid = scid,
                          .token = token,
                          .packet_number = PacketNumber{random.next_u64() >> 32},
                          .packet_number_length = 1 + random.below(4),
                          .length_octets = random.below(2) == 0 ? 2u : 4u};
    const std::size_t payload = 20 + random.below(1'000);
    Octets packet(long_header_size(sent) + payload);
    Writer out(packet);
    const HeaderLayout layout = write_long_header(out, sent);
    ASSERT_EQ(layout.size, long_header_size(sent));
    patch_length(packet, layout, sent.packet_number_length + payload);
    const auto got = parse_packet_header(packet, 8);
    ASSERT_TRUE(got) << "seed " << seed;
    EXPECT_EQ(got->type, type);
    EXPECT_TRUE(equal(got->dcid, dcid) && equal(got->scid, scid) && equal(got->token, token)) << "seed " << seed;
    EXPECT_EQ(got->pn_offset, layout.pn_offset);
    EXPECT_EQ(got->packet_size, packet.size());
    EXPECT_EQ((got->first_octet & kPacketNumberLengthBits) + 1u, sent.packet_number_length);
    EXPECT_EQ(got->first_octet & kLongReservedBits, 0);
    EXPECT_EQ(take_truncated_packet_number(packet.data() + got->pn_offset, sent.packet_number_length),
              sent.packet_number.value & ((std::uint64_t{1} << 8 * sent.packet_number_length) - 1));
    EXPECT_TRUE(equal(*peek_destination_cid(packet, 8), dcid));
  }
}

TEST(packet_header, short_headers_round_trip_over_seeds) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SeededRandom random(seed);
    const Octets dcid = random_octets(random, random.below(21));
    const ShortHeader sent{.dcid = dcid,
                           .packet_number = PacketNumber{random.next_u64() >> 2},
                           .packet_number_length = 1 + random.below(4),
                           .spin = random.below(2) == 1,
                           .key_phase = random.below(2) == 1};
    Octets packet(60);
    Writer out(packet);
    write_short_header(out, sent);
    const auto got = parse_packet_header(packet, dcid.size());
    ASSERT_TRUE(got);
    EXPECT_TRUE(equal(got->dcid, dcid));
    EXPECT_EQ((got->first_octet & kSpinBit) != 0, sent.spin);
    EXPECT_EQ((got->first_octet & kKeyPhaseBit) != 0, sent.key_phase);
    EXPECT_EQ(got->first_octet & kShortReservedBits, 0);
    EXPECT_TRUE(equal(*peek_destination_cid(packet, dcid.size()), dcid));
  }
}

TEST(packet_header, every_cut_of_a_packet_is_dropped) {
  const std::array packets{
      padded("c000000001 04aabbccdd 03010203 05 1112131415 4020", 22 + 32),
      padded("d000000001 04aabbccdd 03010203 20", 16 + 32),
      padded("e000000001 04aabbccdd 03010203 20", 16 + 32),
  };
  for (const Octets& packet : packets) {
    const auto whole = parse_packet_header(packet, 4);
    ASSERT_TRUE(whole);
    for (std::size_t size = 0; size < whole->packet_size; ++size) {
      // Memory of exactly this size, so that a sanitizer sees a read past it.
      const auto cut = std::make_unique<std::uint8_t[]>(size);
      if (size != 0) std::memcpy(cut.get(), packet.data(), size);
      EXPECT_FALSE(parse_packet_header({cut.get(), size}, 4)) << size;
    }
  }
}

TEST(packet_header, peek_finds_the_connection_id_or_says_that_there_is_none) {
  EXPECT_EQ(to_hex(*peek_destination_cid(from_hex("c0 ffffffff 03 010203"), 8)), "010203");
  EXPECT_EQ(to_hex(*peek_destination_cid(from_hex("40 0102030405"), 4)), "01020304");
  EXPECT_TRUE(peek_destination_cid(from_hex("40"), 0)->empty());
  EXPECT_FALSE(peek_destination_cid({}, 0));
  EXPECT_FALSE(peek_destination_cid(from_hex("40 010203"), 4));
  EXPECT_FALSE(peek_destination_cid(from_hex("c0 ffffffff"), 4));
  EXPECT_FALSE(peek_destination_cid(from_hex("c0 ffffffff 03 0102"), 4));
}

TEST(packet_header, random_octets_never_yield_views_outside_the_datagram) {
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    SeededRandom random(seed);
    Octets datagram = random_octets(random, random.below(80));
    if (datagram.size() > 5 && random.below(2) == 0) {
      const Octets v1 = from_hex("00000001");
      std::copy(v1.begin(), v1.end(), datagram.begin() + 1);
      datagram[0] |= 0xc0;
      datagram[5] &= 0x0f;
    }
    const auto header = parse_packet_header(datagram, 8);
    if (!header) continue;
    ASSERT_LE(header->packet_size, datagram.size());
    ASSERT_GT(header->packet_size, 0u);
    ASSERT_LE(header->pn_offset, header->packet_size);
    for (const Bytes view : {header->dcid, header->scid, header->token}) {
      if (view.empty()) continue;
      ASSERT_GE(view.data(), datagram.data());
      ASSERT_LE(view.data() + view.size(), datagram.data() + datagram.size());
    }
    if (header->is_protected()) {
      ASSERT_GE(header->length, kMinProtectedLength);
      ASSERT_EQ(header->pn_offset + header->length, header->packet_size);
    }
  }
}

TEST(packet_header, type_bits_of_the_version_table_are_a_permutation) {
  for (const VersionTraits& row : kVersionTraits) {
    for (std::uint8_t bits = 0; bits < 4; ++bits) EXPECT_EQ(row.bits_of_type(row.type_of_bits[bits]), bits << 4);
  }
  EXPECT_EQ(traits_of(Version::kNegotiation), nullptr);
}

}  // namespace
}  // namespace hawser::quic
