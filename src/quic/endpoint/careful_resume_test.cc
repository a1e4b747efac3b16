// Goal: what a server saw of a client's path comes back to it with the client's token and is used once, by the
// client it is of, over the path it is of; a client does the same with what it kept itself. Method: two
// endpoints over an in-memory network with a delay and virtual time.
#include <gtest/gtest.h>

#include "quic/endpoint/testing_pair.h"

namespace hawser::quic {
namespace {

constexpr Duration kDelay = 25ms;

PairOptions careful_options() {
  ConnectionConfig config;
  config.careful_resume = true;
  config.stream_receive_window = config.connection_receive_window = ByteCount{16 << 20};
  return {.server = {.connection = config}, .client = config, .delay = kDelay};
}

// Each visit asks for `octets`, or brings as many.
struct Visits {
  Visits() : Visits(careful_options()) {}
  explicit Visits(const PairOptions& options) : pair(options) {
    pair.acceptor.recorder.on_end = [this](Connection& c, StreamId id) {
      if (id.value % 4 == 0) echo(c, id, std::string(download, 'x'));
    };
  }
  // Returns the statistics of the sender: of the server for a download.
  ConnectionStats visit(std::size_t down, std::size_t up = 1, std::vector<std::uint8_t> token = {},
                        std::optional<SavedPath> saved = std::nullopt) {
    download = down;
    pair.recorder = Recorder();
    pair.acceptor.recorder.ended.clear();
    pair.recorder.on_complete = [up](Connection& c) { echo(c, *c.open_stream(true), std::string(up, 'y')); };
    pair.client_inside = pair.client_address;
    Connection& client = *pair.client
                              ->connect({.tuple = {pair.client_inside, pair.server_address},
                                         .server_name = "localhost",
                                         .tls = &*pair.client_tls,
                                         .connection = pair.options.client,
                                         .token = std::move(token),
                                         .saved_path = std::move(saved)},
                                        pair.recorder, pair.now)
                              .value();
    EXPECT_TRUE(pair.run([this] { return !pair.recorder.ended.empty() && pair.recorder.ended.begin()->second; }));
    const ConnectionStats of_client = client.stats();
    client_saw = client.saved_path();
    server_saw = pair.acceptor.connection->saved_path();
    const ConnectionStats of_server = pair.acceptor.connection->stats();
    client.close(0, "");
    pair.client->wake(client);
    const Timestamp end = pair.now + 1s;
    pair.run([&] { return pair.now >= end; }, 2s);
    return down > up ? of_server : of_client;
  }
  Pair pair;
  std::size_t download = 0;
  std::optional<SavedPath> client_saw, server_saw;
};

constexpr std::size_t kMuch = 3'000'000;

TEST(careful_resume_endpoint, a_servers_memory_of_the_path_comes_back_with_the_token) {
  Visits visits;
  EXPECT_EQ(visits.visit(kMuch).careful_resume_jump, 0u);
  ASSERT_TRUE(visits.server_saw.has_value());
  EXPECT_NEAR(to_seconds(visits.server_saw->rtt), 0.05, 0.002);
  const std::vector<std::uint8_t> token = visits.pair.recorder.token;
  ASSERT_FALSE(token.empty());
  const ConnectionStats second = visits.visit(kMuch, 1, token);
  EXPECT_GT(second.careful_resume_jump, 100'000u);
  EXPECT_LE(second.careful_resume_jump, visits.server_saw->cwnd);
  EXPECT_FALSE(second.careful_resume_retreated);
  EXPECT_EQ(visits.pair.server->stats().careful_resumes, 1u);
  EXPECT_EQ(visits.pair.server->stats().careful_resume_retreats, 0u);
}

// rfc9959:3.2-one-connection
TEST(careful_resume_endpoint, a_token_makes_one_jump) {
  Visits visits;
  (void)visits.visit(kMuch);
  const std::vector<std::uint8_t> token = visits.pair.recorder.token;
  EXPECT_NE(visits.visit(kMuch, 1, token).careful_resume_jump, 0u);
  const std::vector<std::uint8_t> fresh = visits.pair.recorder.token;
  EXPECT_EQ(visits.visit(kMuch, 1, token).careful_resume_jump, 0u);
  EXPECT_NE(visits.visit(kMuch, 1, fresh).careful_resume_jump, 0u);
}

// rfc9959:3.2-endpoint
TEST(careful_resume_endpoint, another_address_is_another_path) {
  Visits visits;
  (void)visits.visit(kMuch);
  const std::vector<std::uint8_t> token = visits.pair.recorder.token;
  visits.pair.client_address = ipv4_address({10, 0, 0, 9}, 1111);
  EXPECT_EQ(visits.visit(kMuch, 1, token).careful_resume_jump, 0u);
  Visits moved;
  (void)moved.visit(kMuch);
  const std::vector<std::uint8_t> other = moved.pair.recorder.token;
  moved.pair.server_address = ipv4_address({10, 0, 0, 8}, 443);
  EXPECT_EQ(moved.visit(kMuch, 1, other).careful_resume_jump, 0u);
}

// rfc9959:3.2-lifetime
TEST(careful_resume_endpoint, what_is_too_old_is_not_used) {
  Visits visits;
  (void)visits.visit(kMuch);
  const std::vector<std::uint8_t> token = visits.pair.recorder.token;
  visits.pair.now += visits.pair.options.client.careful_resume_lifetime + 1s;
  EXPECT_EQ(visits.visit(kMuch, 1, token).careful_resume_jump, 0u);
}

TEST(careful_resume_endpoint, a_short_visit_keeps_what_is_known_for_the_next) {
  Visits visits;
  (void)visits.visit(kMuch);
  EXPECT_EQ(visits.visit(2'000, 1, visits.pair.recorder.token).careful_resume_jump, 0u);
  EXPECT_NE(visits.visit(kMuch, 1, visits.pair.recorder.token).careful_resume_jump, 0u);
}

TEST(careful_resume_endpoint, a_client_uses_what_it_kept_itself) {
  Visits visits;
  (void)visits.visit(1, kMuch);
  const std::optional<SavedPath> saved = visits.client_saw;
  ASSERT_TRUE(saved.has_value());
  EXPECT_EQ(visits.visit(1, kMuch, {}, saved).careful_resume_jump, saved->cwnd / 2);
  SavedPath elsewhere = *saved;
  elsewhere.remote.ip[3] = 99;
  EXPECT_EQ(visits.visit(1, kMuch, {}, elsewhere).careful_resume_jump, 0u);
  SavedPath old = *saved;
  old.age = 2h;
  EXPECT_EQ(visits.visit(1, kMuch, {}, old).careful_resume_jump, 0u);
}

TEST(careful_resume_endpoint, nothing_is_remembered_unless_it_is_switched_on) {
  PairOptions options = careful_options();
  options.server.connection.careful_resume = options.client.careful_resume = false;
  Visits visits(options);
  (void)visits.visit(kMuch);
  EXPECT_FALSE(visits.server_saw.has_value());
  EXPECT_FALSE(visits.client_saw.has_value());
  EXPECT_EQ(visits.visit(kMuch, 1, visits.pair.recorder.token).careful_resume_jump, 0u);
}

TEST(careful_resume_endpoint, without_pacing_there_is_no_jump) {
  PairOptions options = careful_options();
  options.server.connection.pacing = false;
  Visits visits(options);
  (void)visits.visit(kMuch);
  EXPECT_EQ(visits.visit(kMuch, 1, visits.pair.recorder.token).careful_resume_jump, 0u);
}

TEST(careful_resume_endpoint, a_jump_that_was_too_much_is_taken_back_and_not_tried_again) {
  Visits visits;
  (void)visits.visit(kMuch);
  const std::vector<std::uint8_t> token = visits.pair.recorder.token;
  // Of a burst at the rate of the jump, every other datagram is lost.
  std::uint64_t sent = 0;
  visits.pair.drop = [&](bool to_server, Bytes datagram) {
    return !to_server && datagram.size() > 1'000 && ++sent > 20 && sent % 2 == 0 && sent < 400;
  };
  const ConnectionStats second = visits.visit(kMuch, 1, token);
  EXPECT_NE(second.careful_resume_jump, 0u);
  EXPECT_TRUE(second.careful_resume_retreated);
  visits.pair.drop = [](bool, Bytes) { return false; };
  EXPECT_EQ(visits.visit(kMuch, 1, token).careful_resume_jump, 0u);
  EXPECT_EQ(visits.pair.server->stats().careful_resume_retreats, 1u);
}

TEST(careful_resume_endpoint, another_controller_ends_it) {
  Visits visits;
  (void)visits.visit(kMuch);
  const std::vector<std::uint8_t> token = visits.pair.recorder.token;
  bool changed = false;
  visits.pair.on_sent = [&](bool to_server, Bytes, const FourTuple&) {
    Connection* server = visits.pair.acceptor.connection;
    if (changed || to_server || server == nullptr || server->closed() || server->stats().careful_resume_jump == 0)
      return;
    changed = server->set_congestion_control("bbr").has_value();
  };
  (void)visits.visit(kMuch, 1, token);
  EXPECT_TRUE(changed);
  EXPECT_EQ(visits.pair.recorder.received.begin()->second.size(), kMuch);
}

}  // namespace
}  // namespace hawser::quic
