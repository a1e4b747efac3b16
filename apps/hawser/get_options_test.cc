// get_options_test.cc: goal: options of `hawser get` mean what curl's mean, and wrong ones say
// what to write. Method: arguments as CLI11 hands them over, and texts with known forms.
#include "get_options.h"

#include <gtest/gtest.h>

#include <fstream>

#include "get_report.h"
#include "get_transfer.h"

namespace hawser::app {
namespace {

GetOptions read(GetArguments arguments) {
  auto options = read_get_options(std::move(arguments));
  if (!options) ADD_FAILURE() << options.error().message;
  return options ? *std::move(options) : GetOptions{};
}

int exit_code_of(GetArguments arguments) {
  const auto options = read_get_options(std::move(arguments));
  if (!options) EXPECT_FALSE(options.error().message.empty());
  return options ? 0 : options.error().exit_code;
}

std::string field(const GetOptions& options, std::string_view name) {
  for (const auto& [key, value] : options.fields)
    if (key == name) return value;
  return "(none)";
}

TEST(get_options, outputs_go_with_the_urls_in_order) {
  const GetOptions options = read({.urls = {"https://h/a", "h/b", "https://h/c"}, .outputs = {"1", "2"}});
  ASSERT_EQ(options.targets.size(), 3u);
  EXPECT_EQ(options.targets[0].output, "1");
  EXPECT_EQ(options.targets[1].output, "2");
  EXPECT_EQ(options.targets[2].output, "-");
}

TEST(get_options, remote_names_come_from_the_path) {
  const GetOptions options = read({.urls = {"https://h/x/a%20b?q"}, .remote_names = true, .output_folder = "/d"});
  EXPECT_EQ(options.targets[0].output, "/d/a b");
  EXPECT_EQ(exit_code_of({.urls = {"https://h/"}, .remote_names = true}), kGetWrite);
  // A server's name must not choose the folder.
  EXPECT_EQ(exit_code_of({.urls = {"https://h/..%2Fx"}, .remote_names = true}), kGetWrite);
  EXPECT_EQ(exit_code_of({.urls = {"https://h/.."}, .remote_names = true}), kGetWrite);
}

TEST(get_options, two_bodies_do_not_go_to_one_file) {
  EXPECT_EQ(exit_code_of({.urls = {"https://h/a/f", "https://h/b/f"}, .remote_names = true}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h/a", "h/b"}, .outputs = {"x", "./x"}}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h/a", "h/x"}, .outputs = {"x"}, .remote_names = true}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h/a", "h/a"}, .outputs = {"x", "y/x"}}), 0);
  EXPECT_EQ(exit_code_of({.urls = {"h/a", "h/b", "h/c", "h/d"}, .outputs = {"/dev/null", "/dev/null", "-", "-"}}), 0);
}

TEST(get_options, data_makes_a_post) {
  const std::string path = testing::TempDir() + "hawser_get_data";
  std::ofstream(path) << "x\ny\n";
  const GetOptions options = read({.urls = {"h"}, .data = {"a=1", "@" + path}, .binary = {"@" + path}});
  EXPECT_EQ(options.method, "POST");
  EXPECT_EQ(as_text(*options.body), "a=1&xy&x\ny\n");
  EXPECT_EQ(field(options, "content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(field(options, "content-length"), "11");
  EXPECT_EQ(read({.urls = {"h"}, .method = "PUT", .data = {"x"}}).method, "PUT");
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .data = {"@/no/such/file"}}), kGetRead);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .data = {"@" + testing::TempDir()}}), kGetRead);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .binary = {"@" + testing::TempDir()}}), kGetRead);
}

TEST(get_options, headers_replace_defaults_and_empty_ones_remove_them) {
  const GetOptions options =
      read({.urls = {"h"}, .headers = {"User-Agent: me", "Accept:", "X-A: 1", "X-A: 2", "X-Empty;"}});
  EXPECT_EQ(field(options, "user-agent"), "me");
  EXPECT_EQ(field(options, "accept"), "(none)");
  EXPECT_EQ(field(options, "x-empty"), "");
  EXPECT_EQ(std::count_if(options.fields.begin(), options.fields.end(), [](const auto& f) { return f.first == "x-a"; }),
            2);
  for (const char* bad : {"no colon", "Bad Name: x", "Host: x", ": x", "X: a\x01"})
    EXPECT_EQ(exit_code_of({.urls = {"h"}, .headers = {bad}}), kGetUsage) << bad;
}

