// multipath_rules_test.cc: goal: a peer that breaks the rules of the multipath extension gets their exact error,
// and one that repeats what is over changes nothing. Method: a liar speaks as the client of a server that allows
// two paths; what the server sends is opened and read.
#include <gtest/gtest.h>

#include "multipath_stage.h"

namespace hawser::quic {
namespace {

struct Rule {
  const char* name;
  std::string frames_hex;
  TransportErrorCode code = TransportErrorCode::kProtocolViolation;
};

// multipath:3.4-only-path multipath:4-above-limit multipath:4.1-never-sent multipath:4.4-unique
// multipath:4.6-below-initial multipath:4.6-too-large multipath:4.7-above-limit multipath:4.8-next-sequence
const std::vector<Rule> kRules{
    {"PathAckAboveTheLimit", "3e 02 00 00 00 00"},
    {"PathAckOfAPathNeverUsed", "3e 01 00 00 00 00"},
    {"PathAckOfAPacketNeverSent", "3e 00 7fff 00 00 00"},
    {"PathAckBelowZero", "3e 00 05 00 00 06", TransportErrorCode::kFrameEncodingError},
    {"AbandonAboveTheLimit", "7e75 02 00"},
    {"AbandonOfTheOnlyPath", "7e75 00 00", TransportErrorCode::kNoViablePath},
    {"StatusAboveTheLimit", "7e76 02 00"},
    {"NewConnectionIdAboveTheLimit", new_cid("02", "00", "a1a2a3a4")},
    {"OneConnectionIdForTwoPaths", new_cid("01", "05", "a1a2a3a4") + "18 05 00 04 a1a2a3a4" + kToken},
    {"OneNumberForTwoConnectionIds", new_cid("01", "05", "a1a2a3a4") + new_cid("01", "05", "b1b2b3b4")},
    {"MoreConnectionIdsThanTheLimit",
     new_cid("01", "10", "a0a2a3a4") + new_cid("01", "11", "a1a2a3a4") + new_cid("01", "12", "a2a2a3a4") +
         new_cid("01", "13", "a3a2a3a4") + new_cid("01", "14", "a4a2a3a4") + new_cid("01", "15", "a5a2a3a4") +
         new_cid("01", "16", "a6a2a3a4") + new_cid("01", "17", "a7a2a3a4") + new_cid("01", "18", "a8a2a3a4"),
     TransportErrorCode::kConnectionIdLimitError},
    {"RetireAboveTheLimit", "7e79 02 00"},
    {"RetireOfWhatWasNeverIssued", "7e79 01 20"},
    {"MaxPathIdBelowTheInitialOne", "7e7a 00"},
    {"MaxPathIdAbove32Bits", "7e7a c000000100000000"},
    {"PathsBlockedAboveTheLimit", "7e7b 02"},
    {"CidsBlockedAboveTheLimit", "7e7c 02 00"},
    {"CidsBlockedBeyondWhatWasIssued", "7e7c 01 20"},
};

class MultipathRules : public ::testing::TestWithParam<Rule> {};

TEST_P(MultipathRules, get_their_exact_error) {
  Stage stage;
  ASSERT_NE(stage.server->core().multipath(), nullptr);
  stage.say(GetParam().frames_hex);
  ASSERT_TRUE(stage.error());
  EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(GetParam().code)) << describe(*stage.verdict(kC));
  if (GetParam().code == TransportErrorCode::kProtocolViolation)
    EXPECT_NE(stage.verdict(kC)->frame_type, 0u) << "the frame is named";
}

INSTANTIATE_TEST_SUITE_P(frames, MultipathRules, ::testing::ValuesIn(kRules),
                         [](const auto& info) { return std::string(info.param.name); });

// A server that lies to its client finds the same rules kept.
TEST_P(MultipathRules, hold_for_servers_too) {
  Theatre stage(two_paths());
  stage.open();
  stage.pass(1s);
  ASSERT_NE(stage.client->core().multipath(), nullptr);
  stage.silence(Role::kServer);
  stage.lie(Role::kServer, {.frames_hex = GetParam().frames_hex, .version = Version::kV1});
  ASSERT_TRUE(stage.verdict(Role::kServer));
  EXPECT_EQ(stage.verdict(Role::kServer)->error_code, static_cast<std::uint64_t>(GetParam().code))
      << describe(*stage.verdict(Role::kServer));
}

// Each path has packet numbers of its own: what was sent on one is not acknowledged on another.
// multipath:4.1-never-sent
TEST(multipath_rules, packets_of_another_path_cannot_be_acknowledged) {
  Stage stage;
  stage.say_on_path_1("01000000");
  ASSERT_EQ(stage.server->paths().size(), 2u);
  for (int i = 0; i < 8; ++i) {
    stage.server->ping();
    stage.server_endpoint->wake(*stage.server);
    stage.settle();
  }
  std::uint64_t largest[2] = {};
  for (const SeenPacket& packet : stage.tap.packets())
    if (!packet.to_server && packet.opened && packet.type == PacketType::kOneRtt)
      largest[packet.tuple.remote == kSecond] = std::max(largest[packet.tuple.remote == kSecond], packet.number);
  ASSERT_GT(largest[0], largest[1] + 1) << "or there is nothing to confuse";
  stage.say("3e 01 " + varint_hex(largest[0]) + " 00 00 00");
  ASSERT_TRUE(stage.error());
  EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kProtocolViolation));
}

