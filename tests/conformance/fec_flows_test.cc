// fec_flows_test.cc: goal: a stream or a flow of datagrams that asks for forward error correction has it, and one that
// wants none has none, whatever the connection does by urgency. Method: two honest ends; the counters of both.
#include <gtest/gtest.h>

#include "lying_peer.h"
#include "quic/connection/fec.h"

namespace hawser::quic {
namespace {

Theatre::Options with(const char* fec) {
  Theatre::Options options;
  for (ConnectionConfig* config : {&options.client, &options.server}) {
    config->fec = *parse_fec_config(fec);
    config->max_datagram_frame_size = kAnyDatagramFrame;
  }
  return options;
}

struct Ends : Theatre {
  explicit Ends(const char* fec) : Theatre(with(fec)) {
    open();
    pass(1s);
  }
  // Packets that were protected for the sake of what `send` gives the server to send.
  template <class Send>
  std::uint64_t protected_for(Send send) {
    const std::uint64_t before = server->fec_stats().packets_protected;
    send();
    server_endpoint->wake(*server);
    pass(1s);
    return server->fec_stats().packets_protected - before;
  }
  std::uint64_t of_stream(FlowFec wish, std::uint8_t urgency = 3) {
    return protected_for([&] {
      const StreamId id = server->open_stream(false).value();
      server->set_priority(id, urgency, false);
      EXPECT_TRUE(server->set_stream_fec(id, wish).has_value());
      EXPECT_TRUE(server->write(id, std::vector<std::uint8_t>(4'000, 7), true).has_value());
    });
  }
  std::uint64_t of_flow(FlowFec wish, std::uint8_t urgency = 3) {
    return protected_for([&] {
      EXPECT_TRUE(server->set_datagram_flow(9, {.urgency = urgency, .fec = wish}).has_value());
      for (int i = 0; i < 4; ++i)
        EXPECT_TRUE(server->send_datagram(std::vector<std::uint8_t>(900, 7), {.flow = 9}).has_value());
    });
  }
};

// fec:4-urgency
TEST(fec_flows, those_that_ask_are_protected_where_nobody_else_is) {
  Ends ends("xor:4@asked");
  EXPECT_EQ(ends.of_stream(FlowFec::kByUrgency, 0), 0u);
  EXPECT_EQ(ends.of_flow(FlowFec::kByUrgency, 0), 0u);
  EXPECT_GE(ends.of_stream(FlowFec::kAlways, 7), 3u);
  EXPECT_GE(ends.of_flow(FlowFec::kAlways, 7), 4u);
  EXPECT_EQ(ends.of_stream(FlowFec::kNever), 0u);
  EXPECT_EQ(ends.of_flow(FlowFec::kNever), 0u);
  EXPECT_GE(ends.client->fec_stats().repairs_received, 2u);
}

// fec:4-urgency
TEST(fec_flows, a_wish_goes_before_urgency) {
  Ends ends("xor:4@1");
  EXPECT_EQ(ends.of_stream(FlowFec::kByUrgency, 3), 0u);
  EXPECT_GE(ends.of_stream(FlowFec::kByUrgency, 1), 3u);
  EXPECT_EQ(ends.of_stream(FlowFec::kNever, 1), 0u);
  EXPECT_GE(ends.of_stream(FlowFec::kAlways, 3), 3u);
  EXPECT_EQ(ends.of_flow(FlowFec::kNever, 0), 0u);
  EXPECT_GE(ends.of_flow(FlowFec::kAlways, 7), 4u);
}

TEST(fec_flows, one_that_wants_none_has_none_beside_others) {
  Ends ends("xor:4");
  EXPECT_EQ(ends.of_stream(FlowFec::kNever), 0u);
  EXPECT_GE(ends.of_stream(FlowFec::kByUrgency), 3u);
  EXPECT_EQ(ends.of_flow(FlowFec::kNever), 0u);
  EXPECT_GE(ends.of_flow(FlowFec::kByUrgency), 4u);
}

// One train carries both, and several blocks of those that are protected.
TEST(fec_flows, symbols_leave_where_protected_and_unprotected_data_take_turns) {
  for (const char* const fec : {"xor:4@asked", "rs:4/1@asked"}) {
    Ends ends(fec);
    const std::uint64_t packets = ends.protected_for([&] {
      EXPECT_TRUE(ends.server->set_datagram_flow(9, {.fec = FlowFec::kAlways}).has_value());
      for (int i = 0; i < 80; ++i)
        EXPECT_TRUE(ends.server->send_datagram(std::vector<std::uint8_t>(900, 7), {.flow = i % 2 == 0 ? 0u : 9u}));
    });
    EXPECT_GE(packets, 40u) << fec;
    EXPECT_GE(ends.server->fec_stats().repairs_sent, packets / 4) << fec;
    EXPECT_EQ(ends.server->fec_stats().repairs_given_up, 0u) << fec;
  }
}

TEST(fec_flows, wishes_are_for_streams_that_there_are_and_no_more_than_64) {
  Ends ends("xor:4@asked");
  EXPECT_FALSE(ends.server->set_stream_fec(StreamId{4'003}, FlowFec::kAlways).has_value());
  EXPECT_FALSE(ends.server->set_stream_deadline(StreamId{4'003}, kNever - 1s).has_value());
  std::vector<StreamId> streams;
  for (std::size_t i = 0; i <= StreamWishes::kMax; ++i) streams.push_back(ends.server->open_stream(false).value());
  for (std::size_t i = 0; i < StreamWishes::kMax; ++i)
    ASSERT_TRUE(ends.server->set_stream_fec(streams[i], FlowFec::kAlways).has_value()) << i;
  EXPECT_FALSE(ends.server->set_stream_fec(streams.back(), FlowFec::kAlways).has_value());
  EXPECT_TRUE(ends.server->set_stream_fec(streams.back(), FlowFec::kByUrgency).has_value()) << "that is no wish";
  // One that is given back, or whose stream ends, makes room.
  ASSERT_TRUE(ends.server->set_stream_fec(streams[0], FlowFec::kByUrgency).has_value());
  ASSERT_TRUE(ends.server->set_stream_fec(streams.back(), FlowFec::kAlways).has_value());
  ASSERT_TRUE(ends.server->write(streams[1], Bytes(), true).has_value());
  ends.server_endpoint->wake(*ends.server);
  ends.pass(1s);
  EXPECT_TRUE(ends.server->set_stream_deadline(streams[0], kNever - 1s).has_value());
}

}  // namespace
}  // namespace hawser::quic
