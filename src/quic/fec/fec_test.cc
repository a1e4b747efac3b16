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

// What goes over the wire: a packet, or a repair symbol.
struct Symbol {
  bool repair = false;
  std::uint64_t number = 0;
  FecRepairFrame head;
  Payload octets;
};

// Packets with numbers from `first` on as one block, one number in four left out, then their repair symbols.
std::vector<Symbol> block(FecEncoder& encoder, SeededRandom& random, std::uint64_t first, const FecShape& shape) {
  std::vector<Symbol> symbols;
  encoder.begin(shape);
  std::uint64_t number = first;
  for (std::size_t i = 0; i < shape.sources; ++i) {
    number += i != 0 && random.unit() < 0.25 ? 2 : 1;
    Payload payload = random_payload(random, 1 + static_cast<std::size_t>(random.unit() * kMaxFecPayload));
    // In pieces, as packets have them.
    const std::size_t cut = static_cast<std::size_t>(random.unit() * static_cast<double>(payload.size()));
    const std::array<Bytes, 2> pieces{Bytes(payload).first(cut), Bytes(payload).subspan(cut)};
    encoder.add(number, pieces);
    symbols.push_back({.number = number, .octets = std::move(payload)});
  }
  encoder.end(shape.repairs);
  while (encoder.pending() != 0) {
    const FecRepairFrame repair = encoder.next_repair();
    symbols.push_back({.repair = true, .head = repair, .octets = {repair.symbol.begin(), repair.symbol.end()}});
    encoder.pop_repair();
  }
  return symbols;
}

