// client_test.cc: goal: the first ten lines of the README work, and say what is wrong when
// they do not. Method: a server in this process on a free loopback port, the public headers
// only on the client's side.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "hawser/http3_client.h"
#include "hawser/runtime.h"
#include "served.h"

namespace {

using Served = hawser::testing::Served;

TEST(runtime, has_the_engine_that_was_asked_for_or_says_why_not) {
  using hawser::EngineKind;
  EXPECT_NE(hawser::Runtime::create().value()->engine(), EngineKind::kAuto);
  EXPECT_EQ(hawser::Runtime::create({.engine = EngineKind::kEpoll}).value()->engine(), EngineKind::kEpoll);
  for (const EngineKind kind : {EngineKind::kIoUring, EngineKind::kAfXdp}) {
    const auto runtime = hawser::Runtime::create({.engine = kind, .spin_us = 10});
    if (runtime) {
      EXPECT_EQ((*runtime)->engine(), kind);
    } else {
      EXPECT_EQ(runtime.error().kind, hawser::Error::Kind::kOptions);
      EXPECT_FALSE(runtime.error().message.empty());
    }
  }
}

TEST_F(Served, a_get_brings_status_fields_and_body) {
  auto runtime = hawser::Runtime::create();
  ASSERT_TRUE(runtime.has_value());
  auto client = hawser::http3::Client::connect(**runtime, options());
  ASSERT_TRUE(client.has_value()) << client.error().message;
  const auto response = (*client)->get("/hello.txt").wait();
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->status, 200u);
  EXPECT_EQ(response->body, "hello");
  bool has_type = false;
  for (const auto& [name, value] : response->headers)
    has_type |= name == "content-type" && value.starts_with("text/plain");
  EXPECT_TRUE(has_type);
}

TEST_F(Served, many_requests_share_the_connection) {
  auto runtime = hawser::Runtime::create().value();
  auto client = hawser::http3::Client::connect(*runtime, options()).value();
  std::vector<hawser::http3::PendingResponse> pending;
  for (int i = 0; i < 200; ++i) pending.push_back(client->get(i % 10 == 0 ? "/large.bin" : "/hello.txt"));
  for (int i = 0; i < 200; ++i) {
    const auto response = pending[static_cast<std::size_t>(i)].wait();
    ASSERT_TRUE(response.has_value()) << response.error().message;
    ASSERT_EQ(response->body.size(), i % 10 == 0 ? 3'000'000u : 5u);
  }
}

TEST_F(Served, a_connection_says_where_it_is_seen_and_when_its_packets_arrive) {
  auto runtime = hawser::Runtime::create().value();
  auto asking = options();
  asking.transport = {.spin_bit = hawser::SpinBit::kOn, .ask_observed_address = true, .receive_timestamps = 30};
  auto client = hawser::http3::Client::connect(*runtime, asking).value();
  // The first response may come before the server knows that the handshake is complete.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client->get("/hello.txt").wait().has_value());
  const auto info = client->connection_info();
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->remote_address, "127.0.0.1:" + port_);
  EXPECT_EQ(info->observed_address, info->local_address);
  EXPECT_GT(info->timed_packets, 0u);
  EXPECT_GT(info->smoothed_rtt_us, 0u);

  auto silent = hawser::http3::Client::connect(*runtime, options()).value();
  ASSERT_TRUE(silent->get("/hello.txt").wait().has_value());
  ASSERT_TRUE(silent->get("/hello.txt").wait().has_value());
  EXPECT_EQ(silent->connection_info()->observed_address, "");
  EXPECT_EQ(silent->connection_info()->timed_packets, 0u);
}

TEST_F(Served, a_missing_file_is_a_404_and_no_error) {
  auto runtime = hawser::Runtime::create().value();
  auto client = hawser::http3::Client::connect(*runtime, options()).value();
  const auto response = client->get("/nothing").wait();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 404u);
}

