// text_formats_test.cc: goal: dates, URLs, media types and log lines as their standards write
// them. Method: known pairs of text and meaning, round trips, and texts that must be refused.
#include <gtest/gtest.h>

#include "http/access_log.h"
#include "http/http_date.h"
#include "http/media_types.h"
#include "http/message.h"
#include "http/url.h"

namespace hawser::http {
namespace {

TEST(http_date, reads_all_three_formats) {
  // The example of RFC 9110 section 5.6.7.
  for (const char* text :
       {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(parse_http_date(text), 784'111'777) << text;
  }
  EXPECT_EQ(parse_http_date("Thu Jan 01 00:00:00 1970"), 0);
}

TEST(http_date, writes_what_it_reads) {
  EXPECT_EQ(format_http_date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const std::int64_t time : {0L, 951'782'400L, 1'709'164'800L, 4'102'444'799L})
    EXPECT_EQ(parse_http_date(format_http_date(time)), time);
}

TEST(http_date, refuses_what_is_no_date) {
  for (const char* text : {"", "today", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:49:37", "784111777", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

TEST(url, is_taken_apart_and_put_together) {
  const Url url = parse_url("HTTPS://Example.NET:8443/a/b%20c?q=1#part").value();
  EXPECT_EQ(url, (Url{.scheme = "https", .host = "example.net", .port = 8443, .target = "/a/b%20c?q=1"}));
  EXPECT_EQ(url.authority(), "example.net:8443");
  EXPECT_EQ(url.to_string(), "https://example.net:8443/a/b%20c?q=1");
  EXPECT_EQ(url.file_name(), "b c");
  EXPECT_EQ(parse_url("example.net").value(),
            (Url{.scheme = "https", .host = "example.net", .port = 443, .target = "/"}));
  EXPECT_EQ(parse_url("https://example.net:443/").value().authority(), "example.net");
  EXPECT_EQ(parse_url("https://example.net?x").value().target, "/?x");
  EXPECT_EQ(parse_url("http://example.net:/").value().port, 80);
}

TEST(url, ipv6_addresses_keep_their_brackets_outside) {
  const Url url = parse_url("https://[::1]:4433/x").value();
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.authority(), "[::1]:4433");
  EXPECT_EQ(parse_url("https://[::1]/").value().authority(), "[::1]");
}

TEST(url, octets_that_no_url_holds_are_encoded) {
  EXPECT_EQ(parse_url("https://h/a b\"\xc3\xa9").value().target, "/a%20b%22%C3%A9");
  EXPECT_EQ(parse_url("https://h/%41%2f").value().target, "/%41%2f");
}

TEST(url, wrong_ones_are_refused_with_a_reason) {
  for (const char* text :
       {"", "https://", "ftp://h/", "https://h:0/", "https://h:65536/", "https://h:x/", "https://[::1", "https://[h]/",
        "https://[::1]x/", "https://user@h/", "https://h h/", "https://h\n/"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_FALSE(url.error().message.empty());
  }
  EXPECT_TRUE(parse_url("https://h/" + std::string(kUrlMax - 10, 'a')));
  EXPECT_FALSE(parse_url("https://h/" + std::string(kUrlMax - 9, 'a')));
}

TEST(url, references_are_resolved_as_rfc_3986_has_it) {
  // Section 5.4, with a base of ours.
  const Url base = parse_url("https://a/b/c/d?q").value();
  const std::vector<std::pair<std::string, std::string>> cases{
      {"g", "https://a/b/c/g"},      {"./g", "https://a/b/c/g"},
      {"g/", "https://a/b/c/g/"},    {"/g", "https://a/g"},
      {"//g", "https://g/"},         {"?y", "https://a/b/c/d?y"},
      {"g?y", "https://a/b/c/g?y"},  {"#s", "https://a/b/c/d?q"},
      {"g#s", "https://a/b/c/g"},    {"", "https://a/b/c/d?q"},
      {".", "https://a/b/c/"},       {"./", "https://a/b/c/"},
      {"..", "https://a/b/"},        {"../", "https://a/b/"},
      {"../g", "https://a/b/g"},     {"../..", "https://a/"},
      {"../../g", "https://a/g"},    {"../../../g", "https://a/g"},
      {"/./g", "https://a/g"},       {"/../g", "https://a/g"},
      {"g.", "https://a/b/c/g."},    {"..g", "https://a/b/c/..g"},
      {"./../g", "https://a/b/g"},   {"g/./h", "https://a/b/c/g/h"},
      {"g/../h", "https://a/b/c/h"}, {"http://b:8080/x", "http://b:8080/x"}};
  for (const auto& [reference, expected] : cases) {
    const auto resolved = resolve_reference(base, reference);
    ASSERT_TRUE(resolved) << reference;
    EXPECT_EQ(resolved->to_string(), expected) << reference;
  }
  EXPECT_FALSE(resolve_reference(base, "mailto:x"));
}

TEST(media_types, follow_the_extension) {
  EXPECT_EQ(media_type_of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type_of("a/b/PHOTO.JPG"), "image/jpeg");
  EXPECT_EQ(media_type_of("x.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type_of("app.wasm"), "application/wasm");
  for (const char* name : {"Makefile", "x.", "x.unknown", ".", "", "x.averyveryverylongextension"}) {
    EXPECT_EQ(media_type_of(name), "application/octet-stream") << name;
  }
}

TEST(access_log, writes_the_combined_format) {
  std::string line;
  AccessLine().append(line,
                      {.peer = ipv4_address({192, 0, 2, 7}, 999),
                       .method = "GET",
                       .target = "/x",
                       .protocol = "HTTP/3",
                       .status = 200,
                       .body_octets = 512,
                       .referer = {},
                       .user_agent = "curl/8.5",
                       .duration = 12ms},
                      784'111'777);
  EXPECT_EQ(line, "192.0.2.7 - - [06/Nov/1994:08:49:37 +0000] \"GET /x HTTP/3\" 200 512 \"-\" \"curl/8.5\" 0.012000\n");
}

TEST(access_log, a_client_cannot_forge_a_line) {
  std::string line;
  AccessLine().append(line, {.method = "GET", .target = "/\"\n\\", .protocol = "HTTP/3", .user_agent = "a\r\x7f"}, 0);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  EXPECT_NE(line.find("/\\x22\\x0A\\x5C"), std::string::npos);
  EXPECT_NE(line.find("\"a\\x0D\\x7F\""), std::string::npos);
}

TEST(message, errors_have_a_page_that_says_their_length) {
  Response response = error_page(404, "more");
  EXPECT_EQ(response.status, 404);
  const auto chunk = response.body->next(1);
  ASSERT_TRUE(chunk && chunk->last);
  EXPECT_EQ(response.fields[1].second, std::to_string(chunk->bytes.size()));
  EXPECT_NE(as_text(chunk->bytes.view()).find("404 Not Found"), std::string_view::npos);
}

}  // namespace
}  // namespace hawser::http
