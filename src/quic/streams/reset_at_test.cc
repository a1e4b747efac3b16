// reset_at_test.cc: goal: RESET_STREAM_AT delivers what it promises and no more, whatever is lost, and keeps to the
// rules of draft-ietf-quic-reliable-stream-reset-10; method: one StreamSet with frame values, then two of them
// joined by a network that loses frames, over many seeds.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"
#include "quic/streams/stream_set.h"
#include "quic/streams/testing_frames.h"

namespace hawser::quic {
namespace {

using enum TransportErrorCode;

constexpr Timestamp kStart{};
constexpr PeerStreamLimits kGenerous{1 << 20, 1 << 20, 1 << 20, 1 << 20, 10, 10};
constexpr std::uint64_t kCode = 7;

struct Sent {
  std::vector<std::uint8_t> octets;
  std::vector<SentFrame> frames;
};

struct End {
  explicit End(Role role, StreamSetConfig config = {}) : set(role, config, pools) {}

  Sent send(std::size_t room = 1'200) {
    std::vector<std::uint8_t> area(room);
    PacketPayload payload(area);
    (void)set.write_control_frames(payload, kStart);
    (void)set.write_stream_frames(payload, kStart);
    std::vector<std::uint8_t> flat(payload.size());
    testing_frames::flatten(payload, flat);
    return {flat, {payload.frames().begin(), payload.frames().end()}};
  }
  // Reads `most` octets of the stream.
  std::uint64_t read(StreamId id, std::uint64_t most = UINT64_MAX) {
    std::array<Bytes, 16> views;
    std::uint64_t total = 0;
    for (;;) {
      std::uint64_t round = 0;
      for (const Bytes& view : set.readable(id, views)) round += view.size();
      round = std::min(round, most - total);
      if (round == 0) return total;
      set.consume(id, round);
      total += round;
    }
  }
  // What happened since the last call; bits of StreamEventBit.
  std::uint8_t events() {
    std::uint8_t what = 0;
    while (const auto event = set.next_event()) {
      what |= event->what;
      if ((event->what & kStreamReset) != 0) reset_code = event->reset_code;
    }
    return what;
  }