// What the decoder computes when these arrive, by packet number.
std::map<std::uint64_t, Payload> receive(FecDecoder& decoder, std::span<const Symbol> symbols) {
  std::map<std::uint64_t, Payload> recovered;
  for (const Symbol& symbol : symbols) {
    if (symbol.repair) {
      FecRepairFrame repair = symbol.head;
      repair.symbol = symbol.octets;
      decoder.on_repair(repair);
    } else {
      decoder.on_packet(symbol.number, symbol.octets);
    }
    while (const auto out = decoder.next_recovered()) recovered[out->number] = out->payload;
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
  FecEncoder encoder(GetParam());
  FecDecoder decoder;
  for (std::uint64_t round = 0; round < 200; ++round) {
    const std::size_t sources = 1 + static_cast<std::size_t>(random.unit() * kMaxFecSources);
    const std::vector<Symbol> sent = block(encoder, random, round * 100, {.sources = sources, .repairs = most()});
    ASSERT_EQ(sent.size(), sources + most());
    std::vector<Symbol> arrived = sent;
    for (std::size_t i = arrived.size() - 1; i > 0; --i)
      std::swap(arrived[i], arrived[static_cast<std::size_t>(random.unit() * static_cast<double>(i + 1))]);
    arrived.resize(sources);  // as many are lost as there are repair symbols
    // A packet that is much later than its neighbours is not kept; here none is.
    std::stable_sort(arrived.begin(), arrived.end(),
                     [](const Symbol& a, const Symbol& b) { return !a.repair && !b.repair && a.number < b.number; });
    const auto recovered = receive(decoder, arrived);
    for (std::size_t i = 0; i < sources; ++i) {
      const std::uint64_t number = sent[i].number;
      const bool came =
          std::any_of(arrived.begin(), arrived.end(), [&](const Symbol& s) { return !s.repair && s.number == number; });
      // A block is solved as soon as it can be, and may compute what comes later.
      if (came) continue;
      ASSERT_TRUE(recovered.contains(number)) << round;
      ASSERT_EQ(recovered.at(number), sent[i].octets);
    }
  }
  EXPECT_EQ(decoder.stats().inconsistent, 0u);
  EXPECT_GT(decoder.stats().recovered, 100u);
}

TEST_P(EveryScheme, one_loss_too_many_is_left_to_retransmission) {
  SeededRandom random(12);
  FecEncoder encoder(GetParam());
  FecDecoder decoder;
  const std::vector<Symbol> sent = block(encoder, random, 0, {.sources = 10, .repairs = most()});
  EXPECT_TRUE(receive(decoder, std::span(sent).subspan(most() + 1)).empty());
  // What is late counts as well.
  EXPECT_EQ(receive(decoder, std::span(sent).first(1)).size(), most());
}

TEST_P(EveryScheme, a_whole_block_needs_no_repair) {
  SeededRandom random(13);
  FecEncoder encoder(GetParam());
  FecDecoder decoder;
  const std::vector<Symbol> sent = block(encoder, random, 5, {.sources = 10, .repairs = most()});
  EXPECT_TRUE(receive(decoder, sent).empty());
  EXPECT_EQ(decoder.stats().unused_repairs, most());
}

TEST_P(EveryScheme, blocks_in_flight_together_do_not_mix_and_old_ones_make_room) {
  SeededRandom random(14);
  FecEncoder encoder(GetParam());
  FecDecoder decoder;
  std::vector<std::vector<Symbol>> blocks;
  for (std::size_t i = 0; i <= kMaxFecBlocks; ++i)
    blocks.push_back(block(encoder, random, i * 10, {.sources = 4, .repairs = 1}));
  // Each lacks its first packet; the first block lacks its second as well, and is pushed out.
  for (std::size_t i = 0; i <= kMaxFecBlocks; ++i) {
    const auto recovered = receive(decoder, std::span(blocks[i]).subspan(i == 0 ? 2 : 1));
    ASSERT_EQ(recovered.size(), i == 0 ? 0u : 1u);
    if (i != 0) EXPECT_EQ(recovered.at(blocks[i][0].number), blocks[i][0].octets);
  }
  EXPECT_EQ(decoder.stats().given_up, 1u);
  EXPECT_TRUE(receive(decoder, std::span(blocks[0]).first(1)).empty());
}

TEST_P(EveryScheme, memory_is_bounded_by_the_window_and_the_blocks) {
  SeededRandom random(16);
  FecDecoder decoder;
  const Payload symbol(kMaxFecSymbol, 1);
  const Payload payload(kMaxFecPayload, 1);
  for (std::uint64_t number = 0; number < 3'000; ++number) {
    decoder.on_packet(number * 3, payload);
    decoder.on_repair({.packets = {.first = number * 3, .others = random.next_u64() >> 50},
                       .scheme = GetParam(),
                       .row = static_cast<std::uint8_t>(GetParam() == FecScheme::kXor ? 0 : number % kMaxFecRepairs),
                       .symbol = symbol});
    while (decoder.next_recovered()) continue;
    ASSERT_LT(decoder.memory(), 2 * (kFecWindow + kMaxFecBlocks * kMaxFecRepairs) * kMaxFecSymbol);
  }
}

TEST_P(EveryScheme, symbols_that_contradict_their_block_recover_nothing) {
  SeededRandom random(15);
  FecEncoder encoder(GetParam());
  for (int kind = 0; kind < 2; ++kind) {
    FecDecoder decoder;
    const std::vector<Symbol> sent = block(encoder, random, 0, {.sources = 4, .repairs = 1});
    std::vector<Symbol> arrived(sent.begin() + 1, sent.end());
    if (kind == 0) arrived.back().octets.resize(3);   // shorter than the packets
    if (kind == 1) arrived.back().octets[0] ^= 0x7f;  // a length that cannot be
    EXPECT_TRUE(receive(decoder, arrived).empty()) << kind;
    EXPECT_EQ(decoder.stats().inconsistent, 1u) << kind;
  }
}

// Symbols made by hand, as a liar makes them: of source symbols that begin with their length.
std::vector<Payload> repairs_of(FecScheme scheme, const std::vector<Payload>& sources, std::size_t rows) {
  std::vector<Payload> repairs(rows, Payload(sources[0].size()));
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t i = 0; i < sources.size(); ++i) {
      std::uint8_t* const into = repairs[row].data();
      const std::uint8_t factor = fec_coefficient(scheme, row, i);
      fec_add_scaled({&into, 1}, {&factor, 1}, sources[i]);
    }
  return repairs;
}

