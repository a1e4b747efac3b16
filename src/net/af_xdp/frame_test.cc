// Goal: frames are built as the RFCs draw them and read back whole, and anything odd is
// refused. Method: frames whose checksums were worked out elsewhere, round trips, and every way
// of cutting and bending a good frame.
#include "net/af_xdp/frame.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "net/address.h"

namespace hawser::net {
namespace {

constexpr LinkHop kHop{.source = {2, 0, 0, 0, 0, 1}, .destination = {2, 0, 0, 0, 0, 2}, .hop_limit = 64};

FourTuple tuple(std::string_view local, std::string_view remote) {
  return {.local = *parse_address(local), .remote = *parse_address(remote)};
}

FourTuple tuple_v4() {
  return tuple("192.0.2.1:4433", "198.51.100.9:50000");
}

FourTuple tuple_v6() {
  return tuple("[2001:db8::1]:4433", "[2001:db8:1::9]:50000");
}

std::vector<std::uint8_t> payload_of(std::size_t size) {
  std::vector<std::uint8_t> payload(size);
  std::iota(payload.begin(), payload.end(), std::uint8_t{1});
  return payload;
}

std::vector<std::uint8_t> build(const FourTuple& tuple, Bytes payload, Ecn ecn = Ecn::kNotEct,
                                bool dont_fragment = true, std::uint16_t identification = 0) {
  const FrameHeaders headers(kHop, tuple, ecn, dont_fragment);
  std::vector<std::uint8_t> frame(headers.size() + payload.size());
  EXPECT_EQ(headers.write(frame.data(), payload, identification), frame.size());
  return frame;
}

FourTuple turned(const FourTuple& tuple) {
  return {.local = tuple.remote, .remote = tuple.local};
}

// What is left of the sum over everything that a UDP checksum covers: 0 if it is right.
std::uint16_t udp_remainder(Bytes frame) {
  const bool v4 = frame[12] == 0x08;
  const std::size_t udp = kEthernetHeaderSize + (v4 ? kIpv4HeaderSize : kIpv6HeaderSize);
  const std::size_t addresses = v4 ? 8 : 32;
  const Bytes datagram = frame.subspan(udp);
  const std::uint8_t rest[4] = {static_cast<std::uint8_t>(datagram.size() >> 8),
                                static_cast<std::uint8_t>(datagram.size()), 0, 17};
  ChecksumSum sum = add_to_checksum(0, frame.subspan(udp - addresses, addresses));
  sum = add_to_checksum(sum, rest);
  return finish_checksum(add_to_checksum(sum, datagram));
}

TEST(net_checksum, is_the_example_of_rfc_1071) {
  // Section 3: the sum of these is ddf2 once the carries are folded in.
  const std::uint8_t octets[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  const std::uint16_t stored = finish_checksum(add_to_checksum(0, octets));
  std::uint8_t in_memory[2];
  std::memcpy(in_memory, &stored, 2);
  EXPECT_EQ(in_memory[0], 0x22);  // ~ddf2
  EXPECT_EQ(in_memory[1], 0x0d);
}

TEST(net_checksum, is_the_same_for_every_length_as_one_word_at_a_time) {
  std::vector<std::uint8_t> octets(200);
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::uint8_t>(i * 151 + 200);
  for (std::size_t size = 0; size <= octets.size(); ++size) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < size; i += 2) {
      sum += static_cast<std::uint32_t>(octets[i] << 8 | (i + 1 < size ? octets[i + 1] : 0));
    }
    while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
    const std::uint16_t stored = finish_checksum(add_to_checksum(0, Bytes(octets).first(size)));
    EXPECT_EQ(ntohs(stored), static_cast<std::uint16_t>(~sum)) << size;
  }
}

TEST(net_checksum, loses_no_carry_of_the_largest_words) {
  const std::vector<std::uint8_t> ones(65'536, 0xff);
  EXPECT_EQ(finish_checksum(add_to_checksum(0, ones)), 0);
  EXPECT_EQ(finish_checksum(~ChecksumSum{0}), 0);
}

// 192.0.2.1:4433 to 198.51.100.9:50000, "hawser", ECT(0), DF.
TEST(net_frame, is_ipv4_to_the_octet) {
  const auto expected = from_hex(
      "02 00 00 00 00 02 02 00 00 00 00 01 08 00"
      "45 02 00 22 00 00 40 00 40 11 4e 8b c0 00 02 01 c6 33 64 09"
      "11 51 c3 50 00 0e f9 aa 68 61 77 73 65 72");
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(to_hex(build(tuple_v4(), as_bytes("hawser"), Ecn::kEct0)), to_hex(expected));
}

// rfc9000:9.7-flow-label-unlinkable
TEST(net_frame, is_ipv6_to_the_octet) {
  const auto expected = from_hex(
      "02 00 00 00 00 02 02 00 00 00 00 01 86 dd"
      "60 30 00 00 00 0e 11 40 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01"
      "20 01 0d b8 00 01 00 00 00 00 00 00 00 00 00 09"
      "11 51 c3 50 00 0e 8a 6c 68 61 77 73 65 72");
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(to_hex(build(tuple_v6(), as_bytes("hawser"), Ecn::kCe)), to_hex(expected));
}

TEST(net_frame, every_size_comes_back_whole_with_right_checksums) {
  for (const FourTuple& tuple : {tuple_v4(), tuple_v6()}) {
    for (const std::size_t size : {1u, 2u, 3u, 19u, 20u, 31u, 32u, 33u, 1'200u, 1'452u, 3'800u}) {
      for (const Ecn ecn : {Ecn::kNotEct, Ecn::kEct1, Ecn::kEct0, Ecn::kCe}) {
        const auto payload = payload_of(size);
        auto frame = build(tuple, payload, ecn);
        EXPECT_EQ(udp_remainder(frame), 0) << size;
        const auto parsed = parse_udp_frame(frame);
        ASSERT_TRUE(parsed.has_value()) << size;
        EXPECT_TRUE(equal(parsed->payload, payload));
        EXPECT_EQ(parsed->ecn, ecn);
        EXPECT_EQ(tuple_of(*parsed, 3), turned(tuple));
      }
    }
  }
}

TEST(net_frame, checksum_of_zero_is_sent_as_all_ones) {
  // Two octets of payload bring the sum to anything: here to what makes the checksum 0.
  auto frame = build(tuple_v4(), as_bytes(std::string_view("\0\0", 2)));
  const std::vector<std::uint8_t> payload(frame.begin() + 40, frame.begin() + 42);
  frame = build(tuple_v4(), payload);
  EXPECT_EQ(to_hex(Bytes(frame).subspan(40, 2)), "ffff");
  EXPECT_EQ(udp_remainder(frame), 0);
}

TEST(net_frame, fragmentable_datagrams_have_an_identification_and_others_none) {
  EXPECT_EQ(to_hex(Bytes(build(tuple_v4(), as_bytes("x"), Ecn::kNotEct, false, 0x1234)).subspan(18, 4)), "12340000");
  EXPECT_EQ(to_hex(Bytes(build(tuple_v4(), as_bytes("x"), Ecn::kNotEct, true, 0x1234)).subspan(18, 4)), "00004000");
  auto frame = build(tuple_v4(), as_bytes("x"), Ecn::kNotEct, false, 0x1234);
  EXPECT_TRUE(parse_udp_frame(frame).has_value());
}

TEST(net_frame, link_local_addresses_get_the_interface_as_scope) {
  auto frame = build(tuple("[fe80::1]:1000", "[fe80::2]:2000"), as_bytes("x"));
  const auto parsed = parse_udp_frame(frame);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(tuple_of(*parsed, 7).local.scope_id, 7u);
  EXPECT_EQ(tuple_of(*parsed, 7).remote.scope_id, 7u);
}

TEST(net_frame, octets_behind_the_datagram_are_ignored) {
  for (const FourTuple& tuple : {tuple_v4(), tuple_v6()}) {
    auto frame = build(tuple, as_bytes("hawser"));
    frame.resize(frame.size() + 20, 0xee);  // what Ethernet pads a short frame with
    const auto parsed = parse_udp_frame(frame);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(as_text(parsed->payload), "hawser");
  }
}

TEST(net_frame, truncated_at_any_octet_is_refused) {
  for (const FourTuple& tuple : {tuple_v4(), tuple_v6()}) {
    const auto whole = build(tuple, as_bytes("hawser"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      // In memory of its own size, so that a sanitizer sees a read past it.
      std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(parse_udp_frame(cut).has_value()) << size;
    }
  }
}

// A good frame with one octet changed; the IPv4 header checksum is made right again.
bool accepts_with(const FourTuple& tuple, std::size_t at, std::uint8_t value) {
  auto frame = build(tuple, as_bytes("hawser"));
  frame[at] = value;
  if (tuple.local.family == AddressFamily::kIpv4) {
    frame[24] = frame[25] = 0;
    const std::uint16_t sum = finish_checksum(add_to_checksum(0, Bytes(frame).subspan(14, 20)));
    std::memcpy(frame.data() + 24, &sum, sizeof sum);
  }
  return parse_udp_frame(frame).has_value();
}

TEST(net_frame, odd_ipv4_headers_are_refused) {
  const FourTuple t = tuple_v4();
  EXPECT_TRUE(accepts_with(t, 22, 1));      // any TTL will do
  EXPECT_FALSE(accepts_with(t, 13, 0x06));  // ARP
  EXPECT_FALSE(accepts_with(t, 12, 0x81));  // another EtherType
  EXPECT_FALSE(accepts_with(t, 14, 0x46));  // options
  EXPECT_FALSE(accepts_with(t, 14, 0x44));
  EXPECT_FALSE(accepts_with(t, 14, 0x65));
  EXPECT_FALSE(accepts_with(t, 23, 6));     // TCP
  EXPECT_FALSE(accepts_with(t, 20, 0x20));  // More Fragments
  EXPECT_FALSE(accepts_with(t, 21, 0x01));  // a later fragment
  EXPECT_FALSE(accepts_with(t, 17, 19));    // total length: less than a header,
  EXPECT_FALSE(accepts_with(t, 17, 27));    // less than a UDP header,
  EXPECT_FALSE(accepts_with(t, 17, 35));    // more than the frame
  EXPECT_FALSE(accepts_with(t, 16, 0xff));
  EXPECT_FALSE(accepts_with(t, 26, 0));    // sources: this network,
  EXPECT_FALSE(accepts_with(t, 26, 127));  // loopback,
  EXPECT_FALSE(accepts_with(t, 26, 224));  // multicast,
  EXPECT_FALSE(accepts_with(t, 26, 255));  // broadcast
  EXPECT_TRUE(accepts_with(t, 26, 223));
}

TEST(net_frame, odd_ipv6_headers_are_refused) {
  const FourTuple t = tuple_v6();
  EXPECT_TRUE(accepts_with(t, 21, 1));      // any hop limit will do
  EXPECT_TRUE(accepts_with(t, 17, 0x12));   // and any flow label
  EXPECT_FALSE(accepts_with(t, 14, 0x45));  // version
  EXPECT_FALSE(accepts_with(t, 20, 0));     // hop-by-hop options
  EXPECT_FALSE(accepts_with(t, 20, 44));    // a fragment
  EXPECT_FALSE(accepts_with(t, 19, 7));     // payload length: less than a UDP header,
  EXPECT_FALSE(accepts_with(t, 19, 13));    // less than the UDP length,
  EXPECT_FALSE(accepts_with(t, 19, 15));    // more than the frame
  EXPECT_FALSE(accepts_with(t, 18, 0xff));
  EXPECT_FALSE(accepts_with(t, 22, 0xff));  // a multicast source
}

TEST(net_frame, only_ipv4_may_do_without_a_udp_checksum) {
  auto frame = build(tuple_v6(), as_bytes("hawser"));
  frame[60] = frame[61] = 0;
  EXPECT_FALSE(parse_udp_frame(frame).has_value());
  frame = build(tuple_v4(), as_bytes("hawser"));
  frame[40] = frame[41] = 0;
  EXPECT_TRUE(parse_udp_frame(frame).has_value());
}

TEST(net_frame, odd_udp_headers_are_refused) {
  for (const FourTuple& tuple : {tuple_v4(), tuple_v6()}) {
    const std::size_t udp = tuple.local.family == AddressFamily::kIpv4 ? 34 : 54;
    EXPECT_TRUE(accepts_with(tuple, udp + 5, 13));   // shorter than the IP payload: the rest is ignored
    EXPECT_FALSE(accepts_with(tuple, udp + 5, 8));   // nothing in it
    EXPECT_FALSE(accepts_with(tuple, udp + 5, 7));   // less than its own header
    EXPECT_FALSE(accepts_with(tuple, udp + 5, 15));  // more than there is
    EXPECT_FALSE(accepts_with(tuple, udp + 4, 0xff));
    auto frame = build(tuple, as_bytes("hawser"));
    frame[udp] = frame[udp + 1] = 0;  // from port 0
    EXPECT_FALSE(parse_udp_frame(frame).has_value());
  }
}

TEST(net_frame, unspecified_and_loopback_ipv6_sources_are_refused) {
  for (const std::uint8_t last : std::array<std::uint8_t, 3>{0, 1, 2}) {
    auto frame = build(tuple_v6(), as_bytes("hawser"));
    std::fill(frame.begin() + 22, frame.begin() + 38, std::uint8_t{0});
    frame[37] = last;
    EXPECT_EQ(parse_udp_frame(frame).has_value(), last == 2);
  }
}

TEST(net_frame, bad_ipv4_header_checksum_is_refused) {
  auto frame = build(tuple_v4(), as_bytes("hawser"));
  frame[25] ^= 1;
  EXPECT_FALSE(parse_udp_frame(frame).has_value());
}

}  // namespace
}  // namespace hawser::net
