// Goal: files that are asked for often are answered from memory, never with a state that is over
// for more than a second, and within the limits. Method: a folder of real files, and seconds
// that the test chooses; they are ahead of the files' times, which nobody can set.
#include "http/file_cache.h"

#include <gtest/gtest.h>
#include <time.h>

#include <filesystem>
#include <fstream>

#include "http/static_files.h"

namespace hawser::http {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

class FileCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hawser-cache-XXXXXX";
    folder_ = mkdtemp(name);
    write("a.txt", "first");
    std::filesystem::create_directory(folder_ + "/sub");
    write("sub/index.html", "<p>index");
    second_ = ::time(nullptr) + 10;
    files_.emplace(StaticFiles::create({.root = folder_}).value());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << text;
  }
  Response ask(std::string_view target, FieldList fields = {}, std::string_view method = "GET") {
    return files_->answer({.method = method,
                           .scheme = "https",
                           .authority = "h",
                           .target = target,
                           .fields = fields,
                           .clock = {.second = second_, .date = kDate}});
  }
  // So often that it is kept if it may be.
  bool is_kept(std::string_view target) {
    for (std::uint32_t i = 0; i < kAskedBefore; ++i) (void)ask(target);
    return ask(target).kept != nullptr;
  }
  static std::string body_of(const KeptResponse* kept) {
    const auto& message = const_cast<KeptResponse*>(kept)->at({.second = 1, .date = kDate});
    return std::string(as_text(message.octets.view().last(message.body_size)));
  }

  std::string folder_;
  std::int64_t second_ = 0;
  std::optional<StaticFiles> files_;
};

TEST_F(FileCacheTest, a_file_is_kept_when_it_is_asked_for_again_and_again) {
  for (std::uint32_t i = 0; i < kAskedBefore; ++i) EXPECT_EQ(ask("/a.txt").kept, nullptr) << i;
  const Response response = ask("/a.txt");
  ASSERT_NE(response.kept, nullptr);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(body_of(response.kept), "first");
  EXPECT_EQ(ask("/a.txt?query").kept, response.kept);
  EXPECT_EQ(ask("/a.txt", {}, "HEAD").kept, response.kept);
  EXPECT_EQ(ask("/sub/").kept, nullptr);
  EXPECT_TRUE(is_kept("/sub/"));
}

TEST_F(FileCacheTest, requests_in_different_seconds_keep_nothing) {
  for (int i = 0; i < 20; ++i, ++second_) EXPECT_EQ(ask("/a.txt").kept, nullptr);
}

TEST_F(FileCacheTest, conditions_and_ranges_are_judged_by_the_file) {
  ASSERT_TRUE(is_kept("/a.txt"));
  EXPECT_EQ(ask("/a.txt", http3::fields_of({{"range", "bytes=0-1"}})).status, 206);
  EXPECT_EQ(ask("/a.txt", http3::fields_of({{"if-none-match", "*"}})).status, 304);
  EXPECT_EQ(ask("/a.txt", {}, "POST").status, 405);
}

TEST_F(FileCacheTest, requests_without_a_time_are_answered_from_the_file) {
  ASSERT_TRUE(is_kept("/a.txt"));
  second_ = 0;
  EXPECT_EQ(ask("/a.txt").kept, nullptr);
}

TEST_F(FileCacheTest, a_change_is_seen_in_the_next_second) {
  ASSERT_TRUE(is_kept("/a.txt"));
  write("a.txt", "other");  // as long as before
  ++second_;
  const Response changed = ask("/a.txt");
  EXPECT_EQ(changed.kept, nullptr);
  EXPECT_EQ(as_text(changed.body->next(100)->bytes.view()), "other");
  ASSERT_TRUE(is_kept("/a.txt"));
  EXPECT_EQ(body_of(ask("/a.txt").kept), "other");
}

TEST_F(FileCacheTest, a_removed_file_is_gone_in_the_next_second) {
  ASSERT_TRUE(is_kept("/a.txt"));
  std::filesystem::remove(folder_ + "/a.txt");
  ++second_;
  EXPECT_EQ(ask("/a.txt").status, 404);
}

TEST_F(FileCacheTest, a_file_renamed_over_it_is_seen_although_its_times_are_older) {
  write("b.txt", "newer");
  std::filesystem::last_write_time(folder_ + "/b.txt", std::filesystem::last_write_time(folder_ + "/a.txt"));
  ASSERT_TRUE(is_kept("/a.txt"));
  std::filesystem::rename(folder_ + "/b.txt", folder_ + "/a.txt");
  ++second_;
  EXPECT_EQ(as_text(ask("/a.txt").body->next(100)->bytes.view()), "newer");
}

TEST_F(FileCacheTest, a_file_that_has_just_changed_is_not_kept) {
  second_ = ::time(nullptr);
  write("a.txt", "again");
  EXPECT_FALSE(is_kept("/a.txt"));
  second_ += kUnchangedFor + 1;
  EXPECT_TRUE(is_kept("/a.txt"));
}

TEST_F(FileCacheTest, only_small_files_are_kept) {
  write("limit", std::string(kKeptFileMax, 'x'));
  write("large", std::string(kKeptFileMax + 1, 'x'));
  EXPECT_TRUE(is_kept("/limit"));
  EXPECT_FALSE(is_kept("/large"));
}

TEST_F(FileCacheTest, at_most_so_many_and_the_ones_nobody_asks_for_go_first) {
  const FileTree tree = FileTree::open(folder_).value();
  const OpenedFile file = tree.open_file("a.txt").value();
  FileCache cache({1, 2});
  const auto response = [] { return std::make_unique<KeptResponse>(200, FieldList{}, as_bytes("x")); };
  const auto name = [](std::size_t i) { return "/" + std::to_string(i); };
  for (std::size_t i = 0; i < kKeptFilesMax; ++i)
    ASSERT_NE(cache.keep(name(i), 100, "a.txt", file, response()), nullptr);
  EXPECT_EQ(cache.keep("/more", 101, "a.txt", file, response()), nullptr) << "all were asked for a second ago";
  for (std::size_t i = 0; i + 1 < kKeptFilesMax; ++i) EXPECT_NE(cache.find(name(i), 102, tree), nullptr) << i;
  EXPECT_NE(cache.keep("/more", 102, "a.txt", file, response()), nullptr);
  EXPECT_EQ(cache.size(), kKeptFilesMax);
  EXPECT_EQ(cache.find(name(kKeptFilesMax - 1), 102, tree), nullptr);
  EXPECT_NE(cache.find("/more", 102, tree), nullptr);
  EXPECT_LT(cache.memory(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace hawser::http