TEST_P(EveryScheme, a_computed_packet_without_octets_is_none) {
  const std::vector<Payload> repairs = repairs_of(GetParam(), {{0, 2, 7, 7}, {0, 0, 0, 0}}, 1);
  FecDecoder decoder;
  decoder.on_packet(0, Payload{7, 7});
  decoder.on_repair({.packets = {.first = 0, .others = 1}, .scheme = GetParam(), .row = 0, .symbol = repairs[0]});
  EXPECT_FALSE(decoder.next_recovered());
  EXPECT_EQ(decoder.stats().inconsistent, 1u);
}

TEST(fec, of_a_block_that_contradicts_itself_nothing_is_computed) {
  if (!is_available(FecScheme::kReedSolomon)) GTEST_SKIP() << "built without ISA-L";
  // The first of two packets would be fine, the second is longer than its symbol.
  const std::vector<Payload> repairs = repairs_of(FecScheme::kReedSolomon, {{0, 2, 7, 7}, {0, 9, 8, 8}}, 2);
  FecDecoder decoder;
  decoder.on_packet(9, Payload{1});
  for (std::uint8_t row = 0; row < 2; ++row)
    decoder.on_repair(
        {.packets = {.first = 0, .others = 1}, .scheme = FecScheme::kReedSolomon, .row = row, .symbol = repairs[row]});
  EXPECT_FALSE(decoder.next_recovered());
  EXPECT_EQ(decoder.stats().inconsistent, 1u);
  EXPECT_EQ(decoder.stats().recovered, 0u);
}

TEST_P(EveryScheme, a_packet_that_is_much_too_late_takes_no_newer_ones_place) {
  SeededRandom random(17);
  FecEncoder encoder(GetParam());
  FecDecoder decoder;
  const std::vector<Symbol> sent = block(encoder, random, kFecWindow, {.sources = 4, .repairs = 1});
  ASSERT_TRUE(receive(decoder, std::span(sent).subspan(1, 3)).empty());
  decoder.on_packet(sent[1].number - kFecWindow, Payload{1, 2, 3});
  const auto recovered = receive(decoder, std::span(sent).subspan(4));
  ASSERT_EQ(recovered.size(), 1u);
  EXPECT_EQ(recovered.at(sent[0].number), sent[0].octets);
}

TEST_P(EveryScheme, an_old_block_takes_no_newer_ones_place) {
  SeededRandom random(18);
  FecEncoder encoder(GetParam());
  FecDecoder decoder;
  const std::vector<Symbol> old = block(encoder, random, 0, {.sources = 4, .repairs = 1});
  std::vector<std::vector<Symbol>> newer;
  for (std::size_t i = 1; i <= kMaxFecBlocks; ++i) {
    newer.push_back(block(encoder, random, i * 10, {.sources = 4, .repairs = 1}));
    ASSERT_TRUE(receive(decoder, std::span(newer.back()).subspan(2)).empty()) << "two are missing";
  }
  EXPECT_TRUE(receive(decoder, std::span(old).subspan(2)).empty());
  EXPECT_EQ(decoder.stats().given_up, 0u);
  for (const auto& symbols : newer) EXPECT_EQ(receive(decoder, std::span(symbols).subspan(1, 1)).size(), 1u);
}

TEST(fec, xor_has_one_symbol_whatever_is_asked_for) {
  SeededRandom random(19);
  FecEncoder encoder(FecScheme::kXor);
  EXPECT_EQ(block(encoder, random, 0, {.sources = 4, .repairs = 3}).size(), 5u);
}

