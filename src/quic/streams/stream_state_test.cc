// Goal: every illegal frame closes the connection with the code RFC 9000 names, legal ones on
// closed streams do nothing, and limits, priorities and resets behave at their edges. Method:
// frame values handed to one StreamSet, its payloads read back.
#include <gtest/gtest.h>

#include "quic/streams/stream_set.h"
#include "quic/streams/testing_frames.h"

namespace hawser::quic {
namespace {

using enum TransportErrorCode;

constexpr Timestamp kStart{};

StreamSetConfig tiny() {
  StreamSetConfig config;
  config.initial_max_data = 1000;
  config.initial_max_stream_data_bidi_local = 100;
  config.initial_max_stream_data_bidi_remote = 100;
  config.initial_max_stream_data_uni = 100;
  config.initial_max_streams_bidi = 4;
  config.initial_max_streams_uni = 20;
  return config;
}

constexpr PeerStreamLimits kGenerous{1 << 20, 1 << 20, 1 << 20, 1 << 20, 10, 10};

// A server with one bidirectional stream (1) and one unidirectional stream (3) open.
struct Server {
  Server() : set(Role::kServer, tiny(), pools) {
    set.set_peer_limits(kGenerous);
    own_bidi = *set.open(true);
    own_uni = *set.open(false);
  }
  // Writes what is to be said; the frames' octets and records.
  std::vector<SentFrame> send(std::size_t room = 1200) {
    octets.assign(room, 0);
    PacketPayload payload(octets);
    (void)set.write_control_frames(payload, kStart);
    (void)set.write_stream_frames(payload, kStart);
    std::vector<std::uint8_t> flat(payload.size());
    testing_frames::flatten(payload, flat);
    octets = flat;
    return {payload.frames().begin(), payload.frames().end()};
  }
  void drain() {
    while (set.next_event()) {
    }
  }
  BufferPools pools;
  StreamSet set;
  StreamId own_bidi, own_uni;
  std::vector<std::uint8_t> octets;
  std::array<Bytes, 16> views;
};

const std::vector<std::uint8_t> kData(2000, 0x55);
Bytes data(std::size_t size) {
  return Bytes{kData}.first(size);
}

#define EXPECT_ERROR(expected_code, expression)    \
  do {                                             \
    const auto result = (expression);              \
    ASSERT_FALSE(result.has_value());              \
    EXPECT_EQ(expected_code, result.error().code); \
    EXPECT_NE(0u, result.error().frame_type);      \
  } while (false)

constexpr StreamId kPeerBidi{0}, kPeerUni{2}, kUnopenedBidi{5}, kUnopenedUni{7};

TEST(stream_state, frames_for_the_wrong_direction_are_stream_state_errors) {
  Server s;
  EXPECT_ERROR(kStreamStateError, s.set.on_stream(s.own_uni, 0, data(1), false));
  EXPECT_ERROR(kStreamStateError, s.set.on_reset_stream(s.own_uni, 0, 0));
  EXPECT_ERROR(kStreamStateError, s.set.on_stream_data_blocked(s.own_uni, 0));
  EXPECT_ERROR(kStreamStateError, s.set.on_stop_sending(kPeerUni, 0));
  EXPECT_ERROR(kStreamStateError, s.set.on_max_stream_data(kPeerUni, 0));
}

TEST(stream_state, frames_for_local_streams_not_opened_are_stream_state_errors) {
  Server s;
  EXPECT_ERROR(kStreamStateError, s.set.on_stream(kUnopenedBidi, 0, data(1), false));
  EXPECT_ERROR(kStreamStateError, s.set.on_reset_stream(kUnopenedBidi, 0, 0));
  EXPECT_ERROR(kStreamStateError, s.set.on_stop_sending(kUnopenedBidi, 0));
  EXPECT_ERROR(kStreamStateError, s.set.on_stop_sending(kUnopenedUni, 0));
  EXPECT_ERROR(kStreamStateError, s.set.on_max_stream_data(kUnopenedUni, 0));
  EXPECT_ERROR(kStreamStateError, s.set.on_stream_data_blocked(kUnopenedBidi, 0));
}

TEST(stream_state, stream_limit_is_exact_for_every_frame_that_opens) {
  Server s;
  const StreamId last = StreamId::of(Role::kClient, true, 3), beyond = StreamId::of(Role::kClient, true, 4);
  const StreamId last_uni = StreamId::of(Role::kClient, false, 19), beyond_uni = StreamId::of(Role::kClient, false, 20);
  EXPECT_ERROR(kStreamLimitError, s.set.on_stream(beyond, 0, data(1), false));
  EXPECT_ERROR(kStreamLimitError, s.set.on_stream(beyond_uni, 0, data(1), false));
  EXPECT_ERROR(kStreamLimitError, s.set.on_reset_stream(beyond, 0, 0));
  EXPECT_ERROR(kStreamLimitError, s.set.on_stop_sending(beyond, 0));
  EXPECT_ERROR(kStreamLimitError, s.set.on_max_stream_data(beyond, 0));
  EXPECT_ERROR(kStreamLimitError, s.set.on_stream_data_blocked(beyond, 0));
  EXPECT_TRUE(s.set.on_stream(last, 0, data(1), false).has_value());
  EXPECT_TRUE(s.set.on_stream(last_uni, 0, data(1), false).has_value());
  EXPECT_EQ(2u + 4u + 20u, s.set.open_streams());
}

// rfc9000:3.2-lower-streams-exist
TEST(stream_state, using_a_stream_opens_all_lower_ones_in_order) {
  Server s;
  ASSERT_TRUE(s.set.on_stream(StreamId{8}, 0, data(1), false).has_value());
  for (const std::uint64_t id : {0u, 4u, 8u}) {
    const auto event = s.set.next_event();
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(id, event->id.value);
    EXPECT_EQ(id == 8 ? kStreamOpened | kStreamReadable : kStreamOpened, event->what);
  }
  EXPECT_FALSE(s.set.next_event().has_value());
}

TEST(stream_state, stream_flow_control_is_exact) {
  Server s;
  ASSERT_TRUE(s.set.on_stream(kPeerBidi, 0, data(100), false).has_value());
  EXPECT_ERROR(kFlowControlError, s.set.on_stream(kPeerBidi, 100, data(1), false));
  EXPECT_ERROR(kFlowControlError, s.set.on_reset_stream(kPeerBidi, 0, 101));
  EXPECT_TRUE(s.set.on_stream(kPeerBidi, 0, data(100), true).has_value());
}

TEST(stream_state, connection_flow_control_counts_highest_offsets_of_all_streams) {
  Server s;
  for (std::uint64_t i = 0; i < 10; ++i)
    ASSERT_TRUE(s.set.on_stream(StreamId::of(Role::kClient, false, i), 99, data(1), false).has_value());
  EXPECT_TRUE(s.set.on_stream(kPeerUni, 0, data(99), false).has_value());
  EXPECT_ERROR(kFlowControlError, s.set.on_stream(StreamId::of(Role::kClient, false, 10), 0, data(1), false));
  EXPECT_ERROR(kFlowControlError, s.set.on_reset_stream(StreamId::of(Role::kClient, false, 10), 0, 1));
}

TEST(stream_state, final_size_is_final) {
  Server s;
  ASSERT_TRUE(s.set.on_stream(kPeerUni, 0, data(50), false).has_value());
  EXPECT_ERROR(kFinalSizeError, s.set.on_stream(kPeerUni, 0, data(49), true));
  EXPECT_ERROR(kFinalSizeError, s.set.on_reset_stream(kPeerUni, 0, 49));
  ASSERT_TRUE(s.set.on_stream(kPeerUni, 60, data(0), true).has_value());
  EXPECT_ERROR(kFinalSizeError, s.set.on_stream(kPeerUni, 60, data(1), false));
  EXPECT_ERROR(kFinalSizeError, s.set.on_stream(kPeerUni, 0, data(59), true));
  EXPECT_ERROR(kFinalSizeError, s.set.on_reset_stream(kPeerUni, 0, 61));
  ASSERT_TRUE(s.set.on_reset_stream(kPeerUni, 9, 60).has_value());
  EXPECT_ERROR(kFinalSizeError, s.set.on_reset_stream(kPeerUni, 9, 59));
}

TEST(stream_state, numbers_out_of_range_are_frame_encoding_errors) {
  Server s;
  EXPECT_ERROR(kFrameEncodingError, s.set.on_stream(kPeerUni, kVarintMax, data(1), false));
  EXPECT_ERROR(kFrameEncodingError, s.set.on_max_streams(true, kMaxStreamCount + 1));
  EXPECT_ERROR(kFrameEncodingError, s.set.on_streams_blocked(false, kMaxStreamCount + 1));
  EXPECT_TRUE(s.set.on_max_streams(true, kMaxStreamCount).has_value());
  EXPECT_TRUE(s.set.on_streams_blocked(false, kMaxStreamCount).has_value());
}

// rfc9000:4.6-no-waiting rfc9000:13.3-outdated
TEST(stream_state, frames_for_closed_streams_are_ignored_and_more_streams_granted) {
  Server s;
  for (std::uint64_t i = 0; i < 20; ++i)
    ASSERT_TRUE(s.set.on_stream(StreamId::of(Role::kClient, false, i), 0, {}, true).has_value());
  s.drain();
  EXPECT_TRUE(s.set.is_closed(kPeerUni));
  EXPECT_EQ(2u, s.set.open_streams());
  EXPECT_TRUE(s.set.on_stream(kPeerUni, 5000, data(1), false).has_value());
  EXPECT_TRUE(s.set.on_reset_stream(kPeerUni, 5000, 1).has_value());
  EXPECT_FALSE(s.set.has_events());
  const auto frames = s.send();
  ASSERT_EQ(1u, frames.size());
  EXPECT_EQ(SentFrameKind::kMaxStreamsUni, frames[0].kind);
  EXPECT_EQ(40u, frames[0].offset);
  EXPECT_TRUE(s.set.on_stream(StreamId::of(Role::kClient, false, 39), 0, {}, true).has_value());
  EXPECT_ERROR(kStreamLimitError, s.set.on_stream(StreamId::of(Role::kClient, false, 40), 0, {}, true));
}

// Eight of twenty closed while much was left, twelve stay open: what the eight gave back is told unasked.
// rfc9000:4.6-no-waiting
TEST(stream_state, a_peer_without_streams_gets_those_that_closed_long_ago) {
  Server s;
  for (std::uint64_t i = 0; i < 8; ++i)
    ASSERT_TRUE(s.set.on_stream(StreamId::of(Role::kClient, false, i), 0, {}, true).has_value());
  s.drain();
  EXPECT_TRUE(s.send().empty()) << "more than half is left";
  for (std::uint64_t i = 8; i < 20; ++i)
    ASSERT_TRUE(s.set.on_stream(StreamId::of(Role::kClient, false, i), 0, data(1), false).has_value());
  s.drain();
  const auto frames = s.send();
  ASSERT_EQ(1u, frames.size());
  EXPECT_EQ(SentFrameKind::kMaxStreamsUni, frames[0].kind);
  EXPECT_EQ(28u, frames[0].offset);
  ASSERT_TRUE(s.set.on_streams_blocked(false, 20).has_value());
  EXPECT_TRUE(s.send().empty());
}

// rfc9000:3.5-stop-answered rfc9000:3.5-stop-code rfc9000:3.5-stop-lost-data
TEST(stream_state, stop_sending_is_answered_with_reset_of_the_same_code) {
  Server s;
  ASSERT_EQ(10u, *s.set.write(s.own_bidi, data(10)));
  s.send();
  ASSERT_TRUE(s.set.on_stop_sending(s.own_bidi, 42).has_value());
  const auto event = s.set.next_event();
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(kStreamStopSending, event->what);
  EXPECT_EQ(42u, event->stop_code);
  EXPECT_EQ(StreamRefusal::kNotWritable, s.set.write(s.own_bidi, data(1)).error());
  const auto frames = s.send();
  ASSERT_EQ(1u, frames.size());
  EXPECT_EQ((std::vector<std::uint8_t>{0x04, 1, 42, 10}), std::vector<std::uint8_t>(s.octets.begin(), s.octets.end()));
  s.set.on_frame_lost(frames[0]);
  EXPECT_EQ(1u, s.send().size());
  s.set.on_frame_acked(frames[0]);
  s.set.on_frame_lost(frames[0]);
  EXPECT_FALSE(s.set.wants_to_send());
}

TEST(stream_state, reset_after_all_data_arrived_takes_nothing_away) {
  Server s;
  ASSERT_TRUE(s.set.on_stream(kPeerUni, 0, data(7), true).has_value());
  ASSERT_TRUE(s.set.on_reset_stream(kPeerUni, 1, 7).has_value());
  EXPECT_EQ(7u, s.set.readable(kPeerUni, s.views)[0].size());
  const auto event = s.set.next_event();
  EXPECT_TRUE(event->has_all);
  EXPECT_EQ(0, event->what & kStreamReset);
  EXPECT_TRUE(s.set.consume(kPeerUni, 7));
}

TEST(stream_state, reset_gives_back_connection_credit_for_unread_data) {
  Server s;
  ASSERT_TRUE(s.set.on_stream(kPeerUni, 0, data(30), false).has_value());
  ASSERT_TRUE(s.set.on_reset_stream(kPeerUni, 1, 80).has_value());
  EXPECT_EQ(80u, s.set.receive_window().consumed());
  const auto event = s.set.next_event();
  EXPECT_EQ(kStreamOpened | kStreamReset | kStreamClosed, event->what);
  EXPECT_EQ(1u, event->reset_code);
  s.set.end_batch();
  EXPECT_EQ(0u, s.set.receive_memory());
}

// rfc9000:13.3-no-more-credit
TEST(stream_state, superseded_limits_are_not_resent) {
  Server s;
  std::vector<SentFrame> first;
  for (std::uint64_t round = 0; round < 2; ++round) {
    ASSERT_TRUE(s.set.on_stream(kPeerUni, round * 60, data(60), false).has_value());
    s.set.consume(kPeerUni, 60);
    const auto frames = s.send();
    ASSERT_FALSE(frames.empty());
    EXPECT_EQ(SentFrameKind::kMaxStreamData, frames[0].kind);
    if (round == 0) first = frames;
    if (round == 1) {
      s.set.on_frame_lost(first[0]);
      EXPECT_FALSE(s.set.wants_to_send());
      s.set.on_frame_lost(frames[0]);
      EXPECT_TRUE(s.set.wants_to_send());
    }
  }
}

// rfc9000:4.1-blocked-sent rfc9000:4.6-streams-blocked-sent rfc9000:19.12-sent rfc9000:19.13-sent rfc9000:19.14-sent
TEST(stream_state, blocked_frames_come_once_per_limit) {
  BufferPools pools;
  StreamSet set(Role::kClient, tiny(), pools);
  set.set_peer_limits(
      {.initial_max_data = 1000, .initial_max_stream_data_bidi_remote = 10, .initial_max_streams_bidi = 1});
  const StreamId id = *set.open(true);
  EXPECT_EQ(StreamRefusal::kBlocked, set.open(true).error());
  EXPECT_EQ(StreamRefusal::kBlocked, set.open(true).error());
  (void)set.write(id, data(50));
  std::vector<std::uint8_t> area(1200);
  auto count = [&](SentFrameKind kind) {
    PacketPayload payload(area);
    (void)set.write_control_frames(payload, kStart);
    (void)set.write_stream_frames(payload, kStart);
    (void)set.write_control_frames(payload, kStart);
    int found = 0;
    for (const SentFrame& frame : payload.frames()) found += frame.kind == kind;
    return found;
  };
  PacketPayload payload(area);
  (void)set.write_stream_frames(payload, kStart);
  (void)set.write_control_frames(payload, kStart);
  ASSERT_EQ(3u, payload.frames().size());
  EXPECT_EQ(SentFrameKind::kStream, payload.frames()[0].kind);
  EXPECT_EQ(SentFrameKind::kStreamsBlockedBidi, payload.frames()[1].kind);
  EXPECT_EQ(SentFrameKind::kStreamDataBlocked, payload.frames()[2].kind);
  EXPECT_EQ(10u, payload.frames()[2].offset);
  set.on_frame_lost(payload.frames()[2]);
  EXPECT_EQ(1, count(SentFrameKind::kStreamDataBlocked));
  (void)set.write(id, data(50));
  EXPECT_EQ(0, count(SentFrameKind::kStreamDataBlocked));
  ASSERT_TRUE(set.on_max_stream_data(id, 20).has_value());
  EXPECT_EQ(1, count(SentFrameKind::kStreamDataBlocked));
  ASSERT_TRUE(set.on_max_streams(true, 2).has_value());
  EXPECT_TRUE(set.take_streams_available(true));
  EXPECT_FALSE(set.take_streams_available(true));
  EXPECT_TRUE(set.open(true).has_value());
}

TEST(stream_state, commands_on_the_wrong_stream_say_why) {
  Server s;
  ASSERT_TRUE(s.set.on_stream(kPeerUni, 0, data(1), false).has_value());
  EXPECT_EQ(StreamRefusal::kWrongDirection, s.set.write(kPeerUni, data(1)).error());
  EXPECT_EQ(StreamRefusal::kWrongDirection, s.set.stop_sending(s.own_uni, 0).error());
  EXPECT_EQ(StreamRefusal::kUnknownStream, s.set.write(kUnopenedUni, data(1)).error());
  ASSERT_TRUE(s.set.finish(s.own_uni).has_value());
  EXPECT_EQ(StreamRefusal::kNotWritable, s.set.write(s.own_uni, data(1)).error());
}

// rfc9000:3.5-stop-sent rfc9000:3.5-stop-after-reset
TEST(stream_state, stop_sending_discards_and_is_resent_until_the_end_is_known) {
  Server s;
  ASSERT_TRUE(s.set.on_stream(kPeerUni, 0, data(30), false).has_value());
  ASSERT_TRUE(s.set.stop_sending(kPeerUni, 6).has_value());
  EXPECT_TRUE(s.set.readable(kPeerUni, s.views).empty());
  const auto frames = s.send();
  ASSERT_EQ(1u, frames.size());
  EXPECT_EQ(SentFrameKind::kStopSending, frames[0].kind);
  s.set.on_frame_lost(frames[0]);
  EXPECT_TRUE(s.set.wants_to_send());
  ASSERT_TRUE(s.set.on_reset_stream(kPeerUni, 6, 40).has_value());
  EXPECT_TRUE(s.send().empty());
  s.drain();
  EXPECT_TRUE(s.set.is_closed(kPeerUni));
  EXPECT_EQ(40u, s.set.receive_window().consumed());
}

TEST(stream_state, writer_is_told_of_room_once_after_a_short_write) {
  StreamSetConfig config = tiny();
  config.send_buffer_cap = 1000;
  BufferPools pools;
  StreamSet set(Role::kClient, config, pools);
  set.set_peer_limits(kGenerous);
  const StreamId id = *set.open(true);
  EXPECT_EQ(1000u, *set.write(id, data(2000)));
  EXPECT_EQ(0u, *set.write(id, data(1)));
  EXPECT_EQ(1000u, set.send_buffered());
  std::vector<std::uint8_t> area(600);
  for (int i = 0; i < 2; ++i) {
    PacketPayload payload(area);
    (void)set.write_stream_frames(payload, kStart);
    ASSERT_EQ(1u, payload.frames().size());
    set.on_frame_acked(payload.frames()[0]);
  }
  EXPECT_EQ(kStreamWritable, set.next_event()->what);
  EXPECT_FALSE(set.has_events());
}

// rfc9001:4.6.2-reset-streams
TEST(stream_state, rejected_early_data_is_sent_again_within_the_new_limits) {
  BufferPools pools;
  StreamSet set(Role::kClient, tiny(), pools);
  set.set_peer_limits(kGenerous);
  const StreamId first = *set.open(true), second = *set.open(true);
  (void)set.write(first, data(300));
  (void)set.write(second, data(300));
  ASSERT_TRUE(set.finish(first).has_value());
  std::vector<std::uint8_t> area(1200);
  PacketPayload early(area);
  (void)set.write_stream_frames(early, kStart);
  EXPECT_EQ(600u, set.send_credit().used());
  set.on_early_data_rejected();
  EXPECT_FALSE(set.wants_to_send());
  set.set_peer_limits(
      {.initial_max_data = 500, .initial_max_stream_data_bidi_remote = 400, .initial_max_streams_bidi = 1});
  PacketPayload again(area);
  (void)set.write_stream_frames(again, kStart);
  ASSERT_EQ(1u, again.frames().size());
  EXPECT_EQ(300u, again.frames()[0].length);
  EXPECT_TRUE(again.frames()[0].fin);
  ASSERT_TRUE(set.on_max_streams(true, 2).has_value());
  PacketPayload more(area);
  (void)set.write_stream_frames(more, kStart);
  ASSERT_EQ(1u, more.frames().size());
  EXPECT_EQ(second.value, more.frames()[0].id);
  EXPECT_EQ(200u, more.frames()[0].length);
}

// The ids of the streams that fill six packets.
std::vector<std::uint64_t> order_of_six_packets(StreamSet& set) {
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 6; ++i) {
    std::vector<std::uint8_t> area(200);
    PacketPayload payload(area);
    (void)set.write_stream_frames(payload, kStart);
    for (const SentFrame& frame : payload.frames()) ids.push_back(frame.id);
  }
  return ids;
}

// rfc9000:2.3-priorities rfc9218:10-urgency rfc9218:10-in-order
TEST(stream_priority, lower_urgency_goes_first_and_equals_in_id_order) {
  BufferPools pools;
  StreamSet set(Role::kClient, tiny(), pools);
  set.set_peer_limits(kGenerous);
  StreamId ids[3];
  for (StreamId& id : ids) id = *set.open(true);
  // Two packets each: 196 octets of data fill one of 200.
  for (const int i : {2, 1, 0}) (void)set.write(ids[i], data(380));
  ASSERT_TRUE(set.set_priority(ids[2], {.urgency = 1}).has_value());
  EXPECT_EQ((std::vector<std::uint64_t>{8, 8, 0, 0, 4, 4}), order_of_six_packets(set));
}

// rfc9218:10-incremental rfc9218:10-share
TEST(stream_priority, incremental_streams_take_turns) {
  BufferPools pools;
  StreamSet set(Role::kClient, tiny(), pools);
  set.set_peer_limits(kGenerous);
  for (int i = 0; i < 3; ++i) {
    const StreamId id = *set.open(true);
    ASSERT_TRUE(set.set_priority(id, {.urgency = 3, .incremental = true}).has_value());
    (void)set.write(id, data(2000));
  }
  EXPECT_EQ((std::vector<std::uint64_t>{0, 4, 8, 0, 4, 8}), order_of_six_packets(set));
}

TEST(stream_frames, a_frame_that_fills_the_packet_has_no_length) {
  BufferPools pools;
  StreamSet set(Role::kClient, tiny(), pools);
  set.set_peer_limits(kGenerous);
  const StreamId id = *set.open(true);
  (void)set.write(id, data(150));
  std::vector<std::uint8_t> area(100);
  PacketPayload full(area);
  (void)set.write_stream_frames(full, kStart);
  EXPECT_EQ(100u, full.size());
  EXPECT_EQ(0x08, area[0]);
  EXPECT_EQ(98u, full.frames()[0].length);
  PacketPayload rest(area);
  EXPECT_EQ(WriteResult::kDone, set.write_stream_frames(rest, kStart));
  EXPECT_EQ(0x0e, area[0]);
  EXPECT_EQ(52u, rest.frames()[0].length);
}

}  // namespace
}  // namespace hawser::quic
