// load_accounting_test.cc: goal: `hawser load` accounts for every request exactly, and an open
// loop shows a server's stall in every request that was due meanwhile.
// Method: its connections against our server, in memory and in virtual time.
#include <gtest/gtest.h>

#include "memory_http.h"

namespace hawser::load {
namespace {

constexpr std::string_view kText = "0123456789";

class Texts final : public http::RequestHandler {
 public:
  http::Response answer(const http::Request& request) override {
    ++answered;
    answered_early += request.early ? 1 : 0;
    http::Response response{.status = request.target == "/none" ? std::uint16_t{404} : std::uint16_t{200},
                            .fields = {{"content-length", std::to_string(kText.size())}},
                            .body = nullptr};
    response.body = std::make_unique<http::MemoryBody>(SharedBytes(as_bytes(kText), nullptr));
    return response;
  }
  std::uint64_t answered = 0;
  std::uint64_t answered_early = 0;
};

LoadOptions options_for(std::size_t streams, std::vector<std::string> urls = {"https://localhost/text"}) {
  LoadArguments arguments;
  arguments.urls = std::move(urls);
  arguments.streams = streams;
  return read_load_options(std::move(arguments)).value();
}

TEST(load, every_request_of_a_share_is_sent_and_counted_once) {
  const LoadOptions options = options_for(7, {"https://localhost/text", "https://localhost/none"});
  Texts handler;
  MemoryHttp http(options, handler);
  http.add_connection({.requests = 100});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  ASSERT_TRUE(http.run([&] { return http.progress.connections_idle.value() == 1; }));
  EXPECT_EQ(handler.answered, 100u);
  EXPECT_EQ(http.stats.requests_started, 100u);
  EXPECT_EQ(http.stats.requests_done(), 100u);
  EXPECT_EQ(http.stats.statuses[1], 50u);
  EXPECT_EQ(http.stats.statuses[3], 50u);
  EXPECT_EQ(http.stats.requests_failed(), 50u);
  EXPECT_EQ(http.stats.body_octets, 100 * kText.size());
  EXPECT_EQ(http.stats.latencies.count(), 100u);
  EXPECT_EQ(http.stats.handshakes.count(), 1u);
}

// 1,000 requests a second for a second; from 300 ms on the server does nothing for 400 ms. One
// that waits for its answers would have noticed it in one request.
TEST(load, open_loop_latencies_include_a_stall) {
  const LoadOptions options = options_for(1);
  Texts handler;
  MemoryHttp http(options, handler);
  http.add_connection({.open_loop = true});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  const Timestamp begin = http.now;
  http.start({.begin = begin, .measure_from = begin, .end = begin + 1s}, 1'000);
  ASSERT_TRUE(http.run([&] { return http.now >= begin + 300ms; }));
  http.server_stalls_until = begin + 700ms;
  ASSERT_TRUE(http.run([&] { return http.progress.connections_idle.value() == 1; }));
  EXPECT_EQ(http.stats.requests_started, 1'000u);
  EXPECT_EQ(http.stats.requests_succeeded, 1'000u);
  EXPECT_EQ(http.stats.requests_unanswered, 0u);
  // 400 requests fell due in the stall, waiting 400 ms down to nothing, and then their backlog,
  // which one stream works off at a round trip of 200 us each.
  EXPECT_GE(http.stats.latencies.most(), 400ms);
  std::size_t late = 0;
  for (int permille = 1; permille <= 1'000; ++permille)
    late += http.stats.latencies.percentile(permille / 1'000.0) > 10ms ? 1 : 0;
  EXPECT_GE(late, 380u);
  EXPECT_LE(late, 520u);
}

TEST(load, closed_loop_hides_the_same_stall) {
  const LoadOptions options = options_for(1);
  Texts handler;
  MemoryHttp http(options, handler);
  http.add_connection({});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  const Timestamp begin = http.now;
  http.start({.begin = begin, .measure_from = begin, .end = begin + 1s}, 0);
  ASSERT_TRUE(http.run([&] { return http.now >= begin + 300ms; }));
  http.server_stalls_until = begin + 700ms;
  ASSERT_TRUE(http.run([&] { return http.progress.connections_idle.value() == 1; }));
  EXPECT_GE(http.stats.latencies.most(), 399ms);
  EXPECT_LE(http.stats.latencies.percentile(0.999), 10ms);
}

TEST(load, warm_up_and_what_ends_too_late_do_not_count) {
  const LoadOptions options = options_for(4);
  Texts handler;
  MemoryHttp http(options, handler);
  http.add_connection({});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  const Timestamp begin = http.now;
  http.start({.begin = begin, .measure_from = begin + 100ms, .end = begin + 200ms}, 0);
  ASSERT_TRUE(http.run([&] { return http.progress.connections_idle.value() == 1; }));
  EXPECT_GT(http.stats.requests_done(), 0u);
  EXPECT_LT(http.stats.requests_done(), handler.answered * 6 / 10);
  EXPECT_EQ(http.stats.requests_failed(), 0u);
}

TEST(load, requests_that_take_too_long_are_given_up) {
  const LoadOptions options = options_for(3);
  Texts handler;
  MemoryHttp http(options, handler);
  LoadConnection& connection = http.add_connection({.requests = 3});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  http.server_stalls_until = http.now + 60s;
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  EXPECT_FALSE(connection.give_up_late(http.now + options.timeout - 1ns));
  EXPECT_TRUE(connection.give_up_late(http.now + options.timeout));
  EXPECT_EQ(http.stats.requests_timed_out, 3u);
  EXPECT_EQ(http.stats.requests_done(), 3u);
  EXPECT_EQ(http.stats.latencies.count(), 0u);
  EXPECT_EQ(http.progress.connections_idle.value(), 1u);
}

TEST(load, a_server_that_goes_away_is_connected_to_again) {
  const LoadOptions options = options_for(2);
  Texts handler;
  MemoryHttp http(options, handler);
  http.add_connection({.requests = 50});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  ASSERT_TRUE(http.run([&] { return handler.answered >= 20; }));
  http.go_away();
  ASSERT_TRUE(http.run([&] { return http.progress.connections_idle.value() == 1; }));
  EXPECT_EQ(http.stats.requests_succeeded, 50u);
  EXPECT_EQ(http.stats.reconnects, 1u);
  EXPECT_EQ(http.stats.requests_failed(), 0u);
}

// Each of 20 connections has five requests, two at a time: the first handshake is whole, 19 resume it, and the two
// requests that fit before the answer go in 0-RTT.
TEST(load, connections_that_are_made_anew_send_their_first_requests_in_0rtt) {
  LoadOptions options = options_for(2);
  options.arguments.requests_per_connection = 5;
  options.arguments.early_data = true;
  Texts handler;
  MemoryHttp http(options, handler);
  http.add_connection({.requests = 100});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  ASSERT_TRUE(http.run([&] { return http.progress.connections_idle.value() == 1; }));
  EXPECT_EQ(handler.answered, 100u);
  EXPECT_GE(handler.answered_early, 38u);
  EXPECT_EQ(http.stats.requests_succeeded, 100u);
  EXPECT_EQ(http.stats.requests_failed(), 0u);
  EXPECT_EQ(http.stats.connections_renewed, 19u);
  EXPECT_EQ(http.stats.reconnects, 0u);
  EXPECT_EQ(http.stats.handshakes.count(), 20u);
  EXPECT_EQ(http.stats.connections_resumed, 19u);
  EXPECT_EQ(http.stats.early_accepted, 19u);
  EXPECT_EQ(http.stats.early_rejected, 0u);
  EXPECT_EQ(http.stats.early_requests, 38u);
}

TEST(load, one_request_in_0rtt_waits_for_the_ticket_of_the_next) {
  LoadOptions options = options_for(1);
  options.arguments.requests_per_connection = 1;
  options.arguments.early_data = true;
  Texts handler;
  MemoryHttp http(options, handler);
  http.add_connection({.requests = 10});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  ASSERT_TRUE(http.run([&] { return http.progress.connections_idle.value() == 1; }));
  EXPECT_EQ(http.stats.requests_succeeded, 10u);
  EXPECT_EQ(http.stats.connections_renewed, 9u);
  EXPECT_EQ(http.stats.early_accepted, 9u);
  EXPECT_EQ(http.stats.early_requests, 9u);
}

TEST(load, connections_without_early_data_are_made_anew_with_whole_handshakes) {
  LoadOptions options = options_for(1);
  options.arguments.requests_per_connection = 2;
  Texts handler;
  MemoryHttp http(options, handler);
  http.add_connection({.requests = 9});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  ASSERT_TRUE(http.run([&] { return http.progress.connections_idle.value() == 1; }));
  EXPECT_EQ(http.stats.requests_succeeded, 9u);
  EXPECT_EQ(http.stats.connections_renewed, 4u);
  EXPECT_EQ(http.stats.connections_resumed, 0u);
  EXPECT_EQ(http.stats.early_requests, 0u);
  EXPECT_EQ(handler.answered_early, 0u);
}

TEST(load, a_server_without_tickets_is_told_and_not_waited_for_without_end) {
  LoadOptions options = options_for(1);
  options.arguments.requests_per_connection = 1;
  options.arguments.early_data = true;
  Texts handler;
  MemoryHttp http(options, handler, nullptr, 0);
  LoadConnection& connection = http.add_connection({.requests = 3});
  ASSERT_TRUE(http.run([&] { return http.progress.connections_ready.value() == 1; }));
  http.start({.begin = http.now, .measure_from = http.now}, 0);
  ASSERT_TRUE(http.run([&] { return http.stats.requests_succeeded == 1; }));
  EXPECT_FALSE(connection.give_up_late(http.now + options.timeout - 1ns));
  EXPECT_TRUE(connection.give_up_late(http.now + options.timeout));
  EXPECT_NE(http.stats.failure.find("no session tickets"), std::string::npos);
  EXPECT_EQ(http.progress.connections_failed.value(), 1u);
  EXPECT_EQ(http.stats.requests_errored, 2u);
}

}  // namespace
}  // namespace hawser::load
