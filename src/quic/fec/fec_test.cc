// Goal: what is lost within the redundancy of a block is computed to the octet, what is not is left alone,
// hostile symbols do no harm, and redundancy follows loss. Method: blocks of random packets with chosen or
// random losses and any order.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/random.h"
#include "base/time.h"
#include "quic/fec/fec_decoder.h"
#include "quic/fec/fec_encoder.h"
#include "quic/fec/redundancy.h"

namespace hawser::quic {
namespace {

using Payload = std::vector<std::uint8_t>;

Payload random_payload(SeededRandom& random, std::size_t size) {
  Payload payload(size);
  for (auto& octet : payload) octet = static_cast<std::uint8_t>(random.unit() * 256);
  return payload;
}

struct Symbol {
  bool repair = false;
  FecSource id;
  FecRepair head;
  Payload octets;
};

// One block of `shape` as it goes over the wire: packets, then repair symbols.
std::vector<Symbol> block(FecEncoder& encoder, SeededRandom& random, std::size_t sources) {
  std::vector<Symbol> symbols;
  for (std::size_t i = 0; i < sources; ++i) {
    const FecSource id = encoder.next_source();
    Payload payload = random_payload(random, 1 + static_cast<std::size_t>(random.unit() * kMaxFecPayload));
    encoder.add(payload);
    symbols.push_back({.id = id, .octets = std::move(payload)});
  }
  encoder.flush();
  while (encoder.has_repair()) {
    const FecRepair repair = encoder.next_repair();
    symbols.push_back({.repair = true, .head = repair, .octets = {repair.symbol.begin(), repair.symbol.end()}});
  }
  return symbols;
}

// What the decoder computes when these arrive, by index.
std::map<std::size_t, Payload> receive(FecDecoder& decoder, std::span<const Symbol> symbols) {
  std::map<std::size_t, Payload> recovered;
  for (const Symbol& symbol : symbols) {
    if (symbol.repair) {
      FecRepair repair = symbol.head;
      repair.symbol = symbol.octets;
      decoder.on_repair(repair);
    } else {
      decoder.on_source(symbol.id, symbol.octets);
    }
    FecRecovered out;
    while (decoder.next_recovered(out)) recovered[out.id.index] = {out.payload.begin(), out.payload.end()};
  }
  return recovered;
}

class EveryScheme : public testing::TestWithParam<FecScheme> {
 protected:
  void SetUp() override {
    if (!is_available(GetParam())) GTEST_SKIP() << "built without ISA-L";
  }
  [[nodiscard]] std::size_t most() const { return GetParam() == FecScheme::kXor ? 1 : 6; }
};
INSTANTIATE_TEST_SUITE_P(fec, EveryScheme, testing::Values(FecScheme::kXor, FecScheme::kReedSolomon));

TEST_P(EveryScheme, mends_as_many_losses_as_it_has_symbols_in_any_order) {
  SeededRandom random(11);
  FecEncoder encoder(GetParam(), {});
  FecDecoder decoder(GetParam());
  for (int round = 0; round < 200; ++round) {
    const std::size_t sources = 1 + static_cast<std::size_t>(random.unit() * kMaxFecSources);
    encoder.set_shape({.sources = sources, .repairs = most()});
    (void)block(encoder, random, 1);  // the shape takes effect with the next block
    const std::vector<Symbol> sent = block(encoder, random, sources);
    ASSERT_EQ(sent.size(), sources + most());
    std::vector<Symbol> arrived = sent;
    for (std::size_t i = arrived.size() - 1; i > 0; --i)
      std::swap(arrived[i], arrived[static_cast<std::size_t>(random.unit() * static_cast<double>(i + 1))]);
    arrived.resize(sources);  // as many are lost as there are repair symbols
    const auto recovered = receive(decoder, arrived);
    for (std::size_t i = 0; i < sources; ++i) {
      const bool came =
          std::any_of(arrived.begin(), arrived.end(), [&](const Symbol& s) { return !s.repair && s.id.index == i; });
      if (came) continue;
      ASSERT_TRUE(recovered.contains(i)) << round;
      ASSERT_EQ(recovered.at(i), sent[i].octets);
    }
  }
  EXPECT_EQ(decoder.stats().inconsistent, 0u);
  EXPECT_GT(decoder.stats().recovered, 100u);
}

TEST_P(EveryScheme, one_loss_too_many_is_left_to_retransmission) {
  SeededRandom random(12);
  FecEncoder encoder(GetParam(), {.sources = 10, .repairs = most()});
  FecDecoder decoder(GetParam());
  const std::vector<Symbol> sent = block(encoder, random, 10);
  EXPECT_TRUE(receive(decoder, std::span(sent).subspan(most() + 1)).empty());
  // What is late counts as well.
  EXPECT_EQ(receive(decoder, std::span(sent).first(1)).size(), most());
}

TEST_P(EveryScheme, a_whole_block_needs_no_repair) {
  SeededRandom random(13);
  FecEncoder encoder(GetParam(), {.sources = 10, .repairs = most()});
  FecDecoder decoder(GetParam());
  const std::vector<Symbol> sent = block(encoder, random, 10);
  EXPECT_TRUE(receive(decoder, sent).empty());
  EXPECT_EQ(decoder.stats().unused_repairs, most());
  EXPECT_GT(encoder.repair_octets(), 0u);
  EXPECT_EQ(encoder.repair_octets() % most(), 0u);
}

TEST_P(EveryScheme, blocks_in_flight_together_do_not_mix_and_old_ones_make_room) {
  SeededRandom random(14);
  FecEncoder encoder(GetParam(), {.sources = 4, .repairs = 1});
  FecDecoder decoder(GetParam());
  std::vector<std::vector<Symbol>> blocks;
  for (std::size_t i = 0; i <= kMaxFecBlocks; ++i) blocks.push_back(block(encoder, random, 4));
  // Each lacks its first packet; the first block lacks its second as well, and is pushed out.
  for (std::size_t i = 0; i <= kMaxFecBlocks; ++i) {
    const auto recovered = receive(decoder, std::span(blocks[i]).subspan(i == 0 ? 2 : 1));
    ASSERT_EQ(recovered.size(), i == 0 ? 0u : 1u);
    if (i != 0) EXPECT_EQ(recovered.at(0), blocks[i][0].octets);
  }
  EXPECT_EQ(decoder.stats().given_up, 1u);
  EXPECT_TRUE(receive(decoder, std::span(blocks[0]).first(1)).empty());
  EXPECT_LT(decoder.memory(), kMaxFecBlocks * (kMaxFecSources + kMaxFecRepairs) * kMaxFecSymbol);
}

TEST_P(EveryScheme, symbols_that_contradict_their_block_recover_nothing) {
  SeededRandom random(15);
  FecEncoder encoder(GetParam(), {.sources = 4, .repairs = 1});
  for (int kind = 0; kind < 3; ++kind) {
    FecDecoder decoder(GetParam());
    std::vector<Symbol> sent = block(encoder, random, 4);
    std::vector<Symbol> arrived(sent.begin() + 1, sent.end());
    if (kind == 0) arrived.back().head.sources = 2;   // a packet lies outside
    if (kind == 1) arrived.back().octets.resize(2);   // shorter than the packets
    if (kind == 2) arrived.back().octets[0] ^= 0x7f;  // a length that cannot be
    EXPECT_TRUE(receive(decoder, arrived).empty()) << kind;
    EXPECT_EQ(decoder.stats().inconsistent, 1u) << kind;
  }
}

TEST(fec, an_encoder_without_repairs_costs_nothing) {
  FecEncoder encoder(FecScheme::kXor, {.sources = 2, .repairs = 0});
  const Payload payload(100, 1);
  encoder.add(payload);
  encoder.add(payload);
  EXPECT_FALSE(encoder.has_repair());
  EXPECT_EQ(encoder.next_source().block, 1u);
  EXPECT_EQ(encoder.repair_octets(), 0u);
}

// ---- frames

TEST(fec, frames_are_read_as_they_were_written) {
  std::array<std::uint8_t, 100> buffer{};
  const std::array<std::uint8_t, 7> octets{1, 2, 3, 4, 5, 6, 7};
  const FecRepair repair{.block = 70'000, .sources = 32, .row = 15, .symbol = octets};
  ASSERT_EQ(write_fec_repair(buffer, repair), fec_repair_size(repair));
  Bytes in = Bytes(buffer).subspan(4, fec_repair_size(repair) - 4);
  const auto read = parse_fec_repair(in);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->block, 70'000u);
  EXPECT_EQ(read->sources, 32);
  EXPECT_EQ(read->row, 15);
  EXPECT_TRUE(std::ranges::equal(read->symbol, octets));
  EXPECT_TRUE(in.empty());

  const FecSource source{.block = 5, .index = 31};
  ASSERT_EQ(write_fec_source(buffer, source), fec_source_size(source));
  in = Bytes(buffer).subspan(4, fec_source_size(source) - 4);
  EXPECT_EQ(parse_fec_source(in)->index, 31);

  const std::size_t size = write_fec_parameter(buffer, {.schemes = 3});
  EXPECT_TRUE(parse_fec_parameter(Bytes(buffer).first(size))->has(FecScheme::kReedSolomon));
}

TEST(fec, numbers_out_of_range_and_short_frames_are_frame_encoding_errors) {
  const std::vector<Payload> bad = {
      {}, {0}, {0, 0, 0, 2, 1, 1}, {0, 33, 0, 2, 1, 1}, {0, 1, 16, 2, 1, 1}, {0, 1, 0, 1, 1}, {0, 1, 0, 3, 1, 1}};
  for (const Payload& octets : bad) {
    Bytes in = octets;
    const auto read = parse_fec_repair(in);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, TransportErrorCode::kFrameEncodingError);
    EXPECT_EQ(read.error().frame_type, kFecRepairFrame);
  }
  const Payload index{0, 32};
  Bytes in = index;
  EXPECT_EQ(parse_fec_source(in).error().code, TransportErrorCode::kFrameEncodingError);
  EXPECT_EQ(parse_fec_parameter(index).error().code, TransportErrorCode::kTransportParameterError);
}

// ---- redundancy

TEST(fec, chances_are_binomial) {
  EXPECT_NEAR(chance_of_more_losses(10, 0, 0.1), 0.6513, 1e-4);
  EXPECT_NEAR(chance_of_more_losses(10, 2, 0.1), 0.0702, 1e-4);
  EXPECT_NEAR(chance_of_more_losses(10, 10, 0.5), 0, 1e-12);
  EXPECT_EQ(chance_of_more_losses(10, 3, 0), 0);
}

TEST(fec, redundancy_follows_loss_within_its_bounds) {
  RedundancyController controller({.sources = 16, .share_max = 0.5});
  EXPECT_EQ(controller.shape().repairs, 0u);
  controller.on_packets(2'000, 0);
  EXPECT_EQ(controller.shape().repairs, 0u);
  std::size_t before = 0;
  for (const std::uint64_t percent : {1, 3, 10}) {
    for (int i = 0; i < 100; ++i) controller.on_packets(100, percent);
    EXPECT_GT(controller.shape().repairs, before);
    before = controller.shape().repairs;
  }
  for (int i = 0; i < 100; ++i) controller.on_packets(100, 60);
  EXPECT_EQ(controller.shape().repairs, 8u);
  for (int i = 0; i < 200; ++i) controller.on_packets(100, 0);
  EXPECT_EQ(controller.shape().repairs, 0u);
}

TEST(fec, xor_protects_fewer_packets_the_more_is_lost) {
  RedundancyController controller({.scheme = FecScheme::kXor, .share_max = 0.25, .unmended = 0.02});
  EXPECT_EQ(controller.shape().repairs, 0u);
  for (int i = 0; i < 100; ++i) controller.on_packets(1'000, 5);
  const std::size_t at_half_percent = controller.shape().sources;
  for (int i = 0; i < 100; ++i) controller.on_packets(1'000, 20);
  EXPECT_LT(controller.shape().sources, at_half_percent);
  for (int i = 0; i < 100; ++i) controller.on_packets(1'000, 300);
  EXPECT_EQ(controller.shape().sources, 4u);
}

// Messages of 16 packets over 100 ms at 10 Mbit/s: the last packet arrives after all symbols were sent, and
// a message that cannot be mended takes a round trip more.
Duration completion_99(std::size_t repairs, double loss, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<Duration> times;
  for (int message = 0; message < 4'000; ++message) {
    std::size_t lost = 0;
    for (std::size_t i = 0; i < 16 + repairs; ++i) lost += random.unit() < loss;
    times.push_back(50ms + (16 + static_cast<int>(repairs)) * 1ms + (lost > repairs ? 112ms : 0ms));
  }
  std::sort(times.begin(), times.end());
  return times[times.size() * 99 / 100];
}

TEST(fec, adaptive_redundancy_ends_within_a_fifth_of_the_best_fixed_one) {
  for (const double loss : {0.02, 0.05, 0.10}) {
    RedundancyController controller({});
    SeededRandom random(3);
    for (int i = 0; i < 3'000; ++i) controller.on_packets(1, random.unit() < loss);
    Duration best = Duration::max();
    for (std::size_t fixed = 0; fixed <= 8; ++fixed) best = std::min(best, completion_99(fixed, loss, 5));
    const Duration adaptive = completion_99(controller.shape().repairs, loss, 5);
    EXPECT_LE(adaptive, best * 6 / 5) << loss;
    EXPECT_GT(completion_99(0, loss, 5), adaptive) << loss;
  }
}

}  // namespace
}  // namespace hawser::quic
