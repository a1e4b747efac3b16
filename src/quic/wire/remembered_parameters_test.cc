// remembered_parameters_test.cc: goal: what is taken over into 0-RTT is what RFC 9000 section 7.4.1 and
// extensions allow, and nothing else. Method: parameters that differ from their defaults in every point.
#include "quic/wire/remembered_parameters.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

// rfc9000:7.4.1-not-remembered rfc9000:7.4.1-remember-others ack-frequency:3-not-remembered
// reset-stream-at:3-remembered address-discovery:3-remembered
TEST(remembered_parameters, are_limits_and_not_what_is_a_connections_own) {
  const std::array<std::uint8_t, 4> octets{1, 2, 3, 4};
  const ConnectionId cid{Bytes(octets)};
  TransportParameters then;
  then.max_idle_timeout_ms = 1'000;
  then.max_udp_payload_size = 1'400;
  then.initial_max_data = 10;
  then.initial_max_stream_data_bidi_local = 11;
  then.initial_max_stream_data_bidi_remote = 12;
  then.initial_max_stream_data_uni = 13;
  then.initial_max_streams_bidi = 14;
  then.initial_max_streams_uni = 15;
  then.active_connection_id_limit = 7;
  then.disable_active_migration = true;
  then.max_datagram_frame_size = 99;
  then.reset_stream_at = true;
  then.address_discovery = 1;
  then.max_receive_timestamps_per_ack = 5;
  then.fec_schemes = 3;
  then.ack_delay_exponent = 9;
  then.max_ack_delay_ms = 77;
  then.min_ack_delay_us = 500;
  then.original_destination_connection_id = cid;
  then.initial_source_connection_id = cid;
  then.retry_source_connection_id = cid;
  then.stateless_reset_token = StatelessResetToken{1};
  then.preferred_address = PreferredAddress{.connection_id = cid};

  const TransportParameters kept = remembered_parameters(then);
  EXPECT_EQ(kept.max_idle_timeout_ms, 1'000u);
  EXPECT_EQ(kept.max_udp_payload_size, 1'400u);
  EXPECT_EQ(kept.initial_max_data, 10u);
  EXPECT_EQ(kept.initial_max_stream_data_bidi_local, 11u);
  EXPECT_EQ(kept.initial_max_stream_data_bidi_remote, 12u);
  EXPECT_EQ(kept.initial_max_stream_data_uni, 13u);
  EXPECT_EQ(kept.initial_max_streams_bidi, 14u);
  EXPECT_EQ(kept.initial_max_streams_uni, 15u);
  EXPECT_EQ(kept.active_connection_id_limit, 7u);
  EXPECT_TRUE(kept.disable_active_migration);
  EXPECT_EQ(kept.max_datagram_frame_size, 99u);
  EXPECT_TRUE(kept.reset_stream_at);
  EXPECT_EQ(kept.address_discovery, 1u);

  const TransportParameters initial;
  EXPECT_EQ(kept.ack_delay_exponent, initial.ack_delay_exponent);
  EXPECT_EQ(kept.max_ack_delay_ms, initial.max_ack_delay_ms);
  EXPECT_FALSE(kept.min_ack_delay_us.has_value());
  EXPECT_FALSE(kept.max_receive_timestamps_per_ack.has_value());
  EXPECT_FALSE(kept.fec_schemes.has_value());  // fec:2-not-remembered
  EXPECT_FALSE(kept.original_destination_connection_id.has_value());
  EXPECT_FALSE(kept.initial_source_connection_id.has_value());
  EXPECT_FALSE(kept.retry_source_connection_id.has_value());
  EXPECT_FALSE(kept.stateless_reset_token.has_value());
  EXPECT_FALSE(kept.preferred_address.has_value());
}

}  // namespace
}  // namespace hawser::quic