  BufferPools pools;
  StreamSet set;
  std::optional<ApplicationErrorCode> reset_code;
};

std::size_t count(const Sent& sent, SentFrameKind kind) {
  return static_cast<std::size_t>(std::count_if(sent.frames.begin(), sent.frames.end(),
                                                [kind](const SentFrame& frame) { return frame.kind == kind; }));
}

void ack_all(End& end, const Sent& sent) {
  for (const SentFrame& frame : sent.frames) end.set.on_frame_acked(frame);
}

const std::vector<std::uint8_t> kData(4'000, 0x61);
constexpr StreamId kPeerUni{2};

#define EXPECT_ERROR(expected_code, expression)    \
  do {                                             \
    const auto result = (expression);              \
    ASSERT_FALSE(result.has_value());              \
    EXPECT_EQ(expected_code, result.error().code); \
    EXPECT_EQ(0x24u, result.error().frame_type);   \
  } while (false)

// reset-stream-at:5-reliable
TEST(reset_at, the_reader_gets_what_was_promised_and_then_the_reset) {
  End end(Role::kServer);
  ASSERT_TRUE(end.set.on_stream(kPeerUni, 0, Bytes(kData).first(300), false).has_value());
  ASSERT_TRUE(end.set.on_reset_stream_at(kPeerUni, kCode, 900, 500).has_value());
  EXPECT_EQ(end.events() & kStreamReset, 0);
  EXPECT_EQ(end.read(kPeerUni), 300u);
  EXPECT_EQ(end.events() & kStreamReset, 0);
  ASSERT_TRUE(end.set.on_stream(kPeerUni, 300, Bytes(kData).first(200), false).has_value());
  EXPECT_EQ(end.read(kPeerUni, 199), 199u);
  EXPECT_EQ(end.events() & kStreamReset, 0);
  EXPECT_EQ(end.read(kPeerUni), 1u);
  EXPECT_NE(end.events() & (kStreamReset | kStreamClosed), 0);
  EXPECT_EQ(end.reset_code, kCode);
  EXPECT_TRUE(end.set.is_closed(kPeerUni));
}

// The whole of it counts towards the connection's limit, and is given back.
// reset-stream-at:5.2-not-expected reset-stream-at:4-limits-exceeded rfc9000:4.2-no-waiting
TEST(reset_at, what_is_not_promised_is_off_the_flow_control_window) {
  StreamSetConfig config;
  config.initial_max_data = 1'000;
  End end(Role::kServer, config);
  EXPECT_ERROR(kFlowControlError, end.set.on_reset_stream_at(kPeerUni, kCode, 1'001, 0));
  ASSERT_TRUE(end.set.on_reset_stream_at(kPeerUni, kCode, 1'000, 10).has_value());
  EXPECT_EQ(count(end.send(), SentFrameKind::kMaxData), 0u);
  ASSERT_TRUE(end.set.on_stream(kPeerUni, 0, Bytes(kData).first(10), false).has_value());
  EXPECT_EQ(end.read(kPeerUni), 10u);
  EXPECT_EQ(count(end.send(), SentFrameKind::kMaxData), 1u);
}

// reset-stream-at:5.2-increase-ignored reset-stream-at:5.2-changed
TEST(reset_at, the_promise_only_shrinks) {
  End end(Role::kServer);
  ASSERT_TRUE(end.set.on_reset_stream_at(kPeerUni, kCode, 900, 500).has_value());
  ASSERT_TRUE(end.set.on_reset_stream_at(kPeerUni, kCode, 900, 600).has_value());
  ASSERT_TRUE(end.set.on_stream(kPeerUni, 0, Bytes(kData).first(400), false).has_value());
  EXPECT_EQ(end.read(kPeerUni), 400u);
  EXPECT_EQ(end.events() & kStreamReset, 0);
  EXPECT_ERROR(kStreamStateError, end.set.on_reset_stream_at(kPeerUni, kCode + 1, 900, 500));
  EXPECT_ERROR(kFinalSizeError, end.set.on_reset_stream_at(kPeerUni, kCode, 901, 500));
  ASSERT_TRUE(end.set.on_reset_stream_at(kPeerUni, kCode, 900, 400).has_value());
  EXPECT_NE(end.events() & kStreamReset, 0);
}

TEST(reset_at, a_plain_reset_afterwards_promises_nothing) {
  End end(Role::kServer);
  ASSERT_TRUE(end.set.on_reset_stream_at(kPeerUni, kCode, 900, 500).has_value());
  ASSERT_TRUE(end.set.on_reset_stream(kPeerUni, kCode, 900).has_value());
  EXPECT_NE(end.events() & kStreamReset, 0);
}

TEST(reset_at, a_reader_that_wants_no_more_is_not_told) {
  End end(Role::kServer);
  ASSERT_TRUE(end.set.on_stream(kPeerUni, 0, Bytes(kData).first(300), false).has_value());
  ASSERT_TRUE(end.set.stop_sending(kPeerUni, 1).has_value());
  ASSERT_TRUE(end.set.on_reset_stream_at(kPeerUni, kCode, 900, 500).has_value());
  EXPECT_EQ(end.events() & kStreamReset, 0);
  EXPECT_TRUE(end.set.is_closed(kPeerUni));
}

struct Sender : End {
  Sender() : End(Role::kClient) {
    set.set_peer_limits(kGenerous);
    id = *set.open(false);
  }
  StreamId id;
};

// reset-stream-at:4-limits
TEST(reset_at, the_frame_waits_until_all_that_it_promises_was_sent) {
  End end(Role::kClient);
  end.set.set_peer_limits({1 << 20, 100, 100, 100, 10, 10});
  const StreamId id = *end.set.open(false);
  ASSERT_EQ(end.set.write(id, Bytes(kData).first(1'000)), 1'000u);
  ASSERT_TRUE(end.set.reset_at(id, kCode, 150).has_value());
  const Sent first = end.send();
  EXPECT_EQ(count(first, SentFrameKind::kStream), 1u);
  EXPECT_EQ(count(first, SentFrameKind::kResetStreamAt), 0u);
  ASSERT_TRUE(end.set.on_max_stream_data(id, 1'000).has_value());
  const Sent rest = end.send();
  EXPECT_EQ(count(rest, SentFrameKind::kStream), 1u);
  EXPECT_EQ(rest.frames.back().offset + rest.frames.back().length, 150u);
  const Sent reset = end.send();
  ASSERT_EQ(count(reset, SentFrameKind::kResetStreamAt), 1u);
  EXPECT_EQ(end.set.send_buffered(), 150u);
  for (const Sent* sent : {&first, &rest, &reset}) ack_all(end, *sent);
  EXPECT_EQ(end.set.send_buffered(), 0u);
  EXPECT_NE(end.events() & kStreamClosed, 0);
}

// reset-stream-at:5-retransmit reset-stream-at:5-beyond reset-stream-at:4-lost
TEST(reset_at, only_what_was_promised_is_sent_again) {
  Sender end;
  ASSERT_EQ(end.set.write(end.id, Bytes(kData).first(3'000)), 3'000u);
  const Sent one = end.send();
  const Sent two = end.send();
  ASSERT_TRUE(end.set.reset_at(end.id, kCode, 700).has_value());
  const Sent reset = end.send();
  ASSERT_EQ(count(reset, SentFrameKind::kResetStreamAt), 1u);
  EXPECT_EQ(count(reset, SentFrameKind::kStream), 0u);
  for (const Sent* lost : {&one, &two, &reset})
    for (const SentFrame& frame : lost->frames) end.set.on_frame_lost(frame);
  const Sent again = end.send();
  ASSERT_EQ(again.frames.size(), 2u);
  EXPECT_EQ(again.frames[0].kind, SentFrameKind::kResetStreamAt);
  EXPECT_EQ(again.frames[1].kind, SentFrameKind::kStream);
  EXPECT_EQ(again.frames[1].offset, 0u);
  EXPECT_EQ(again.frames[1].length, 700u);
  EXPECT_TRUE(end.send().frames.empty());
  ack_all(end, again);
  EXPECT_NE(end.events() & kStreamClosed, 0);
}

// reset-stream-at:5.2-reduced reset-stream-at:5.2-not-increased reset-stream-at:5.2-same
TEST(reset_at, a_smaller_promise_is_sent_until_that_one_is_acknowledged) {
  Sender end;
  ASSERT_EQ(end.set.write(end.id, Bytes(kData).first(1'000)), 1'000u);
  const Sent data = end.send();
  ASSERT_TRUE(end.set.reset_at(end.id, kCode, 700).has_value());
  const Sent larger = end.send();
  ASSERT_TRUE(end.set.reset_at(end.id, kCode + 1, 800).has_value());
  EXPECT_TRUE(end.send().frames.empty());
  ASSERT_TRUE(end.set.reset_at(end.id, kCode + 1, 200).has_value());
  const Sent smaller = end.send();
  ASSERT_EQ(smaller.frames.size(), 1u);
  EXPECT_EQ(smaller.frames[0].offset, 200u);
  // Type, stream 2, the first code, final size 1000, reliable size 200.
  EXPECT_EQ(smaller.octets, (std::vector<std::uint8_t>{0x24, 2, kCode, 0x43, 0xe8, 0x40, 0xc8}));
  ack_all(end, data);
  ack_all(end, larger);
  EXPECT_EQ(end.events() & kStreamClosed, 0);
  end.set.on_frame_lost(smaller.frames[0]);
  ack_all(end, end.send());
  EXPECT_NE(end.events() & kStreamClosed, 0);
}

// reset-stream-at:5.4-stop-sending reset-stream-at:5.2-same
TEST(reset_at, stop_sending_is_answered_with_a_plain_reset_of_the_same_code_and_size) {
  Sender end;
  ASSERT_EQ(end.set.write(end.id, Bytes(kData).first(1'000)), 1'000u);
  (void)end.send();
  ASSERT_TRUE(end.set.reset_at(end.id, kCode, 700).has_value());
  (void)end.send();
  ASSERT_TRUE(end.set.on_stop_sending(end.id, 99).has_value());
  EXPECT_EQ(end.send().octets, (std::vector<std::uint8_t>{0x04, 2, kCode, 0x43, 0xe8}));
}

TEST(reset_at, a_fin_that_was_acknowledged_does_not_stand_for_the_promise) {
  Sender end;
  ASSERT_EQ(end.set.write(end.id, Bytes(kData).first(2'000)), 2'000u);
  ASSERT_TRUE(end.set.finish(end.id).has_value());
  const Sent one = end.send();
  const Sent two = end.send();
  ack_all(end, two);
  for (const SentFrame& frame : one.frames) end.set.on_frame_lost(frame);
  ASSERT_TRUE(end.set.reset_at(end.id, kCode, 0).has_value());
  EXPECT_EQ(end.events() & kStreamClosed, 0);
  const Sent reset = end.send();
  ASSERT_EQ(reset.frames.size(), 1u);
  ack_all(end, reset);
  EXPECT_NE(end.events() & kStreamClosed, 0);
}

TEST(reset_at, nothing_can_be_written_or_promised_beyond_what_was_written) {
  Sender end;
  ASSERT_EQ(end.set.write(end.id, Bytes(kData).first(100)), 100u);
  EXPECT_EQ(end.set.reset_at(end.id, kCode, 101).error(), StreamRefusal::kNotWritable);
  ASSERT_TRUE(end.set.reset_at(end.id, kCode, 100).has_value());
  EXPECT_EQ(end.set.write(end.id, Bytes(kData).first(1)).error(), StreamRefusal::kNotWritable);
  EXPECT_EQ(end.set.finish(end.id).error(), StreamRefusal::kNotWritable);
  EXPECT_EQ(end.set.reset_at(StreamId{3}, kCode, 0).error(), StreamRefusal::kWrongDirection);
}

// reset-stream-at:5-reliable reset-stream-at:5-retransmit reset-stream-at:4-lost
TEST(reset_at, promises_are_kept_under_loss_and_reordering) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SeededRandom random(seed);
    Sender sender;
    End receiver(Role::kServer);
    const std::uint64_t written = 1 + random.below(kData.size());
    ASSERT_EQ(sender.set.write(sender.id, Bytes(kData).first(written)), written);
    for (std::uint64_t i = random.below(4); i > 0; --i) (void)sender.send();  // lost, and told below
    std::uint64_t promised = random.below(written + 1);
    std::vector<Sent> flying;
    ASSERT_TRUE(sender.set.reset_at(sender.id, kCode, promised).has_value());
    std::uint64_t read = 0;
    std::uint8_t seen = 0;
    SentFrame early{.kind = SentFrameKind::kStream,
                    .length = static_cast<std::uint32_t>(written),
                    .id = sender.id.value,
                    .offset = 0};
    sender.set.on_frame_lost(early);
    for (int round = 0; round < 400 && (sender.events() & kStreamClosed) == 0; ++round) {
      if (Sent sent = sender.send(40 + random.below(400)); !sent.frames.empty()) flying.push_back(std::move(sent));
      if (round == 20 && random.below(2) == 0) {
        const std::uint64_t less = random.below(promised + 1);
        (void)sender.set.reset_at(sender.id, kCode, less);
        promised = std::min(promised, less);
      }
      if (flying.empty() || random.below(2) == 0) continue;
      const std::size_t at = random.below(flying.size());
      const Sent sent = std::move(flying[at]);
      flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(at));
      if (random.below(3) == 0) {
        for (const SentFrame& frame : sent.frames) sender.set.on_frame_lost(frame);
        continue;
      }
      ASSERT_TRUE(testing_frames::deliver(sent.octets, receiver.set).has_value()) << seed;
      if ((seen & kStreamReset) == 0) read += receiver.read(sender.id);
      receiver.set.end_batch();
      seen |= receiver.events();
      ack_all(sender, sent);
    }
    EXPECT_NE(seen & kStreamReset, 0) << seed;
    EXPECT_GE(read, promised) << seed;
    EXPECT_EQ(receiver.reset_code, kCode) << seed;
    EXPECT_EQ(sender.set.send_buffered(), 0u) << seed;
    EXPECT_EQ(sender.set.open_streams(), 0u) << seed;
  }
}

}  // namespace
}  // namespace hawser::quic
