// fec_rules_test.cc: goal: a peer that breaks the rules of forward error correction gets their exact error, and one
// that keeps them is understood. Method: a liar speaks as the client of a server that speaks the extension; what the
// server sends is opened and read.
#include <gtest/gtest.h>

#include "quic/connection/fec.h"
#include "wire_tap.h"

namespace hawser::quic {
namespace {

constexpr Role kC = Role::kClient;
// What a liar's packets are numbered by: past all that the silenced client sent.
constexpr std::uint64_t kFirst = 1'000;

Theatre::Options both() {
  Theatre::Options options;
  for (ConnectionConfig* config : {&options.client, &options.server}) {
    config->fec = {.enabled = true, .scheme = FecScheme::kXor, .sources = 4, .repairs = 1};
    config->max_datagram_frame_size = kAnyDatagramFrame;
  }
  return options;
}

struct Stage : Theatre {
  explicit Stage(const Options& options = both()) : Theatre(options), tap(*this) {
    open();
    pass(1s);
    silence(kC);
  }
  void say(const std::string& frames_hex, std::uint64_t number) {
    lie(kC, {.frames_hex = frames_hex, .number = number, .version = Version::kV1});
  }
  [[nodiscard]] std::optional<std::uint64_t> error() const {
    return verdict(kC) ? std::optional(verdict(kC)->error_code) : std::nullopt;
  }
  WireTap tap;
};

// A symbol over these payloads.
std::string repair(std::uint64_t first, const std::string& others, const std::vector<std::string>& payloads_hex) {
  std::vector<std::uint8_t> sum;
  for (const std::string& hex : payloads_hex) {
    std::vector<std::uint8_t> one = from_hex(hex);
    one.insert(one.begin(), {static_cast<std::uint8_t>(one.size() >> 8), static_cast<std::uint8_t>(one.size())});
    if (sum.size() < one.size()) sum.resize(one.size());
    for (std::size_t i = 0; i < one.size(); ++i) sum[i] ^= one[i];
  }
  return "bafec701" + varint_hex(first) + others + "00 00" + varint_hex(sum.size()) + to_hex(sum);
}

struct Rule {
  const char* name;
  std::string frames_hex;
  TransportErrorCode code = TransportErrorCode::kFrameEncodingError;
};

// fec:3-numbers fec:3-block fec:3-scheme fec:3-row fec:3-symbol fec:3-before fec:3-unsent
const std::vector<Rule> kRules{
    {"CutShort", "bafec701 01 00 00 00 08 0003"},
    {"PacketNumbersThatCannotBe", "bafec701 ffffffffffffffff 01 00 00 03 000161"},
    {"MoreThan32Packets", "bafec701 01 ffffffffffffffff 00 00 03 000161"},
    {"UnknownScheme", "bafec701 01 00 02 00 03 000161"},
    {"RowOfXor", "bafec701 01 00 00 01 03 000161"},
    {"Row16", "bafec701 01 00 01 10 03 000161"},
    {"SymbolOfTwoOctets", "bafec701 01 00 00 00 02 0000"},
    {"SymbolOfNothing", "bafec701 01 00 00 00 00"},
    {"ItsOwnPacket", "bafec701 43e8 00 00 00 03 000161", TransportErrorCode::kProtocolViolation},
    {"PacketsAfterIt", "bafec701 43e7 01 00 00 03 000161", TransportErrorCode::kProtocolViolation},
    {"RecoveredWithoutASymbol", "bafec702 00 00", TransportErrorCode::kProtocolViolation},
    {"RecoveredCutShort", "bafec702 00"},
    {"WhatWasRecoveredMakesNoSense", repair(500, "00", {"21"})},
};

class FecRules : public ::testing::TestWithParam<Rule> {};

TEST_P(FecRules, get_their_exact_error) {
  Stage stage;
  stage.say(GetParam().frames_hex, kFirst);
  ASSERT_TRUE(stage.error());
  EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(GetParam().code)) << describe(*stage.verdict(kC));
  EXPECT_NE(stage.verdict(kC)->frame_type, 0u) << "the frame is named";
}

INSTANTIATE_TEST_SUITE_P(frames, FecRules, ::testing::ValuesIn(kRules),
                         [](const auto& info) { return std::string(info.param.name); });

// fec:2-both
TEST(fec_rules, frames_that_were_not_agreed_on_are_unknown) {
  for (const char* frames : {"bafec701 01 00 00 00 03 000161", "bafec702 01 00"}) {
    Theatre::Options only_server = both();
    only_server.client.fec.enabled = false;
    Stage stage{only_server};
    stage.say(frames, kFirst);
    ASSERT_TRUE(stage.error());
    EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kFrameEncodingError));
  }
}

