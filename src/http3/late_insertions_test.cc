// Goal: a response that waits for QPACK's insertions after the transport has forgotten its stream is told whole once
// these come, or goes when it is given up. Method: two sessions over streams in memory, the server's encoder stream
// held back.
#include <gtest/gtest.h>

#include <string>

#include "http3/testing_transport.h"

namespace hawser::http3 {
namespace {

using quic::Role;

// What the client hears, in order.
struct Listener : SessionHandler {
  void on_headers(Session&, StreamId, const MessageHead& head, bool fin) override {
    log += std::to_string(head.status) + (fin ? "+fin " : " ");
  }
  void on_message_complete(Session&, StreamId) override { log += "complete "; }
  void on_stream_reset(Session&, StreamId, ErrorCode, std::string_view) override { log += "reset "; }
  void on_stream_closed(Session&, StreamId) override { log += "closed "; }

  std::string log;
};

// A request was answered without a body, and the transport has forgotten the stream; the insertions that the answer
// refers to are held back.
struct LateInsertions {
  LateInsertions() {
    responder.link = &link;
    link.client.core = &client.core();
    link.server.core = &server.core();
    client.core().on_handshake_complete();
    server.core().on_handshake_complete();
    link.pump();
    id = *client.send_request(
        fields_of({{":method", "GET"}, {":scheme", "https"}, {":authority", "example.net"}, {":path", "/"}}), true);
    link.pump();
  }
  void release() {
    link.server.out(kEncoder).queued = responder.held;
    link.pump();
  }
  bool healthy() const { return !link.client.closed_with && !link.server.closed_with; }

  static constexpr StreamId kEncoder = StreamId::of(Role::kServer, false, 1);
  testing::Link link;
  struct Responder : SessionHandler {
    void on_message_complete(Session& s, StreamId stream) override {
      ASSERT_TRUE(s.respond(stream, 204, fields_of({{"x-field", "a value to be inserted"}}), true));
      held.swap(link->server.out(kEncoder).queued);
    }
    testing::Link* link = nullptr;
    std::vector<std::uint8_t> held;
  } responder;
  Listener listener;
  Session client{Role::kClient, {}, listener, link.client};
  Session server{Role::kServer, {}, responder, link.server};
  StreamId id;
};

TEST(late_insertions, a_response_without_a_body_completes_when_its_insertions_come_after_its_stream_closed) {
  LateInsertions late;
  ASSERT_FALSE(late.responder.held.empty());
  ASSERT_TRUE(late.link.client.forgotten.contains(late.id.value));
  EXPECT_EQ(late.listener.log, "");
  late.release();
  EXPECT_TRUE(late.healthy());
  EXPECT_EQ(late.listener.log, "204+fin complete closed ");
  EXPECT_EQ(late.client.open_streams(), 0u);
}

TEST(late_insertions, a_stream_that_only_waits_for_insertions_goes_when_it_is_given_up) {
  for (const bool both_ways : {true, false}) {
    LateInsertions late;
    ASSERT_EQ(late.client.core().qpack_decoder().blocked_streams(), 1u);
    both_ways ? late.client.cancel(late.id) : late.client.stop_reading(late.id);
    EXPECT_EQ(late.listener.log, "closed ");
    EXPECT_EQ(late.client.open_streams(), 0u);
    EXPECT_EQ(late.client.core().find(late.id), nullptr);
    EXPECT_EQ(late.client.core().qpack_decoder().blocked_streams(), 0u);
    late.release();
    EXPECT_TRUE(late.healthy());
    EXPECT_EQ(late.listener.log, "closed ");
  }
}

TEST(late_insertions, a_stream_that_only_waits_and_is_not_to_be_answered_is_told_of_in_order) {
  LateInsertions late;
  late.link.server.out(StreamId::of(Role::kServer, false, 0)).queued = from_hex("07 01 00");  // GOAWAY
  late.link.pump();
  EXPECT_EQ(late.listener.log, "reset closed ");
  EXPECT_EQ(late.client.open_streams(), 0u);
}

}  // namespace
}  // namespace hawser::http3
