// slow_peers_test.cc: goal: clients that keep requests open and move nothing are closed after
// ServerOptions::stall_timeout, and those that are merely slow or idle are not. Method: an HTTP server
// against a client that keeps the connection alive and writes octets of its own choice, in virtual time.
#include <gtest/gtest.h>

#include "http/server.h"
#include "lying_peer.h"

namespace hawser::http {
namespace {

using quic::bytes_hex;
using quic::StreamId;

class EndlessBody final : public BodySource {
 public:
  EndlessBody(std::size_t size, std::size_t& octets_read) : left_(size), octets_read_(octets_read) {}
  std::optional<BodyChunk> next(std::size_t wished) override {
    const std::size_t size = std::min<std::size_t>({wished, 16'384, left_});
    left_ -= size;
    octets_read_ += size;
    return BodyChunk{SharedBytes::adopt(std::vector<std::uint8_t>(size)), left_ == 0};
  }

 private:
  std::size_t left_;
  std::size_t& octets_read_;
};

struct Endless final : RequestHandler {
  bool short_of_memory = false;
  std::size_t size = SIZE_MAX;  // of a body
  std::size_t octets_read = 0;  // of all bodies
  [[nodiscard]] bool is_short_of_memory() const override { return short_of_memory; }
  Response answer(const Request&) override {
    Response response;
    response.body = std::make_unique<EndlessBody>(size, octets_read);
    return response;
  }
};

class SlowPeers : public testing::Test {
 protected:
  class Stage final : public quic::Theatre {
   public:
    Stage(const Options& options, Server& server) : Theatre(options), http_(server) {}
    quic::ConnectionHandler* on_accept(quic::Connection& connection) override {
      server = &connection;
      return http_.accept(connection);
    }

   private:
    Server& http_;
  };

  void start(Duration stall_timeout = 60s, const quic::ConnectionConfig& client = {.keep_alive = 10s}) {
    http_.emplace(ServerOptions{.session = {}, .stall_timeout = stall_timeout}, endless_, nullptr);
    // The client keeps the connection alive, and reads nothing unless told to.
    stage_.emplace(quic::Theatre::Options{.client = client, .server = {}, .alpn = "h3"}, *http_);
    stage_->client_witness.reads = false;
    stage_->settle();
    ASSERT_TRUE(stage_->client_witness.complete);
  }
  StreamId write(std::string_view hex, bool fin = false) {
    const StreamId id = stage_->client->open_stream(true).value();
    write(id, hex, fin);
    return id;
  }
  void write(StreamId id, std::string_view hex, bool fin = false) {
    ASSERT_TRUE(stage_->client->write(id, from_hex(std::string(hex)), fin));
    stage_->client_endpoint->wake(*stage_->client);
    stage_->settle();
  }
  // Seconds until the server closed it; nothing: it is open after `limit`.
  template <class EachSecond>
  std::optional<int> seconds_until_closed(int limit, EachSecond&& each_second) {
    for (int second = 0; second < limit; ++second) {
      each_second(second);
      stage_->pass(1s);
      if (const auto due = http_->next_timeout(); due && *due <= stage_->now) {
        http_->on_timeout(stage_->now);
        for (quic::Connection* const connection : http_->stalled()) stage_->server_endpoint->wake(*connection);
        stage_->settle();
      }
      if (stage_->client_witness.closed) return second;
    }
    return std::nullopt;
  }
  std::optional<int> seconds_until_closed(int limit) {
    return seconds_until_closed(limit, [](int) {});
  }
  void expect_stalled(std::optional<int> seconds) {
    ASSERT_TRUE(seconds);
    // Looked at every 15 s.
    EXPECT_GE(*seconds, 59);
    EXPECT_LE(*seconds, 92);
    EXPECT_EQ(stage_->client_witness.closed->error_code, static_cast<std::uint64_t>(http3::ErrorCode::kExcessiveLoad));
    EXPECT_EQ(http_->stats().connections_stalled, 1u);
  }
  // GET / of localhost, with the static table of QPACK.
  static std::string request() { return "01100000d1d750096c6f63616c686f7374c1"; }

  Endless endless_;
  std::optional<Server> http_;
  std::optional<Stage> stage_;
};

// rfc9000:21.6-slowloris
TEST_F(SlowPeers, a_head_that_comes_an_octet_at_a_time_is_not_waited_for) {
  start();
  const StreamId id = write("015000");
  expect_stalled(seconds_until_closed(600, [&](int second) {
    if (second % 5 == 0) write(id, "00");
  }));
}

TEST_F(SlowPeers, a_hundred_heads_that_stop_half_way_are_not_waited_for) {
  start();
  for (int i = 0; i < 100; ++i) write("0140ff0000");
  expect_stalled(seconds_until_closed(600));
}

TEST_F(SlowPeers, a_response_that_nobody_reads_is_not_kept) {
  start();
  write(request(), true);
  ASSERT_GT(stage_->server->stats().stream_bytes_sent, 5'000u);
  expect_stalled(seconds_until_closed(600));
}

TEST_F(SlowPeers, those_who_hold_memory_go_soon_once_it_is_short) {
  start(300s);
  EXPECT_EQ(seconds_until_closed(60), std::nullopt);
  endless_.short_of_memory = true;
  write(request(), true);
  const auto seconds = seconds_until_closed(300);
  ASSERT_TRUE(seconds);
  EXPECT_GE(*seconds, 9);
  EXPECT_LE(*seconds, 16);
}

TEST_F(SlowPeers, little_is_read_ahead_for_responses_behind_others) {
  start();
  write(request(), true);
  write(request(), true);
  const std::size_t of_two = endless_.octets_read;
  EXPECT_GE(of_two, 1'000'000u);
  for (int i = 0; i < 98; ++i) write(request(), true);
  // A page each, or two where the end of one is told of later than its beginning is sent.
  EXPECT_LE(endless_.octets_read - of_two, 98 * 2 * kBufferBehindOthers);
}

TEST_F(SlowPeers, responses_behind_others_come_whole_once_they_are_read) {
  start();
  endless_.size = 3'000'000;
  for (int i = 0; i < 10; ++i) write(request(), true);
  EXPECT_LE(endless_.octets_read, 2'000'000u);
  std::array<std::uint8_t, 65'536> some;
  std::size_t octets = 0;
  for (int round = 0; round < 1'000 && octets < 30'000'000; ++round) {
    for (std::uint64_t i = 0; i < 10; ++i) octets += stage_->client->read(StreamId{4 * i}, some);
    stage_->client_endpoint->wake(*stage_->client);
    stage_->pass(1ms);
  }
  EXPECT_GE(octets, 30'000'000u);
}

// 12,000 octets a minute.
TEST_F(SlowPeers, a_slow_reader_is_served) {
  start(
      60s,
      {.keep_alive = 10s, .stream_receive_window = ByteCount{10'000}, .stream_receive_window_max = ByteCount{10'000}});
  const StreamId id = write(request(), true);
  std::array<std::uint8_t, 200> some;
  EXPECT_EQ(seconds_until_closed(3'600,
                                 [&](int) {
                                   (void)stage_->client->read(id, some);
                                   stage_->client_endpoint->wake(*stage_->client);
                                 }),
            std::nullopt);
}

TEST_F(SlowPeers, a_slow_upload_is_taken) {
  start();
  // DATA of a megabyte, 100 octets a second.
  const StreamId id = write(request() + "0080100000");
  EXPECT_EQ(seconds_until_closed(600, [&](int) { write(id, bytes_hex(100)); }), std::nullopt);
}

TEST_F(SlowPeers, a_connection_without_requests_may_idle) {
  start();
  EXPECT_EQ(seconds_until_closed(3'600), std::nullopt);
  EXPECT_EQ(http_->stats().connections_stalled, 0u);
}

TEST_F(SlowPeers, nothing_is_closed_without_a_time) {
  start(Duration{0});
  write("0140ff0000");
  EXPECT_EQ(http_->next_timeout(), std::nullopt);
  EXPECT_EQ(seconds_until_closed(3'600), std::nullopt);
}

}  // namespace
}  // namespace hawser::http
