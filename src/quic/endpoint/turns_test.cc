// turns_test.cc: goal: a connection whose streams ask for much at once does not hold up others, and loses nothing by
// that. Method: a server whose application answers each stream with 64 kB, and clients in virtual time.
#include "quic/endpoint/testing_pair.h"

namespace hawser::quic {
namespace {

constexpr std::size_t kAnswer = 65'536;

// The application answers, and `order` says whom it served.
struct Answers {
  explicit Answers(Pair& pair) {
    pair.acceptor.recorder.on_end = [this](Connection& c, StreamId id) {
      order.push_back(&c);
      // Refused once the connection is over.
      (void)c.write(id, SharedBytes::copy(as_bytes(answer)), true);
    };
  }
  const std::string answer = pattern(kAnswer);
  std::vector<const Connection*> order;
};

std::vector<StreamId> ask(Connection& c, std::size_t count) {
  std::vector<StreamId> streams;
  for (std::size_t i = 0; i < count; ++i) {
    streams.push_back(c.open_stream(true).value());
    echo(c, streams.back(), "?");
  }
  return streams;
}

TEST(turns, many_streams_of_one_client_do_not_hold_up_another) {
  Pair pair;
  Answers answers(pair);
  Connection& greedy = pair.connect();
  ASSERT_TRUE(pair.run([&] { return greedy.handshake_confirmed(); }));
  const Connection* const greedy_at_server = pair.acceptor.connection;
  Connection& modest = pair.connect();
  ASSERT_TRUE(pair.run([&] { return modest.handshake_confirmed(); }));
  ASSERT_EQ(pair.server->stats().turns_exceeded, 0u);
  const std::vector<StreamId> streams = ask(greedy, 99);
  // On a stream of its own, since one recorder hears of both connections.
  StreamId last = modest.open_stream(true).value();
  while (last != StreamId::of(Role::kClient, true, 99)) last = modest.open_stream(true).value();
  echo(modest, last, "?");
  pair.client->wake(greedy);
  pair.client->wake(modest);
  ASSERT_TRUE(pair.run([&] { return answers.order.size() == 100; }));
  // It came last, and waited for a turn of 256 kB for each datagram at most.
  const auto served = std::find(answers.order.begin(), answers.order.end(), pair.acceptor.connection);
  EXPECT_LE(served - answers.order.begin(), 10);
  EXPECT_EQ(std::count(answers.order.begin(), answers.order.end(), greedy_at_server), 99);
  EXPECT_EQ(pair.server->stats().turns_exceeded, 1u) << "it waits until all is done";
  ASSERT_TRUE(pair.run([&] {
    return std::all_of(streams.begin(), streams.end(),
                       [&](StreamId id) { return pair.recorder.received[id.value].size() >= kAnswer; });
  }));
}

TEST(turns, what_the_application_says_it_spent_counts_as_written) {
  Pair pair;
  std::vector<const Connection*> order;
  pair.acceptor.recorder.on_end = [&](Connection& c, StreamId id) {
    order.push_back(&c);
    c.charge_turn(65'536);
    (void)c.write(id, SharedBytes::copy(as_bytes(std::string("!"))), true);
  };
  Connection& greedy = pair.connect();
  ASSERT_TRUE(pair.run([&] { return greedy.handshake_confirmed(); }));
  Connection* const greedy_at_server = pair.acceptor.connection;
  Connection& modest = pair.connect();
  ASSERT_TRUE(pair.run([&] { return modest.handshake_confirmed(); }));
  greedy_at_server->charge_turn(1'048'576);  // outside of a handler it counts for nothing
  ask(greedy, 99);
  StreamId last = modest.open_stream(true).value();
  while (last != StreamId::of(Role::kClient, true, 99)) last = modest.open_stream(true).value();
  echo(modest, last, "?");
  pair.client->wake(greedy);
  pair.client->wake(modest);
  ASSERT_TRUE(pair.run([&] { return order.size() == 100; }));
  // A turn is four of 64 kB and what an event costs: without the charge all 99 would fit into one.
  const auto served = std::find(order.begin(), order.end(), pair.acceptor.connection);
  EXPECT_GE(served - order.begin(), 3);
  EXPECT_LE(served - order.begin(), 10);
  EXPECT_EQ(pair.server->stats().turns_exceeded, 1u);
}

TEST(turns, what_came_before_the_end_of_a_connection_is_told_before_it) {
  Pair pair;
  Answers answers(pair);
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  ask(c, 100);
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return !answers.order.empty(); }));
  EXPECT_LT(answers.order.size(), 100u);
  pair.server->close_all(7, "over", pair.now);
  EXPECT_FALSE(pair.acceptor.recorder.closed.has_value());
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.closed.has_value(); }));
  EXPECT_EQ(answers.order.size(), 100u);
}

TEST(turns, each_event_costs_a_little_besides_what_the_application_spends) {
  Pair pair;
  std::size_t served = 0;
  pair.acceptor.recorder.on_end = [&](Connection& c, StreamId) {
    ++served;
    c.charge_turn(262'144 / 20 - 1'024);  // twenty would fit into one turn
  };
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  ask(c, 20);
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return served == 20; }));
  EXPECT_EQ(pair.server->stats().turns_exceeded, 1u);
}

TEST(turns, a_connection_that_ends_without_another_turn_is_told_what_came_before) {
  Pair pair;
  Answers answers(pair);
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run([&] { return c.handshake_confirmed(); }));
  ask(c, 100);
  pair.client->wake(c);
  ASSERT_TRUE(pair.run([&] { return !answers.order.empty(); }));
  ASSERT_LT(answers.order.size(), 100u);
  pair.server->on_timeout(pair.now + 3'600s);
  ASSERT_TRUE(pair.acceptor.recorder.closed.has_value());
  EXPECT_EQ(pair.acceptor.recorder.closed->kind, CloseReason::Kind::kIdleTimeout);
  EXPECT_EQ(answers.order.size(), 100u);
}

}  // namespace
}  // namespace hawser::quic