TEST(multipath_rules, without_the_extension_its_frames_are_unknown) {
  for (const char* frames : {"3e 00 00 00 00 00", "7e75 00 00", "7e7a 05"}) {
    Stage stage{Theatre::Options{}};
    stage.say(frames);
    ASSERT_TRUE(stage.error());
    EXPECT_EQ(*stage.error(), static_cast<std::uint64_t>(TransportErrorCode::kFrameEncodingError));
  }
}

// Drafts 14 to 17 have other types for the same frames; a connection speaks those of its client's transport parameter.
TEST(multipath_rules, hold_in_the_code_points_of_older_drafts) {
  Theatre::Options older = two_paths();
  older.client.path_code_points = PathCodePoints::kDraft17;
  constexpr auto kViolation = TransportErrorCode::kProtocolViolation;
  constexpr auto kUnknown = TransportErrorCode::kFrameEncodingError;
  const struct {
    const char* frames;
    TransportErrorCode code;
    std::uint64_t type;
  } rules[] = {
      {"95228c00 02 00 00 00 00", kViolation, 0x15228c00},
      {"95228c01 01 00 00 00 00 00 00 00", kViolation, 0x15228c01},
      {"95228c05 02 00", kViolation, 0x15228c05},
      {"95228c07 02 00", kViolation, 0x15228c07},
      {"95228c08 02 00", kViolation, 0x15228c08},
      {"95228c0a 02 00", kViolation, 0x15228c0a},
      {"95228c0c 00", kViolation, 0x15228c0c},
      {"95228c0d 02", kViolation, 0x15228c0d},
      {"95228c0e 02 00", kViolation, 0x15228c0e},
      {"3e 00 00 00 00 00", kUnknown, 0},
      {"7e75 00 00", kUnknown, 0},
      {"95228c06 00 00", kUnknown, 0},
  };
  for (const auto& rule : rules) {
    Theatre stage(older);
    stage.open();
    stage.pass(1s);
    ASSERT_NE(stage.server->core().multipath(), nullptr);
    stage.silence(kC);
    stage.lie(kC, {.frames_hex = rule.frames, .version = Version::kV1});
    ASSERT_TRUE(stage.verdict(kC)) << rule.frames;
    EXPECT_EQ(stage.verdict(kC)->error_code, static_cast<std::uint64_t>(rule.code)) << rule.frames;
    if (rule.type != 0) EXPECT_EQ(stage.verdict(kC)->frame_type, rule.type);
  }
  Stage current;
  current.say("95228c05 00 00");
  ASSERT_TRUE(current.error());
  EXPECT_EQ(*current.error(), static_cast<std::uint64_t>(kUnknown));
}

