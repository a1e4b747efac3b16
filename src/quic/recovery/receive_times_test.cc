// receive_times_test.cc: goal: arrivals are told once, the latest first, within the peer's limit, the room and a
// fixed memory; method: what is written is read back by the wire's parser.
#include "quic/recovery/receive_times.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "quic/recovery/ack_tracker.h"
#include "quic/wire/frames/ack.h"
#include "quic/wire/frames/path_ack.h"

namespace hawser::quic {
namespace {

constexpr Timestamp kBasis{10s};
using Told = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Told written(ReceiveTimes& times, std::uint64_t largest, std::size_t room = 1'000, std::uint64_t exponent = 0) {
  std::vector<std::uint8_t> area(room);
  PacketPayload payload{MutableBytes(area)};
  times.write(payload, largest);
  EXPECT_LE(payload.size(), room);
  EXPECT_EQ(times.size(), 0u);
  FrameReader in(Bytes(area).first(payload.size()), FrameType::kAck);
  const auto parsed = parse_receive_timestamps(in, largest);
  EXPECT_TRUE(parsed && in.empty());
  Told all;
  if (parsed)
    for_each_receive_time(*parsed, largest, exponent,
                          [&all](std::uint64_t number, std::uint64_t us) { all.emplace_back(number, us); });
  return all;
}

// receive-ts:3.1-latest-first receive-ts:5-basis
TEST(receive_times, tell_the_latest_arrival_first_whatever_its_number) {
  ReceiveTimes times(20, 0, kBasis);
  std::uint64_t at = 300;
  for (const std::uint64_t number : {87, 88, 89, 96, 97, 92, 93}) {
    times.on_packet_received(PacketNumber{number}, kBasis + std::chrono::microseconds{at});
    at += 10;
  }
  const Told expected{{93, 360}, {92, 350}, {97, 340}, {96, 330}, {89, 320}, {88, 310}, {87, 300}};
  EXPECT_EQ(written(times, 97), expected);
  EXPECT_EQ(written(times, 97), Told{});
}

// receive-ts:3.1-most receive-ts:6.2-room
TEST(receive_times, keep_to_the_peers_limit_to_the_room_and_to_their_memory) {
  for (std::uint64_t most = 0; most < 100; ++most) {
    for (const std::size_t room : {std::size_t{1}, std::size_t{2}, std::size_t{20}, std::size_t{1'000}}) {
      ReceiveTimes times(most, 0, kBasis);
      for (std::uint64_t number = 0; number < 500; ++number)
        times.on_packet_received(PacketNumber{2 * number}, kBasis + std::chrono::microseconds{number * 300});
      const Told all = written(times, 998, room);
      EXPECT_LE(all.size(), std::min<std::uint64_t>(most, ReceiveTimes::kMax));
      if (room == 1'000) EXPECT_EQ(all.size(), std::min<std::uint64_t>(most, ReceiveTimes::kMax));
      if (!all.empty()) EXPECT_EQ(all[0], (std::pair<std::uint64_t, std::uint64_t>{998, 499 * 300}));
    }
  }
}

TEST(receive_times, units_of_any_exponent_lose_less_than_one_unit_each) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    const std::uint64_t exponent = random.below(21);
    ReceiveTimes times(ReceiveTimes::kMax, exponent, kBasis);
    std::vector<std::uint64_t> arrived;
    std::uint64_t us = 1 + random.below(1'000'000);
    const std::uint64_t count = 1 + random.below(ReceiveTimes::kMax);
    for (std::uint64_t number = 0; number < count; ++number) {
      times.on_packet_received(PacketNumber{number}, kBasis + std::chrono::microseconds{us});
      arrived.push_back(us);
      us += random.below(100'000);
    }
    const Told all = written(times, count - 1, 1'000, exponent);
    for (const auto& [number, told] : all) {
      EXPECT_LE(told, arrived[number]);
      EXPECT_LT(arrived[number] - told, std::uint64_t{1} << exponent);
    }
  }
}

TEST(receive_times, end_the_ack_frame_even_when_there_are_none) {
  ReceiveTimes times(5, 0, kBasis);
  AckTracker acks;
  acks.on_packet_received(PacketNumber{4}, true, Ecn::kEct0, kBasis + 1ms);
  std::array<std::uint8_t, 64> area;
  PacketPayload payload{MutableBytes(area)};
  ASSERT_EQ(acks.write_ack(payload, kBasis + 2ms, kAckDelayExponent, std::nullopt, &times), WriteResult::kDone);
  FrameReader in(Bytes(area).first(payload.size()));
  in.expect_ack_timestamps();
  ASSERT_TRUE(in.next_type());
  const auto ack = parse_ack(in);
  ASSERT_TRUE(ack && ack->ecn && ack->timestamps && in.empty());
  EXPECT_EQ(ack->timestamps->timestamp_count, 0u);
  // A PATH_ACK frame has none.
  std::array<std::uint8_t, 64> other_area;
  PacketPayload path_payload{MutableBytes(other_area)};
  times.on_packet_received(PacketNumber{4}, kBasis + 1ms);
  ASSERT_EQ(acks.write_ack(path_payload, kBasis + 2ms, kAckDelayExponent, PathId{1}, &times), WriteResult::kDone);
  FrameReader path_in(Bytes(other_area).first(path_payload.size()));
  path_in.expect_ack_timestamps();
  ASSERT_TRUE(path_in.next_type());
  const auto path_ack = parse_path_ack(path_in);
  ASSERT_TRUE(path_ack && !path_ack->ack.timestamps && path_in.empty());
  // The frame without them fits this room, with them it does not.
  PacketPayload cut{MutableBytes(area).first(payload.size() - 1)};
  EXPECT_EQ(acks.write_ack(cut, kBasis + 2ms, kAckDelayExponent, std::nullopt, &times), WriteResult::kPacketFull);
}

}  // namespace
}  // namespace hawser::quic
