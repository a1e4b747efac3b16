// Goal: what is in flight on one path goes into packets of another exactly as it was sent, without what was
// acknowledged, and never twice. Method: a StreamSet and a LossDetector by hand, frames read from what was recorded.
#include "quic/connection/copies.h"

#include <gtest/gtest.h>

#include <vector>

#include "quic/congestion/newreno.h"
#include "quic/streams/buffer_pools.h"

namespace hawser::quic {
namespace {

constexpr PathId kFirst{0};
constexpr std::size_t kPacket = 1'000;

// The path that data goes on first.
class Copies : public testing::Test {
 protected:
  Copies() {
    streams.set_peer_limits({.initial_max_data = 1 << 20,
                             .initial_max_stream_data_bidi_local = 1 << 20,
                             .initial_max_stream_data_bidi_remote = 1 << 20,
                             .initial_max_stream_data_uni = 1 << 20,
                             .initial_max_streams_bidi = 10,
                             .initial_max_streams_uni = 10});
    id = streams.open(false).value();
    loss.on_handshake_confirmed(now);
  }

  void write(std::size_t octets, bool fin = false) {
    const std::vector<std::uint8_t> data(octets, 7);
    ASSERT_EQ(streams.write(id, Bytes(data)).value(), octets);
    if (fin) {
      ASSERT_TRUE(streams.finish(id).has_value());
    }
  }

  // All that is written, in packets; how many there were.
  std::size_t send() {
    std::size_t packets = 0;
    while (streams.wants_to_send_data()) {
      PacketPayload payload(area);
      (void)streams.write_stream_frames(payload, now);
      loss.on_packet_sent({.packet_number = loss.next_packet_number(PacketNumberSpace::kApplication, random),
                           .size = payload.size(),
                           .ack_eliciting = true,
                           .in_flight = true,
                           .frames = payload.frames()},
                          now);
      ++packets;
    }
    return packets;
  }

  void acknowledge(std::uint64_t smallest, std::uint64_t largest) {
    struct Closed {
      std::uint64_t smallest;
      std::uint64_t largest;
    };
    const std::array<Closed, 1> ranges{Closed{smallest, largest}};
    RecoveryFrames frames;
    ASSERT_TRUE(
        loss.on_ack_received({.largest_acknowledged = PacketNumber{largest}, .now = now}, ranges, frames).has_value());
    for (const SentFrame& frame : frames.acked) streams.on_frame_acked(frame);
  }

  // One packet of the other path: the octets [offset, offset + length) of each frame.
  std::vector<SentFrame> copy() {
    PacketPayload payload(area);
    written =
        copies.write(payload, streams, round_trip, [this](PathId path) { return path == kFirst ? &loss : nullptr; });
    return {payload.frames().begin(), payload.frames().end()};
  }