TEST_F(Served, an_untrusted_certificate_is_named_as_the_cause) {
  auto runtime = hawser::Runtime::create().value();
  auto changed = options();
  changed.ca_file.clear();
  auto client = hawser::http3::Client::connect(*runtime, changed).value();
  const auto response = client->get("/hello.txt").wait();
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind, hawser::Error::Kind::kCertificate) << response.error().message;
}

TEST_F(Served, a_body_above_the_limit_is_refused) {
  auto runtime = hawser::Runtime::create().value();
  auto changed = options();
  changed.response_body_max = 1'000'000;
  auto client = hawser::http3::Client::connect(*runtime, changed).value();
  const auto response = client->get("/large.bin").wait();
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().kind, hawser::Error::Kind::kTooLarge);
}

// A worker has sixteen sockets.
TEST_F(Served, clients_give_back_what_they_had) {
  auto runtime = hawser::Runtime::create().value();
  for (int i = 0; i < 40; ++i) {
    auto client = hawser::http3::Client::connect(*runtime, options());
    // A connection that is closed keeps its socket for three probe timeouts more.
    for (int wait = 0; !client && wait < 500; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      client = hawser::http3::Client::connect(*runtime, options());
    }
    ASSERT_TRUE(client.has_value()) << i << ": " << client.error().message;
    const auto response = (*client)->get("/hello.txt").wait();
    ASSERT_TRUE(response.has_value()) << i << ": " << response.error().message;
    EXPECT_EQ(response->status, 200);
  }
}

TEST(client, nobody_listening_is_an_error_within_the_timeout) {
  auto runtime = hawser::Runtime::create().value();
  auto client = hawser::http3::Client::connect(
                    *runtime, {.authority = "localhost", .connect_to = "127.0.0.1:9", .connect_timeout_ms = 300})
                    .value();
  const auto response = client->get("/").wait();
  ASSERT_FALSE(response.has_value());
}

TEST(client, wrong_options_say_what_to_change) {
  auto runtime = hawser::Runtime::create().value();
  const auto empty = hawser::http3::Client::connect(*runtime, {});
  ASSERT_FALSE(empty.has_value());
  EXPECT_NE(empty.error().message.find("authority"), std::string::npos);
  const auto port = hawser::http3::Client::connect(*runtime, {.authority = "localhost:99999"});
  ASSERT_FALSE(port.has_value());
  EXPECT_NE(port.error().message.find("port"), std::string::npos);
  for (const char* const bracket : {"[::1", "[::1]x", "[::1]x:443", "[]", "["}) {
    const auto refused = hawser::http3::Client::connect(*runtime, {.authority = bracket});
    ASSERT_FALSE(refused.has_value()) << bracket;
    EXPECT_EQ(refused.error().kind, hawser::Error::Kind::kOptions) << bracket;
  }
  const auto controller = hawser::http3::Client::connect(
      *runtime, {.authority = "localhost", .connect_to = "127.0.0.1:9", .congestion_control = "cubik"});
  ASSERT_FALSE(controller.has_value());
  EXPECT_NE(controller.error().message.find("cubik"), std::string::npos) << controller.error().message;
  for (const auto& [transport, name] :
       {std::pair{hawser::TransportOptions{.receive_timestamps = 64}, "receive_timestamps"},
        std::pair{hawser::TransportOptions{.receive_timestamps_exponent = 21}, "receive_timestamps_exponent"},
        std::pair{hawser::TransportOptions{.key_update_interval_ms = std::uint64_t{1} << 41},
                  "key_update_interval_ms"}}) {
    const auto refused = hawser::http3::Client::connect(
        *runtime, {.authority = "localhost", .connect_to = "127.0.0.1:9", .transport = transport});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, hawser::Error::Kind::kOptions);
    EXPECT_NE(refused.error().message.find(name), std::string::npos) << refused.error().message;
  }
}

}  // namespace
