// lab_system_test.cc: goal: a lab's real namespaces and devices carry, delay, lose and rewrite
// real UDP datagrams. Method: sockets inside both namespaces; bounds are wide, since a busy
// machine makes everything later, but narrow enough that a link that ignores a word fails.
#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "lab.h"
#include "process.h"

namespace hawser::lab {
namespace {

struct Sender {
  std::string address;
  std::uint16_t port = 0;
  auto operator<=>(const Sender&) const = default;
};

struct Datagram {
  std::string text;
  Sender from;
  Timestamp when;
};

// A UDP socket that lives in one namespace and can be used from everywhere.
class Socket {
 public:
  Socket(const std::string& name_space, const std::string& address, std::uint16_t port) {
    v6_ = address.find(':') != std::string::npos;
    std::thread([&] {
      enter_namespace(name_space);
      descriptor_ = ::socket(v6_ ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }).join();
    const int room = 4'000'000;
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    const sockaddr_storage storage = socket_address({address, port});
    if (::bind(descriptor_, reinterpret_cast<const sockaddr*>(&storage), size_of_address()) < 0)
      throw std::runtime_error("cannot bind " + address);
  }
  ~Socket() { ::close(descriptor_); }
  Socket(const Socket&) = delete;

  bool send(const std::string& text, const Sender& to) const {
    const sockaddr_storage storage = socket_address(to);
    return ::sendto(descriptor_, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&storage),
                    size_of_address()) == static_cast<ssize_t>(text.size());
  }

  // The next datagram, or one with an empty text when none comes in time.
  Datagram receive(Duration patience) const {
    pollfd ready{descriptor_, POLLIN, 0};
    Datagram datagram;
    if (::poll(&ready, 1, static_cast<int>(to_ms(patience))) <= 0) return datagram;
    char buffer[65536];
    sockaddr_storage from{};
    socklen_t size = sizeof(from);
    const ssize_t got = ::recvfrom(descriptor_, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &size);
    datagram.when = monotonic_now();
    if (got > 0) datagram.text.assign(buffer, static_cast<std::size_t>(got));
    char name[INET6_ADDRSTRLEN];
    if (v6_) {
      const auto& a = reinterpret_cast<const sockaddr_in6&>(from);
      datagram.from = {::inet_ntop(AF_INET6, &a.sin6_addr, name, sizeof(name)), ntohs(a.sin6_port)};
    } else {
      const auto& a = reinterpret_cast<const sockaddr_in&>(from);
      datagram.from = {::inet_ntop(AF_INET, &a.sin_addr, name, sizeof(name)), ntohs(a.sin_port)};
    }
    return datagram;
  }

 private:
  socklen_t size_of_address() const { return v6_ ? sizeof(sockaddr_in6) : sizeof(sockaddr_in); }
  sockaddr_storage socket_address(const Sender& where) const {
    sockaddr_storage storage{};
    if (v6_) {
      auto& a = reinterpret_cast<sockaddr_in6&>(storage);
      a.sin6_family = AF_INET6;
      a.sin6_port = htons(where.port);
      ::inet_pton(AF_INET6, where.address.c_str(), &a.sin6_addr);
    } else {
      auto& a = reinterpret_cast<sockaddr_in&>(storage);
      a.sin_family = AF_INET;
      a.sin_port = htons(where.port);
      ::inet_pton(AF_INET, where.address.c_str(), &a.sin_addr);
    }
    return storage;
  }

  int descriptor_ = -1;
  bool v6_ = false;
};

class LabSystem : public testing::Test {
 protected:
  static constexpr std::uint16_t kServerPort = 4433;
  static constexpr std::uint16_t kClientPort = 50'000;

  void SetUp() override {
    if (const std::string reason = why_unavailable(); !reason.empty()) GTEST_SKIP() << reason;
  }

  void build(const std::vector<std::string>& links) {
    std::vector<LinkOptions> options;
    for (const std::string& words : links) apply_words(options.emplace_back(), words);
    lab_ = std::make_unique<Lab>("labtest" + std::to_string(::getpid()), options, 42);
    server_ = std::make_unique<Socket>(server_space(), "0.0.0.0", kServerPort);
    client_ = std::make_unique<Socket>(client_space(), address_of(Host::kClient, 0), kClientPort);
  }
  std::string client_space() const { return namespace_of(lab_->name(), Host::kClient); }
  std::string server_space() const { return namespace_of(lab_->name(), Host::kServer); }
  Sender server_address() const { return {address_of(Host::kServer, 0), kServerPort}; }

