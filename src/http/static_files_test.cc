// static_files_test.cc: goal: each header rule of RFC 9110 that a file server keeps, and no
// way out of the root. Method: real files in a folder of its own; requests as values.
#include "http/static_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "http/http_date.h"

namespace hawser::http {
namespace {

// 2026-01-02 03:04:05 UTC
constexpr std::int64_t kModified = 1'767'323'045;
constexpr const char* kModifiedText = "Fri, 02 Jan 2026 03:04:05 GMT";

class StaticFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/hawser-static-XXXXXX";
    folder_ = mkdtemp(name);
    std::filesystem::create_directories(root() + "/sub/deep");
    std::filesystem::create_directories(root() + "/bare");
    write("a.txt", "0123456789");
    write("empty.bin", "");
    write("sub/index.html", "<p>index");
    write("with space.html", "space");
    write(".secret", "secret");
    write(".well-known/x", "known");
    write_outside("outside.txt", "outside");
    files_.emplace(StaticFiles::create({.root = root()}).value());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string root() const { return folder_ + "/root"; }
  void write(const std::string& name, std::string_view text) { write_file(root() + "/" + name, text); }
  void write_outside(const std::string& name, std::string_view text) { write_file(folder_ + "/" + name, text); }
  static void write_file(const std::string& path, std::string_view text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    const timespec times[2] = {{.tv_sec = kModified, .tv_nsec = 7}, {.tv_sec = kModified, .tv_nsec = 7}};
    utimensat(AT_FDCWD, path.c_str(), times, 0);
  }

  Response request(std::string_view method, std::string_view target, std::vector<Field> fields = {}) {
    return files_->answer(
        {.method = method, .scheme = "https", .authority = "localhost", .target = target, .fields = fields});
  }
  Response get(std::string_view target, std::vector<Field> fields = {}) {
    return request("GET", target, std::move(fields));
  }

