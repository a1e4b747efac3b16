// Goal: a sender keeps to the limits of its peer for every stream, the connection and the number of
// streams, whatever order limits come in, and to the final size that it has announced. Method: one
// StreamSet under small limits; the records of the frames that it writes.
#include <gtest/gtest.h>

#include <map>

#include "quic/streams/stream_set.h"

namespace hawser::quic {
namespace {

constexpr Timestamp kStart{};
const std::vector<std::uint8_t> kData(2'000, 0x55);

struct Sender {
  explicit Sender(const PeerStreamLimits& limits) : set(Role::kClient, {.initial_max_data = 100'000}, pools) {
    set.set_peer_limits(limits);
  }
  // Sends all it may, and notes how far each stream has come.
  void send() {
    for (int packets = 0; packets < 20; ++packets) {
      PacketPayload payload(area);
      (void)set.write_control_frames(payload, kStart);
      (void)set.write_stream_frames(payload, kStart);
      for (const SentFrame& frame : payload.frames()) {
        if (frame.kind != SentFrameKind::kStream) continue;
        sent_to[frame.id] = std::max(sent_to[frame.id], frame.offset + frame.length);
        ended[frame.id] |= frame.fin;
      }
    }
  }
  std::uint64_t sent_in_all() const {
    std::uint64_t sum = 0;
    for (const auto& [id, octets] : sent_to) sum += octets;
    return sum;
  }

  BufferPools pools;
  StreamSet set;
  std::vector<std::uint8_t> area = std::vector<std::uint8_t>(1'200);
  std::map<std::uint64_t, std::uint64_t> sent_to;
  std::map<std::uint64_t, bool> ended;
};

// rfc9000:2.2-within-limits rfc9000:4.1-sender-limits rfc9000:19.10-kept rfc9000:19.9-sum
TEST(sender_limits, hold_for_each_stream_and_for_all_together) {
  Sender s({.initial_max_data = 1'000,
            .initial_max_stream_data_bidi_remote = 400,
            .initial_max_stream_data_uni = 700,
            .initial_max_streams_bidi = 2,
            .initial_max_streams_uni = 1});
  const StreamId first = *s.set.open(true);
  const StreamId second = *s.set.open(true);
  (void)s.set.write(first, kData);
  s.send();
  EXPECT_EQ(s.sent_to[first.value], 400u);
  const StreamId one_way = *s.set.open(false);
  (void)s.set.write(one_way, kData);
  (void)s.set.write(second, kData);
  s.send();
  EXPECT_EQ(s.sent_in_all(), 1'000u);
  EXPECT_LE(s.sent_to[one_way.value], 700u);
  EXPECT_LE(s.sent_to[second.value], 400u);
  s.set.on_max_data(10'000);
  s.send();
  EXPECT_EQ(s.sent_to[one_way.value], 700u);
  EXPECT_EQ(s.sent_to[second.value], 400u);
  ASSERT_TRUE(s.set.on_max_stream_data(second, 450).has_value());
  s.send();
  EXPECT_EQ(s.sent_to[second.value], 450u);
}

// rfc9000:4.1-limit-not-lowered rfc9000:4.6-max-streams-not-lowered rfc9000:19.11-not-lowered
TEST(sender_limits, are_not_lowered_by_frames_that_come_late) {
  Sender s({.initial_max_data = 1'000,
            .initial_max_stream_data_bidi_remote = 400,
            .initial_max_streams_bidi = 2,
            .initial_max_streams_uni = 2});
  s.set.on_max_data(500);
  ASSERT_TRUE(s.set.on_max_streams(true, 1).has_value());
  ASSERT_TRUE(s.set.on_max_streams(false, 0).has_value());
  const StreamId first = *s.set.open(true);
  const StreamId second = s.set.open(true).value_or(StreamId{77});
  EXPECT_NE(second.value, 77u);
  EXPECT_TRUE(s.set.open(false).has_value());
  ASSERT_TRUE(s.set.on_max_stream_data(first, 100).has_value());
  (void)s.set.write(first, kData);
  (void)s.set.write(second, kData);
  s.send();
  EXPECT_EQ(s.sent_to[first.value], 400u);
  EXPECT_EQ(s.sent_in_all(), 800u);
}

// rfc9000:4.6-stream-limit-kept rfc9000:19.11-kept rfc9000:2.1-no-reuse
TEST(sender_limits, no_more_streams_are_opened_than_allowed_and_none_twice) {
  Sender s({.initial_max_streams_bidi = 3, .initial_max_streams_uni = 2});
  std::map<std::uint64_t, int> opened;
  for (int i = 0; i < 10; ++i)
    for (const bool bidirectional : {true, false})
      if (const auto id = s.set.open(bidirectional)) ++opened[id->value];
  EXPECT_EQ(opened, (std::map<std::uint64_t, int>{{0, 1}, {2, 1}, {4, 1}, {6, 1}, {8, 1}}));
  ASSERT_TRUE(s.set.on_max_streams(true, 4).has_value());
  EXPECT_EQ(s.set.open(true)->value, 12u);
  EXPECT_FALSE(s.set.open(true).has_value());
}

// rfc9000:4.5-nothing-beyond rfc9000:3.3-reset-silence
TEST(sender_limits, nothing_goes_out_at_or_beyond_the_final_size) {
  Sender s({.initial_max_data = 5'000, .initial_max_stream_data_uni = 100, .initial_max_streams_uni = 2});
  const StreamId finished = *s.set.open(false);
  (void)s.set.write(finished, Bytes(kData).first(50));
  ASSERT_TRUE(s.set.finish(finished).has_value());
  EXPECT_FALSE(s.set.write(finished, kData).has_value());
  s.send();
  EXPECT_TRUE(s.ended[finished.value]);
  EXPECT_EQ(s.sent_to[finished.value], 50u);
  const StreamId reset = *s.set.open(false);
  (void)s.set.write(reset, kData);
  s.send();
  ASSERT_TRUE(s.set.reset(reset, 7).has_value());
  ASSERT_TRUE(s.set.on_max_stream_data(reset, 2'000).has_value());
  EXPECT_FALSE(s.set.write(reset, kData).has_value());
  s.send();
  EXPECT_EQ(s.sent_to[reset.value], 100u);
}

// Each stream is scheduled when it is reset: with data, with data lost, with its end alone.
// rfc9000:4.5-nothing-beyond rfc9000:3.3-reset-silence
TEST(sender_limits, a_stream_that_is_reset_while_it_waits_for_its_turn_says_nothing_more) {
  for (const bool has_data : {true, false}) {
    for (const bool ends : {true, false}) {
      Sender s({.initial_max_data = 5'000, .initial_max_stream_data_uni = 1'000, .initial_max_streams_uni = 2});
      const StreamId id = *s.set.open(false);
      (void)s.set.write(id, Bytes(kData).first(50));
      s.send();
      if (has_data) (void)s.set.write(id, Bytes(kData).first(50));
      if (ends) ASSERT_TRUE(s.set.finish(id).has_value());
      s.set.on_frame_lost({.kind = SentFrameKind::kStream, .length = 50, .id = id.value, .offset = 0});
      s.sent_to.clear();
      ASSERT_TRUE(s.set.reset(id, 7).has_value());
      s.send();
      EXPECT_TRUE(s.sent_to.empty()) << has_data << ends;
      EXPECT_FALSE(s.ended[id.value]);
    }
  }
}

// rfc9000:13.3-reset-same rfc9000:3.3-terminal-silence
TEST(sender_limits, a_lost_reset_is_repeated_word_for_word_until_it_is_acknowledged) {
  Sender s({.initial_max_data = 5'000, .initial_max_stream_data_uni = 100, .initial_max_streams_uni = 2});
  const StreamId id = *s.set.open(false);
  (void)s.set.write(id, kData);
  s.send();
  ASSERT_TRUE(s.set.reset(id, 7).has_value());
  std::vector<std::vector<std::uint8_t>> said;
  SentFrame sent;
  for (int i = 0; i < 3; ++i) {
    PacketPayload payload(s.area);
    (void)s.set.write_control_frames(payload, kStart);
    ASSERT_EQ(payload.frames().size(), 1u);
    sent = payload.frames()[0];
    EXPECT_EQ(sent.kind, SentFrameKind::kResetStream);
    said.emplace_back(s.area.begin(), s.area.begin() + static_cast<std::ptrdiff_t>(payload.size()));
    s.set.on_frame_lost(sent);
  }
  EXPECT_EQ(said[0], said[1]);
  EXPECT_EQ(said[0], said[2]);
  // Thought lost, it had arrived: there is no more to say of the stream.
  s.set.on_frame_acked(sent);
  PacketPayload payload(s.area);
  (void)s.set.write_control_frames(payload, kStart);
  (void)s.set.write_stream_frames(payload, kStart);
  EXPECT_TRUE(payload.frames().empty());
}

// rfc9000:4.4-other-direction
TEST(sender_limits, go_on_when_the_other_direction_has_ended) {
  Sender s({.initial_max_data = 5'000, .initial_max_stream_data_bidi_remote = 100, .initial_max_streams_bidi = 2});
  for (const bool by_reset : {true, false}) {
    const StreamId id = *s.set.open(true);
    (void)s.set.write(id, kData);
    s.send();
    EXPECT_EQ(s.sent_to[id.value], 100u);
    if (by_reset) {
      ASSERT_TRUE(s.set.on_reset_stream(id, 9, 0).has_value());
    } else {
      ASSERT_TRUE(s.set.on_stream(id, 0, {}, true).has_value());
    }
    while (s.set.next_event()) {
    }
    s.send();
    EXPECT_EQ(s.sent_to[id.value], 100u);
    ASSERT_TRUE(s.set.on_max_stream_data(id, 300).has_value());
    s.send();
    EXPECT_EQ(s.sent_to[id.value], 300u);
  }
}

}  // namespace
}  // namespace hawser::quic