  std::unique_ptr<Lab> lab_;
  std::unique_ptr<Socket> server_;
  std::unique_ptr<Socket> client_;
};

TEST_F(LabSystem, a_datagram_takes_the_delay_of_its_direction) {
  build({"delay=50ms,to-client.delay=100ms"});
  const Timestamp start = monotonic_now();
  ASSERT_TRUE(client_->send("ping", server_address()));
  const Datagram ping = server_->receive(5s);
  ASSERT_EQ(ping.text, "ping");
  EXPECT_GE(ping.when - start, 50ms);
  server_->send("pong", ping.from);
  const Datagram pong = client_->receive(5s);
  ASSERT_EQ(pong.text, "pong");
  EXPECT_GE(pong.when - start, 150ms);
  EXPECT_LT(pong.when - start, 2s);
}

TEST_F(LabSystem, ipv6_is_carried_too) {
  build({""});
  const Socket server6(server_space(), "::", 4434);
  const Socket client6(client_space(), address6_of(Host::kClient, 0), kClientPort);
  client6.send("six", {address6_of(Host::kServer, 0), 4434});
  const Datagram got = server6.receive(5s);
  EXPECT_EQ(got.text, "six");
  EXPECT_EQ(got.from.address, address6_of(Host::kClient, 0));
}

TEST_F(LabSystem, loss_takes_about_its_share) {
  build({"loss=20%"});
  constexpr int kSent = 2000;
  int got = 0;
  for (int i = 0; i < kSent; ++i) {
    client_->send(std::to_string(i), server_address());
    if (i % 50 == 49)
      while (!server_->receive(20ms).text.empty()) ++got;
  }
  while (!server_->receive(200ms).text.empty()) ++got;
  // Expected 1,600 with a deviation of 18.
  EXPECT_GT(got, 1500);
  EXPECT_LT(got, 1700);
}

TEST_F(LabSystem, the_rate_is_a_cap) {
  build({"rate=8mbit,queue=1mb"});
  // 200 packets of 1,028 octets, headers included, are 1.64 Mbit: 206 ms at this rate.
  const Timestamp start = monotonic_now();
  for (int i = 0; i < 200; ++i) client_->send(std::string(1000, 'x'), server_address());
  Datagram last;
  int got = 0;
  for (Datagram next; !(next = server_->receive(2s)).text.empty(); ++got) last = next;
  EXPECT_EQ(got, 200);
  EXPECT_GE(last.when - start, 200ms);
  EXPECT_LT(last.when - start, 3s);
}

TEST_F(LabSystem, a_link_goes_down_and_comes_back) {
  build({"name=wan"});
  lab_->change("wan", "down");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  client_->send("lost", server_address());
  EXPECT_EQ(server_->receive(300ms).text, "");
  lab_->change("wan", "up");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  client_->send("found", server_address());
  EXPECT_EQ(server_->receive(5s).text, "found");
  EXPECT_THROW(lab_->change("lan", "up"), std::invalid_argument);
}

TEST_F(LabSystem, a_rebinding_shows_the_server_another_client_that_it_can_answer) {
  build({"nat=both"});
  client_->send("before", server_address());
  const Datagram before = server_->receive(5s);
  ASSERT_EQ(before.text, "before");
  lab_->change("link0", "rebind");
  client_->send("after", server_address());
  const Datagram after = server_->receive(5s);
  ASSERT_EQ(after.text, "after");
  EXPECT_NE(before.from.port, after.from.port);
  EXPECT_NE(before.from.address, after.from.address);
  server_->send("to the old one", before.from);
  server_->send("to the new one", after.from);
  EXPECT_EQ(client_->receive(5s).text, "to the new one");
  EXPECT_EQ(client_->receive(100ms).text, "");
}

TEST_F(LabSystem, damaged_datagrams_arrive) {
  build({"corrupt=100%"});
  client_->send("aaaaaaaa", server_address());
  const Datagram got = server_->receive(5s);
  EXPECT_EQ(got.text.size(), 8u);
  EXPECT_NE(got.text, "aaaaaaaa");
}

TEST_F(LabSystem, each_address_of_the_client_uses_its_own_link) {
  build({"delay=0ms", "delay=200ms"});
  const Socket second(client_space(), address_of(Host::kClient, 1), kClientPort);
  const Timestamp start = monotonic_now();
  second.send("slow", server_address());
  client_->send("fast", server_address());
  EXPECT_EQ(server_->receive(5s).text, "fast");
  const Datagram slow = server_->receive(5s);
  EXPECT_EQ(slow.text, "slow");
  EXPECT_GE(slow.when - start, 200ms);
  EXPECT_EQ(slow.from.address, address_of(Host::kClient, 1));
}

TEST_F(LabSystem, programs_run_inside_and_their_exit_code_comes_back) {
  build({""});
  const Variables variables = environment_of(lab_->name(), 1);
  const std::string program = "ip -br address show | grep -q \"$HAWSER_LAB_CLIENT/\" && exit 7";
  EXPECT_EQ(wait_for(start_in(client_space(), {"/bin/sh", "-c", program}, variables, true)), 7);
}

TEST_F(LabSystem, a_lab_leaves_nothing_behind) {
  build({""});
  const std::string path = "/run/netns/" + client_space();
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
  lab_.reset();
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(LabSystem, a_lab_of_a_name_that_is_taken_leaves_the_other_alone) {
  build({"name=wan"});
  std::vector<LinkOptions> links;
  apply_words(links.emplace_back(), "name=wan");
  EXPECT_THROW(Lab(lab_->name(), links, 1), std::runtime_error);
  client_->send("still here", server_address());
  EXPECT_EQ(server_->receive(5s).text, "still here");
  EXPECT_EQ(::access(("/run/netns/" + server_space()).c_str(), F_OK), 0);
}

TEST_F(LabSystem, down_removes_what_a_killed_lab_left) {
  const std::string name = "left" + std::to_string(::getpid());
  const std::vector<std::string> spaces = {namespace_of(name, Host::kClient), namespace_of(name, Host::kServer)};
  for (const std::string& space : spaces) ASSERT_EQ(std::system(("ip netns add " + space).c_str()), 0);
  EXPECT_EQ(std::system((HAWSER_LAB_PROGRAM " down " + name).c_str()), 0);
  for (const std::string& space : spaces) EXPECT_NE(::access(("/run/netns/" + space).c_str(), F_OK), 0) << space;
  EXPECT_NE(std::system((HAWSER_LAB_PROGRAM " down " + name + " 2>/dev/null").c_str()), 0) << "there is none";
}

TEST_F(LabSystem, run_inside_a_lab_builds_one_of_its_own) {
  build({""});
  const std::string command =
      "exec " HAWSER_LAB_PROGRAM " run --settle 0 --client 'test -n \"$HAWSER_LAB\" -a \"$HAWSER_LAB\" != \"$OUTER\"'";
  const Variables variables = {{"HAWSER_LAB", lab_->name()}, {"OUTER", lab_->name()}};
  EXPECT_EQ(wait_for(start_in(client_space(), {"/bin/sh", "-c", command}, variables, true)), 0);
  EXPECT_EQ(::access(("/run/netns/" + client_space()).c_str(), F_OK), 0);
}

TEST_F(LabSystem, a_program_can_be_ended_from_the_moment_it_is_started) {
  build({""});
  std::signal(SIGTERM, [](int) {});  // as hawser-lab has one; the program must not inherit it
  for (int i = 0; i < 20; ++i) {
    const pid_t program = start_in(client_space(), {"sleep", "30"}, {}, true);
    EXPECT_EQ(::kill(-program, SIGTERM), 0);
    if (HasFailure()) ::kill(program, SIGKILL);
    EXPECT_EQ(wait_for(program), 128 + SIGTERM);
  }
  std::signal(SIGTERM, SIG_DFL);
}

class Echo final : public Answerer {
 public:
  std::string answer(std::string_view line) override {
    if (line == "bad") throw std::invalid_argument("that is bad");
    return std::string(line) + "!";
  }
};

TEST(lab_control, a_line_gets_its_answer_or_its_error) {
  char folder[] = "/tmp/hawser-lab-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  ::setenv("HAWSER_LAB_DIR", folder, 1);
  {
    Echo echo;
    const ControlServer control("a", echo);
    EXPECT_EQ(ask("a", "hello").text, "hello!");
    const Reply bad = ask("a", "bad");
    EXPECT_FALSE(bad.ok);
    EXPECT_EQ(bad.text, "error: that is bad\n");
  }
  EXPECT_THROW(ask("a", "hello"), std::runtime_error);
  ::rmdir(folder);
  ::unsetenv("HAWSER_LAB_DIR");
}

}  // namespace
}  // namespace hawser::lab
