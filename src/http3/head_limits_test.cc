// Goal: heads that do not end or wait for QPACK hold memory of a connection up to a limit, and no longer than they
// are needed. Method: a server's session against a client that is played by hand.
#include <gtest/gtest.h>

#include "http3/testing_transport.h"

namespace hawser::http3 {
namespace {

using quic::Role;

struct Bench : SessionHandler {
  Bench() {
    link.server.core = &session.core();
    session.core().on_handshake_complete();
    link.pump();
    send(open(false), "000400");
  }

  StreamId open(bool bidirectional) { return *link.client.open_stream(bidirectional); }
  void send(StreamId id, std::string_view hex) {
    (void)link.client.write(id, Bytes{from_hex(hex)}, false);
    link.pump();
  }
  ErrorCode closed() const { return static_cast<ErrorCode>(link.server.closed_with.value_or(0x100)); }

  testing::Link link;
  testing::End& peer = link.client;
  Session session{Role::kServer, {}, *this, link.server};
};

constexpr std::size_t kLongHead = 64 * 1'024;  // as long as may be

// More fields than may be, which is known once they are read: it ends the stream only.
std::vector<std::uint8_t> long_head(std::uint8_t required_insert_count, std::size_t size) {
  std::vector<std::uint8_t> head(size, 0xd1);
  head[0] = required_insert_count;
  head[1] = 0;
  return head;
}

// All of a HEADERS frame with such a payload but its last octet, on a new stream.
StreamId begin_head(Bench& bench, Bytes payload) {
  std::vector<std::uint8_t> frame;
  append_frame(frame, static_cast<std::uint64_t>(FrameType::kHeaders), payload);
  frame.pop_back();
  const StreamId id = bench.open(true);
  (void)bench.peer.write(id, Bytes{frame}, false);
  bench.link.pump();
  return id;
}

// rfc9114:10.5-track
TEST(head_limits, heads_that_are_not_whole) {
  const auto head = long_head(0, kLongHead);
  Bench bench;
  std::vector<StreamId> ids;
  for (int i = 0; i < 8; ++i) ids.push_back(begin_head(bench, head));
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  EXPECT_EQ(bench.session.core().head_memory(), 8 * (kLongHead - 1));
  // Those that are reset or end make room again, and hold nothing.
  for (int i = 0; i < 4; ++i) bench.peer.reset_stream(ids[i], 0x10c);
  bench.link.pump();
  EXPECT_EQ(bench.session.core().head_memory(), 4 * (kLongHead - 1));
  for (int i = 4; i < 8; ++i) bench.send(ids[i], "d1");
  EXPECT_EQ(bench.session.core().head_memory(), 0u);
  EXPECT_LT(bench.session.core().streams_memory(), kLongHead);
  for (int i = 0; i < 8; ++i) begin_head(bench, head);
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  begin_head(bench, head);
  EXPECT_EQ(bench.closed(), ErrorCode::kExcessiveLoad);
}

// rfc9114:10.5-track
TEST(head_limits, heads_that_wait_for_insertions) {
  const auto head = long_head(2, kLongHead - 1);  // it needs one insertion
  Bench bench;
  std::vector<StreamId> ids;
  const auto wait = [&] {
    ids.push_back(begin_head(bench, head));
    bench.send(ids.back(), "d1");
  };
  for (int i = 0; i < 8; ++i) wait();
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  EXPECT_EQ(bench.session.core().qpack_decoder().blocked_streams(), 8u);
  EXPECT_EQ(bench.session.core().head_memory(), 8 * (kLongHead - 1));
  for (const StreamId id : ids) bench.peer.reset_stream(id, 0x10c);
  bench.link.pump();
  EXPECT_EQ(bench.session.core().head_memory(), 0u);
  for (int i = 0; i < 8; ++i) wait();
  // The insertion comes; the sections turn out to be too large, and hold nothing either.
  const StreamId encoder = bench.open(false);
  bench.send(encoder, "02 3fe11f 4178 0179");
  EXPECT_EQ(bench.session.core().head_memory(), 0u);
  EXPECT_LT(bench.session.core().streams_memory(), 2 * kLongHead);
}

TEST(head_limits, heads_that_wait_past_the_limit) {
  const auto head = long_head(2, kLongHead - 1);
  Bench bench;
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
    bench.send(begin_head(bench, head), "d1");
  }
  EXPECT_EQ(bench.closed(), ErrorCode::kExcessiveLoad);
}

}  // namespace
}  // namespace hawser::http3
