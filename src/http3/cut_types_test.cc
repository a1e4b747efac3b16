// Goal: a stream that ends within the type that says what it is keeps nothing and is judged by its kind. Method: a
// session against a peer that is played by hand, octet by octet; a stream is over when the transport says so, which
// wants all of it read.
#include <gtest/gtest.h>

#include "http3/testing_transport.h"

namespace hawser::http3 {
namespace {

using quic::Role;

struct Bench : SessionHandler {
  explicit Bench(Role role, SessionConfig config = {})
      : own(role == Role::kServer ? link.server : link.client),
        peer(role == Role::kServer ? link.client : link.server),
        session(role, std::move(config), *this, own) {
    own.core = &session.core();
    peer.stream_limit_bidi = peer.stream_limit_uni = 1'000;
    session.core().on_handshake_complete();
    link.pump();
    send(open(false), "000400");
  }

  StreamId open(bool bidirectional) { return *peer.open_stream(bidirectional); }
  void send(StreamId id, std::string_view hex, bool fin = false) {
    (void)peer.write(id, Bytes{from_hex(hex)}, fin);
    link.pump();
  }
  ErrorCode closed() const { return static_cast<ErrorCode>(own.closed_with.value_or(0x100)); }

  testing::Link link;
  testing::End& own;
  testing::End& peer;
  Session session;
};

// rfc9114:6.2-no-header
TEST(cut_types, one_way_streams_are_over) {
  Bench bench(Role::kServer, {.unknown_streams_max = 5});
  for (const char* type : {"", "40", "80", "c0000000000000"}) {
    for (int i = 0; i < 6; ++i) {
      const StreamId id = bench.open(false);
      bench.send(id, type);
      EXPECT_FALSE(bench.own.told_closed[id.value]);
      bench.send(id, "", true);
      EXPECT_TRUE(bench.own.told_closed[id.value]) << type;
      EXPECT_TRUE(bench.own.in(id).delivered.empty()) << type;
    }
  }
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
}

// rfc9114:10.5-track
TEST(cut_types, one_way_streams_are_counted) {
  Bench bench(Role::kServer, {.idle_frames_max = 5});
  for (int i = 0; i < 5; ++i) bench.send(bench.open(false), "40", true);
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  bench.send(bench.open(false), "40", true);
  EXPECT_EQ(bench.closed(), ErrorCode::kExcessiveLoad);
}

// rfc9114:7.1-truncated
TEST(cut_types, a_request_ends_inside_a_frame) {
  Bench bench(Role::kServer);
  bench.send(bench.open(true), "40", true);
  EXPECT_EQ(bench.closed(), ErrorCode::kFrameError);
}

// rfc9114:6.1-server-bidi
TEST(cut_types, a_stream_of_both_ways_from_a_server_is_still_none) {
  Bench bench(Role::kClient);
  bench.send(bench.open(true), "40", true);
  EXPECT_EQ(bench.closed(), ErrorCode::kStreamCreationError);
}

}  // namespace
}  // namespace hawser::http3