// fec:2-both fec:2-scheme
TEST(fec_rules, nothing_of_it_is_sent_to_a_peer_that_does_not_offer_it) {
  Theatre::Options only_server = both();
  only_server.client.fec.enabled = false;
  Stage stage{only_server};
  EXPECT_FALSE(stage.server->fec_stats().sends);
  const auto id = stage.server->open_stream(false);
  ASSERT_TRUE(id.has_value());
  const std::vector<std::uint8_t> data(20'000);
  ASSERT_TRUE(stage.server->write(*id, data, true).has_value());
  stage.server_endpoint->wake(*stage.server);
  stage.pass(1s);
  EXPECT_TRUE(stage.tap.where([](const SeenPacket& p) { return p.has<FecRepairFrame>(); }).empty());
}

// fec:4-protected fec:4-not-acknowledged fec:3-elicits
TEST(fec_rules, a_lost_packet_is_read_and_reported_and_not_acknowledged) {
  Stage stage;
  stage.tap.clear();
  // The packet that is lost: the start of a stream. The one that is not ends it.
  const std::string lost = "0a00 03 616263";
  const std::string came = "0f00 03 03 646566";
  stage.say(came, kFirst + 1);
  stage.say(repair(kFirst, "01", {lost, came}), kFirst + 2);
  EXPECT_EQ(stage.server->fec_stats().packets_recovered, 1u);
  EXPECT_EQ(stage.server->stats().stream_bytes_received, 6u);
  const auto reports = stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.has<FecRecoveredFrame>(); });
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0]->get<FecRecoveredFrame>()->packets, (PacketGroup{.first = kFirst}));
  ASSERT_TRUE(reports[0]->has<AckFrame>());
  for (const Range& range : *reports[0]->get<AckFrame>()) EXPECT_FALSE(range.begin <= kFirst && kFirst < range.end);
  EXPECT_FALSE(stage.error());
}

