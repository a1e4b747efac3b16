// datagram_copies_test.cc: goal: copies of datagrams are few, fit their packet, and are gone when they are too old.
// Method: a list without a connection, whose time the test gives.
#include "quic/connection/datagram_copies.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hawser::quic {
namespace {

constexpr Timestamp kNow{1s};

SharedBytes sized(std::size_t size) {
  return SharedBytes::copy(std::vector<std::uint8_t>(size, 7));
}

struct Packet {
  explicit Packet(std::size_t room) : memory(room) { payload.reset(memory); }
  std::vector<std::uint8_t> memory;
  PacketPayload payload;
};

TEST(datagram_copies, fill_packets_in_order) {
  DatagramCopies copies;
  for (const std::size_t size : {100, 200, 300}) copies.want(sized(size), kNow + 1s);
  Packet first(320);
  EXPECT_EQ(copies.write(first.payload, 320, kNow), 300u);
  EXPECT_FALSE(copies.empty());
  ASSERT_EQ(first.payload.frames().size(), 2u);
  EXPECT_EQ(first.payload.frames()[0].kind, SentFrameKind::kDatagramCopy);
  EXPECT_FALSE(first.payload.probing());
  Packet second(320);
  EXPECT_EQ(copies.write(second.payload, 320, kNow), 300u);
  EXPECT_TRUE(copies.empty());
}

// The segments of a train are as large as its first datagram.
TEST(datagram_copies, that_fit_no_segment_wait_for_a_train_and_those_that_fit_no_packet_go) {
  DatagramCopies copies;
  for (const std::size_t size : {1'300, 1'100}) copies.want(sized(size), kNow + 1s);
  Packet segment(540);
  EXPECT_EQ(copies.write(segment.payload, 1'200, kNow), 0u);
  EXPECT_FALSE(copies.empty());
  Packet whole(1'200);
  EXPECT_EQ(copies.write(whole.payload, 1'200, kNow), 1'100u);
  EXPECT_TRUE(copies.empty());
}

TEST(datagram_copies, that_grew_old_are_passed_over) {
  DatagramCopies copies;
  copies.want(sized(100), kNow);
  copies.want(sized(200), kNow + 1ms);
  Packet packet(1'000);
  EXPECT_EQ(copies.write(packet.payload, 1'200, kNow), 200u);
  EXPECT_TRUE(copies.empty());
}

TEST(datagram_copies, are_bounded_and_the_oldest_gives_way) {
  DatagramCopies copies;
  copies.want(sized(1'000), kNow + 1s);
  const std::size_t one = copies.memory();
  for (std::size_t i = 0; i < 2 * DatagramCopies::kCountMax; ++i) copies.want(sized(10), kNow + 1s);
  EXPECT_LT(copies.memory(), DatagramCopies::kCountMax * (one - 990) + 1);
  Packet packet(1'200);
  EXPECT_EQ(copies.write(packet.payload, 1'200, kNow) % 10, 0u);
  EXPECT_LT(packet.payload.frames()[0].length, 1'000u);
}

}  // namespace
}  // namespace hawser::quic