  static std::string body_of(Response& response) {
    std::string text;
    while (response.body != nullptr) {
      auto chunk = response.body->next(64 * 1'024);
      if (!chunk) return "failed after " + text;
      text += as_text(chunk->bytes.view());
      if (chunk->last) response.body.reset();
    }
    return text;
  }
  static std::string field(const Response& response, std::string_view name) {
    for (const auto& [key, value] : response.fields)
      if (key == name) return value;
    return "(none)";
  }
  std::string etag() { return field(get("/a.txt"), "etag"); }

  std::string folder_;
  std::optional<StaticFiles> files_;
};

TEST_F(StaticFilesTest, get_sends_the_file_with_its_metadata) {
  Response response = get("/a.txt");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(field(response, "content-length"), "10");
  EXPECT_EQ(field(response, "content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(field(response, "last-modified"), kModifiedText);
  EXPECT_EQ(field(response, "accept-ranges"), "bytes");
  EXPECT_EQ(field(response, "etag").front(), '"');
  EXPECT_EQ(body_of(response), "0123456789");
}

TEST_F(StaticFilesTest, head_sends_the_same_fields_without_a_body) {
  const Response with_body = get("/a.txt");
  const Response head = request("HEAD", "/a.txt", {{"range", "bytes=0-1"}});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields, with_body.fields);
  EXPECT_EQ(head.body, nullptr);
}

TEST_F(StaticFilesTest, an_empty_file_has_no_body) {
  const Response response = get("/empty.bin");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(field(response, "content-length"), "0");
  EXPECT_EQ(response.body, nullptr);
}

TEST_F(StaticFilesTest, other_methods_get_405_with_allow) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get"}) {
    const Response response = request(method, "/a.txt");
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(field(response, "allow"), "GET, HEAD");
  }
}

TEST_F(StaticFilesTest, folders_lead_to_their_slash_and_index) {
  Response redirect = get("/sub?x=1");
  EXPECT_EQ(redirect.status, 301);
  EXPECT_EQ(field(redirect, "location"), "/sub/?x=1");
  Response index = get("/sub/");
  EXPECT_EQ(index.status, 200);
  EXPECT_EQ(field(index, "content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(body_of(index), "<p>index");
  EXPECT_EQ(get("/bare/").status, 404);
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/a.txt/").status, 404);
}

TEST_F(StaticFilesTest, a_redirect_never_leads_to_another_host) {
  EXPECT_EQ(field(get("//sub"), "location"), "/sub/");
  std::filesystem::create_directories(root() + "/evil.example");
  EXPECT_EQ(field(get("//evil.example"), "location"), "/evil.example/");
  std::filesystem::create_directories(root() + "/a\r\nb");
  EXPECT_EQ(field(get("/a%0D%0Ab"), "location"), "/a%0D%0Ab/");
}

TEST_F(StaticFilesTest, listings_are_shown_only_when_asked_for) {
  auto listing = StaticFiles::create({.root = root(), .listing = true}).value();
  Response response = listing.answer({.method = "GET", .scheme = {}, .authority = {}, .target = "/", .fields = {}});
  EXPECT_EQ(response.status, 200);
  const std::string page = body_of(response);
  EXPECT_NE(page.find("href=\"./with%20space.html\""), std::string::npos);
  EXPECT_NE(page.find("href=\"./sub/\""), std::string::npos);
  EXPECT_EQ(page.find("secret"), std::string::npos);
}

// Clients that do not read cost one page together. A folder of the system, since one that changed just now is made
// anew.
TEST(static_files, the_page_of_a_folder_is_made_once_while_it_stays_as_it_is) {
  auto files = StaticFiles::create({.root = "/usr/share", .listing = true}).value();
  const auto page = [&] {
    Response response = files.answer({.method = "GET", .scheme = {}, .authority = {}, .target = "/", .fields = {}});
    return response.body->next(1)->bytes;
  };
  const SharedBytes first = page();
  const SharedBytes second = page();
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first.data(), second.data());
}

Response list(StaticFiles& files, std::string_view target) {
  return files.answer({.method = "GET", .scheme = {}, .authority = {}, .target = target, .fields = {}});
}

// Pages that are kept for others count too, and go before they make memory short.
TEST(static_files, kept_pages_alone_leave_memory_ample) {
  const auto held = [](std::size_t octets_max, bool& kept) {
    auto files = StaticFiles::create({.root = "/usr/share", .listing = true, .body_memory_max = octets_max}).value();
    const SharedBytes page = list(files, "/").body->next(1)->bytes;
    kept = list(files, "/").body->next(1)->bytes.data() == page.data();
    EXPECT_EQ(files.is_short_of_memory(), octets_max == 8 * page.size()) << "while it is read";
    return page.size();
  };
  bool kept = false;
  const std::size_t size = held(1 << 30, kept);
  EXPECT_TRUE(kept);
  held(8 * size, kept);
  EXPECT_FALSE(kept);
  held(16 * size + 8, kept);
  EXPECT_TRUE(kept);
  auto files = StaticFiles::create({.root = "/usr/share", .listing = true, .body_memory_max = 8 * size}).value();
  ASSERT_EQ(list(files, "/").status, 200);
  EXPECT_FALSE(files.is_short_of_memory()) << "nobody has the page any more";
}

// Clients that ask for ever more folders, or for one that changes, and do not read.
TEST_F(StaticFilesTest, pages_of_folders_that_nobody_reads_are_bounded_like_bodies) {
  constexpr std::size_t kMax = std::size_t{1} << 20;
  std::filesystem::create_directories(root() + "/many");
  for (int i = 0; i < 500; ++i) write("many/" + std::to_string(i) + std::string(40, 'x'), "");
  auto files = StaticFiles::create({.root = root(), .listing = true, .body_memory_max = kMax}).value();
  std::vector<Response> unread;
  std::size_t octets = 0;
  while (unread.size() < 1'000) {
    Response response = list(files, "/many/");
    if (response.status == 503) break;
    octets += std::stoul(field(response, "content-length"));
    unread.push_back(std::move(response));
  }
  EXPECT_GE(octets, kMax);
  EXPECT_LT(octets, kMax + kMax / 8);
  EXPECT_EQ(files.refused_for_memory(), 1u);
  EXPECT_TRUE(files.is_short_of_memory());
  unread.clear();
  EXPECT_EQ(list(files, "/many/").status, 200);
  EXPECT_FALSE(files.is_short_of_memory());
}

TEST_F(StaticFilesTest, percent_encoding_is_decoded) {
  Response response = get("/with%20space.html?query");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(body_of(response), "space");
  EXPECT_EQ(get("/%61.txt").status, 200);
  for (const char* bad : {"/%", "/%6", "/%zz", "/a%00.txt", "/sub%2findex.html", "a.txt", "", "*"})
    EXPECT_EQ(get(bad).status, 400) << bad;
  EXPECT_EQ(get("/" + std::string(5'000, 'a')).status, 414);
}

TEST_F(StaticFilesTest, nothing_outside_the_root_is_served) {
  for (const char* target : {"/../outside.txt", "/%2e%2e/outside.txt", "/.%2E/outside.txt", "/sub/../../outside.txt",
                             "/sub/..%2f..%2foutside.txt", "/..", "/sub/%2e%2e"}) {
    EXPECT_EQ(get(target).status, 400) << target;
  }
  symlink("../outside.txt", (root() + "/link").c_str());
  symlink((folder_ + "/outside.txt").c_str(), (root() + "/absolute").c_str());
  symlink("..", (root() + "/up").c_str());
  symlink("/proc/self/root", (root() + "/magic").c_str());
  for (const char* target : {"/link", "/absolute", "/up/outside.txt", "/magic/etc/passwd"})
    EXPECT_EQ(get(target).status, 404) << target;
}

TEST_F(StaticFilesTest, links_that_stay_below_the_root_are_followed) {
  symlink("../a.txt", (root() + "/sub/inside").c_str());
  Response response = get("/sub/inside");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(body_of(response), "0123456789");
}

TEST_F(StaticFilesTest, hidden_names_are_not_served_unless_asked_for) {
  EXPECT_EQ(get("/.secret").status, 404);
  EXPECT_EQ(get("/%2esecret").status, 404);
  EXPECT_EQ(get("/.well-known/x").status, 200);
  auto open = StaticFiles::create({.root = root(), .hidden = true}).value();
  EXPECT_EQ(open.answer({.method = "GET", .scheme = {}, .authority = {}, .target = "/.secret", .fields = {}}).status,
            200);
}

TEST_F(StaticFilesTest, pipes_and_missing_files_are_not_found) {
  mkfifo((root() + "/pipe").c_str(), 0600);
  EXPECT_EQ(get("/pipe").status, 404);
  EXPECT_EQ(get("/missing").status, 404);
  EXPECT_EQ(get("/a.txt/more").status, 404);
  EXPECT_EQ(get("/" + std::string(300, 'n')).status, 404);
}

TEST_F(StaticFilesTest, one_range_is_a_206) {
  Response response = get("/a.txt", {{"range", "bytes=2-4"}});
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(field(response, "content-range"), "bytes 2-4/10");
  EXPECT_EQ(field(response, "content-length"), "3");
  EXPECT_EQ(body_of(response), "234");
  Response suffix = get("/a.txt", {{"range", "bytes=-3"}});
  EXPECT_EQ(body_of(suffix), "789");
  Response rest = get("/a.txt", {{"range", "bytes=8-"}});
  EXPECT_EQ(field(rest, "content-range"), "bytes 8-9/10");
}

TEST_F(StaticFilesTest, several_ranges_are_a_multipart) {
  Response response = get("/a.txt", {{"range", "bytes=0-1, 8-"}});
  EXPECT_EQ(response.status, 206);
  EXPECT_EQ(field(response, "content-range"), "(none)");
  const std::string type = field(response, "content-type");
  ASSERT_TRUE(type.starts_with("multipart/byteranges; boundary="));
  const std::string boundary = type.substr(type.find('=') + 1);
  const std::string length = field(response, "content-length");
  const std::string body = body_of(response);
  EXPECT_EQ(length, std::to_string(body.size()));
  EXPECT_EQ(body, "--" + boundary +
                      "\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes 0-1/10\r\n\r\n01\r\n--" +
                      boundary +
                      "\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes 8-9/10\r\n\r\n89\r\n--" +
                      boundary + "--\r\n");
}

TEST_F(StaticFilesTest, a_range_past_the_end_is_a_416) {
  const Response response = get("/a.txt", {{"range", "bytes=10-"}});
  EXPECT_EQ(response.status, 416);
  EXPECT_EQ(field(response, "content-range"), "bytes */10");
  EXPECT_EQ(get("/empty.bin", {{"range", "bytes=0-"}}).status, 416);
}

TEST_F(StaticFilesTest, if_range_decides_about_the_range) {
  EXPECT_EQ(get("/a.txt", {{"range", "bytes=0-1"}, {"if-range", etag()}}).status, 206);
  EXPECT_EQ(get("/a.txt", {{"range", "bytes=0-1"}, {"if-range", "\"other\""}}).status, 200);
  EXPECT_EQ(get("/a.txt", {{"range", "bytes=0-1"}, {"if-range", "W/" + etag()}}).status, 200);
  EXPECT_EQ(get("/a.txt", {{"range", "bytes=0-1"}, {"if-range", kModifiedText}}).status, 206);
  EXPECT_EQ(get("/a.txt", {{"range", "bytes=0-1"}, {"if-range", "Fri, 02 Jan 2026 03:04:06 GMT"}}).status, 200);
}

TEST_F(StaticFilesTest, if_none_match_gives_304_without_content_fields) {
  const Response response = get("/a.txt", {{"if-none-match", "\"x\", W/" + etag()}});
  EXPECT_EQ(response.status, 304);
  EXPECT_EQ(field(response, "etag"), etag());
  EXPECT_EQ(field(response, "content-length"), "(none)");
  EXPECT_EQ(response.body, nullptr);
  EXPECT_EQ(get("/a.txt", {{"if-none-match", "*"}}).status, 304);
  EXPECT_EQ(get("/a.txt", {{"if-none-match", "\"x\""}}).status, 200);
  EXPECT_EQ(get("/missing", {{"if-none-match", "*"}}).status, 404);
}

TEST_F(StaticFilesTest, if_modified_since_counts_only_without_if_none_match) {
  EXPECT_EQ(get("/a.txt", {{"if-modified-since", kModifiedText}}).status, 304);
  EXPECT_EQ(get("/a.txt", {{"if-modified-since", "Fri, 02 Jan 2026 03:04:04 GMT"}}).status, 200);
  EXPECT_EQ(get("/a.txt", {{"if-modified-since", "yesterday"}}).status, 200);
  EXPECT_EQ(get("/a.txt", {{"if-none-match", "\"x\""}, {"if-modified-since", kModifiedText}}).status, 200);
}

TEST_F(StaticFilesTest, if_match_and_if_unmodified_since_give_412) {
  EXPECT_EQ(get("/a.txt", {{"if-match", "\"x\""}}).status, 412);
  EXPECT_EQ(get("/a.txt", {{"if-match", "W/" + etag()}}).status, 412);
  EXPECT_EQ(get("/a.txt", {{"if-match", "\"x\", " + etag()}}).status, 200);
  EXPECT_EQ(get("/a.txt", {{"if-match", "*"}}).status, 200);
  EXPECT_EQ(get("/a.txt", {{"if-unmodified-since", "Fri, 02 Jan 2026 03:04:04 GMT"}}).status, 412);
  EXPECT_EQ(get("/a.txt", {{"if-unmodified-since", kModifiedText}}).status, 200);
  // RFC 9110 section 13.2.2: the tag outranks the date.
  EXPECT_EQ(get("/a.txt", {{"if-match", etag()}, {"if-unmodified-since", "Fri, 02 Jan 2026 03:04:04 GMT"}}).status,
            200);
}

TEST_F(StaticFilesTest, the_tag_changes_with_content_and_time) {
  const std::string before = etag();
  write("a.txt", "012345678");
  EXPECT_NE(etag(), before);
  write("a.txt", "9876543210");
  EXPECT_EQ(etag(), before);  // the same size and time: what the tag is made of
  std::ofstream(root() + "/a.txt") << "0123456789";
  EXPECT_NE(etag(), before);
}

TEST_F(StaticFilesTest, large_files_come_whole_in_chunks) {
  std::string content(3'000'000, ' ');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 + i / 4'096);
  write("large.bin", content);
  Response response = get("/large.bin");
  auto chunk = response.body->next(1 << 20);
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->bytes.size(), ChunkPool::kChunkSize);
  EXPECT_TRUE(std::string(as_text(chunk->bytes.view())) + body_of(response) == content);
}

TEST_F(StaticFilesTest, a_file_that_shrinks_under_way_fails_the_body) {
  write("shrinks.bin", std::string(1'000'000, 'x'));
  Response response = get("/shrinks.bin");
  ASSERT_TRUE(response.body->next(ChunkPool::kChunkSize));
  ASSERT_EQ(truncate((root() + "/shrinks.bin").c_str(), 300'000), 0);
  EXPECT_FALSE(response.body->next(ChunkPool::kChunkSize));
}

// Clients that do not read what they asked for: the less is read ahead for each, the more of them there are.
TEST_F(StaticFilesTest, bodies_hold_bounded_memory_however_many_there_are) {
  constexpr std::size_t kMax = std::size_t{32} << 20;
  auto files = StaticFiles::create({.root = root(), .body_memory_max = kMax}).value();
  const auto get = [&](std::string_view target) {
    return files.answer({.method = "GET", .scheme = "https", .authority = "localhost", .target = target, .fields = {}});
  };
  write("large.bin", std::string(3'000'000, 'x'));
  std::vector<Response> responses;
  std::vector<SharedBytes> held;
  std::size_t octets = 0;
  while (responses.size() < 100'000) {
    responses.push_back(get("/large.bin"));
    if (responses.back().status == 503) break;
    auto chunk = responses.back().body->next(wish_for(ChunkPool::kChunkSize));
    ASSERT_TRUE(chunk);
    octets += chunk->bytes.size();
    EXPECT_EQ(chunk->bytes.size(), octets <= kMax / ChunkPool::kAmplePart ? ChunkPool::kChunkSize : 16'384) << octets;
    held.push_back(std::move(chunk->bytes));
    responses.back() = {};  // its file is not what this is about
  }
  EXPECT_EQ(responses.back().status, 503);
  EXPECT_EQ(octets, kMax);
  EXPECT_TRUE(files.is_short_of_memory());
  EXPECT_EQ(files.refused_for_memory(), 1u);
  held.clear();
  EXPECT_EQ(get("/large.bin").status, 200);
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

// Clients that do not read hold no descriptor each.
TEST_F(StaticFilesTest, a_thousand_bodies_of_a_file_share_descriptors) {
  const std::string content(300'000, 'x');
  write("large.bin", content);
  const std::size_t before = open_descriptors();
  std::vector<Response> responses;
  for (int i = 0; i < 1'000; ++i) {
    responses.push_back(get("/large.bin"));
    ASSERT_EQ(responses.back().status, 200);
  }
  EXPECT_LE(open_descriptors() - before, OpenFiles::kUnshared + 1);
  EXPECT_TRUE(body_of(responses[10]) == content);
  EXPECT_TRUE(body_of(responses[990]) == content);
  // Another state of it is another file.
  write("large.bin", content + "y");
  responses.push_back(get("/large.bin"));
  EXPECT_TRUE(body_of(responses.back()) == content + "y");
  responses.clear();
  EXPECT_EQ(open_descriptors(), before);
}

// And cost neither a look at the folder nor an answer made anew, for as long as what is kept in memory may be older
// than its file: a second.
TEST_F(StaticFilesTest, where_descriptors_are_shared_a_file_is_looked_at_once_a_second) {
  WallClock clock{.second = std::time(nullptr) + 10, .date = "Fri, 02 Jan 2026 03:04:15 GMT"};
  const auto ask = [&](std::string_view method, std::vector<Field> fields = {}) {
    return files_->answer({.method = method,
                           .scheme = "https",
                           .authority = "localhost",
                           .target = "/link.bin?x",
                           .fields = fields,
                           .clock = clock});
  };
  write("large.bin", std::string(300'000, 'x'));
  write("next.bin", std::string(300'001, 'y'));
  symlink("large.bin", (root() + "/link.bin").c_str());
  std::vector<Response> held;
  for (std::size_t i = 0; i <= OpenFiles::kUnshared; ++i) held.push_back(ask("GET"));
  // Nothing of the file itself changes.
  std::filesystem::remove(root() + "/link.bin");
  symlink("next.bin", (root() + "/link.bin").c_str());
  Response again = ask("GET");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.fields, held[0].fields);
  EXPECT_EQ(body_of(again), std::string(300'000, 'x'));
  EXPECT_EQ(ask("HEAD").fields, held[0].fields);
  EXPECT_EQ(ask("HEAD").body, nullptr);
  EXPECT_EQ(ask("GET", {{"range", "bytes=0-1"}}).status, 206) << "that is another answer";
  ++clock.second;
  Response next = ask("GET");
  EXPECT_NE(field(next, "etag"), field(again, "etag"));
  EXPECT_EQ(body_of(next), std::string(300'001, 'y'));
}

TEST_F(StaticFilesTest, a_shared_file_that_is_written_into_is_answered_as_it_is_now) {
  const WallClock clock{.second = std::time(nullptr) + 10, .date = "Fri, 02 Jan 2026 03:04:15 GMT"};
  const auto ask = [&] {
    return files_->answer({.method = "GET",
                           .scheme = "https",
                           .authority = "localhost",
                           .target = "/large.bin",
                           .fields = {},
                           .clock = clock});
  };
  write("large.bin", std::string(300'000, 'x'));
  std::vector<Response> held;
  for (std::size_t i = 0; i <= OpenFiles::kUnshared; ++i) held.push_back(ask());
  for (const std::size_t size : {std::size_t{400'000}, std::size_t{200'000}}) {
    write("large.bin", std::string(size, 'y'));  // the same inode
    Response now = ask();
    EXPECT_EQ(field(now, "content-length"), std::to_string(size));
    EXPECT_NE(field(now, "etag"), field(held[0], "etag"));
    EXPECT_EQ(body_of(now), std::string(size, 'y'));
  }
}

TEST_F(StaticFilesTest, bodies_leave_descriptors_to_others) {
  auto files = StaticFiles::create({.root = root(), .open_files_max = 100}).value();
  std::vector<Response> responses;
  const auto get = [&](const std::string& target) {
    return files.answer({.method = "GET", .scheme = "https", .authority = "localhost", .target = target, .fields = {}});
  };
  for (int i = 0; i < 101; ++i) {
    write(std::to_string(i), std::string(300'000, 'x'));
    responses.push_back(get("/" + std::to_string(i)));
  }
  EXPECT_EQ(responses[99].status, 200);
  EXPECT_EQ(responses[100].status, 503);
  EXPECT_EQ(files.refused_for_memory(), 1u);
  EXPECT_TRUE(files.is_short_of_memory());
  // One that others are read from needs none of its own.
  EXPECT_EQ(get("/99").status, 200);
  responses.clear();
  EXPECT_EQ(get("/100").status, 200);
  EXPECT_FALSE(files.is_short_of_memory());
}

TEST_F(StaticFilesTest, a_missing_root_is_an_error_that_names_it) {
  const auto created = StaticFiles::create({.root = folder_ + "/none"});
  ASSERT_FALSE(created);
  EXPECT_NE(created.error().message.find("/none"), std::string::npos);
}

TEST(chunk_pool, gives_a_returned_chunk_out_again) {
  ChunkPool pool;
  auto memory = pool.take(ChunkPool::kChunkSize);
  const std::uint8_t* const address = memory.get();
  {
    const SharedBytes shared = pool.share(std::move(memory), ChunkPool::kChunkSize);
    const SharedBytes second = shared.part(2, 3);
    EXPECT_EQ(second.size(), 3u);
    EXPECT_EQ(pool.octets_out(), ChunkPool::kChunkSize);
  }
  EXPECT_EQ(pool.octets_out(), 0u);
  EXPECT_EQ(pool.take(ChunkPool::kChunkSize).get(), address);
}

}  // namespace
}  // namespace hawser::http