TEST(fec, loss_is_believed_once_a_hundred_packets_are_known_and_then_with_twice_its_error) {
  RedundancyController redundancy({.scheme = FecScheme::kReedSolomon});
  redundancy.on_packets(99, 10);
  EXPECT_EQ(redundancy.loss(), 0);
  redundancy.on_packets(1, 0);
  // A tenth of 100 packets: 0.1 and twice sqrt(0.1 * 0.9 / 100).
  EXPECT_NEAR(redundancy.loss(), 0.16, 1e-9);
}

TEST(fec, an_encoder_without_repairs_costs_nothing) {
  FecEncoder encoder(FecScheme::kXor);
  encoder.begin({.sources = 2, .repairs = 0});
  const Payload payload(100, 1);
  const Bytes piece(payload);
  encoder.add(1, {&piece, 1});
  encoder.add(2, {&piece, 1});
  EXPECT_EQ(encoder.room(), 0u);
  encoder.end(1);
  EXPECT_EQ(encoder.pending(), 0u);
  EXPECT_EQ(encoder.memory(), 0u);
}

TEST(fec, a_block_takes_no_packet_that_its_frame_could_not_name) {
  FecEncoder encoder(FecScheme::kXor);
  encoder.begin({.sources = 4, .repairs = 1});
  const Payload payload(10, 1);
  const Bytes piece(payload);
  encoder.add(7, {&piece, 1});
  EXPECT_FALSE(encoder.can_take(7));
  EXPECT_TRUE(encoder.can_take(7 + PacketGroup::kSpan - 1));
  EXPECT_FALSE(encoder.can_take(7 + PacketGroup::kSpan));
}

// ---- words

TEST(fec, words_become_a_configuration_and_back) {
  for (const char* text :
       {"off", "xor", "xor:8", "xor:5-25%", "xor@2", "xor:8@0", "xor:5-25%@6", "xor@asked", "xor:8@asked"}) {
    const auto config = parse_fec_config(text);
    ASSERT_TRUE(config.has_value()) << text;
    EXPECT_EQ(to_string(*config), text);
  }
  if (is_available(FecScheme::kReedSolomon)) {
    for (const char* text : {"rs", "rs:16/4", "rs:0-30%"}) {
      const auto config = parse_fec_config(text);
      ASSERT_TRUE(config.has_value()) << text;
      EXPECT_EQ(to_string(*config), text);
    }
  } else {
    EXPECT_FALSE(parse_fec_config("rs").has_value());
  }
  EXPECT_EQ(parse_fec_config("xor")->urgency_max, 7);
  EXPECT_EQ(parse_fec_config("xor:4@3")->urgency_max, 3);
  EXPECT_TRUE(parse_fec_config("xor:4@asked")->asked_only);
  EXPECT_FALSE(parse_fec_config("xor:4@ask").has_value());
  for (const char* text : {"",         "on",      "xor:",    "xor:0",   "xor:33",    "xor:1-3%", "rs:16",   "rs:16/0",
                           "rs:16/17", "rs:33/1", "rs:9-5%", "rs:0-0%", "rs:5-101%", "rs:5-10",  "xor:4/1", "rs:16/4x",
                           "xor@",     "xor@8",   "xor@2x",  "xor:@2",  "@2",        "off@2"})
    EXPECT_FALSE(parse_fec_config(text).has_value()) << text;
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
  RedundancyController controller({.scheme = FecScheme::kXor, .share_max = 0.25});
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

TEST(fec, a_block_that_ends_early_is_protected_in_proportion_and_never_not_at_all) {
  const RedundancyController fixed({.sources = 16, .repairs = 4});
  EXPECT_EQ(fixed.repairs_for(16), 4u);
  EXPECT_EQ(fixed.repairs_for(5), 2u);
  EXPECT_EQ(fixed.repairs_for(1), 1u);
  RedundancyController adaptive({.sources = 16});
  EXPECT_EQ(adaptive.repairs_for(1), 0u);
  for (int i = 0; i < 100; ++i) adaptive.on_packets(100, 10);
  EXPECT_EQ(adaptive.repairs_for(1), 1u);
  EXPECT_LT(adaptive.repairs_for(8), adaptive.repairs_for(16));
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
