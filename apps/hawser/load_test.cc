// load_test.cc: goal: the words of `hawser load` mean what they say, wrong ones are told what to
// write instead, and the arithmetic of shares and schedules is exact.
// Method: options read without a network, values at the edges.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>

#include "load_command.h"
#include "load_options.h"
#include "load_plan.h"
#include "load_report.h"

namespace hawser::load {
namespace {

LoadArguments arguments_for(std::vector<std::string> urls = {"https://h.example/a"}) {
  LoadArguments arguments;
  arguments.urls = std::move(urls);
  return arguments;
}

std::string complaint_about(LoadArguments arguments) {
  const auto options = read_load_options(std::move(arguments));
  return options ? "" : options.error().message;
}

std::string write_file(const std::string& name, std::string_view text) {
  const std::string path = testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(load_options, times_take_the_units_of_h2load) {
  EXPECT_EQ(parse_duration("10").value(), 10s);
  EXPECT_EQ(parse_duration("10s").value(), 10s);
  EXPECT_EQ(parse_duration("500ms").value(), 500ms);
  EXPECT_EQ(parse_duration("2m").value(), 2min);
  EXPECT_EQ(parse_duration("1h").value(), 1h);
  EXPECT_EQ(parse_duration("0.25").value(), 250ms);
  for (const char* text : {"", "s", "10x", "-1", "1 s", "nan", "1e3", "100000000h"})
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
}

TEST(load_options, a_url_alone_is_one_request) {
  const LoadOptions options = read_load_options(arguments_for()).value();
  EXPECT_EQ(options.requests, 1u);
  EXPECT_EQ(options.duration, Duration{0});
  EXPECT_EQ(options.rate, 0);
  EXPECT_EQ(options.connect_host, "h.example");
  EXPECT_EQ(options.connect_port, 443);
  ASSERT_EQ(options.heads.size(), 1u);
  EXPECT_FALSE(options.heads[0].is_head());
}

TEST(load_options, urls_come_from_a_file_too) {
  LoadArguments arguments = arguments_for();
  arguments.uri_file = write_file("load_urls", "# a list\n/b\r\n\nhttps://h.example/c?d\n");
  EXPECT_EQ(read_load_options(arguments).value().heads.size(), 3u);
  arguments.urls.clear();
  EXPECT_NE(complaint_about(arguments), "") << "a path alone needs a host before it";
}

TEST(load_options, a_body_makes_it_a_post) {
  LoadArguments arguments = arguments_for();
  arguments.data_file = write_file("load_body", "abc");
  arguments.headers = {"content-type: text/plain"};
  const LoadOptions options = read_load_options(arguments).value();
  EXPECT_EQ(options.body.size(), 3u);
  // The encoded head says so by entries of the static table: POST is number 20.
  const Bytes frame = options.heads[0].frame();
  EXPECT_NE(std::ranges::find(frame, std::uint8_t{0xc0 | 20}), frame.end());
}

TEST(load_options, rps_is_for_each_connection) {
  LoadArguments arguments = arguments_for();
  arguments.connections = 10;
  arguments.requests = 100;
  arguments.rate_per_client = 20;
  EXPECT_EQ(read_load_options(arguments).value().rate, 200);
}

TEST(load_options, wrong_use_says_what_to_write) {
  struct Case {
    void (*spoil)(LoadArguments&);
    const char* words;
  };
  const Case cases[] = {
      {[](LoadArguments& a) { a.urls.clear(); }, "https://HOST/PATH"},
      {[](LoadArguments& a) { a.urls = {"http://h.example/"}; }, "https://h.example/"},
      {[](LoadArguments& a) { a.urls = {"https://a.example/", "https://b.example/"}; }, "--connect-to"},
      {[](LoadArguments& a) { a.duration = "ten"; }, "ms, s, m or h"},
      {[](LoadArguments& a) { a.duration = "0"; }, "-n REQUESTS"},
      {[](LoadArguments& a) { a.duration = "1", a.requests = 5; }, "leave one of them out"},
      {[](LoadArguments& a) { a.warm_up = "1", a.requests = 5; }, "-D SECONDS"},
      {[](LoadArguments& a) { a.rate = 1, a.rate_per_client = 1; }, "--rps"},
      {[](LoadArguments& a) { a.rate = -1; }, "above 0"},
      {[](LoadArguments& a) { a.connections = 0; }, "-c and -m"},
      {[](LoadArguments& a) { a.connections = 2'000, a.streams = 1'000, a.duration = "1"; }, "less of one"},
      {[](LoadArguments& a) { a.common.workers = 2; }, "-t 2"},
      {[](LoadArguments& a) { a.connections = 4, a.requests = 3; }, "-n 3"},
      {[](LoadArguments& a) { a.timeout = "0"; }, "--timeout"},
      {[](LoadArguments& a) { a.connect_to = ":1"; }, "HOST:PORT"},
      {[](LoadArguments& a) { a.data_file = "/no/such"; }, "/no/such"},
      {[](LoadArguments& a) { a.uri_file = "/no/such"; }, "-i /no/such"},
      {[](LoadArguments& a) { a.headers = {"no colon"}; }, "Name: value"},
      {[](LoadArguments& a) { a.headers = {"connection: close"}; }, "connection-specific"},
      {[](LoadArguments& a) { a.method = "CONNECT"; }, "CONNECT"},
      {[](LoadArguments& a) { a.common.congestion_control = "none"; }, "cubic"},
      {[](LoadArguments& a) { a.early_data = true; }, "--requests-per-connection"},
      {[](LoadArguments& a) { a.early_data = true, a.requests_per_connection = 1, a.method = "PUT"; }, "come twice"},
  };
  for (const Case& c : cases) {
    LoadArguments arguments = arguments_for();
    c.spoil(arguments);
    const std::string complaint = complaint_about(arguments);
    EXPECT_NE(complaint.find(c.words), std::string::npos) << c.words << ": " << complaint;
  }
}

TEST(load_options, a_folder_is_no_file) {
  LoadArguments body = arguments_for();
  body.data_file = testing::TempDir();
  EXPECT_EQ(complaint_about(body), "-d " + testing::TempDir() + ": Is a directory");
  LoadArguments urls = arguments_for();
  urls.uri_file = testing::TempDir();
  EXPECT_EQ(complaint_about(urls), "-i " + testing::TempDir() + ": Is a directory");
}

TEST(load_command, takes_the_words_of_h2load) {
  CLI::App app;
  int exit_code = 0;
  app::add_load_command(app, exit_code);
  std::vector<std::string> words{"load", "-n", "3", "-c", "4",    "-m",
                                 "5",    "-t", "1", "-H", "a: b", "https://h.example/"};
  std::reverse(words.begin(), words.end());  // as CLI11 wants a vector
  testing::internal::CaptureStderr();
  app.parse(words);
  EXPECT_EQ(exit_code, 2);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("-n 3 requests for -c 4 connections"), std::string::npos);
}

TEST(load_command, cpus_do_not_swallow_the_url_behind_them) {
  CLI::App app;
  int exit_code = 0;
  app::add_load_command(app, exit_code);
  testing::internal::CaptureStderr();
  EXPECT_NO_THROW(app.parse("load -n 3 -c 4 --cpu 0,1 https://h.example/"));
  EXPECT_EQ(exit_code, 2);
  // The complaint is about the numbers, so the URL was seen.
  EXPECT_NE(testing::internal::GetCapturedStderr().find("-n 3 requests for -c 4 connections"), std::string::npos);
}

TEST(load_plan, shares_add_up_and_differ_by_one_at_most) {
  for (const std::uint64_t total : {0u, 1u, 7u, 100u, 1'000'003u}) {
    for (const std::size_t parts : {1u, 2u, 7u, 64u}) {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < parts; ++i) {
        sum += share_of(total, parts, i);
        EXPECT_LE(share_of(total, parts, 0) - share_of(total, parts, i), 1u);
      }
      EXPECT_EQ(sum, total);
    }
  }
}

TEST(load_plan, a_schedule_does_not_drift) {
  const Timestamp begin{5s};
  const Schedule schedule(begin, 300'000);
  EXPECT_EQ(schedule.due(0), begin);
  EXPECT_EQ(schedule.due(300'000), begin + 1s);
  // An hour later it is right to a microsecond.
  EXPECT_LE(std::chrono::abs(schedule.due(3'600ull * 300'000) - (begin + 1h)), 1us);
}

TEST(load_plan, a_window_has_its_first_moment_and_not_its_last) {
  const Window window{.begin = Timestamp{1s}, .measure_from = Timestamp{2s}, .end = Timestamp{3s}};
  EXPECT_FALSE(window.contains(Timestamp{2s} - 1ns));
  EXPECT_TRUE(window.contains(Timestamp{2s}));
  EXPECT_FALSE(window.contains(Timestamp{3s}));
}

TEST(load_report, keys_of_the_json_are_the_ones_that_programs_read) {
  const LoadOptions options = read_load_options(arguments_for()).value();
  Outcome outcome{.seconds = 2};
  outcome.stats.requests_succeeded = 10;
  outcome.stats.requests_errored = 1;
  outcome.connections_failed = 1;
  outcome.stats.latencies.add(1ms);
  const std::string json = to_json(options, outcome);
  for (const char* text :
       {"\"requests_per_second\": 5.5,", "\"errors\": 2,", "\"cpu_seconds\": 0,", "\"latency_p50_seconds\": 0.001,",
        "\"latency_p999_seconds\": 0.001,", "\"latency_max_seconds\": 0.001}", "\"loop\": \"closed\""})
    EXPECT_NE(json.find(text), std::string::npos) << text << " in " << json;
}

}  // namespace
}  // namespace hawser::load
