// base_test.cc: goal: the small tools of base/ do what their headers say. Method: RFC
// vectors for varints, round trips at the boundaries, and text forms people know.
#include <gtest/gtest.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/reader.h"
#include "base/shared_bytes.h"
#include "base/units.h"
#include "base/writer.h"

namespace hawser {
namespace {

TEST(varint, reads_the_examples_of_rfc9000_appendix_a1) {
  const std::pair<const char*, std::uint64_t> examples[] = {
      {"c2197c5eff14e88c", 151288809941952652}, {"9d7f3e7d", 494878333}, {"7bbd", 15293}, {"25", 37}, {"4025", 37}};
  for (const auto& [hex, expected] : examples) {
    const auto wire = from_hex(hex);
    Reader in(wire);
    std::uint64_t value = 0;
    ASSERT_TRUE(in.varint(value));
    EXPECT_EQ(value, expected);
    EXPECT_TRUE(in.empty());
  }
}

TEST(varint, round_trips_at_every_boundary) {
  for (const std::uint64_t v :
       {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{64}, std::uint64_t{16383}, std::uint64_t{16384},
        std::uint64_t{1073741823}, std::uint64_t{1073741824}, kVarintMax}) {
    std::array<std::uint8_t, 8> memory{};
    Writer out(memory);
    out.varint(v);
    EXPECT_EQ(out.size(), varint_size(v));
    Reader in(out.written());
    std::uint64_t back = 0;
    ASSERT_TRUE(in.varint(back));
    EXPECT_EQ(back, v);
    for (std::size_t cut = 0; cut < out.size(); ++cut) {
      Reader shorter(out.written().first(cut));
      EXPECT_FALSE(shorter.varint(back));
    }
  }
}

TEST(varint, fixed_size_keeps_the_value) {
  std::array<std::uint8_t, 8> memory{};
  Writer out(memory);
  out.varint(37, 4);
  EXPECT_EQ(to_hex(out.written()), "80000025");
}

TEST(bytes, hexadecimal_round_trips_and_refuses_bad_digits) {
  EXPECT_EQ(to_hex(from_hex("00 ff7F")), "00ff7f");
  EXPECT_TRUE(from_hex("0g").empty());
  EXPECT_TRUE(from_hex("123").empty());
}

TEST(bytes, constant_time_comparison_sees_each_bit) {
  const auto a = from_hex("00112233");
  auto b = a;
  EXPECT_TRUE(equal_constant_time(a, b));
  b[3] ^= 1;
  EXPECT_FALSE(equal_constant_time(a, b));
  EXPECT_FALSE(equal_constant_time(a, Bytes(a).first(3)));
}

TEST(bytes, comparison_in_constant_time_sees_every_bit) {
  for (std::size_t size = 1; size <= 40; ++size) {
    const std::vector<std::uint8_t> a(size, 0x5a);
    EXPECT_TRUE(equal_constant_time(a, std::vector<std::uint8_t>(a)));
    for (std::size_t bit = 0; bit < size * 8; ++bit) {
      std::vector<std::uint8_t> b = a;
      b[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      EXPECT_FALSE(equal_constant_time(a, b)) << size << " bit " << bit;
    }
  }
}

TEST(address, ipv6_text_follows_rfc5952) {
  SocketAddress a;
  a.family = AddressFamily::kIpv6;
  a.port = 443;
  EXPECT_EQ(to_string(a), "[::]:443");
  a.ip[15] = 1;
  EXPECT_EQ(to_string(a), "[::1]:443");
  a.ip = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2};
  EXPECT_EQ(to_string(a), "[2001:db8:0:1::2]:443");
  EXPECT_EQ(to_string(ipv4_address({192, 0, 2, 7}, 80)), "192.0.2.7:80");
}

TEST(random, a_seed_replays_and_seeds_differ) {
  SeededRandom a(7), b(7), c(8);
  const std::uint64_t first = a.next_u64();
  EXPECT_EQ(first, b.next_u64());
  EXPECT_NE(first, c.next_u64());
  for (int i = 0; i < 1000; ++i) EXPECT_LT(a.below(10), 10u);
}

TEST(shared_bytes, parts_keep_the_memory_alive) {
  SharedBytes part;
  {
    const SharedBytes whole = SharedBytes::copy(as_bytes("hawser"));
    part = whole.part(2, 3);
  }
  EXPECT_EQ(as_text(part.view()), "wse");
}

}  // namespace
}  // namespace hawser
