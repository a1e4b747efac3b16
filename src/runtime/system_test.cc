// Goal: randomness, key logs, names and signals of the system work as their headers say.
// Method: the real system, within this process.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "runtime/key_log.h"
#include "runtime/resolver.h"
#include "runtime/shutdown_signals.h"
#include "runtime/system_random.h"

namespace hawser::runtime {
namespace {

TEST(system_random, fills_every_octet_and_repeats_nothing) {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) seen.insert(random.next_u64());
  EXPECT_EQ(seen.size(), 10'000u);  // a repeat among 10^4 of 2^64 has a chance of 3e-12
  for (const std::size_t size : {1u, 1'023u, 1'024u, 5'000u}) {
    // An octet that is never written stays 0 in all of 64 fills; chance of a false alarm:
    // 5,000 * 256^-64.
    std::vector<std::uint8_t> any(size, 0);
    for (int round = 0; round < 64; ++round) {
      std::vector<std::uint8_t> octets(size, 0);
      random.fill(octets);
      for (std::size_t i = 0; i < size; ++i) any[i] |= octets[i];
    }
    EXPECT_EQ(std::ranges::count(any, 0), 0);
  }
}

class KeyLogTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hawser-key-log-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ + "/keys";
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
  }
  std::vector<std::string> lines() const {
    std::ifstream file(path_);
    std::vector<std::string> result;
    for (std::string line; std::getline(file, line);) result.push_back(line);
    return result;
  }
  std::string folder_;
  std::string path_;
};

TEST_F(KeyLogTest, lines_of_several_threads_stay_whole) {
  auto log = KeyLog::open(path_);
  ASSERT_TRUE(log);
  const std::string line = "CLIENT_TRAFFIC_SECRET_0 " + std::string(64, 'a') + " " + std::string(96, 'b');
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) KeyLog::sink(log->get(), line);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lines(), std::vector<std::string>(400, line));
  struct stat status{};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 077, 0u);
}

TEST_F(KeyLogTest, appends_to_the_file_that_the_environment_names) {
  unsetenv("SSLKEYLOGFILE");
  EXPECT_EQ(KeyLog::open_from_environment()->get(), nullptr);
  setenv("SSLKEYLOGFILE", path_.c_str(), 1);
  for (const char* line : {"first", "second"}) {
    auto log = KeyLog::open_from_environment();
    ASSERT_TRUE(log && *log);
    (*log)->append(line);
  }
  unsetenv("SSLKEYLOGFILE");
  EXPECT_EQ(lines(), (std::vector<std::string>{"first", "second"}));
}

TEST_F(KeyLogTest, says_which_file_cannot_be_opened) {
  const auto log = KeyLog::open(folder_ + "/no/such/folder");
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("/no/such/folder"), std::string::npos);
}

TEST(resolver, reads_addresses_in_figures) {
  EXPECT_EQ(to_string(resolve("192.0.2.1", 443)->front()), "192.0.2.1:443");
  EXPECT_EQ(to_string(resolve("[2001:db8::1]", 443)->front()), "[2001:db8::1]:443");
  EXPECT_FALSE(resolve("192.0.2.1", 443, AddressFamily::kIpv6));
  EXPECT_FALSE(resolve("", 443));
}

TEST(resolver, finds_localhost_in_the_family_asked_for) {
  const auto addresses = resolve("localhost", 8'443, AddressFamily::kIpv4);
  ASSERT_TRUE(addresses) << addresses.error().message;
  EXPECT_EQ(*addresses, std::vector{ipv4_address({127, 0, 0, 1}, 8'443)});
}

TEST(resolver, says_what_it_could_not_find) {
  // RFC 6761 section 6.4: names under .invalid never resolve.
  const auto addresses = resolve("name.invalid", 443);
  ASSERT_FALSE(addresses);
  EXPECT_NE(addresses.error().message.find("name.invalid"), std::string::npos);
}

TEST(shutdown_signals, wait_returns_the_signal) {
  for (const int signal : {SIGINT, SIGTERM}) {
    ShutdownSignals signals;
    kill(getpid(), signal);
    EXPECT_EQ(signals.wait(), signal);
  }
}

TEST(shutdown_signals, wait_ends_by_time_and_by_interruption) {
  ShutdownSignals signals;
  EXPECT_EQ(signals.wait(1ms), 0);
  std::thread other([&] { signals.interrupt(); });
  EXPECT_EQ(signals.wait(), 0);
  other.join();
}

}  // namespace
}  // namespace hawser::runtime
