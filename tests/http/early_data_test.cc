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
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "get_options.h"
#include "get_run.h"
#include "net/address.h"
#include "quic/tls/dev_certificate.h"
#include "quic/wire/packet_header.h"
#include "runtime/http_server.h"

namespace hawser::app {
namespace {

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

// Passes datagrams between one client at a time and the server, and keeps what the client said before it was
// answered. With hold() it keeps back what the server says until that has answered a request, which is then early,
// however busy the machine is.
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
  // From the next visit on. `answered`: how many early requests the server has answered.
  void hold(std::function<std::uint64_t()> answered) {
    const std::lock_guard lock(mutex_);
    answered_ = std::move(answered);
  }
  // The client's datagrams of the latest visit that was held, up to the one behind which it was answered.
  [[nodiscard]] std::vector<std::string> first_flight() {
    const std::lock_guard lock(mutex_);
    return first_flight_;
  }

  std::uint16_t port = 0;

 private:
  void run() {
    std::string buffer(65'536, '\0');
    while (!stop_) {
      pollfd fds[] = {{front_, POLLIN, 0}, {back_, POLLIN, 0}};
      (void)::poll(fds, 2, 5);
      const std::lock_guard lock(mutex_);
      if ((fds[0].revents & POLLIN) != 0) from_client(buffer);
      if ((fds[1].revents & POLLIN) != 0) from_server(buffer);
      if (!released_ && answered_() > answered_before_) release();
    }
  }
  void from_client(std::string& buffer) {
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t got =
        ::recvfrom(front_, buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (got <= 0) return;
    const std::string datagram(buffer, 0, static_cast<std::size_t>(got));
    const auto header = quic::parse_packet_header(as_bytes(datagram), kCidLength, true);
    if (header && header->is_long() && as_text(header->scid) != cid_) begin_visit(as_text(header->scid), from);
    if (!released_) first_flight_.push_back(datagram);
    (void)::send(back_, datagram.data(), datagram.size(), 0);
  }
  void begin_visit(std::string_view cid, const sockaddr_in& from) {
    cid_ = cid;
    client_ = from;
    first_flight_.clear();
    held_.clear();
    released_ = !answered_;
    if (answered_) answered_before_ = answered_();
  }
  void release() {
    released_ = true;
    for (const std::string& answer : std::exchange(held_, {})) answer_client(answer);
  }
  void from_server(std::string& buffer) {
    const ssize_t got = ::recv(back_, buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    std::string answer(buffer, 0, static_cast<std::size_t>(got));
    // Of an earlier visit: nobody is there.
    const auto dcid = quic::peek_destination_cid(as_bytes(answer), kCidLength);
    if (!dcid || as_text(*dcid) != cid_) return;
    if (released_) return answer_client(answer);
    held_.push_back(std::move(answer));
  }
  void answer_client(const std::string& answer) const {
    (void)::sendto(front_, answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&client_),
                   sizeof client_);
  }

  static constexpr std::size_t kCidLength = 8;
  int front_;
  int back_;
  std::mutex mutex_;  // what follows is the thread's between two calls
  std::function<std::uint64_t()> answered_;
  std::uint64_t answered_before_ = 0;  // when the visit began
  std::string cid_;                    // of the client
  sockaddr_in client_{};
  bool released_ = true;
  std::vector<std::string> first_flight_;
  std::vector<std::string> held_;
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
  // `addresses` of localhost: empty: as the system says.
  std::string visit(const std::string& target, std::uint16_t port, bool insecure = false,
                    const std::string& addresses = {}) {
    GetArguments arguments{.urls = {"https://localhost:" + std::to_string(port) + target},
                           .outputs = {folder_ + "/out"},
                           .insecure = insecure,
                           .ipv4 = true,
                           .write_out = "%{http_code} %{early_data} %{resumed} ",
                           .session_file = sessions(),
                           .early_data = true};
    if (!insecure) arguments.ca_file = folder_ + "/ca.pem";
    if (!addresses.empty()) arguments.pinned = {"localhost:" + std::to_string(port) + ":" + addresses};
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

// The ticket went with the first attempt, over the address that is silent.
TEST_F(EarlyDataTest, a_request_on_an_attempt_that_loses_is_asked_on_the_one_that_wins) {
  serve("safe");
  EXPECT_EQ(visit("/a", port()), "200 none no hello");
  EXPECT_EQ(visit("/a", port(), false, "127.0.0.99,127.0.0.1"), "200 none no hello");
  EXPECT_EQ(visit("/a", port(), false, "127.0.0.1,127.0.0.99"), "200 accepted yes hello");
  stop();
  EXPECT_EQ(count_of(read_file(folder_ + "/access.log"), " 200 "), 3u);
}

TEST_F(EarlyDataTest, routes_that_opt_out_answer_425_and_are_asked_again) {
  serve("safe,/a=off");
  constexpr std::size_t kVisits = 5;
  Relay relay(port());
  EXPECT_EQ(visit("/a", relay.port), "200 none no hello");
  relay.hold([this] { return server_->http_stats().requests_early; });
  for (std::size_t i = 0; i < kVisits; ++i) EXPECT_EQ(visit("/a", relay.port), "200 accepted yes hello");
  stop();
  const std::string log = read_file(folder_ + "/access.log");
  EXPECT_EQ(count_of(log, " 425 "), kVisits) << log;
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
  relay.hold([this] { return server_->http_stats().requests_early; });
  EXPECT_EQ(visit("/a?early", relay.port), "200 accepted yes hello");
  const std::vector<std::string> recording = relay.first_flight();
  ASSERT_FALSE(recording.empty());
  // One connection begins at each worker, to which the others belong; what is refused is its early data. From how
  // many ports it takes until both workers had one is chance.
  const auto datagrams_read = [this] { return server_->stats().datagrams_received; };
  const std::uint64_t accepted = server_->stats().connections_accepted;
  for (int i = 0; i < 64 && (i < 16 || server_->stats().connections_accepted < accepted + 2); ++i) {
    const int fd = udp_socket(port());
    const std::uint64_t read = datagrams_read() + recording.size();
    for (const std::string& datagram : recording)
      EXPECT_EQ(::send(fd, datagram.data(), datagram.size(), 0), static_cast<ssize_t>(datagram.size()));
    while (datagrams_read() < read) std::this_thread::yield();
    ::close(fd);
  }
  EXPECT_EQ(server_->stats().connections_accepted, accepted + 2);
  stop();
  const std::string log = read_file(folder_ + "/access.log");
  EXPECT_EQ(count_of(log, "/a?early"), 1u) << log;
}

}  // namespace
}  // namespace hawser::app
