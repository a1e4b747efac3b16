// datagram_client_test.cc: goal: the public client of datagrams sends, receives, tells what became of each, and
// says what is wrong when it cannot. Method: a server in this process on a free loopback port that sends each
// datagram back, the public headers only on the client's side.
#include "hawser/datagram_client.h"

#include "echo_server.h"

namespace {

using hawser::DatagramClient;
using hawser::DatagramFate;
using hawser::testing::EchoServer;
using hawser::testing::kPatience;

TEST_F(EchoServer, what_is_sent_comes_back_and_is_told_of) {
  const auto client = connected();
  EXPECT_GT(client->max_payload(), 1'000u);
  ASSERT_TRUE(client->set_flow(9, {.urgency = 1, .reports = true}));
  ASSERT_TRUE(client->send(octets("hello"), {.flow = 9, .id = 17}));
  const auto answer = client->receive(kPatience);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(*answer, octets("hello"));
  // The answer's packet, or one soon after it, acknowledges.
  std::vector<hawser::DatagramReport> reports;
  const std::time_t until = std::time(nullptr) + kPatience / 1'000;
  while (reports.size() < 2 && std::time(nullptr) < until) {
    (void)client->receive(1);
    for (const auto& report : client->reports()) reports.push_back(report);
  }
  ASSERT_EQ(reports.size(), 2u);
  for (const auto& report : reports) EXPECT_TRUE(report.flow == 9 && report.id == 17);
  EXPECT_EQ(reports[0].fate, DatagramFate::kSent);
  EXPECT_EQ(reports[1].fate, DatagramFate::kAcknowledged);
  const hawser::DatagramCounters counters = client->counters();
  EXPECT_EQ(counters.sent, 1u);
  EXPECT_EQ(counters.received, 1u);
  EXPECT_EQ(counters.octets_sent, 5u);
  EXPECT_FALSE(client->ended().has_value());
}

TEST_F(EchoServer, what_is_not_taken_is_refused) {
  const auto client = connected();
  EXPECT_FALSE(client->send(std::vector<std::uint8_t>(client->max_payload() + 1)));
  ASSERT_TRUE(client->send(octets("x"), {.flow = 5, .id = 1})) << "only the runtime's thread knows the flows";
  ASSERT_TRUE(client->send(octets("y")));
  ASSERT_TRUE(client->receive(kPatience).has_value());
  const auto reports = client->reports();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports.front().fate, DatagramFate::kRefused);
  EXPECT_EQ(reports.front().flow, 5u);
}

class ProtectingServer : public EchoServer {
  void SetUp() override { start({.fec = *hawser::quic::parse_fec_config("xor:4")}); }
};

TEST_F(ProtectingServer, a_flow_has_forward_error_correction_of_its_own) {
  auto changed = options();
  changed.fec = "xor:2@asked";
  const auto client = connected(changed);
  const auto exchange = [&](std::uint64_t flow) {
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(client->send(octets("hello"), {.flow = flow}));
      ASSERT_TRUE(client->receive(kPatience).has_value());
    }
  };
  ASSERT_TRUE(client->set_flow(1, {.urgency = 0}));
  ASSERT_TRUE(client->set_flow(2, {.urgency = 7, .protection = hawser::DatagramProtection::kAlways}));
  exchange(1);
  EXPECT_EQ(client->counters().packets_protected, 0u);
  exchange(2);
  EXPECT_GE(client->counters().packets_protected, 5u);
  EXPECT_GE(client->counters().repairs_sent, 1u);
  changed.fec = "xor:99";
  const auto wrong = DatagramClient::connect(*client_runtime_, changed);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().kind, hawser::Error::Kind::kOptions);
}

TEST_F(EchoServer, the_end_of_the_connection_is_told) {
  const auto client = connected();
  ASSERT_TRUE(client->send(octets("close")));
  EXPECT_FALSE(client->receive(kPatience).has_value());
  ASSERT_TRUE(client->ended().has_value());
  EXPECT_NE(client->ended()->message.find("as asked"), std::string::npos) << client->ended()->message;
  EXPECT_FALSE(client->send(octets("x")));
  EXPECT_EQ(client->max_payload(), 0u);
}

TEST_F(EchoServer, an_untrusted_certificate_is_named_as_the_cause) {
  auto changed = options();
  changed.ca_file.clear();
  const auto client = DatagramClient::connect(*client_runtime_, changed);
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().kind, hawser::Error::Kind::kCertificate) << client.error().message;
}

class DeafServer : public EchoServer {
  void SetUp() override { start({.max_datagram_frame_size = 0}); }
};

TEST_F(DeafServer, a_server_without_datagrams_is_refused) {
  const auto client = DatagramClient::connect(*client_runtime_, options());
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().kind, hawser::Error::Kind::kConnect);
  EXPECT_NE(client.error().message.find("takes no datagrams"), std::string::npos);
}

TEST(datagram_client, wrong_options_say_what_to_change) {
  auto runtime = hawser::Runtime::create().value();
  const auto no_protocol = DatagramClient::connect(*runtime, {.server = "localhost:1"});
  ASSERT_FALSE(no_protocol.has_value());
  EXPECT_NE(no_protocol.error().message.find("alpn"), std::string::npos);
  const auto no_port = DatagramClient::connect(*runtime, {.server = "localhost", .alpn = "x"});
  ASSERT_FALSE(no_port.has_value());
  EXPECT_EQ(no_port.error().kind, hawser::Error::Kind::kOptions);
  const auto wrong =
      DatagramClient::connect(*runtime, {.server = "127.0.0.1:9", .alpn = "x", .congestion_control = "none"});
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().kind, hawser::Error::Kind::kOptions) << wrong.error().message;
}

}  // namespace
