// early_data_test.cc: goal: requests in 0-RTT are answered at once, or asked again without the user
// seeing it, and a recording of them is answered once by all workers together. Method: the server of
// `hawser serve` in this process, `hawser get` run against it, with a relay between that records.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "get_options.h"
#include "get_run.h"
#include "net/address.h"
#include "quic/tls/dev_certificate.h"
#include "runtime/http_server.h"

namespace hawser::app {
namespace {

using namespace std::chrono_literals;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int udp_socket(std::uint16_t peer) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(peer);
  if (peer != 0) {
    EXPECT_EQ(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  } else {
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  return fd;
}

// Passes datagrams between one client and the server and keeps what the client said first.
class Relay {
 public:
  explicit Relay(std::uint16_t server) : front_(udp_socket(0)), back_(udp_socket(server)) {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(front_, reinterpret_cast<sockaddr*>(&own), &size);
    port = ntohs(own.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Relay() {
    stop_ = true;
    thread_.join();
    ::close(front_);
    ::close(back_);
  }
  // Between visits, once the last one's datagrams have passed.
  void begin_recording() {
    first_flight_.clear();
    answered_ = false;
  }
  // The client's datagrams before the first answer came. Between visits only.
  [[nodiscard]] const std::vector<std::string>& first_flight() const { return first_flight_; }

  std::uint16_t port = 0;

 private:
  void run() {
    sockaddr_in client{};
    std::string buffer(65'536, '\0');
    while (!stop_) {
      pollfd fds[] = {{front_, POLLIN, 0}, {back_, POLLIN, 0}};
      if (::poll(fds, 2, 20) <= 0) continue;
      if ((fds[0].revents & POLLIN) != 0) pass_on(client, buffer);
      if ((fds[1].revents & POLLIN) == 0) continue;
      const ssize_t got = ::recv(back_, buffer.data(), buffer.size(), 0);
      if (got <= 0) continue;
      const std::string answer(buffer, 0, static_cast<std::size_t>(got));
      // The request may be a datagram of its own after the ClientHello's: it is given time to come.
      if (!answered_.exchange(true)) {
        std::this_thread::sleep_for(50ms);
        for (pollfd more{front_, POLLIN, 0}; ::poll(&more, 1, 0) > 0;) record_and_pass_on(client, buffer);
      }
      (void)::sendto(front_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&client), sizeof client);
    }
  }
  void pass_on(sockaddr_in& client, std::string& buffer) {
    if (!answered_) return record_and_pass_on(client, buffer);
    (void)::send(back_, buffer.data(), receive(client, buffer), 0);
  }
  void record_and_pass_on(sockaddr_in& client, std::string& buffer) {
    const std::size_t size = receive(client, buffer);
    first_flight_.emplace_back(buffer, 0, size);
    (void)::send(back_, buffer.data(), size, 0);
  }
  std::size_t receive(sockaddr_in& client, std::string& buffer) const {
    socklen_t length = sizeof client;
    const ssize_t got =
        ::recvfrom(front_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&client), &length);
    return static_cast<std::size_t>(std::max<ssize_t>(got, 0));
  }

  int front_;
  int back_;
  std::vector<std::string> first_flight_;
  std::atomic<bool> answered_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class EarlyDataTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hawser-early-XXXXXX";
    folder_ = mkdtemp(name);
    std::filesystem::create_directories(folder_ + "/site");
    std::ofstream(folder_ + "/site/a") << "hello";
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto certificate = quic::mint_dev_certificate({.not_before_s = now.tv_sec - 60}).value();
    std::ofstream(folder_ + "/ca.pem") << certificate.certificate_pem;
    std::ofstream(folder_ + "/key.pem") << certificate.key_pem;
  }
  void TearDown() override {
    stop();
    std::filesystem::remove_all(folder_);
  }
  void serve(const std::string& rules, std::size_t workers = 1) {
    runtime::HttpServerOptions options;
    options.udp.local = net::parse_address("127.0.0.1:0").value();
    options.tls.certificates = {{.chain_file = folder_ + "/ca.pem", .key_file = folder_ + "/key.pem"}};
    options.tls.early_data = true;
    options.http.early = http::parse_early_request_rules(rules).value();
    options.files.root = folder_ + "/site";
    log_fd_ = ::open((folder_ + "/access.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    options.access_log_fd = log_fd_;
    // By their addresses: so that recordings from several ports come to several workers.
    runtime_ = runtime::Runtime::create({.workers = workers, .steering = net::SteeringMethod::kHash}).value();
    server_ = runtime::HttpServer::start(*runtime_, std::move(options)).value();
  }
  void stop() {
    if (runtime_ == nullptr) return;
    runtime_->stop();
    runtime_->join();
    server_.reset();
    runtime_.reset();
    ::close(log_fd_);
  }
  [[nodiscard]] std::uint16_t port() const { return server_->local_address().port; }
  [[nodiscard]] std::string sessions() const { return folder_ + "/sessions"; }
  // "200 accepted yes hello": status, early data, resumed, body.
  std::string visit(const std::string& target, std::uint16_t port, bool insecure = false) {
    GetArguments arguments{.urls = {"https://localhost:" + std::to_string(port) + target},
                           .outputs = {folder_ + "/out"},
                           .insecure = insecure,
                           .ipv4 = true,
                           .write_out = "%{http_code} %{early_data} %{resumed} ",
                           .session_file = sessions(),
                           .early_data = true};
    if (!insecure) arguments.ca_file = folder_ + "/ca.pem";
    const auto options = read_get_options(std::move(arguments));
    EXPECT_TRUE(options);
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_get(*options), kGetOk);
    return testing::internal::GetCapturedStdout() + read_file(folder_ + "/out");
  }

  std::string folder_;
  int log_fd_ = -1;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<runtime::HttpServer> server_;
};

TEST_F(EarlyDataTest, each_visit_after_the_first_speaks_at_once) {
  serve("safe", 2);
  EXPECT_EQ(visit("/a", port()), "200 none no hello");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(visit("/a", port()), "200 accepted yes hello");
}

TEST_F(EarlyDataTest, a_ticket_that_is_used_twice_is_rejected_and_nothing_is_lost) {
  serve("safe");
  (void)visit("/a", port());
  const std::string kept = read_file(sessions());
  EXPECT_EQ(visit("/a", port()), "200 accepted yes hello");
  std::ofstream(sessions(), std::ios::binary) << kept;
  EXPECT_EQ(visit("/a", port()), "200 rejected yes hello");
}

TEST_F(EarlyDataTest, routes_that_opt_out_answer_425_and_are_asked_again) {
  serve("safe,/a=off");
  // It holds the server's first answer back, so that requests are early; not all of them on a busy machine, where
  // the server may read a request and the end of the handshake at once.
  constexpr std::size_t kVisits = 12;
  Relay relay(port());
  EXPECT_EQ(visit("/a", relay.port), "200 none no hello");
  for (std::size_t i = 0; i < kVisits; ++i) {
    std::this_thread::sleep_for(50ms);
    relay.begin_recording();
    EXPECT_EQ(visit("/a", relay.port), "200 accepted yes hello");
  }
  stop();
  const std::string log = read_file(folder_ + "/access.log");
  EXPECT_GE(count_of(log, " 425 "), 1u) << log;
  EXPECT_EQ(count_of(log, " 200 "), 1 + kVisits) << log;
}

TEST_F(EarlyDataTest, a_session_that_was_begun_without_checks_is_not_for_a_visit_with_them) {
  serve("safe");
  EXPECT_EQ(visit("/a", port(), true), "200 none no hello");
  EXPECT_EQ(visit("/a", port()), "200 none no hello");
  EXPECT_EQ(visit("/a", port(), true), "200 accepted yes hello");
}

// rfc9001:9.2-replay
TEST_F(EarlyDataTest, a_recorded_first_flight_is_answered_once_by_all_workers_together) {
  serve("safe", 2);
  Relay relay(port());
  EXPECT_EQ(visit("/a", relay.port), "200 none no hello");
  std::this_thread::sleep_for(100ms);
  relay.begin_recording();
  EXPECT_EQ(visit("/a?early", relay.port), "200 accepted yes hello");
  const std::vector<std::string> recording = relay.first_flight();
  ASSERT_FALSE(recording.empty());
  const std::uint64_t accepted = server_->stats().connections_accepted;
  for (int i = 0; i < 16; ++i) {
    const int fd = udp_socket(port());
    for (const std::string& datagram : recording)
      EXPECT_EQ(::send(fd, datagram.data(), datagram.size(), 0), static_cast<ssize_t>(datagram.size()));
    std::this_thread::sleep_for(20ms);
    ::close(fd);
  }
  // One connection begins at each worker, to which the others belong; what is refused is its early data.
  EXPECT_EQ(server_->stats().connections_accepted, accepted + 2);
  stop();
  const std::string log = read_file(folder_ + "/access.log");
  EXPECT_EQ(count_of(log, "/a?early"), 1u) << log;
}

}  // namespace
}  // namespace hawser::app
