// paths_test.cc: goal: a program uses several networks, sees what each does, and changes them while they run. Method:
// the loopback interface named twice, which makes two paths, and a server in this process; two interfaces of a network
// namespace, where that is allowed.
#include "hawser/paths.h"

#include <atomic>
#include <thread>

#include "hawser/http3_client.h"
#include "hawser/path_scheduler.h"
#include "hawser/runtime.h"
#include "runtime/metrics_text.h"
#include "served.h"
#include "two_networks.h"

namespace {

using hawser::Error;
using hawser::PathOptions;
using hawser::PathState;
using hawser::testing::TwoNetworks;

class ServedPaths : public hawser::testing::Served {
 protected:
  void configure(hawser::runtime::HttpServerOptions& options) override { options.connection.max_paths = 4; }

  hawser::http3::ClientOptions with(PathOptions paths) const {
    auto changed = options();
    changed.paths = std::move(paths);
    return changed;
  }
  // Requests until so many paths are active, which some hundred take at the most.
  static void wait_for_active(hawser::http3::Client& client, std::size_t count) {
    for (int requests = 0; requests < 50'000; ++requests) {
      ASSERT_TRUE(client.get("/hello.txt").wait().has_value());
      std::size_t active = 0;
      for (const hawser::PathInfo& path : client.paths().list()) active += path.state == PathState::kActive;
      if (active == count) return;
    }
    FAIL() << count << " paths did not become active";
  }
  const PathOptions twice_{.interfaces = {{.name = "lo"}, {.name = "lo"}}};
};

Error::Kind kind_of(const std::expected<void, Error>& result) {
  return result ? Error::Kind::kProtocol : result.error().kind;
}

TEST_F(ServedPaths, two_paths_come_about_and_say_what_they_do) {
  auto runtime = hawser::Runtime::create().value();
  auto client = hawser::http3::Client::connect(*runtime, with(twice_)).value();
  wait_for_active(*client, 2);
  const auto response = client->get("/large.bin").wait();
  ASSERT_TRUE(response.has_value()) << response.error().message;
  EXPECT_EQ(response->body.size(), 3'000'000u);
  const auto paths = client->paths().list();
  ASSERT_EQ(paths.size(), 2u);
  EXPECT_EQ(paths[0].id, 0u);
  EXPECT_EQ(paths[1].id, 1u);
  EXPECT_NE(paths[0].local_address, paths[1].local_address);
  double received_bps = 0;
  std::uint64_t received = 0;
  for (const hawser::PathInfo& path : paths) {
    EXPECT_EQ(path.interface, "lo");
    EXPECT_EQ(path.remote_address, "127.0.0.1:" + port_);
    EXPECT_GT(path.smoothed_rtt_us, 0u);
    EXPECT_EQ(hawser::to_string(path.state), "active");
    received_bps += path.received_bps;
    received += path.octets_received;
  }
  EXPECT_GT(received, 3'000'000u);
  EXPECT_GT(received_bps, 0) << "since the look before the large response";
}

// Values in the text for collectors, by name and labels.
double metric(hawser::runtime::HttpServer& server, const std::string& name) {
  const std::string text = "\n" + hawser::runtime::to_metrics_text({.paths = server.path_totals()});
  const std::size_t at = text.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
}

TEST_F(ServedPaths, a_servers_metrics_tell_of_paths_of_connections_that_are_open_and_that_ended) {
  auto runtime = hawser::Runtime::create().value();
  auto client = hawser::http3::Client::connect(*runtime, with(twice_)).value();
  wait_for_active(*client, 2);
  EXPECT_EQ(metric(*server_, "hawser_multipath_connections_open"), 1);
  EXPECT_GE(metric(*server_, "hawser_paths_open{state=\"active\"}"), 1);
  EXPECT_EQ(metric(*server_, "hawser_path_events_total{event=\"opened\"}"), 1);
  const double first = metric(*server_, "hawser_path_received_bytes_total{path=\"first\"}");
  EXPECT_GT(first, 1'200);
  EXPECT_GT(metric(*server_, "hawser_path_received_bytes_total{path=\"added\"}"), 0);
  EXPECT_EQ(metric(*server_, "hawser_no_such_thing"), -1);
  client.reset();
  while (server_->connection_count() != 0) std::this_thread::yield();
  EXPECT_EQ(metric(*server_, "hawser_multipath_connections_open"), 0);
  EXPECT_EQ(metric(*server_, "hawser_paths_open{state=\"active\"}"), 0);
  EXPECT_GE(metric(*server_, "hawser_path_received_bytes_total{path=\"first\"}"), first);
}

TEST_F(ServedPaths, the_scheduler_changes_while_the_connection_runs) {
  auto runtime = hawser::Runtime::create().value();
  auto options = twice_;
  options.scheduler = "round-robin";
  auto client = hawser::http3::Client::connect(*runtime, with(options)).value();
  wait_for_active(*client, 2);
  EXPECT_EQ(client->paths().scheduler(), "round-robin");
  EXPECT_TRUE(client->paths().set_scheduler("ecf").has_value());
  EXPECT_EQ(client->paths().scheduler(), "ecf");
  const auto wrong = client->paths().set_scheduler("fastest");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_NE(wrong.error().message.find("blest"), std::string::npos) << "it lists those that there are";
  EXPECT_EQ(client->paths().scheduler_failure(), "");
  EXPECT_TRUE(client->get("/hello.txt").wait().has_value());
}

TEST_F(ServedPaths, redundant_use_is_the_scheduler_of_that_name) {
  auto runtime = hawser::Runtime::create().value();
  auto options = twice_;
  options.use = hawser::PathUse::kRedundant;
  auto client = hawser::http3::Client::connect(*runtime, with(options)).value();
  wait_for_active(*client, 2);
  EXPECT_EQ(client->paths().scheduler(), "redundant");
}

TEST_F(ServedPaths, an_interface_becomes_a_backup_by_hand_and_the_last_one_stays) {
  auto runtime = hawser::Runtime::create().value();
  auto client = hawser::http3::Client::connect(*runtime, with(twice_)).value();
  wait_for_active(*client, 2);
  ASSERT_TRUE(client->paths().use({.name = "lo", .weight = 3, .backup = true}).has_value());
  for (const hawser::PathInfo& path : client->paths().list()) {
    EXPECT_TRUE(path.backup);
    EXPECT_EQ(path.state, PathState::kStandby);
  }
  EXPECT_TRUE(client->get("/hello.txt").wait().has_value()) << "where all are backups they carry data";
  EXPECT_EQ(kind_of(client->paths().drop("lo")), Error::Kind::kOptions);
  EXPECT_EQ(kind_of(client->paths().drop("eth77")), Error::Kind::kOptions);
  EXPECT_EQ(kind_of(client->paths().use({.name = "eth77"})), Error::Kind::kOptions);
  EXPECT_EQ(kind_of(client->paths().use({.name = "lo", .weight = 0})), Error::Kind::kOptions);
}

TEST_F(ServedPaths, a_client_for_one_path_has_one_and_says_so) {
  auto runtime = hawser::Runtime::create().value();
  auto client = hawser::http3::Client::connect(*runtime, options()).value();
  ASSERT_TRUE(client->get("/hello.txt").wait().has_value());
  EXPECT_EQ(client->paths().list().size(), 1u);
  EXPECT_EQ(kind_of(client->paths().use({.name = "lo"})), Error::Kind::kOptions);
}

TEST_F(ServedPaths, options_out_of_range_are_refused_before_anything_is_sent) {
  auto runtime = hawser::Runtime::create().value();
  PathOptions many;
  many.interfaces.assign(9, {.name = "lo"});
  for (const PathOptions& wrong :
       {PathOptions{.interfaces = {{.name = ""}}}, PathOptions{.interfaces = {{.name = "eth77"}}},
        PathOptions{.interfaces = {{.name = "lo", .cost = 1'001}}},
        PathOptions{.interfaces = {{.name = "lo"}}, .scheduler = "fastest"},
        PathOptions{.interfaces = {{.name = "lo"}}, .max_paths = 1},
        PathOptions{.interfaces = {{.name = "lo"}}, .draft = 20}, many}) {
    const auto client = hawser::http3::Client::connect(*runtime, with(wrong));
    ASSERT_FALSE(client.has_value());
    EXPECT_EQ(client.error().kind, Error::Kind::kOptions) << client.error().message;
  }
}

// Takes turns, and counts what it is asked.
class Turns final : public hawser::PathScheduler {
 public:
  explicit Turns(std::atomic<int>& asked) : asked_(asked) {}
  hawser::ScheduleAnswer choose(std::span<const hawser::ScheduledPath> paths, const hawser::ScheduleDemand&,
                                std::uint64_t) override {
    ++asked_;
    for (std::size_t i = 0; i < paths.size(); ++i) {
      turn_ = (turn_ + 1) % paths.size();
      if (paths[turn_].ready) return {.path = turn_, .octets = paths[turn_].mtu};
    }
    return {};
  }

 private:
  std::atomic<int>& asked_;
  std::size_t turn_ = 0;
};

TEST_F(ServedPaths, a_program_brings_a_scheduler_of_its_own) {
  static std::atomic<int> asked{0};
  static std::atomic<int> made{0};
  const auto make = [](const void*) -> std::unique_ptr<hawser::PathScheduler> {
    ++made;
    return std::make_unique<Turns>(asked);
  };
  ASSERT_TRUE(hawser::add_path_scheduler("turns", make).has_value());
  EXPECT_EQ(kind_of(hawser::add_path_scheduler("turns", make)), Error::Kind::kOptions);
  EXPECT_EQ(kind_of(hawser::add_path_scheduler("min-rtt", make)), Error::Kind::kOptions);
  EXPECT_NE(hawser::path_scheduler_names().find("turns"), std::string::npos);
  auto runtime = hawser::Runtime::create().value();
  auto options = twice_;
  options.scheduler = "turns";
  auto client = hawser::http3::Client::connect(*runtime, with(options)).value();
  wait_for_active(*client, 2);
  const auto answer = client->send({.method = "POST", .path = "/hello.txt", .body = std::string(500'000, 'x')}).wait();
  EXPECT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_GT(asked.load(), 10);
  EXPECT_EQ(made.load(), 1) << "for a connection, and not to see whether the name is known";
}

TEST_F(ServedPaths, where_a_program_makes_no_scheduler_another_takes_its_place) {
  ASSERT_TRUE(hawser::add_path_scheduler("none", [](const void*) -> std::unique_ptr<hawser::PathScheduler> {
                return nullptr;
              }).has_value());
  auto runtime = hawser::Runtime::create().value();
  auto options = twice_;
  options.scheduler = "none";
  auto client = hawser::http3::Client::connect(*runtime, with(options)).value();
  wait_for_active(*client, 2);
  EXPECT_EQ(client->paths().scheduler(), "min-rtt");
  EXPECT_TRUE(client->get("/large.bin").wait().has_value());
}

// A client's two networks and a server beyond them.
class ServedOverNetworks : public ServedPaths {
 protected:
  void SetUp() override {
    if (const std::string reason = TwoNetworks::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    networks_.emplace();
    networks_->server.in([&] { ServedPaths::SetUp(); });
    client_runtime_ = networks_->client.in([] { return hawser::Runtime::create().value(); });
  }
  void TearDown() override {
    client_runtime_.reset();
    if (runtime_ != nullptr) ServedPaths::TearDown();
  }
  void configure(hawser::runtime::HttpServerOptions& options) override {
    ServedPaths::configure(options);
    options.udp.local = TwoNetworks::server_address();
  }
  std::unique_ptr<hawser::http3::Client> client_over_both() {
    auto changed = with({.interfaces = {{.name = "n0"}, {.name = "n1"}}});
    changed.connect_to = "10.50.0.1:" + port_;
    return networks_->client.in([&] { return hawser::http3::Client::connect(*client_runtime_, changed).value(); });
  }
  std::optional<TwoNetworks> networks_;
  std::unique_ptr<hawser::Runtime> client_runtime_;
};

TEST_F(ServedOverNetworks, a_connection_comes_about_over_the_second_network_while_the_first_is_silent) {
  networks_->silence_first();
  const auto client = client_over_both();
  const auto answer = client->send({.method = "POST", .path = "/hello.txt", .body = std::string(10'000, 'x')}).wait();
  ASSERT_TRUE(answer.has_value()) << answer.error().message;
  EXPECT_EQ(client->paths().list().front().interface, "n1");
  EXPECT_EQ(client->connection_info()->local_address.substr(0, 9), "10.9.1.1:");
}

TEST_F(ServedOverNetworks, a_connection_begins_over_the_first_network_where_it_answers) {
  const auto client = client_over_both();
  ASSERT_TRUE(client->get("/hello.txt").wait().has_value());
  wait_for_active(*client, 2);
  // Whatever else was begun, where the machine was slow, is closed.
  for (int requests = 0; requests < 50'000 && server_->connection_count() != 1; ++requests)
    ASSERT_TRUE(client->get("/hello.txt").wait().has_value());
  EXPECT_EQ(server_->connection_count(), 1u);
}

TEST(paths, a_script_that_is_wrong_is_refused_with_its_line) {
  const auto added = hawser::add_path_script("lua:wrong", "function choose(\n  return", "wrong.lua");
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().kind, Error::Kind::kOptions);
  EXPECT_NE(added.error().message.find("wrong.lua"), std::string::npos) << added.error().message;
}

}  // namespace
