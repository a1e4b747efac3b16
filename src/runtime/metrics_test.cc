// Goal: collectors get well-formed metrics of a fixed number, and nobody who talks to the listener keeps it from
// answering others. Method: texts of made-up counts; a listener on a free loopback port and plain sockets.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <map>
#include <regex>
#include <sstream>

#include "net/address.h"
#include "net/descriptor.h"
#include "runtime/metrics_listener.h"
#include "runtime/metrics_text.h"

namespace hawser::runtime {
namespace {

std::map<std::string, double> samples(const std::string& text) {
  std::map<std::string, double> all;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    const std::size_t space = line.rfind(' ');
    EXPECT_TRUE(all.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second) << "twice: " << line;
  }
  return all;
}

TEST(metrics, every_line_is_of_the_format) {
  const std::regex comment(R"(# (HELP hawser_[a-z_]+ [^"\\]+\.|TYPE hawser_[a-z_]+ (counter|gauge)))");
  const std::regex sample(R"re(hawser_[a-z_]+(\{[a-z]+="[a-z_]+"\})? [0-9.e+-]+)re");
  std::istringstream lines(to_metrics_text({.cpu_seconds = 0.25}));
  std::string family;
  bool is_counter = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.rfind(' ') - 7);
      is_counter = line.ends_with(" counter");
      EXPECT_EQ(is_counter, family.ends_with("_total")) << line;
    }
    const bool is_sample = !line.starts_with("#");
    EXPECT_TRUE(std::regex_match(line, is_sample ? sample : comment)) << line;
    if (is_sample) EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), family) << "outside of its family";
  }
}

TEST(metrics, paths_are_counted_by_state_and_by_which_they_are) {
  ServerSnapshot some;
  some.paths.connections = 3;
  some.paths.open[static_cast<std::size_t>(quic::PathState::kActive)] = 5;
  some.paths.open[static_cast<std::size_t>(quic::PathState::kFailed)] = 1;
  some.paths.rtt_samples = 2;
  some.paths.rtt_sum = 30ms;
  some.paths.first.octets_sent = 9'007'199'254'740'991;
  some.paths.added.packets_lost = 7;
  some.paths.events.failures = 4;
  const auto by_name = samples(to_metrics_text(some));
  EXPECT_EQ(by_name.at("hawser_multipath_connections_open"), 3);
  EXPECT_EQ(by_name.at("hawser_paths_open{state=\"active\"}"), 5);
  EXPECT_EQ(by_name.at("hawser_paths_open{state=\"failed\"}"), 1);
  EXPECT_EQ(by_name.at("hawser_paths_open{state=\"standby\"}"), 0);
  EXPECT_NEAR(by_name.at("hawser_paths_smoothed_rtt_seconds_sum"), 0.03, 1e-9);
  EXPECT_EQ(by_name.at("hawser_path_sent_bytes_total{path=\"first\"}"), 9'007'199'254'740'991.0);
  EXPECT_EQ(by_name.at("hawser_path_packets_lost_total{path=\"added\"}"), 7);
  EXPECT_EQ(by_name.at("hawser_path_events_total{event=\"failed\"}"), 4);
  EXPECT_EQ(by_name.size(), samples(to_metrics_text({})).size()) << "there are as many with nothing to count";
}

class Fixed final : public MetricsListener::Source {
 public:
  std::string metrics_text() override { return "hawser_answer 42\n"; }
};

class MetricsOverTcp : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = MetricsListener::start(ipv4_address({127, 0, 0, 1}, 0), source_);
    ASSERT_TRUE(started.has_value()) << started.error().message;
    listener_ = std::move(*started);
  }
  [[nodiscard]] net::Descriptor connect() const {
    net::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address{};
    const socklen_t length = net::to_sockaddr(listener_->local_address(), AF_INET, address);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    return socket;
  }
  // All that comes until the end of the connection.
  static std::string read_all(const net::Descriptor& socket) {
    std::string all;
    char octets[4'096];
    for (ssize_t count = 0; (count = ::recv(socket.get(), octets, sizeof octets, 0)) > 0;)
      all.append(octets, static_cast<std::size_t>(count));
    return all;
  }
  std::string ask(std::string_view request) {
    const net::Descriptor socket = connect();
    EXPECT_EQ(::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    return read_all(socket);
  }

  Fixed source_;
  std::unique_ptr<MetricsListener> listener_;
};

TEST_F(MetricsOverTcp, a_collector_gets_them) {
  for (int i = 0; i < 3; ++i) {
    const std::string answer = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4"), std::string::npos);
    EXPECT_NE(answer.find("Content-Length: 17\r\n"), std::string::npos);
    EXPECT_TRUE(answer.ends_with("\r\n\r\nhawser_answer 42\n"));
  }
  EXPECT_TRUE(ask("GET /metrics?name=x HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(MetricsOverTcp, whoever_asks_for_anything_else_is_told) {
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(ask("POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
  EXPECT_TRUE(ask("hello\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(ask("GET\r\n\r\n").starts_with("HTTP/1.1 400"));
}

TEST_F(MetricsOverTcp, who_says_nothing_or_too_much_keeps_nobody_waiting_for_long) {
  const net::Descriptor silent = connect();
  {
    const net::Descriptor talker = connect();
    const std::string endless(3 * MetricsListener::kRequestMax, 'x');
    (void)::send(talker.get(), endless.data(), endless.size(), MSG_NOSIGNAL);
    EXPECT_TRUE(ask("GET /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200")) << "after kPatience";
  }
  // And the listener ends though somebody is connected.
  const net::Descriptor late = connect();
  listener_.reset();
}

TEST(metrics_listener, a_port_that_is_taken_is_named) {
  Fixed source;
  const auto first = MetricsListener::start(ipv4_address({127, 0, 0, 1}, 0), source);
  ASSERT_TRUE(first.has_value());
  const auto second = MetricsListener::start((*first)->local_address(), source);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(to_string((*first)->local_address())), std::string::npos);
}

}  // namespace
}  // namespace hawser::runtime