// multipath:3.1-issue-ahead
TEST(multipath_rules, connection_ids_for_every_path_id_come_ahead) {
  Stage stage;
  EXPECT_FALSE(stage.path_1_cid.empty());
  EXPECT_EQ(stage.sent_by_server<PathNewConnectionIdFrame>(), 1u) << "one packet carries them";
}

// The peer may keep to the frames of RFC 9000 for the first path.
// multipath:4-initial-path
TEST(multipath_rules, frames_without_a_path_id_speak_of_the_first_path) {
  Stage stage;
  stage.tap.clear();
  stage.server->ping();
  stage.server_endpoint->wake(*stage.server);
  stage.settle();
  const auto pings = stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.has<PingFrame>(); });
  ASSERT_FALSE(pings.empty());
  ASSERT_TRUE(stage.server->core().path().loss().ack_eliciting_in_flight(PacketNumberSpace::kApplication));
  stage.say("02 " + varint_hex(pings.back()->number) + " 00 00 00");
  EXPECT_EQ(stage.server->core().path().loss().largest_acknowledged(PacketNumberSpace::kApplication)->value,
            pings.back()->number);
  // And on the second path they speak of the first as well.
  const std::string retire = "19 01";
  stage.say_on_path_1(retire);
  EXPECT_FALSE(stage.error());
  EXPECT_FALSE(stage.server->core().path().local_cids().entries().empty());
  EXPECT_TRUE(std::ranges::none_of(stage.server->core().path().local_cids().entries(),
                                   [](const LocalCids::Entry& e) { return e.sequence == 1; }));
}

// multipath:4.6-not-increased multipath:3.3-latest
TEST(multipath_rules, what_is_out_of_date_changes_nothing) {
  Stage stage;
  stage.say("7e7a 05");
  stage.say("7e7a 03");
  stage.say("7e76 00 04");
  EXPECT_EQ(stage.server->paths()[0].state, PathState::kStandby);
  stage.say("7e77 00 03");
  EXPECT_EQ(stage.server->paths()[0].state, PathState::kStandby);
  stage.say("7e77 00 05");
  EXPECT_EQ(stage.server->paths()[0].state, PathState::kActive);
  stage.say("7e7b 01");
  stage.say("7e7c 01 02");
  EXPECT_FALSE(stage.error());
}

// multipath:3.1-server-validates multipath:3-path-of-cid
TEST(multipath_rules, a_new_path_is_validated_within_three_times_what_came) {
  Stage stage;
  stage.tap.clear();
  stage.say_on_path_1("01000000");
  ASSERT_EQ(stage.server->paths().size(), 2u);
  EXPECT_EQ(stage.server->paths()[1].state, PathState::kProbing);
  std::uint64_t octets = 0;
  stage.pass(3s);
  for (const SeenPacket& packet : stage.tap.packets())
    octets += packet.tuple.remote == kSecond ? packet.datagram_size : 0;
  EXPECT_GT(octets, 0u);
  EXPECT_LE(octets, 3u * 60u);
  EXPECT_FALSE(stage.error());
}

