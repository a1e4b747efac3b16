// session_store_test.cc: goal: what is kept of a visit comes back once, in its time, to the server it
// is of, and from the disk only to its owner; damaged files do no harm. Method: both stores, every
// cut of a file, the limits, two writers at once.
#include "http/session_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "http/saved_path_record.h"

namespace hawser::http {
namespace {

std::vector<std::uint8_t> octets(std::string_view text) {
  return {text.begin(), text.end()};
}

// rfc9001:4.5-ticket-once rfc9000:8.1.3-token-not-reused
TEST(session_store, gives_the_newest_once_and_nothing_that_expired) {
  MemorySessionStore store;
  store.put_ticket("a:443", octets("old"), octets("s1"), 100);
  store.put_ticket("a:443", octets("new"), octets("s2"), 200);
  store.put_ticket("b:443", octets("other"), {}, 200);
  store.put_token("a:443", octets("token"), 150);
  const KeptSession first = store.take("a:443", 50);
  EXPECT_EQ(first.ticket, octets("new"));
  EXPECT_EQ(first.settings, octets("s2"));
  EXPECT_EQ(first.token, octets("token"));
  const KeptSession second = store.take("a:443", 50);
  EXPECT_EQ(second.ticket, octets("old"));
  EXPECT_TRUE(second.token.empty());
  EXPECT_TRUE(store.take("a:443", 50).ticket.empty());
  EXPECT_TRUE(store.take("b:443", 200).ticket.empty()) << "expired";
  EXPECT_EQ(store.size(), 0u);
}

// rfc9959:3.1-one-set rfc9959:3.1-updated
TEST(session_store, has_one_path_of_a_server_which_is_the_latest) {
  MemorySessionStore store;
  store.put_path("a:443", octets("old"), 100);
  store.put_path("b:443", octets("other"), 100);
  store.put_path("a:443", octets("new"), 200);
  EXPECT_EQ(store.size(), 2u);
  MemorySessionStore other;
  other.restore(store.serialize(), 50);
  EXPECT_EQ(other.take("a:443", 50).path, octets("new"));
  EXPECT_TRUE(other.take("a:443", 50).path.empty()) << "it is used once";
  EXPECT_TRUE(other.take("b:443", 100).path.empty()) << "expired";
}

TEST(saved_path_record, comes_back_with_the_age_it_has_then) {
  const quic::SavedPath saved{.cwnd = 5'000'000,
                              .rtt = 40ms,
                              .age = 10s,
                              .local = ipv4_address({10, 0, 0, 1}, 0),
                              .remote = ipv4_address({10, 0, 0, 2}, 0)};
  const std::vector<std::uint8_t> record = write_saved_path(saved, 1'000);
  quic::SavedPath later = saved;
  later.age = 40s;
  EXPECT_EQ(read_saved_path(record, 1'030), later);
  EXPECT_FALSE(read_saved_path(record, 980).has_value()) << "from the future";
  for (std::size_t size = 0; size < record.size(); ++size)
    EXPECT_FALSE(read_saved_path(Bytes(record).first(size), 1'030).has_value()) << size;
}

TEST(session_store, has_limits_for_each_server_and_for_all) {
  MemorySessionStore store;
  store.put_ticket("k", std::vector<std::uint8_t>(MemorySessionStore::kMaxRecordOctets), {}, 100);
  EXPECT_EQ(store.size(), 0u);
  for (int i = 0; i < 20; ++i) store.put_ticket("k", octets(std::to_string(i)), {}, 100);
  EXPECT_EQ(store.size(), MemorySessionStore::kMaxOfOneKey);
  EXPECT_EQ(store.take("k", 0).ticket, octets("19"));
  for (int i = 0; i < 2'000; ++i) store.put_ticket("k" + std::to_string(i), octets("t"), {}, 100);
  EXPECT_EQ(store.size(), MemorySessionStore::kMaxRecords);
  EXPECT_TRUE(store.take("k0", 0).ticket.empty()) << "the oldest made room";
}

TEST(session_store, reads_back_what_is_whole_of_every_cut) {
  MemorySessionStore store;
  store.put_ticket("a:443", octets("ticket"), octets("settings"), 5'000'000'000);
  store.put_token("a:443", octets("token"), 5'000'000'000);
  const auto whole = store.serialize();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    MemorySessionStore other;
    other.restore(Bytes(whole).first(size), 0);
    EXPECT_LE(other.size(), 2u);
    EXPECT_EQ(other.size() == 2, size == whole.size()) << size;
  }
  MemorySessionStore late;
  late.restore(whole, 5'000'000'000);
  EXPECT_EQ(late.size(), 0u);
}

class SessionFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = "/tmp/hawser_session_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    path = folder + "/sessions";
  }
  void TearDown() override {
    unlink(path.c_str());
    EXPECT_EQ(rmdir(folder.c_str()), 0) << "nothing else is left behind";
  }
  std::string folder;
  std::string path;
};

TEST_F(SessionFile, outlives_its_program_and_is_for_its_owner_only) {
  {
    auto store = FileSessionStore::open(path);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    (*store)->put_ticket("a:443", octets("ticket"), octets("settings"), 5'000'000'000);
    (*store)->put_token("a:443", octets("token"), 5'000'000'000);
  }
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  auto store = FileSessionStore::open(path);
  ASSERT_TRUE(store.has_value());
  const KeptSession kept = (*store)->take("a:443", 1'000);
  EXPECT_EQ(kept.ticket, octets("ticket"));
  EXPECT_EQ(kept.settings, octets("settings"));
  EXPECT_EQ(kept.token, octets("token"));
  EXPECT_TRUE((*FileSessionStore::open(path))->take("a:443", 1'000).ticket.empty()) << "taken out on the disk too";
}

TEST_F(SessionFile, is_refused_if_others_can_read_it_or_if_it_is_something_else) {
  std::ofstream(path) << "a key of somebody's";
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  const auto open_to_all = FileSessionStore::open(path);
  ASSERT_FALSE(open_to_all.has_value());
  EXPECT_NE(open_to_all.error().message.find("chmod 600"), std::string::npos);
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  const auto key = FileSessionStore::open(path);
  ASSERT_FALSE(key.has_value()) << "it would be replaced";
  EXPECT_NE(key.error().message.find("name another file"), std::string::npos);
  EXPECT_FALSE(FileSessionStore::open(folder).has_value()) << "a folder";
  EXPECT_FALSE(FileSessionStore::open(folder + "/none/file").has_value());
  // One that was cut is one all the same.
  std::ofstream(path, std::ios::trunc) << "hawserS1xx";
  const auto store = FileSessionStore::open(path);
  ASSERT_TRUE(store.has_value());
  EXPECT_TRUE((*store)->take("a:443", 0).ticket.empty());
}

TEST_F(SessionFile, that_is_named_by_a_link_stays_behind_it) {
  const std::string link = path + ".link";
  ASSERT_EQ(symlink(path.c_str(), link.c_str()), 0);
  const auto store = FileSessionStore::open(link);
  ASSERT_TRUE(store.has_value());
  (*store)->put_ticket("a:443", octets("ticket"), octets("settings"), 2'000);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(unlink(link.c_str()), 0);
  EXPECT_EQ((*FileSessionStore::open(path))->take("a:443", 1'000).ticket, octets("ticket"));
}

TEST_F(SessionFile, loses_nothing_of_programs_that_write_at_once) {
  constexpr int kEach = 60;
  const auto fill = [this](char of) {
    auto store = FileSessionStore::open(path);
    ASSERT_TRUE(store.has_value());
    for (int i = 0; i < kEach; ++i)
      (*store)->put_ticket(of + std::to_string(i), octets("ticket"), octets("settings"), 5'000'000'000);
  };
  std::thread other(fill, 'a');
  fill('b');
  other.join();
  auto store = FileSessionStore::open(path);
  ASSERT_TRUE(store.has_value());
  for (int i = 0; i < kEach; ++i)
    for (const char of : {'a', 'b'})
      EXPECT_FALSE((*store)->take(of + std::to_string(i), 1'000).ticket.empty()) << of << i;
}

}  // namespace
}  // namespace hawser::http
