// datagram_paths_test.cc: goal: a client of datagrams uses several networks at once, a flow of it has a scheduler of
// its own, and networks are given up and taken back while datagrams are under way. Method: a server in this process
// that sends each datagram back: over the loopback interface named twice, and over two interfaces of a network
// namespace, where that is allowed.
#include <algorithm>
#include <map>

#include "echo_server.h"
#include "two_networks.h"

namespace {

using hawser::DatagramClient;
using hawser::PathInfo;
using hawser::PathState;
using hawser::testing::EchoServer;
using hawser::testing::kPatience;
using hawser::testing::TwoNetworks;

class EchoOverPaths : public EchoServer {
 protected:
  void SetUp() override { start({.max_paths = 4}); }

  static std::size_t active(DatagramClient& client) {
    return static_cast<std::size_t>(std::ranges::count(client.paths().list(), PathState::kActive, &PathInfo::state));
  }
  // Sends and takes datagrams until so many paths are active.
  static void wait_for_active(DatagramClient& client, std::size_t count) {
    const std::time_t until = std::time(nullptr) + kPatience / 1'000;
    while (active(client) != count && std::time(nullptr) < until) {
      ASSERT_TRUE(client.send(octets("knock")));
      (void)client.receive(10);
    }
    ASSERT_EQ(active(client), count);
    while (client.receive(0)) {
    }
  }
  // Sends so many datagrams of 500 octets, a few at a time, and takes back what comes. How many came.
  static std::size_t exchange(DatagramClient& client, std::size_t count, std::uint64_t flow) {
    const std::vector<std::uint8_t> payload(500, 'x');
    std::size_t came = 0;
    for (std::size_t sent = 0; sent < count;) {
      for (int i = 0; i < 8 && sent < count; ++i) sent += client.send(payload, {.flow = flow});
      for (int i = 0; i < 8 && came < sent && client.receive(kPatience); ++i) ++came;
    }
    return came;
  }
  // Octets sent by Path ID.
  static std::map<std::uint64_t, std::uint64_t> sent(DatagramClient& client) {
    std::map<std::uint64_t, std::uint64_t> octets;
    for (const PathInfo& path : client.paths().list()) octets[path.id] = path.octets_sent;
    return octets;
  }
};

TEST_F(EchoOverPaths, datagrams_take_both_paths_by_the_scheduler_of_their_flow) {
  auto changed = options();
  changed.paths = hawser::PathOptions{.interfaces = {{.name = "lo"}, {.name = "lo"}}};
  const auto client = connected(changed);
  wait_for_active(*client, 2);
  ASSERT_TRUE(client->set_flow(7, {.urgency = 2}));
  ASSERT_TRUE(client->paths().set_datagram_scheduler(7, "round-robin").has_value());
  const auto before = sent(*client);
  EXPECT_EQ(exchange(*client, 2'000, 7), 2'000u) << "loopback loses none";
  const auto after = sent(*client);
  ASSERT_EQ(after.size(), 2u);
  for (const auto& [id, octets] : after) EXPECT_GT(octets - before.at(id), 250'000u) << "path " << id;
  EXPECT_EQ(client->paths().scheduler(), "min-rtt") << "that of the connection stays";
  EXPECT_FALSE(client->paths().set_datagram_scheduler(7, "fastest").has_value());
  ASSERT_TRUE(client->paths().set_datagram_scheduler(7, "").has_value());
  EXPECT_EQ(exchange(*client, 100, 7), 100u);
}

TEST_F(EchoOverPaths, a_server_of_one_path_serves_a_client_that_wants_two) {
  TearDown();
  start({});
  auto changed = options();
  changed.paths = hawser::PathOptions{.interfaces = {{.name = "lo"}, {.name = "lo"}}};
  const auto client = connected(changed);
  EXPECT_EQ(exchange(*client, 50, 0), 50u);
  EXPECT_EQ(client->paths().list().size(), 1u);
}

class EchoOverNetworks : public EchoOverPaths {
 protected:
  void SetUp() override {
    if (const std::string reason = TwoNetworks::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    networks_.emplace();
    networks_->server.in([&] { start_server({.max_paths = 4, .local = TwoNetworks::server_address()}); });
    networks_->client.in([&] { client_runtime_ = hawser::Runtime::create().value(); });
  }
  std::unique_ptr<DatagramClient> connected_over_both() {
    auto changed = options();
    changed.connect_to = "10.50.0.1:" + port_;
    changed.paths = hawser::PathOptions{.interfaces = {{.name = "n0"}, {.name = "n1"}}, .scheduler = "round-robin"};
    return networks_->client.in([&] { return connected(changed); });
  }
  static std::vector<std::string> interfaces(DatagramClient& client) {
    std::vector<std::string> names;
    for (const PathInfo& path : client.paths().list()) names.push_back(path.interface);
    std::ranges::sort(names);
    return names;
  }
  std::optional<TwoNetworks> networks_;
};

TEST_F(EchoOverNetworks, a_network_is_dropped_beside_another_and_taken_back) {
  const auto client = connected_over_both();
  wait_for_active(*client, 2);
  EXPECT_EQ(interfaces(*client), (std::vector<std::string>{"n0", "n1"}));
  EXPECT_EQ(exchange(*client, 200, 0), 200u);
  std::uint64_t highest_id = 0;
  for (const std::string dropped : {"n0", "n1"}) {
    const std::string kept = dropped == "n0" ? "n1" : "n0";
    for (const PathInfo& path : client->paths().list()) highest_id = std::max(highest_id, path.id);
    const auto result = client->paths().drop(dropped);
    ASSERT_TRUE(result.has_value()) << result.error().message;
    wait_for_active(*client, 1);
    EXPECT_EQ(interfaces(*client), std::vector<std::string>{kept});
    EXPECT_EQ(exchange(*client, 200, 0), 200u) << "over " << kept;
    EXPECT_FALSE(client->paths().drop(dropped).has_value()) << "it is not in use";
    EXPECT_FALSE(client->paths().drop(kept).has_value()) << "nothing else is";
    ASSERT_TRUE(client->paths().use({.name = dropped}).has_value());
    wait_for_active(*client, 2);
    EXPECT_EQ(interfaces(*client), (std::vector<std::string>{"n0", "n1"}));
    EXPECT_GT(client->paths().list().back().id, highest_id) << "a Path ID is never used again";
    EXPECT_EQ(exchange(*client, 200, 0), 200u);
  }
  EXPECT_FALSE(client->ended().has_value());
}

TEST_F(EchoOverNetworks, a_connection_comes_about_over_the_second_network_while_the_first_is_silent) {
  networks_->silence_first();
  const auto client = connected_over_both();
  EXPECT_EQ(exchange(*client, 100, 0), 100u);
  EXPECT_EQ(client->paths().list().front().interface, "n1");
}

TEST_F(EchoOverNetworks, a_connection_comes_about_over_a_backup_while_the_first_network_is_silent) {
  networks_->silence_first();
  auto changed = options();
  changed.connect_to = "10.50.0.1:" + port_;
  changed.paths = hawser::PathOptions{.interfaces = {{.name = "n0"}, {.name = "n1", .backup = true}}};
  const auto client = networks_->client.in([&] { return connected(changed); });
  EXPECT_EQ(exchange(*client, 100, 0), 100u);
}

// What was under way there is given up with the path, as datagrams are; what is sent from then on arrives.
TEST_F(EchoOverNetworks, a_network_may_be_dropped_while_datagrams_are_under_way) {
  const auto client = connected_over_both();
  wait_for_active(*client, 2);
  const std::vector<std::uint8_t> payload(900, 'x');
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(client->send(payload));
  ASSERT_TRUE(client->paths().drop("n0").has_value());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(client->send(payload));
  std::size_t came = 0;
  while (came < 300 && client->receive(1'000)) ++came;
  EXPECT_GE(came, 100u);
  wait_for_active(*client, 1);
  EXPECT_EQ(exchange(*client, 100, 0), 100u);
  EXPECT_FALSE(client->ended().has_value());
}

}  // namespace