  BufferPools pools;
  StreamSet streams{Role::kClient, StreamSetConfig{}, pools};
  StreamId id;
  NewReno controller{1'200};
  LossDetector loss{{.skip_packet_numbers = false}, controller};
  SeededRandom random{1};
  Timestamp now{10s};
  std::array<std::uint8_t, kPacket> area{};
  Duration round_trip{0};  // of the other path
  CopyList copies;
  CopyList::Written written;
};

// rfc9000:2.2-same-data
TEST_F(Copies, say_what_was_sent_and_once) {
  write(2'500, true);
  ASSERT_EQ(send(), 3u);
  copies.want(kFirst, 0, 3, CopyReason::kRedundant);
  std::uint64_t at = 0;
  bool fin = false;
  for (int packet = 0; packet < 6 && !copies.empty(); ++packet) {
    for (const SentFrame& frame : copy()) {
      EXPECT_EQ(frame.kind, SentFrameKind::kStreamCopy);
      EXPECT_EQ(frame.id, id.value);
      EXPECT_EQ(frame.offset, at);
      at += frame.length;
      EXPECT_FALSE(fin);
      fin = frame.fin;
    }
    EXPECT_EQ(written.sooner, 0u);
  }
  EXPECT_EQ(at, 2'500u);
  EXPECT_TRUE(fin);
  EXPECT_TRUE(copies.empty());
  copies.want(kFirst, 0, 3, CopyReason::kRedundant);
  EXPECT_TRUE(copy().empty());
}

TEST_F(Copies, leave_out_what_was_acknowledged) {
  write(4'000);
  ASSERT_GE(send(), 4u);
  copies.want(kFirst, 0, 4, CopyReason::kSooner);
  acknowledge(0, 2);
  const std::vector<SentFrame> frames = copy();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_GT(frames[0].offset, 2'900u);
  EXPECT_GT(written.sooner, 900u);
  EXPECT_EQ(written.redundant, 0u);
}

// How far a packet's frames have come says nothing of the next one's.
TEST_F(Copies, of_a_packet_that_was_acknowledged_half_way_go_on_with_the_next_from_its_start) {
  write(4'000);
  ASSERT_GE(send(), 4u);
  copies.want(kFirst, 0, 3, CopyReason::kSooner);
  PacketPayload half(MutableBytes(area).first(kPacket / 2));
  (void)copies.write(half, streams, round_trip, [this](PathId) { return &loss; });
  ASSERT_EQ(half.frames().size(), 1u);
  const std::uint64_t copied_to = half.frames()[0].offset + half.frames()[0].length;
  acknowledge(0, 0);
  const std::vector<SentFrame> frames = copy();
  ASSERT_FALSE(frames.empty());
  EXPECT_GT(frames[0].offset, copied_to);
  EXPECT_LT(frames[0].offset, kPacket);
}

TEST_F(Copies, of_a_stream_that_was_reset_are_none) {
  write(2'000);
  ASSERT_GE(send(), 2u);
  copies.want(kFirst, 0, 2, CopyReason::kRedundant);
  ASSERT_TRUE(streams.reset(id, 1).has_value());
  EXPECT_TRUE(copy().empty());
  EXPECT_TRUE(copies.empty());
}

TEST_F(Copies, of_a_path_that_is_gone_are_none) {
  write(2'000);
  ASSERT_GE(send(), 2u);
  copies.want(PathId{5}, 0, 2, CopyReason::kRedundant);
  EXPECT_TRUE(copy().empty());
  EXPECT_TRUE(copies.empty());
  copies.want(kFirst, 0, 1, CopyReason::kRedundant);
  copies.forget(kFirst);
  EXPECT_TRUE(copies.empty());
}

// Of those that the scheduler wanted; what goes twice to be sooner has no part in recovery.
TEST_F(Copies, under_way_spare_what_was_lost_from_going_again) {
  write(3'000, true);
  ASSERT_GE(send(), 3u);
  copies.want(kFirst, 0, 2, CopyReason::kRedundant);
  std::vector<SentFrame> under_way;
  while (!copies.empty()) {
    const std::vector<SentFrame> frames = copy();
    under_way.insert(under_way.end(), frames.begin(), frames.end());
  }
  ASSERT_GE(under_way.size(), 2u);
  const std::uint64_t copied_to = under_way.back().offset + under_way.back().length;
  ASSERT_LT(copied_to, 3'000u);
  const auto lost = [this](std::uint64_t from, std::uint64_t to) {
    streams.on_frame_lost({.kind = SentFrameKind::kStream,
                           .length = static_cast<std::uint32_t>(to - from),
                           .id = id.value,
                           .offset = from});
  };
  lost(0, copied_to);
  EXPECT_FALSE(streams.wants_to_send_data());
  streams.on_frame_lost(under_way.front());
  ASSERT_TRUE(streams.wants_to_send_data());
  EXPECT_EQ(send(), 1u) << "what the lost copy carried, and no more";
  const auto again = loss.first_in_flight(loss.numbers_end() - 1);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(loss.frame_in_flight(again->number, 0).offset, under_way.front().offset);
  EXPECT_EQ(loss.frame_in_flight(again->number, 0).length, under_way.front().length);
  // Nobody copied what came after.
  lost(copied_to, 3'000);
  EXPECT_TRUE(streams.wants_to_send_data());
}

// By the time such a copy arrives what was lost has come again.
TEST_F(Copies, on_a_much_slower_path_spare_nothing) {
  for (const bool slow : {false, true}) {
    write(500);
    const std::uint64_t number = loss.numbers_end();
    ASSERT_EQ(send(), 1u);
    const SentFrame sent = loss.frame_in_flight(number, 0);
    copies.want(kFirst, number, number + 1, CopyReason::kRedundant);
    round_trip = 2 * loss.rtt().smoothed() + (slow ? 1us : 0us);
    ASSERT_FALSE(copy().empty());
    streams.on_frame_lost(sent);
    EXPECT_EQ(streams.wants_to_send_data(), slow);
  }
}

TEST_F(Copies, for_being_sooner_spare_nothing) {
  write(2'000);
  ASSERT_GE(send(), 2u);
  copies.want(kFirst, 0, 2, CopyReason::kSooner);
  while (!copies.empty()) ASSERT_FALSE(copy().empty());
  streams.on_frame_lost({.kind = SentFrameKind::kStream, .length = 500, .id = id.value});
  EXPECT_TRUE(streams.wants_to_send_data());
}

// An acknowledged copy stands for the octets: their own packet need not arrive, and its loss repeats nothing.
TEST_F(Copies, that_arrive_end_the_stream) {
  write(1'500, true);
  ASSERT_EQ(send(), 2u);
  copies.want(kFirst, 0, 2, CopyReason::kRedundant);
  while (!copies.empty())
    for (SentFrame frame : copy()) {
      frame.kind = SentFrameKind::kStream;
      streams.on_frame_acked(frame);
    }
  EXPECT_EQ(streams.send_buffered(), 0u);
  streams.on_frame_lost({.kind = SentFrameKind::kStream, .fin = true, .length = 1'500, .id = id.value});
  EXPECT_FALSE(streams.wants_to_send_data());
}

}  // namespace
}  // namespace hawser::quic
