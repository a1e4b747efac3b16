// fec_cost_test.cc: goal: forward error correction as it may be configured costs no connection its life, and repair
// symbols of what never came still do. Method: two endpoints in memory, small datagrams with many symbols; the guard is
// asked by what a decoder says of each symbol.
#include <gtest/gtest.h>

#include "quic/connection/connection.h"
#include "quic/endpoint/testing_pair.h"
#include "quic/fec/fec_decoder.h"

namespace hawser::quic {
namespace {

// Speech, or keys: a symbol or many for each packet. A sixteenth of these were lost.
TEST(fec_cost, small_datagrams_with_many_symbols_are_no_flood) {
  struct Sends {
    const char* fec;
    std::size_t size;
    Duration every;
  };
  for (const auto& [fec, size, every] :
       {Sends{"xor:1", 8, 5ms}, Sends{"rs:1/16", 160, 20ms}, Sends{"rs:4/4", 12, 5ms}}) {
    const auto parsed = parse_fec_config(fec);
    if (!parsed) continue;  // no Reed-Solomon code in this build
    PairOptions options;
    for (ConnectionConfig* config : {&options.client, &options.server.connection}) {
      config->fec = *parsed;
      config->max_datagram_frame_size = kAnyDatagramFrame;
    }
    Pair pair(std::move(options));
    pair.connect();
    ASSERT_TRUE(pair.run([&] { return pair.recorder.complete && pair.connection->handshake_confirmed(); }));
    SeededRandom random{7};
    pair.drop = [&](bool, Bytes) { return random.below(16) == 0; };
    const Timestamp end = pair.now + 70s;
    while (pair.now < end && !pair.recorder.closed && !pair.acceptor.recorder.closed) {
      ASSERT_TRUE(pair.connection->send_datagram(std::vector<std::uint8_t>(size, 7)).has_value());
      pair.client->wake(*pair.connection);
      const Timestamp next = pair.now + every;
      (void)pair.run([] { return false; }, every);
      pair.now = std::max(pair.now, next);
      pair.steps = 0;
    }
    EXPECT_FALSE(pair.recorder.closed || pair.acceptor.recorder.closed) << fec;
    EXPECT_GT(pair.acceptor.recorder.datagrams.size(), 2'000u) << fec;
  }
}

TEST(fec_cost, a_symbol_is_work_where_packets_are_missing) {
  FecDecoder decoder;
  const std::vector<std::uint8_t> octets(20, 1);
  decoder.on_packet(5, octets);
  const FecRepairFrame whole{.packets = {.first = 5}, .scheme = FecScheme::kXor, .row = 0, .symbol = octets};
  EXPECT_FALSE(decoder.on_repair(whole));
  EXPECT_FALSE(decoder.on_repair(whole)) << "again";
  FecRepairFrame missing = whole;
  missing.packets.first = 7;
  EXPECT_TRUE(decoder.on_repair(missing));
}

}  // namespace
}  // namespace hawser::quic
