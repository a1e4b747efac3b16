// Goal: a connection at rest keeps a few octets for each of its open streams, and each goes on where
// it stood. Method: two sets joined by hand; what the pool has and what the sets state is counted.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "quic/streams/stream_set.h"
#include "quic/streams/testing_frames.h"

namespace hawser::quic {
namespace {

constexpr PeerStreamLimits kLimits{1 << 20, 1 << 18, 1 << 18, 1 << 18, 100, 100};

struct Pair {
  explicit Pair(std::uint64_t window_uni = 1 << 18) {
    PeerStreamLimits limits = kLimits;
    limits.initial_max_stream_data_uni = window_uni;
    client.set_peer_limits(limits);
    server.set_peer_limits(kLimits);
  }

  // Everything that one has to say arrives and is acknowledged; returns how many octets were read.
  std::size_t move(StreamSet& from, StreamSet& to) {
    std::size_t read = 0;
    for (int packet = 0; packet < 100; ++packet) {
      std::vector<std::uint8_t> area(1200);
      PacketPayload payload(area);
      (void)from.write_control_frames(payload, now);
      (void)from.write_stream_frames(payload, now);
      if (payload.size() == 0) break;
      std::vector<std::uint8_t> flat(payload.size());
      testing_frames::flatten(payload, flat);
      EXPECT_TRUE(testing_frames::deliver(flat, to).has_value());
      while (const auto event = to.next_event()) {
        std::array<Bytes, 8> views;
        std::size_t size = 0;
        for (const Bytes view : to.readable(event->id, views)) size += view.size();
        to.consume(event->id, size);
        read += size;
      }
      to.end_batch();
      for (const SentFrame& frame : payload.frames()) from.on_frame_acked(frame);
    }
    return read;
  }
  std::size_t write(StreamId id, std::size_t size) {
    return client.write(id, Bytes(std::vector<std::uint8_t>(size, 7))).value();
  }

  Timestamp now{};
  BufferPools pools;
  StreamSet client{Role::kClient, {}, pools};
  StreamSet server{Role::kServer, {}, pools};
};

TEST(stream_rest, an_open_stream_takes_64_octets_while_it_rests) {
  Pair pair;
  std::vector<StreamId> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(*pair.client.open(i % 2 == 0));
  for (const StreamId id : ids) pair.write(id, 3000);
  EXPECT_EQ(18'000u, pair.move(pair.client, pair.server));
  EXPECT_GT(pair.client.memory(), 6 * 500u);
  pair.client.rest();
  pair.server.rest();
  EXPECT_EQ(6u, pair.client.open_streams());
  EXPECT_EQ(6 * 64u, pair.client.memory());
  EXPECT_EQ(6 * 64u, pair.server.memory());
  EXPECT_EQ(12u, pair.pools.streams.unused());
}

TEST(stream_rest, offsets_limits_and_priority_outlast_it) {
  Pair pair;
  const StreamId id = *pair.client.open(true);
  ASSERT_TRUE(pair.client.set_priority(id, {.urgency = 1, .incremental = true}).has_value());
  pair.write(id, 5000);
  pair.move(pair.client, pair.server);
  const std::uint64_t limit = pair.client.find(id)->send.peer_limit();
  pair.client.rest();
  pair.server.rest();
  EXPECT_EQ(5000u, pair.write(id, 5000));
  EXPECT_EQ(5000u, pair.client.find(id)->send.buffered());
  EXPECT_EQ(limit, pair.client.find(id)->send.peer_limit());
  EXPECT_EQ((Priority{.urgency = 1, .incremental = true}), pair.client.find(id)->priority);
  EXPECT_EQ(5000u, pair.move(pair.client, pair.server));
  EXPECT_EQ(10'000u, pair.server.find(id)->recv.highest());
  EXPECT_EQ(10'000u, pair.client.find(id)->send.sent_to());
}

TEST(stream_rest, the_peers_limit_holds_across_it) {
  Pair pair(3000);
  const StreamId id = *pair.client.open(false);
  pair.write(id, 2000);
  pair.move(pair.client, pair.server);
  pair.client.rest();
  pair.write(id, 2000);
  EXPECT_EQ(1000u, pair.move(pair.client, pair.server));
}

TEST(stream_rest, what_is_unacknowledged_unread_or_finished_does_not_rest) {
  Pair pair;
  const StreamId unsent = *pair.client.open(true);
  const StreamId finished = *pair.client.open(true);
  pair.write(unsent, 10);
  ASSERT_TRUE(pair.client.finish(finished).has_value());
  pair.client.rest();
  EXPECT_EQ(0u, pair.pools.streams.unused());
  EXPECT_EQ(10u, pair.move(pair.client, pair.server));
  EXPECT_TRUE(pair.server.find(finished)->recv.is_done());
}

TEST(stream_rest, late_news_of_a_resting_stream_changes_nothing) {
  Pair pair;
  const StreamId id = *pair.client.open(true);
  pair.write(id, 100);
  pair.move(pair.client, pair.server);
  pair.client.rest();
  pair.client.on_frame_lost({.kind = SentFrameKind::kStream, .length = 100, .id = id.value});
  EXPECT_FALSE(pair.client.wants_to_send());
  EXPECT_FALSE(pair.client.is_closed(id));
}

TEST(stream_rest, many_streams_stay_awake) {
  Pair pair;
  for (std::size_t i = 0; i <= kRestingStreamsMax; ++i) pair.write(*pair.client.open(true), 10);
  pair.move(pair.client, pair.server);
  pair.client.rest();
  EXPECT_EQ(0u, pair.pools.streams.unused());
  EXPECT_EQ(kRestingStreamsMax + 1, pair.client.open_streams());
}

TEST(stream_rest, streams_of_a_lost_connection_serve_the_next) {
  BufferPools pools;
  {
    StreamSet set(Role::kClient, {}, pools);
    set.set_peer_limits(kLimits);
    for (int i = 0; i < 3; ++i) (void)set.write(*set.open(true), Bytes(std::vector<std::uint8_t>(100, 7)));
  }
  EXPECT_EQ(3u, pools.streams.unused());
  EXPECT_EQ(0u, pools.send.in_use());
  StreamSet set(Role::kClient, {}, pools);
  set.set_peer_limits(kLimits);
  const StreamId id = *set.open(true);
  EXPECT_EQ(2u, pools.streams.unused());
  EXPECT_EQ(0u, set.find(id)->send.buffered());
  EXPECT_FALSE(set.wants_to_send());
}

}  // namespace
}  // namespace hawser::quic