TEST(get_options, wrong_use_has_the_exit_code_of_curl) {
  EXPECT_EQ(exit_code_of({}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"https://"}}), kGetUrl);
  // rfc9114:3.1.2-other-schemes
  EXPECT_EQ(exit_code_of({.urls = {"http://h/"}}), kGetProtocol);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .outputs = {"1", "2"}}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .continue_at = "-"}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .continue_at = "x"}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .continue_at = "5", .range = "1-"}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .tls_cipher = "rc4"}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .ipv4 = true, .ipv6 = true}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .congestion_control = "none"}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .head = true, .data = {"x"}}), kGetUsage);
  EXPECT_EQ(exit_code_of({.urls = {"h"}, .data = {"x"}, .hq = true}), kGetUsage);
}

TEST(get_options, pinned_names_are_read) {
  const PinnedName pinned = parse_pinned_name("Example.net:443:192.0.2.1,[2001:db8::1]").value();
  EXPECT_EQ(pinned.host, "example.net");
  ASSERT_EQ(pinned.addresses.size(), 2u);
  EXPECT_EQ(to_string(pinned.addresses[0]), "192.0.2.1:443");
  EXPECT_EQ(to_string(pinned.addresses[1]), "[2001:db8::1]:443");
  EXPECT_EQ(parse_pinned_name("[::1]:4433:127.0.0.1").value().host, "::1");
  for (const char* bad : {"", "h", "h:443", "h:443:", "h:x:1.2.3.4", "h:0:1.2.3.4", "h:443:name", ":443:1.2.3.4"})
    EXPECT_FALSE(parse_pinned_name(bad)) << bad;
}

TEST(get_report, write_out_replaces_what_it_knows) {
  const WriteOutValues values{.http_code = 7, .size_download = 1'000, .time_total = 0.5};
  EXPECT_EQ(format_write_out("%{http_code} %{speed_download} %{time_total}\\n100%% %{what} \\t\\q %", values),
            "007 2000 0.500000\n100% %{what} \t\\q %");
  EXPECT_EQ(format_write_out("%{http_code", values), "%{http_code");
}

TEST(get_report, amounts_and_times_are_short) {
  EXPECT_EQ(human_octets(0), "0 B");
  EXPECT_EQ(human_octets(999), "999 B");
  EXPECT_EQ(human_octets(1'500), "1.50 kB");
  EXPECT_EQ(human_octets(15'260'000), "15.3 MB");
  EXPECT_EQ(human_octets(999'900), "1.00 MB");
  EXPECT_EQ(human_time(65), "1:05");
  EXPECT_EQ(human_time(3'661), "1:01:01");
  EXPECT_EQ(human_time(-1), "--:--");
}

TEST(get_report, the_bar_tells_share_rate_and_what_is_left) {
  ProgressBar bar(Timestamp{0s});
  const std::string line = bar.line("f", 500'000, 1'000'000, Timestamp{1s}, 200);
  EXPECT_EQ(line, "f   50.0%  500 kB of 1.00 MB  500 kB/s  ETA 0:01");
  EXPECT_EQ(bar.line("f", 500'000, 1'000'000, Timestamp{2s}, 10).size(), 10u);
  ProgressBar unknown(Timestamp{0s});
  EXPECT_EQ(unknown.line("f", 500'000, 0, Timestamp{1s}, 200), "f  500 kB 500 kB/s");
}

TEST(get_transfer, content_range_is_read) {
  EXPECT_EQ(parse_content_range("bytes 5-9/20")->first, 5u);
  EXPECT_EQ(parse_content_range("bytes 5-9/20")->size, 20u);
  EXPECT_FALSE(parse_content_range("bytes 5-9/*")->size);
  EXPECT_FALSE(parse_content_range("bytes */20")->first);
  for (const char* bad : {"", "items 1-2/3", "bytes 1-2", "bytes x-2/3", "bytes 1-2/x"})
    EXPECT_FALSE(parse_content_range(bad)) << bad;
}

}  // namespace
}  // namespace hawser::app