// A server that has much to send, and a client that may not be where it says: padding goes there, an initial window of
// it at most, and no data.
// multipath:3.1-server-validates
TEST(multipath_rules, a_path_that_is_not_validated_gets_padding_within_three_times_what_came_and_no_data) {
  Stage stage;
  stage.tap.clear();
  std::vector<std::uint8_t> much(200'000, 7);
  const StreamId id = stage.server->open_stream(false).value();
  ASSERT_GT(stage.server->write(id, much, true).value(), 20'000u);
  stage.server_endpoint->wake(*stage.server);
  stage.settle();
  constexpr std::uint64_t kWindow = initial_window(kBaseMtu);
  const auto octets_sent = [&stage] { return stage.server->core().streams().send_credit().used(); };
  const std::uint64_t written = octets_sent();
  std::uint64_t padded = 0;
  for (int i = 1; i <= 12; ++i) {
    stage.say_on_path_1("01" + std::string(2 * 1'160, '0'));
    EXPECT_TRUE(i > 6 || octets_sent() == written) << "the first path's window is full, and the second is not for data";
    if (i == 6) stage.pass(2s);
    std::uint64_t octets = 0;
    for (const SeenPacket& packet : stage.tap.packets()) {
      if (packet.tuple.remote == kSecond) octets += packet.datagram_size;
    }
    EXPECT_LE(octets, 3u * 1'200u * static_cast<unsigned>(i));
    if (i == 6) padded = octets;
    if (i == 12) EXPECT_LE(octets, padded + 4 * kBaseMtu) << "answers and challenges";
  }
  EXPECT_GE(padded, kWindow - kBaseMtu);
  EXPECT_LE(padded, kWindow + 6 * kBaseMtu) << "with challenges and probes";
  EXPECT_EQ(stage.server->paths()[1].state, PathState::kProbing);
  EXPECT_FALSE(stage.error());
}

// A packet that only looks like one of path 1 leaves no trace.
// multipath:2.4-nonce
TEST(multipath_rules, a_packet_that_does_not_open_begins_no_path) {
  Stage stage;
  std::vector<std::uint8_t> datagram =
      stage.forge(kC, {.frames_hex = "01000000", .dcid = stage.path_1_cid, .path = PathId{1}});
  datagram.back() ^= 1;
  for (int i = 0; i < 50; ++i) stage.inject_on(kC, datagram, {ipv4_address({10, 0, 0, 2}, 443), kSecond});
  EXPECT_EQ(stage.server->paths().size(), 1u);
  // With the nonce of path 0 it does not open either.
  stage.inject_on(kC, stage.forge(kC, {.frames_hex = "01000000", .dcid = stage.path_1_cid}),
                  {ipv4_address({10, 0, 0, 2}, 443), kSecond});
  EXPECT_EQ(stage.server->paths().size(), 1u);
  stage.say_on_path_1("01000000");
  EXPECT_EQ(stage.server->paths().size(), 2u);
}

// multipath:3.4-answer multipath:4-closed-ignored multipath:3.4-forget
TEST(multipath_rules, an_abandoned_path_stays_gone) {
  Stage stage;
  stage.say_on_path_1("01000000");
  ASSERT_EQ(stage.server->paths().size(), 2u);
  stage.tap.clear();
  stage.say("7e75 01 00");
  EXPECT_EQ(stage.server->paths().size(), 1u);
  const auto answers = stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.has<PathAbandonFrame>(); });
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(answers[0]->get<PathAbandonFrame>()->path_id.value, 1u);
  // The liar acknowledges all that came on path 0, so that the server knows that the answer arrived.
  stage.say("3e 00 " + varint_hex(answers.back()->number) + " 00 00 00");
  for (const char* frames : {"7e75 01 00", "7e77 01 09", "3e 01 00 00 00 00", "7e7c 01 00"}) stage.say(frames);
  stage.say_on_path_1("01000000");
  stage.pass(3s);
  stage.say_on_path_1("01000000");
  for (const char* frames : {"7e75 01 00", "7e77 01 09", "3e 01 00 00 00 00"}) stage.say(frames);
  EXPECT_EQ(stage.server->paths().size(), 1u);
  EXPECT_FALSE(stage.error());
}

// What was counted stays when a path is forgotten, and when the connection is.
TEST(multipath_rules, totals_keep_what_paths_counted_that_are_gone) {
  Stage stage;
  stage.say_on_path_1("01000000");
  const auto open = [](const PathTotals& totals, PathState state) {
    return totals.open[static_cast<std::size_t>(state)];
  };
  const PathTotals begun = stage.server_endpoint->path_totals();
  EXPECT_EQ(begun.connections, 1u);
  EXPECT_EQ(open(begun, PathState::kActive), 1u);
  EXPECT_EQ(open(begun, PathState::kProbing), 1u);
  EXPECT_GE(begun.rtt_samples, 1u);
  EXPECT_GT(begun.added.octets_received, 0u);
  EXPECT_GT(begun.first.octets_received, begun.added.octets_received);
  stage.say("7e75 01 00");
  // The liar acknowledges the answer, so that the server need not say it again.
  std::uint64_t largest = 0;
  for (const SeenPacket& packet : stage.tap.packets())
    if (!packet.to_server && packet.opened && packet.type == PacketType::kOneRtt)
      largest = std::max(largest, packet.number);
  stage.say("3e 00 " + varint_hex(largest) + " 00 00 00");
  stage.pass(5s);
  EXPECT_EQ(stage.server->core().multipath()->find(PathId{1}), nullptr) << "it is forgotten";
  const PathTotals later = stage.server_endpoint->path_totals();
  EXPECT_EQ(open(later, PathState::kProbing), 0u);
  EXPECT_EQ(later.added.octets_received, begun.added.octets_received);
  EXPECT_EQ(later.events.paths_abandoned, 1u);
  stage.server->close(7, "enough");
  stage.server_endpoint->wake(*stage.server);
  stage.pass(60s);
  const PathTotals ended = stage.server_endpoint->path_totals();
  EXPECT_EQ(ended.connections, 0u);
  EXPECT_EQ(open(ended, PathState::kActive), 0u);
  EXPECT_EQ(ended.added.octets_received, begun.added.octets_received);
  EXPECT_GE(ended.first.octets_sent, later.first.octets_sent);
}

// A server of whose frames one is lost: everything is, and then only a packet well behind it is acknowledged.
struct LosingStage : Stage {
  void act(const std::function<void(Connection&)>& command) {
    command(*server);
    server_endpoint->wake(*server);
    settle();
  }
  template <class Frame>
  std::vector<const SeenPacket*> sent() {
    return tap.where([](const SeenPacket& p) { return !p.to_server && p.has<Frame>(); });
  }
  // The latest packet with such a frame, lost, brings another one.
  template <class Frame>
  bool is_said_again() {
    const std::uint64_t number = sent<Frame>().back()->number;
    const std::size_t before = sent<Frame>().size();
    for (int i = 0; i < 8 && largest() < number + 4; ++i) act([](Connection& c) { c.ping(); });
    say("02" + varint_hex(largest()) + "000000");
    pass(100ms);
    return sent<Frame>().size() > before;
  }
  std::uint64_t largest() {
    std::uint64_t largest = 0;
    for (const SeenPacket* packet : tap.where([](const SeenPacket& p) { return !p.to_server && p.opened; }))
      if (packet->type == PacketType::kOneRtt) largest = std::max(largest, packet->number);
    return largest;
  }
};

// multipath:3.3-sequence-grows
TEST(multipath_rules, a_status_has_a_larger_number_each_time_and_is_said_until_it_is_heard) {
  LosingStage stage;
  stage.tap.clear();
  stage.act([](Connection& c) { ASSERT_TRUE(c.set_path_status(PathId{}, PathStatus::kBackup)); });
  stage.act([](Connection& c) { ASSERT_TRUE(c.set_path_status(PathId{}, PathStatus::kAvailable)); });
  const auto sent = stage.sent<PathStatusFrame>();
  ASSERT_EQ(sent.size(), 2u);
  const std::uint64_t first = sent[0]->get<PathStatusFrame>()->sequence_number;
  EXPECT_GT(sent[1]->get<PathStatusFrame>()->sequence_number, first);
  ASSERT_TRUE(stage.is_said_again<PathStatusFrame>());
  EXPECT_GT(stage.sent<PathStatusFrame>().back()->get<PathStatusFrame>()->sequence_number, first);
}

// multipath:3.3-sequence-grows
TEST(multipath_rules, a_status_that_waits_to_be_said_outlives_the_loss_of_the_one_before) {
  LosingStage stage;
  stage.tap.clear();
  stage.act([](Connection& c) { ASSERT_TRUE(c.set_path_status(PathId{}, PathStatus::kBackup)); });
  ASSERT_EQ(stage.sent<PathStatusFrame>().size(), 1u);
  for (int i = 0; i < 4; ++i) stage.act([](Connection& c) { c.ping(); });
  ASSERT_TRUE(stage.server->set_path_status(PathId{}, PathStatus::kAvailable));
  stage.say("02" + varint_hex(stage.largest()) + "000000");
  stage.pass(100ms);
  const auto sent = stage.sent<PathStatusFrame>();
  EXPECT_TRUE(sent.back()->get<PathStatusFrame>()->available) << "the second was forgotten with the first";
}

// multipath:3.4-answer multipath:3.4-forget
TEST(multipath_rules, the_end_of_a_path_and_the_next_limit_are_said_until_they_are_heard) {
  LosingStage stage;
  stage.say_on_path_1("01000000");
  ASSERT_EQ(stage.server->paths().size(), 2u);
  stage.tap.clear();
  stage.say("7e75 01 00");
  ASSERT_TRUE(stage.is_said_again<PathAbandonFrame>());
  stage.say("02" + varint_hex(stage.sent<PathAbandonFrame>().back()->number) + "000000");
  for (int i = 0; i < 100 && stage.sent<MaxPathIdFrame>().empty(); ++i) stage.pass(50ms);
  ASSERT_FALSE(stage.sent<MaxPathIdFrame>().empty()) << "another path may take its place";
  EXPECT_EQ(stage.sent<MaxPathIdFrame>().back()->get<MaxPathIdFrame>()->maximum, 2u);
  EXPECT_TRUE(stage.is_said_again<MaxPathIdFrame>());
}

// multipath:3.4-answer
TEST(multipath_rules, what_still_comes_on_an_abandoned_path_is_acknowledged_on_another) {
  LosingStage stage;
  stage.say_on_path_1("01000000");
  stage.say("7e75 01 00");
  stage.tap.clear();
  for (int i = 0; i < 3; ++i) stage.say_on_path_1("01000000");
  stage.act([](Connection& c) { c.ping(); });
  stage.say("01000000");
  stage.pass(100ms);
  bool acknowledged = false;
  for (const SeenPacket* packet : stage.sent<PathAckFrame>())
    for (const AnyFrame& frame : packet->frames)
      if (const auto* ack = std::get_if<PathAckFrame>(&frame)) acknowledged |= ack->path_id == PathId{1};
  EXPECT_TRUE(acknowledged);
}

// RFC 9000 section 5.1.2, for each path: what is to be retired is not used any more, from the next packet on.
// rfc9000:5.1.2-retire-prior-to
TEST(multipath_rules, a_connection_id_of_a_path_in_use_is_replaced_as_soon_as_it_is_to_be_retired) {
  Stage stage;
  stage.say_on_path_1("01000000");
  ASSERT_EQ(stage.server->paths().size(), 2u);
  stage.tap.clear();
  stage.say(new_cid("01", "20", "a1a2a3a4"));
  stage.say("7e78 01 21 21 04 b1b2b3b4" + kToken);
  stage.say_on_path_1("01000000");
  stage.pass(1s);
  const auto sent = stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.tuple.remote == kSecond; });
  ASSERT_FALSE(sent.empty());
  // As long as ours are, the rest is what came behind it.
  for (const SeenPacket* packet : sent)
    EXPECT_EQ(std::vector<std::uint8_t>(packet->dcid.begin(), packet->dcid.begin() + 4),
              (std::vector<std::uint8_t>{0xb1, 0xb2, 0xb3, 0xb4}));
}

// multipath:4.1-never-sent
TEST(multipath_rules, an_ack_of_a_path_that_was_given_up_before_it_was_used_is_late_and_no_lie) {
  Stage stage;
  stage.say("7e75 01 00");
  stage.say("3e 01 00 00 00 00");
  EXPECT_FALSE(stage.error());
}

TEST(multipath_rules, what_comes_to_a_retired_connection_id_belongs_to_no_connection) {
  Stage stage;
  stage.say("7e79 01 00");
  const std::uint64_t dropped = stage.server_endpoint->stats().datagrams_dropped;
  stage.say_on_path_1("01000000");
  EXPECT_EQ(stage.server_endpoint->stats().datagrams_dropped, dropped + 1);
  EXPECT_EQ(stage.server->paths().size(), 1u);
}

// multipath:3.4-not-sent-after
TEST(multipath_rules, nothing_more_is_said_of_a_path_that_was_given_up) {
  Stage stage;
  stage.say_on_path_1("01000000");
  ASSERT_EQ(stage.server->paths().size(), 2u);
  stage.tap.clear();
  ASSERT_TRUE(stage.server->set_path_status(PathId{1}, PathStatus::kBackup));  // it has not gone out yet
  stage.say("7e75 01 00");
  EXPECT_GE(stage.sent_by_server<PathAbandonFrame>(), 1u);
  EXPECT_EQ(stage.sent_by_server<PathStatusFrame>(), 0u);
}

// A round trip is there by one path and back by another: what the way back took before says nothing.
TEST(multipath_rules, acks_that_come_by_another_way_begin_another_smallest_round_trip) {
  LosingStage stage;
  stage.say_on_path_1("01000000");
  stage.act([](Connection& c) { c.ping(); });
  stage.say("3e 00 " + varint_hex(stage.largest()) + " 00 00 00");
  const Duration before = stage.server->core().path().loss().rtt().min();
  stage.act([](Connection& c) { c.ping(); });
  const std::uint64_t sent = stage.largest();
  stage.pass(20ms);
  ASSERT_LT(before, 20ms);
  stage.say_on_path_1("3e 00 " + varint_hex(sent) + " 00 00 00");
  EXPECT_GE(stage.server->core().multipath()->find(kInitialPathId)->path->loss().rtt().min(), 20ms);
}

// A client that may open no further path, and a server that lies to it.
struct BlockedClient : Theatre {
  BlockedClient() : Theatre(options()), tap(*this) {
    open();
    pass(1s);
    silence(Role::kServer);
  }
  static Options options() {
    Options options;
    options.client.max_paths = 8;
    options.server.max_paths = 2;
    return options;
  }
  void say(const std::string& frames_hex) { lie(Role::kServer, {.frames_hex = frames_hex, .version = Version::kV1}); }
  bool try_to_open(std::uint16_t port) {
    FourTuple tuple = client->tuple();
    tuple.local.port = port;
    const bool opened = client->open_path(tuple).has_value();
    client_endpoint->wake(*client);
    settle();
    return opened;
  }
  std::vector<const SeenPacket*> sent_blocked() {
    return tap.where([](const SeenPacket& p) { return p.to_server && p.has<PathsBlockedFrame>(); });
  }
  WireTap tap;
};

// multipath:4.6-not-increased
TEST(multipath_rules, a_smaller_limit_of_paths_takes_none_away) {
  BlockedClient stage;
  stage.say("7e7a 05");
  stage.say("7e7a 03");
  for (const char* path : {"02", "03", "04", "05"}) stage.say(new_cid(path, "00", std::string("a1a2a3") + path));
  for (std::uint16_t path = 1; path <= 5; ++path) EXPECT_TRUE(stage.try_to_open(2'000 + path)) << path;
  EXPECT_FALSE(stage.try_to_open(2'006));
}

// multipath:2-limit-kept
TEST(multipath_rules, that_the_limit_of_paths_is_in_the_way_is_said_until_it_is_heard) {
  BlockedClient stage;
  ASSERT_TRUE(stage.try_to_open(2'001));
  ASSERT_FALSE(stage.try_to_open(2'002));
  ASSERT_EQ(stage.sent_blocked().size(), 1u);
  const std::uint64_t number = stage.sent_blocked()[0]->number;
  EXPECT_EQ(stage.sent_blocked()[0]->get<PathsBlockedFrame>()->maximum, 1u);
  for (int i = 0; i < 4; ++i) {
    stage.client->ping();
    stage.client_endpoint->wake(*stage.client);
    stage.settle();
  }
  stage.say("3e 00 " + varint_hex(number + 4) + " 00 00 00");
  stage.pass(100ms);
  ASSERT_GE(stage.sent_blocked().size(), 2u) << "it was lost";
  // What no longer holds is not said again.
  const std::size_t before = stage.sent_blocked().size();
  stage.say("7e7a 07");
  const std::uint64_t last = stage.sent_blocked().back()->number;
  for (int i = 0; i < 4; ++i) {
    stage.client->ping();
    stage.client_endpoint->wake(*stage.client);
    stage.settle();
  }
  stage.say("3e 00 " + varint_hex(last + 4) + " 00 00 00");
  stage.pass(100ms);
  EXPECT_EQ(stage.sent_blocked().size(), before);
}

// multipath:4.8-next-sequence
TEST(multipath_rules, connection_ids_are_missing_from_the_next_number_on_and_from_none_behind_it) {
  for (const std::uint64_t behind : {0u, 1u}) {
    Stage stage;
    std::uint64_t next = 0;
    for (const SeenPacket& packet : stage.tap.packets())
      for (const AnyFrame& frame : packet.frames)
        if (const auto* cid = std::get_if<PathNewConnectionIdFrame>(&frame); cid != nullptr && !packet.to_server)
          if (cid->path_id == PathId{1}) next = std::max(next, cid->cid.sequence_number + 1);
    ASSERT_GT(next, 0u);
    stage.say("7e7c 01 " + varint_hex(next + behind));
    EXPECT_EQ(stage.error().has_value(), behind != 0);
  }
}

// multipath:4.8-next-sequence
TEST(multipath_rules, that_connection_ids_are_missing_is_said_until_it_is_heard) {
  BlockedClient stage;
  stage.say("7e7a 05");
  ASSERT_TRUE(stage.try_to_open(2'001));
  ASSERT_FALSE(stage.try_to_open(2'002));
  const auto sent = [&] {
    return stage.tap.where([](const SeenPacket& p) { return p.to_server && p.has<PathCidsBlockedFrame>(); });
  };
  const auto lose = [&] {
    const std::uint64_t number = sent().back()->number;
    for (int i = 0; i < 4; ++i) {
      stage.client->ping();
      stage.client_endpoint->wake(*stage.client);
      stage.settle();
    }
    stage.say("3e 00 " + varint_hex(number + 4) + " 00 00 00");
    stage.pass(100ms);
  };
  ASSERT_EQ(sent().size(), 1u);
  EXPECT_EQ(sent()[0]->get<PathCidsBlockedFrame>()->path_id.value, 2u);
  EXPECT_EQ(sent()[0]->get<PathCidsBlockedFrame>()->next_sequence_number, 0u);
  lose();
  ASSERT_GE(sent().size(), 2u) << "it was lost";
  // What no longer holds is not said again.
  const std::size_t before = sent().size();
  stage.say(new_cid("02", "00", "a1a2a302"));
  lose();
  EXPECT_EQ(sent().size(), before);
}

}  // namespace
}  // namespace hawser::quic
