// Goal: handshakes begin one for each look at the socket, in turn, and nobody keeps others from their
// turn. Method: first flights of many clients handed over in one batch, in virtual time.
#include "quic/endpoint/waiting_clients.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include "quic/endpoint/testing_pair.h"

namespace hawser::quic {
namespace {

// First flights of many clients, as a list of datagrams each.
using Flight = std::vector<std::vector<std::uint8_t>>;

struct Crowd {
  explicit Crowd(PairOptions options = {}) : pair(std::move(options)) {}

  std::vector<Flight> first_flights(std::size_t count) {
    std::vector<Flight> flights;
    for (std::size_t i = 0; i < count; ++i) {
      pair.connect();
      flights.push_back(sent_by(*pair.client));
    }
    return flights;
  }
  Flight sent_by(Endpoint& endpoint) {
    Flight flight;
    std::vector<std::uint8_t> memory(65'536);
    for (;;) {
      TransmitTrain train{.buffer = memory};
      if (endpoint.next_transmits(pair.now, {&train, 1}) == 0) return flight;
      for (std::size_t at = 0; at < train.size; at += train.segment_size) {
        const auto begin = memory.begin() + static_cast<std::ptrdiff_t>(at);
        const std::size_t size = std::min(train.segment_size, train.size - at);
        flight.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(size));
      }
    }
  }
  // All of it in one batch, from one address, or from one each.
  void arrive(std::vector<Flight>& flights, bool own_addresses) {
    std::vector<ReceivedTrain> batch;
    for (std::size_t i = 0; i < flights.size(); ++i) {
      SocketAddress from = pair.client_address;
      if (own_addresses) from.ip[2] = static_cast<std::uint8_t>(i);
      for (auto& datagram : flights[i])
        batch.push_back({.bytes = datagram, .segment_size = datagram.size(), .tuple = {pair.server_address, from}});
    }
    pair.server->on_datagrams(batch, pair.now);
  }
  std::uint64_t accepted() { return pair.server->stats().connections_accepted; }

  Pair pair;
};

PairOptions under_load(std::size_t mark) {
  PairOptions options;
  options.server.retry = RetryPolicy::kUnderLoad;
  options.server.admission.retry_mark = mark;
  return options;
}

TEST(waiting_clients, of_a_batch_one_handshake_begins_and_the_others_in_turn) {
  Crowd crowd;
  auto flights = crowd.first_flights(20);
  crowd.arrive(flights, true);
  EXPECT_EQ(crowd.accepted(), 1u);
  for (std::uint64_t turn = 2; turn <= 20; ++turn) {
    EXPECT_EQ(crowd.pair.server->next_timeout(), Timestamp::min());
    crowd.pair.server->on_timeout(crowd.pair.now);
    EXPECT_EQ(crowd.accepted(), turn);
  }
  const EndpointStats stats = crowd.pair.server->stats();
  EXPECT_EQ(stats.clients_waited, 19u);
  EXPECT_EQ(stats.clients_waiting_most, 19u);
  EXPECT_EQ(stats.clients_turned_away, 0u);
}

// A first packet that comes twice is one client.
TEST(waiting_clients, every_datagram_of_a_first_flight_waits_with_its_first) {
  Crowd crowd;
  auto flights = crowd.first_flights(3);
  ASSERT_GE(flights[0].size(), 2u) << "a post-quantum share takes two datagrams";
  flights[2].push_back(flights[2].front());
  crowd.arrive(flights, true);
  for (int turn = 0; turn < 5; ++turn) crowd.pair.server->on_timeout(crowd.pair.now);
  EXPECT_EQ(crowd.accepted(), 3u);
  // The server answers each whole hello with a flight of its own.
  std::size_t with_handshake = 0;
  for (const auto& datagram : crowd.sent_by(*crowd.pair.server)) with_handshake += datagram.size() > 1'000;
  EXPECT_GE(with_handshake, 6u);
}

TEST(waiting_clients, those_behind_the_mark_get_a_retry) {
  Crowd crowd(under_load(10));
  auto flights = crowd.first_flights(60);
  crowd.arrive(flights, true);
  for (int turn = 0; turn < 60; ++turn) crowd.pair.server->on_timeout(crowd.pair.now);
  const EndpointStats stats = crowd.pair.server->stats();
  EXPECT_LE(stats.connections_accepted, 10u);
  // A hello of two datagrams is answered twice where its first did not wait.
  EXPECT_GE(stats.connections_accepted + stats.retries_sent, 60u);
  EXPECT_GE(crowd.sent_by(*crowd.pair.server).size(), stats.retries_sent);
}

// What the allocator lent to handshakes that are open, against what is counted for them.
TEST(handshake_memory, counted_is_what_the_allocator_says_and_little_more) {
  Crowd crowd;
  constexpr std::size_t kCount = 200;
  auto flights = crowd.first_flights(kCount);
  // One before, so that what is made once is there.
  std::vector<Flight> first(1, std::move(flights.back()));
  flights.pop_back();
  crowd.arrive(first, true);
  (void)crowd.sent_by(*crowd.pair.server);
  const auto in_use = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const auto counted = [&] { return crowd.pair.server->stats().admission.handshake_memory; };
  const std::size_t in_use_before = in_use();
  const std::size_t counted_before = counted();
  crowd.arrive(flights, true);
  for (std::size_t turn = 0; turn < kCount; ++turn) crowd.pair.server->on_timeout(crowd.pair.now);
  flights.clear();
  ASSERT_EQ(crowd.accepted(), kCount);
  (void)crowd.sent_by(*crowd.pair.server);
  const std::size_t each = (in_use() - in_use_before) / (kCount - 1);
  const std::size_t counted_each = (counted() - counted_before) / (kCount - 1);
  if (in_use() == 0) GTEST_SKIP() << "another allocator";  // of a sanitizer
  EXPECT_LE(each, counted_each);
  EXPECT_GE(each * 5 / 4, counted_each);
  EXPECT_NEAR(static_cast<double>(counted_each), static_cast<double>(Admission::kTypicalMemory), 16'384);
}

TEST(waiting_clients, one_source_takes_a_fourth_of_the_room) {
  WaitingClients waiting;
  const Admission::Source flood{{1, 2}};
  std::uint64_t cid = 0;
  while (waiting.has_room(flood)) waiting.add({.cid = ++cid, .source = flood});
  EXPECT_EQ(waiting.size(), WaitingClients::kMaxOfSource);
  for (std::uint16_t i = 3; waiting.has_room({{i, i}}); ++i) waiting.add({.cid = ++cid, .source = {{i, i}}});
  EXPECT_EQ(waiting.size(), WaitingClients::kMax);
  EXPECT_EQ(waiting.take().cid, 1u);
}

TEST(waiting_clients, one_keeps_three_datagrams_and_no_large_one) {
  WaitingClients waiting;
  waiting.add({.cid = 7, .datagrams = {{1}}});
  const std::vector<std::uint8_t> large(WaitingClients::kMaxOctets + 1);
  EXPECT_FALSE(waiting.add_to(8, large));
  EXPECT_TRUE(waiting.add_to(7, large));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(waiting.add_to(7, Bytes(large).first(100)));
  EXPECT_EQ(waiting.take().datagrams.size(), WaitingClient::kMaxDatagrams);
}

}  // namespace
}  // namespace hawser::quic
