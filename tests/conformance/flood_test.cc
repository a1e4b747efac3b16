// flood_test.cc: goal: a peer that sends frames without end or use is ended with PROTOCOL_VIOLATION,
// and until then costs bounded memory and few packets in return. Method: a liar repeats one packet
// under fresh numbers to an honest endpoint.
#include <gtest/gtest.h>

#include "lying_peer.h"
#include "quic/connection/flood_guard.h"

namespace hawser::quic {
namespace {

struct Flood {
  const char* name;
  std::string frames;   // of one packet
  std::size_t packets;  // by which it must have ended
};

std::string repeated(const std::string& frame, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += frame;
  return all;
}

std::vector<Flood> floods() {
  // A packet holds some 1,100 octets of frames; the allowance is 20,000 of the cheap ones.
  return {
      {"ping", repeated("01", 1'000), 25},
      {"ping_one_a_packet", "01000000", 20'300},
      {"path_challenge", repeated("1a0102030405060708", 100), 5},
      {"retire_connection_id", repeated("1901", 200), 5},
      {"crypto_empty", repeated("060000", 300), 80},
      {"stream_empty", repeated("0a0000", 300), 80},
      {"max_data", repeated("1001", 500), 50},
      {"max_stream_data", "0a000131" + repeated("110001", 300), 80},
      {"max_streams", repeated("1201", 500), 50},
      {"data_blocked", repeated("1401", 500), 50},
      {"stream_data_blocked", "0a000131" + repeated("150001", 300), 80},
      {"streams_blocked", repeated("1601", 500), 50},
      {"stop_sending", "0a000131" + repeated("050000", 300), 10},
      {"reset_stream", repeated("04000001", 250), 10},
      {"path_response", repeated("1b0102030405060708", 100), 250},
      {"ack_of_old_news", repeated("0200000000", 200), 120},
  };
}

std::ostream& operator<<(std::ostream& out, const Flood& flood) {
  return out << flood.name;
}

class Floods : public ::testing::TestWithParam<Flood> {};

TEST_P(Floods, end_with_a_protocol_violation) {
  const Flood& flood = GetParam();
  Theatre theatre;
  theatre.open();
  theatre.silence(Role::kClient);
  ASSERT_NE(theatre.server, nullptr);
  theatre.lie(Role::kClient, EncryptionLevel::kOneRtt, flood.frames);
  const std::size_t memory = theatre.server->stats().memory_bytes;
  std::size_t packets = 1;
  std::size_t memory_most = memory;
  while (!theatre.verdict(Role::kClient) && packets < flood.packets) {
    theatre.lie(Role::kClient, EncryptionLevel::kOneRtt, flood.frames);
    ++packets;
    if (packets % 64 == 0 && !theatre.verdict(Role::kClient))
      memory_most = std::max(memory_most, theatre.server->stats().memory_bytes);
  }
  ASSERT_TRUE(theatre.verdict(Role::kClient).has_value()) << "still open after " << packets << " packets";
  EXPECT_EQ(theatre.verdict(Role::kClient)->error_code,
            static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
  EXPECT_NE(theatre.verdict(Role::kClient)->reason.find("flood"), std::string::npos)
      << theatre.verdict(Role::kClient)->reason;
  EXPECT_GT(packets, 1u) << "one packet is no flood";
  // A record of each acknowledgement that the liar leaves unacknowledged, and a few answers.
  EXPECT_LT(memory_most, memory + 64 * 1'024 + 64 * packets);
}

INSTANTIATE_TEST_SUITE_P(all, Floods, ::testing::ValuesIn(floods()),
                         [](const auto& flood) { return std::string(flood.param.name); });

TEST(flood, is_counted_by_connection_and_endpoint) {
  Theatre theatre;
  theatre.open();
  theatre.silence(Role::kClient);
  const std::uint64_t before = theatre.server->stats().idle_frames_received;
  theatre.lie(Role::kClient, EncryptionLevel::kOneRtt, repeated("01", 1'000));
  EXPECT_EQ(theatre.server->stats().idle_frames_received, before + 1'000);
  for (int i = 0; i < 25; ++i) theatre.lie(Role::kClient, EncryptionLevel::kOneRtt, repeated("01", 1'000));
  theatre.pass(60s);
  EXPECT_EQ(theatre.server_endpoint->stats().floods_ended, 1u);
}

// How many of so many first packets at one time are dropped for their source's rate.
std::uint64_t dropped_of(std::size_t count, Theatre& theatre, const SocketAddress& from) {
  const std::uint64_t before = theatre.server_endpoint->stats().admission.initials_over_source_rate;
  for (std::size_t i = 0; i < count; ++i)
    theatre.inject_from(Role::kClient, theatre.first_datagram(Role::kClient), from);
  return theatre.server_endpoint->stats().admission.initials_over_source_rate - before;
}

TEST(flood, is_paid_for_by_its_source_with_first_packets) {
  Theatre theatre({.retry = RetryPolicy::kAlways});  // so that first packets cost little
  theatre.open();
  theatre.silence(Role::kClient);
  const SocketAddress source = theatre.server->tuple().remote;
  while (!theatre.verdict(Role::kClient)) theatre.lie(Role::kClient, EncryptionLevel::kOneRtt, repeated("01", 1'000));
  while (theatre.server_endpoint->stats().floods_ended == 0) theatre.pass(1ms);
  constexpr std::size_t kASecond = AdmissionLimits{}.source_initials_per_second;
  constexpr auto kCost = static_cast<std::uint64_t>(Admission::kFloodCost * kASecond / 1s);
  const std::uint64_t dropped = dropped_of(kASecond, theatre, source);
  EXPECT_LE(dropped, kCost);
  EXPECT_GE(dropped, kCost - kASecond / 1'000) << "of the step of time in which it was ended some are paid already";
  EXPECT_EQ(dropped_of(kASecond, theatre, ipv4_address({192, 0, 2, 77}, 7'777)), 0u) << "of somebody else";
}

// Data that moves pays for what it brings along; what we say in return has to be remembered until the
// peer acknowledges something, which this one never does.
// rfc9000:21.9-work
TEST(deaf, peers_end_with_a_protocol_violation_and_cost_bounded_memory) {
  Theatre theatre;
  theatre.open();
  theatre.silence(Role::kClient);
  std::uint64_t offset = 0;
  std::size_t packets = 0;
  std::size_t memory_most = 0;
  while (!theatre.verdict(Role::kClient) && packets < 200'000) {
    theatre.lie(Role::kClient, EncryptionLevel::kOneRtt, "0e00" + varint_hex(offset++) + "0131");
    ++packets;
    theatre.now += 100us;
    if (packets % 4'096 == 0 && !theatre.verdict(Role::kClient))
      memory_most = std::max(memory_most, theatre.server->stats().memory_bytes);
  }
  ASSERT_TRUE(theatre.verdict(Role::kClient).has_value()) << "still open after " << packets << " packets";
  EXPECT_EQ(theatre.verdict(Role::kClient)->error_code,
            static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
  EXPECT_EQ(theatre.verdict(Role::kClient)->reason, "nothing is acknowledged");
  EXPECT_LT(memory_most, 16u << 20);
  theatre.pass(60s);
  EXPECT_EQ(theatre.server_endpoint->stats().deaf_peers_ended, 1u);
}

// Data behind a gap has to be kept.
// rfc9000:21.9-work
TEST(hoarding, ends_those_who_hold_more_than_their_share_once_memory_is_short) {
  Theatre::Options options;
  options.stream_memory_max = 300 * 1'024;
  Theatre theatre(options);
  theatre.open();
  theatre.silence(Role::kClient);
  std::size_t kept = 0;
  while (!theatre.verdict(Role::kClient) && kept < 1'000'000) {
    theatre.lie(Role::kClient, EncryptionLevel::kOneRtt,
                "0e00" + varint_hex(1 + kept) + varint_hex(1'000) + bytes_hex(1'000));
    kept += 1'000;
  }
  ASSERT_TRUE(theatre.verdict(Role::kClient).has_value());
  EXPECT_EQ(theatre.verdict(Role::kClient)->error_code, static_cast<std::uint64_t>(TransportErrorCode::kInternalError));
  EXPECT_GT(kept, 250'000u);
  EXPECT_LT(kept, 350'000u);
  EXPECT_EQ(theatre.server_endpoint->stats().hoarders_ended, 1u);
}

TEST(hoarding, within_memory_is_nobodys_affair) {
  Theatre theatre;
  theatre.open();
  theatre.silence(Role::kClient);
  for (std::size_t kept = 0; kept < 1'000'000; kept += 1'000)
    theatre.lie(Role::kClient, EncryptionLevel::kOneRtt,
                "0e00" + varint_hex(1 + kept) + varint_hex(1'000) + bytes_hex(1'000));
  EXPECT_FALSE(theatre.verdict(Role::kClient).has_value());
}

// What a keen but honest peer does: a PING twice a second for an hour, and windows while data moves.
TEST(flood, is_not_what_a_keen_peer_sends) {
  Theatre theatre;
  theatre.open();
  for (int i = 0; i < 7'200; ++i) {
    theatre.client->ping();
    theatre.client_endpoint->wake(*theatre.client);
    theatre.pass(500ms);
  }
  EXPECT_FALSE(theatre.verdict(Role::kClient).has_value());
  EXPECT_EQ(theatre.server_endpoint->stats().floods_ended, 0u);
}

}  // namespace
}  // namespace hawser::quic