// Two packets of its block never came, so that no symbol is of use: each costs what work it may make.
TEST(fec_rules, symbols_of_what_never_came_are_a_flood) {
  Stage stage;
  std::uint64_t said = 0;
  for (; said < 3'000 && !stage.error(); ++said)
    stage.say("bafec701" + varint_hex(kFirst + 3 * said) + "01 00 00 03 000161", kFirst + 3 * said + 2);
  EXPECT_EQ(stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
  EXPECT_GT(said, 1'000u) << "no peer that only loses packets comes near that";
}

// What a repair symbol gives back has the types of frames that its connection has.
TEST(fec_rules, a_lost_packet_is_read_in_the_code_points_of_older_drafts) {
  Theatre::Options options = both();
  options.client.max_paths = options.server.max_paths = 2;
  options.client.path_code_points = PathCodePoints::kDraft17;
  Stage stage{options};
  const std::string lost = "95228c00 00 00 00 00 00 0a00 03 616263";
  const std::string came = "0f00 03 03 646566";
  stage.say(came, kFirst + 1);
  stage.say(repair(kFirst, "01", {lost, came}), kFirst + 2);
  EXPECT_EQ(stage.server->fec_stats().packets_recovered, 1u);
  EXPECT_EQ(stage.server->stats().stream_bytes_received, 6u);
  EXPECT_FALSE(stage.error());
}

// fec:4-once
TEST(fec_rules, a_datagram_that_was_recovered_is_not_delivered_again) {
  Stage stage;
  const std::string lost = "31 03 616263";
  const std::string came = "31 03 646566";
  stage.say(came, kFirst + 1);
  stage.say(repair(kFirst, "01", {lost, came}), kFirst + 2);
  EXPECT_EQ(stage.server->datagram_stats().received, 2u);
  stage.say(lost, kFirst);
  EXPECT_EQ(stage.server->datagram_stats().received, 2u);
  EXPECT_FALSE(stage.error());
}

// fec:4-once
TEST(fec_rules, what_came_by_itself_long_ago_is_not_delivered_again_when_it_can_be_computed) {
  Stage stage;
  const std::string old = "31 03 616263";
  stage.say(old, kFirst);
  stage.say("01", kFirst + kFecWindow);  // takes the place where it was kept
  ASSERT_EQ(stage.server->datagram_stats().received, 1u);
  stage.say(repair(kFirst, "00", {old}), kFirst + kFecWindow + 1);
  EXPECT_EQ(stage.server->datagram_stats().received, 1u);
  EXPECT_EQ(stage.server->fec_stats().packets_recovered, 0u);
  EXPECT_FALSE(stage.error());
}

// fec:4-once
TEST(fec_rules, what_two_blocks_recover_is_read_and_reported_once) {
  Stage stage;
  const std::string lost = "31 03 616263";
  const std::string came = "31 03 646566";
  stage.say(came, kFirst + 1);
  stage.tap.clear();
  stage.say(repair(kFirst, "01", {lost, came}), kFirst + 2);
  stage.say(repair(kFirst, "00", {lost}), kFirst + 3);
  stage.pass(1s);
  EXPECT_EQ(stage.server->datagram_stats().received, 2u);
  EXPECT_EQ(stage.server->fec_stats().packets_recovered, 1u);
  EXPECT_EQ(stage.tap.where([](const SeenPacket& p) { return p.has<FecRecoveredFrame>(); }).size(), 1u);
  EXPECT_FALSE(stage.error());
}

// fec:3-unsent fec:4-same-path fec:4-protected
TEST(fec_rules, what_the_peer_recovered_is_not_sent_again_and_what_was_never_sent_is_an_error) {
  Stage stage;
  stage.tap.clear();
  const auto id = stage.server->open_stream(false);
  ASSERT_TRUE(id.has_value());
  const std::vector<std::uint8_t> data(3'000);
  ASSERT_TRUE(stage.server->write(*id, data, true).has_value());
  stage.server_endpoint->wake(*stage.server);
  stage.pass(1ms);
  const auto repairs = stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.has<FecRepairFrame>(); });
  ASSERT_EQ(repairs.size(), 1u);
  const FecRepairFrame* const frame = repairs[0]->get<FecRepairFrame>();
  EXPECT_EQ(frame->packets.count(), 3u);
  EXPECT_LT(frame->packets.last(), repairs[0]->number);
  // The first of the three was lost and recovered, the others came.
  const std::uint64_t last = frame->packets.last();
  const std::uint64_t lost = frame->packets.first;
  stage.tap.clear();
  stage.say("bafec702" + varint_hex(lost) + "00" + "02" + varint_hex(last + 1) + "00 00" + varint_hex(last - lost),
            kFirst);
  stage.pass(1s);
  EXPECT_EQ(stage.server->fec_stats().peer_recovered, 1u);
  EXPECT_TRUE(stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.has<StreamFrame>(); }).empty());
  EXPECT_EQ(stage.server->stats().packets_lost, 1u);
  stage.say("bafec702" + varint_hex(9'000) + "00", kFirst + 1);
  ASSERT_TRUE(stage.error());
  EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
}

// fec:5-window
TEST(fec_rules, repair_symbols_stay_within_the_window) {
  Stage stage;
  const std::uint64_t window = stage.server->stats().congestion_window;
  stage.tap.clear();
  const auto id = stage.server->open_stream(false);
  ASSERT_TRUE(id.has_value());
  const std::vector<std::uint8_t> data(100'000);
  ASSERT_TRUE(stage.server->write(*id, data, true).has_value());
  stage.server_endpoint->wake(*stage.server);
  stage.pass(20ms);
  std::size_t octets = 0;
  for (const SeenPacket* packet : stage.tap.where([](const SeenPacket& p) { return !p.to_server; }))
    octets += packet->datagram_size;
  EXPECT_FALSE(stage.tap.where([](const SeenPacket& p) { return p.has<FecRepairFrame>(); }).empty());
  EXPECT_LT(octets, window + 1'500);
}

// fec:5-window
TEST(fec_rules, a_window_that_holds_no_half_of_a_block_is_left_to_data) {
  Theatre::Options options = both();
  for (ConnectionConfig* config : {&options.client, &options.server}) config->fec.sources = 32;
  Stage stage(options);
  stage.tap.clear();
  const auto id = stage.server->open_stream(false);
  ASSERT_TRUE(id.has_value());
  ASSERT_TRUE(stage.server->write(*id, std::vector<std::uint8_t>(100'000), true).has_value());
  stage.server_endpoint->wake(*stage.server);
  stage.pass(30ms);  // the block waits no longer
  std::vector<std::uint64_t> sent;
  for (const SeenPacket* packet :
       stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.has<StreamFrame>(); }))
    sent.push_back(packet->number);
  ASSERT_GT(sent.size(), 5u);
  ASSERT_LT(sent.size(), 16u);
  stage.say("02" + varint_hex(sent[1]) + "00 00" + varint_hex(sent[1] - sent[0]), kFirst);
  stage.pass(1ms);
  const auto data = stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.has<StreamFrame>(); });
  EXPECT_GT(data.size(), sent.size());
  EXPECT_TRUE(stage.tap.where([](const SeenPacket& p) { return p.has<FecRepairFrame>(); }).empty());
}

}  // namespace
}  // namespace hawser::quic
