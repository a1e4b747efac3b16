// rest_test.cc: goal: a connection that hears and says nothing gives its memory back and is itself again when
// something moves. Method: testing_pair.h.
#include "quic/endpoint/testing_pair.h"

namespace hawser::quic {
namespace {

// Both sides are confirmed and have rested once.
void open_and_rest(Pair& pair) {
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  ASSERT_TRUE(pair.run([&] { return pair.recorder.rests == 1 && pair.acceptor.recorder.rests == 1; }, 5s));
}

// The client sends `size` octets and has them back.
void exchange(Pair& pair, std::size_t size) {
  const std::string text = pattern(size);
  pair.acceptor.recorder.on_end = [&](Connection& server, StreamId id) {
    echo(server, id, pair.acceptor.recorder.received[id.value]);
  };
  const StreamId id = pair.connection->open_stream(true).value();
  echo(*pair.connection, id, text);
  pair.client->wake(*pair.connection);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.ended[id.value]; }, 60s));
  EXPECT_TRUE(pair.recorder.received[id.value] == text);
}

TEST(rest, comes_once_after_a_second_of_silence_and_again_after_the_next) {
  Pair pair;
  open_and_rest(pair);
  pair.run([] { return false; }, 10s);
  EXPECT_EQ(pair.recorder.rests, 1);
  exchange(pair, 100'000);
  EXPECT_EQ(pair.recorder.rests, 1);
  ASSERT_TRUE(pair.run([&] { return pair.recorder.rests == 2 && pair.acceptor.recorder.rests == 2; }, 5s));
  exchange(pair, 100'000);
}

TEST(rest, leaves_nothing_to_do_until_the_idle_timeout) {
  Pair pair;
  open_and_rest(pair);
  const int steps = pair.steps;
  pair.run([] { return false; }, 20s);
  EXPECT_LE(pair.steps, steps + 2);
}

TEST(rest, does_not_forget_what_is_in_flight) {
  Pair pair;
  open_and_rest(pair);
  // Silence of three seconds in the midst of a transfer: both sides rest with data on its way.
  Timestamp begin = kNever, end = kNever;
  pair.drop = [&](bool, Bytes) { return pair.now >= begin && pair.now < end; };
  begin = pair.now + 30ms;
  end = begin + 3s;
  exchange(pair, 1'000'000);
  EXPECT_GE(pair.recorder.rests, 1);
}

TEST(rest, of_either_side_is_ended_by_a_key_update) {
  for (const bool by_client : {true, false}) {
    Pair pair;
    open_and_rest(pair);
    exchange(pair, 10);  // acknowledged packets allow an update
    ASSERT_TRUE(pair.run([&] { return pair.recorder.rests == 2 && pair.acceptor.recorder.rests == 2; }, 5s));
    Connection& initiator = by_client ? *pair.connection : *pair.acceptor.connection;
    initiator.initiate_key_update();
    exchange(pair, 10'000);
    EXPECT_EQ(pair.connection->stats().key_updates, 1u);
    EXPECT_EQ(pair.acceptor.connection->stats().key_updates, 1u);
  }
}

TEST(rest, is_ended_by_a_client_at_a_new_address) {
  Pair pair;
  open_and_rest(pair);
  pair.client_address.port = 2'222;
  exchange(pair, 100'000);
  EXPECT_EQ(pair.acceptor.connection->tuple().remote.port, 2'222);
}

TEST(rest, ends_in_a_close_that_the_peer_understands) {
  Pair pair;
  open_and_rest(pair);
  pair.connection->close(7, "good night");
  pair.client->wake(*pair.connection);
  ASSERT_TRUE(pair.run([&] { return pair.acceptor.recorder.closed.has_value(); }));
  EXPECT_EQ(pair.acceptor.recorder.closed->error_code, 7u);
}

TEST(rest, is_not_for_connections_that_are_kept_alive_more_often) {
  PairOptions options;
  options.client.keep_alive = 500ms;
  Pair pair(std::move(options));
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  pair.run([] { return false; }, 10s);
  EXPECT_EQ(pair.recorder.rests, 0);
  EXPECT_EQ(pair.acceptor.recorder.rests, 0);
}

}  // namespace
}  // namespace hawser::quic
