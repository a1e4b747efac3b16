// Goal: handshakes begin one for each look at the socket, in turn, and nobody keeps others from their
// turn. Method: first flights of many clients handed over in one batch, in virtual time.
#include "quic/endpoint/waiting_clients.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <map>

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
  EXPECT_NEAR(static_cast<double>(counted_each), 98'304, 16'384);
}

// An attacker's many addresses, behind which somebody answers Retry and nothing else, and an honest client.
struct Siege : Crowd {
  static constexpr std::uint8_t kAddresses = 40;
  static constexpr std::uint8_t kHonest = 200;
  using Crowd::Crowd;

  void begin(std::uint8_t address) {
    pair.connect();
    // Others may have something to say as well.
    for (const auto& datagram : to_server.emplace_back(sent_by(*pair.client)))
      address_of.emplace(scid_of(datagram), address);
  }
  // What clients said arrives, one handshake begins, and what the server says arrives where somebody listens.
  void round() {
    to_server.push_back(sent_by(*pair.client));
    std::vector<ReceivedTrain> batch;
    for (Flight& flight : to_server) {
      for (auto& datagram : flight) {
        SocketAddress from = pair.client_address;
        from.ip[2] = address_of.at(scid_of(datagram));
        batch.push_back({.bytes = datagram, .segment_size = datagram.size(), .tuple = {pair.server_address, from}});
      }
    }
    pair.now += 1ms;
    pair.server->on_datagrams(batch, pair.now);
    to_server.clear();
    pair.server->on_timeout(pair.now);
    std::vector<std::uint8_t> memory(65'536);
    for (;;) {
      TransmitTrain train{.buffer = memory};
      if (pair.server->next_transmits(pair.now, {&train, 1}) == 0) return;
      const bool is_retry = (memory[0] & 0xb0) == 0xb0;
      if (!is_retry && train.tuple.remote.ip[2] != kHonest) continue;
      ReceivedTrain received{.bytes = MutableBytes(memory).first(train.size),
                             .segment_size = train.segment_size,
                             .tuple = {pair.client_inside, pair.server_address}};
      pair.client->on_datagrams({&received, 1}, pair.now);
    }
  }

  std::vector<Flight> to_server;
  std::map<std::string, std::uint8_t> address_of;  // by a client's connection ID

 private:
  // Of a long header; what an honest client says in short ones goes by its server's connection ID.
  static std::string scid_of(Bytes datagram) {
    const auto header = parse_packet_header(datagram, 8);
    if (!header || (datagram[0] & kLongHeaderBit) == 0) return "honest";
    return std::string(as_text(header->scid));
  }
};

// With a tenth of a millisecond for each handshake the honest client has waited for 5 ms.
TEST(waiting_clients, many_addresses_that_answer_retry_keep_no_honest_client_out) {
  for (const bool by_memory : {false, true}) {
    PairOptions options = under_load(10);
    if (by_memory) {
      options.server.admission.handshake_memory_max = 60 * 98'304;
    } else {
      options.server.handshakes_max = 60;
    }
    Siege siege(std::move(options));
    siege.address_of["honest"] = Siege::kHonest;
    std::uint8_t address = 0;
    const auto attack = [&] {
      for (int i = 0; i < 3; ++i) siege.begin(address = static_cast<std::uint8_t>((address + 1) % Siege::kAddresses));
      siege.round();
    };
    for (int i = 0; i < 150; ++i) attack();
    const EndpointStats before = siege.pair.server->stats();
    EXPECT_GE(before.admission.handshakes_open, 40u);
    EXPECT_LE(before.admission.handshakes_open_most, 100u);
    EXPECT_GT(before.connections_refused, 0u) << "the room is full";
    siege.begin(Siege::kHonest);
    const Connection& honest = *siege.pair.connection;
    int rounds = 0;
    for (; !honest.handshake_confirmed() && rounds < 200; ++rounds) attack();
    EXPECT_TRUE(honest.handshake_confirmed());
    // A Retry, a turn of each address, and the flights of the handshake.
    EXPECT_LE(rounds, Siege::kAddresses + 10);
    EXPECT_GT(siege.pair.server->stats().handshakes_displaced, 0u);
  }
}

TEST(waiting_clients, one_source_takes_a_fourth_of_the_room_and_gives_it_to_others) {
  WaitingClients waiting;
  const Admission::Source flood{{1, 2}};
  std::uint64_t cid = 0;
  while (waiting.has_room(flood)) waiting.add({.cid = ++cid, .source = flood});
  EXPECT_EQ(waiting.size(), WaitingClients::kMaxOfSource);
  std::uint16_t i = 3;
  while (waiting.size() < WaitingClients::kMax) EXPECT_FALSE(waiting.add({.cid = ++cid, .source = {{i, i++}}}));
  EXPECT_FALSE(waiting.has_room(flood));
  EXPECT_TRUE(waiting.has_room({{i, i}}));
  EXPECT_TRUE(waiting.add({.cid = ++cid, .source = {{i, i}}}));
  EXPECT_EQ(waiting.size(), WaitingClients::kMax);
  EXPECT_FALSE(waiting.add_to(WaitingClients::kMaxOfSource, {})) << "the flood's last one went";
  EXPECT_EQ(waiting.take().cid, 1u);
}

TEST(waiting_clients, sources_take_turns_and_nobody_waits_for_more_than_one_of_each) {
  WaitingClients waiting;
  std::uint64_t cid = 0;
  for (std::uint16_t source = 1; source <= 20; ++source)
    for (int i = 0; i < 50; ++i) waiting.add({.cid = ++cid, .source = {{source, source}}});
  // In the middle of a round that the others keep full.
  for (int i = 0; i < 30; ++i) waiting.add({.cid = ++cid, .source = waiting.take().source});
  const std::uint64_t honest = ++cid;
  waiting.add({.cid = honest, .source = {{100, 100}}});
  int turns = 1;
  for (std::uint64_t taken; (taken = waiting.take().cid) != honest; ++turns)
    waiting.add({.cid = ++cid, .source = {{static_cast<std::uint16_t>(turns % 20 + 1), 7}}});
  EXPECT_LE(turns, 21 + 20);
}

TEST(waiting_clients, sources_that_come_without_end_do_not_keep_one_from_its_second_turn) {
  WaitingClients waiting;
  const Admission::Source patient{{1, 1}};
  waiting.add({.cid = 1, .source = patient});
  waiting.add({.cid = 2, .source = patient});
  std::uint64_t cid = 2;
  std::size_t turns = 0;
  const auto newcomer = [&] {
    ++cid;
    return Admission::Source{{static_cast<std::uint16_t>(cid), static_cast<std::uint16_t>(cid >> 12)}};
  };
  for (int i = 0; i < 10; ++i) waiting.add({.source = newcomer()});
  while (waiting.take().cid != 2) {
    ASSERT_LE(++turns, WaitingClients::kMax + 20);
    waiting.add({.cid = cid + 1'000'000, .source = newcomer()});
  }
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
