// path_rules_test.cc: goal: a server whose client seems to be elsewhere keeps the rules of RFC 9000
// sections 8.2 and 9, datagram by datagram, and everything ends as section 10 and 12.3 say. Method: a liar
// speaks as the client from other addresses; what the server sends, and where to, is opened and read.
#include <gtest/gtest.h>

#include <set>

#include "quic/connection/core.h"
#include "wire_tap.h"

namespace hawser::quic {
namespace {

constexpr Role kC = Role::kClient;
constexpr Role kS = Role::kServer;
const SocketAddress kHome = ipv4_address({10, 0, 0, 1}, 5'555);
const SocketAddress kAway = ipv4_address({10, 0, 0, 99}, 7'777);

// A server behind a handshake, and a liar in the place of its client.
struct Stage : Theatre {
  explicit Stage(const Options& options = {}) : Theatre(options), tap(*this) {
    open();
    pass(1s);
    silence(kC);
    tap.clear();
  }
  void say(const std::string& frames_hex, const SocketAddress& from) {
    const std::vector<std::uint8_t> datagram = forge(kC, {.frames_hex = frames_hex});
    if (from == kAway) away_octets += datagram.size();
    inject_from(kC, datagram, from);
  }
  // What the server has sent to this address.
  std::vector<const SeenPacket*> sent_to(const SocketAddress& remote) {
    return tap.where([&](const SeenPacket& p) { return !p.to_server && p.tuple.remote == remote; });
  }
  std::vector<const SeenPacket*> challenges_to(const SocketAddress& remote) {
    return tap.where(
        [&](const SeenPacket& p) { return !p.to_server && p.tuple.remote == remote && p.has<PathChallengeFrame>(); });
  }
  std::vector<const SeenPacket*> closes_sent() {
    return tap.where([](const SeenPacket& p) { return !p.to_server && p.has<ConnectionCloseFrame>(); });
  }
  std::uint64_t octets_to(const SocketAddress& remote) {
    std::uint64_t octets = 0;
    std::set<std::size_t> datagrams;
    for (const SeenPacket* packet : sent_to(remote))
      if (datagrams.insert(packet->datagram).second) octets += packet->datagram_size;
    return octets;
  }
  // What answers the latest challenge to this address.
  std::string answer_to_challenge(const SocketAddress& remote) {
    return "1b" + to_hex(challenges_to(remote).back()->get<PathChallengeFrame>()->data);
  }

  WireTap tap;
  std::uint64_t away_octets = 0;
};

const std::string kChallenge = "1a0102030405060708";
const std::string kPing = "01000000";

// rfc9000:8.2.2-same-path rfc9000:8.2.2-no-delay rfc9000:8.2.2-expanded rfc9000:8.2.1-expanded
TEST(path_rules, a_challenge_is_answered_at_once_where_it_came_from) {
  Stage stage;
  const Timestamp asked = stage.now;
  stage.say(kChallenge + bytes_hex(1'150), kAway);
  std::size_t answers = 0;
  for (const SeenPacket& packet : stage.tap.packets()) {
    const auto* answer = packet.get<PathResponseFrame>();
    if (answer == nullptr) continue;
    EXPECT_EQ(to_hex(answer->data), kChallenge.substr(2));
    EXPECT_EQ(packet.tuple.remote, kAway);
    EXPECT_EQ(packet.sent, asked);
    EXPECT_EQ(packet.datagram_size, 1'200u);
    ++answers;
  }
  EXPECT_EQ(answers, 1u);
  ASSERT_FALSE(stage.challenges_to(kAway).empty());
  EXPECT_EQ(stage.challenges_to(kAway)[0]->datagram_size, 1'200u);
}

// rfc9000:8.2.2-same-path
TEST(path_rules, a_challenge_where_none_of_ours_is_due_is_answered_there_too) {
  Stage stage;
  stage.say(kChallenge + bytes_hex(1'150), kAway);
  stage.tap.clear();
  stage.say("1a1112131415161718" + bytes_hex(1'150), kAway);
  const auto answers = stage.tap.where([](const SeenPacket& p) { return p.has<PathResponseFrame>(); });
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0]->tuple.remote, kAway);
  EXPECT_TRUE(stage.challenges_to(kAway).empty());
}

// rfc9000:8.2.1-small-accepted rfc9000:8.2.2-amplification
TEST(path_rules, a_small_challenge_is_answered_with_no_more_than_three_times_its_octets) {
  Stage stage;
  stage.say(kChallenge, kAway);
  const auto answers = stage.tap.where([](const SeenPacket& p) { return p.has<PathResponseFrame>(); });
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0]->tuple.remote, kAway);
  stage.pass(10s);
  EXPECT_LE(stage.octets_to(kAway), 3 * stage.away_octets);
}

// rfc9000:8.2.1-unpredictable rfc9000:9.3.3-validate-old rfc9000:8.2.1-one-challenge
TEST(path_rules, both_addresses_are_asked_with_numbers_that_nobody_can_guess) {
  std::set<std::string> data;
  std::size_t asked = 0;
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    Stage stage;
    stage.random = SeededRandom(seed);
    stage.say(kPing + bytes_hex(1'150), kAway);
    EXPECT_FALSE(stage.challenges_to(kHome).empty());
    EXPECT_FALSE(stage.challenges_to(kAway).empty());
    stage.pass(2s);
    for (const SocketAddress& address : {kHome, kAway}) {
      for (const SeenPacket* packet : stage.challenges_to(address)) {
        EXPECT_EQ(std::ranges::count_if(
                      packet->frames,
                      [](const AnyFrame& frame) { return std::holds_alternative<PathChallengeFrame>(frame); }),
                  1);
        data.insert(to_hex(packet->get<PathChallengeFrame>()->data));
        ++asked;
      }
    }
  }
  EXPECT_GT(asked, 6u);
  EXPECT_EQ(data.size(), asked);
}

// rfc9000:8.2.1-second-challenge rfc9000:8.2.3-mtu-again
TEST(path_rules, what_a_small_challenge_proved_is_asked_again_in_full_size) {
  Stage stage;
  stage.say(kPing, kAway);
  ASSERT_FALSE(stage.challenges_to(kAway).empty());
  for (const SeenPacket* challenge : stage.challenges_to(kAway)) EXPECT_LT(challenge->datagram_size, 1'200u);
  const std::string answer = stage.answer_to_challenge(kAway);
  stage.tap.clear();
  stage.say(answer, kAway);
  ASSERT_FALSE(stage.challenges_to(kAway).empty());
  EXPECT_EQ(stage.challenges_to(kAway)[0]->datagram_size, 1'200u);
}

// rfc9000:9.3.2-revert
TEST(path_rules, an_address_that_never_answers_is_left_for_the_last_one_that_did) {
  Stage stage;
  stage.say(kPing + bytes_hex(1'150), kAway);
  EXPECT_EQ(stage.server->tuple().remote, kAway);
  stage.pass(5s);
  EXPECT_EQ(stage.server->tuple().remote, kHome);
  EXPECT_EQ(stage.server->migration_stats().returns, 1u);
  EXPECT_FALSE(stage.server_witness.closed.has_value());
}

// rfc9000:9.3.2-close-silently
TEST(path_rules, without_any_proven_address_the_end_is_silent) {
  Stage stage;
  stage.say(kPing + bytes_hex(1'150), kAway);
  stage.server->core().path().settle(stage.now);  // as if the address before were given up
  stage.pass(5s);
  ASSERT_TRUE(stage.server_witness.closed.has_value());
  EXPECT_EQ(stage.server_witness.closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kNoViablePath));
  EXPECT_TRUE(stage.closes_sent().empty());
}

// rfc9000:9.3.3-non-probing
TEST(path_rules, a_challenge_at_home_is_answered_with_more_than_a_probe) {
  Stage stage;
  stage.say(kChallenge + bytes_hex(1'150), kHome);
  EXPECT_FALSE(stage.tap.where([](const SeenPacket& p) { return !p.to_server && p.has<PingFrame>(); }).empty());
}

// rfc9000:10.2.1-rate rfc9000:11.1-repeat
TEST(path_rules, a_close_is_repeated_ever_more_seldom) {
  Stage stage;
  stage.server->close(7, "enough");
  stage.server_endpoint->wake(*stage.server);
  stage.settle();
  EXPECT_EQ(stage.closes_sent().size(), 1u);
  for (int i = 0; i < 31; ++i) stage.say(kPing, kHome);
  EXPECT_GE(stage.closes_sent().size(), 4u);
  EXPECT_LE(stage.closes_sent().size(), 7u);
}

// rfc9000:10.2.2-no-more
TEST(path_rules, a_close_behind_an_acknowledgement_is_heard_while_closing) {
  Stage stage;
  stage.server->close(7, "enough");
  stage.server_endpoint->wake(*stage.server);
  stage.settle();
  stage.say("02 00 00 00 00 1c 00 00 00", kHome);
  const std::size_t before = stage.closes_sent().size();
  for (int i = 0; i < 31; ++i) stage.say(kPing, kHome);
  EXPECT_EQ(stage.closes_sent().size(), before) << "it drains";
}

// rfc9000:9-disabled-violated rfc9000:9.3-protect
TEST(path_rules, a_move_that_was_forbidden_is_validated_like_any_other) {
  Stage stage({.server = {.disable_active_migration = true}});
  stage.say(kPing, kAway);
  EXPECT_FALSE(stage.challenges_to(kAway).empty());
  EXPECT_EQ(stage.server_endpoint->stats().stateless_resets_sent, 0u);
  EXPECT_LE(stage.octets_to(kAway), 3 * stage.away_octets);
}

// rfc9000:12.3-exhausted
TEST(path_rules, a_connection_without_packet_numbers_ends_without_a_word) {
  Stage stage;
  LossDetector& loss = stage.server->core().path().loss();
  loss.end_packet_numbers_at(loss.next_packet_number(PacketNumberSpace::kApplication, stage.random).value +
                             kNumbersInHand + 20);
  for (int i = 0; i < 100 && !stage.server_witness.closed; ++i) {
    stage.server->ping();
    stage.server_endpoint->wake(*stage.server);
    stage.pass(10ms);
  }
  ASSERT_TRUE(stage.server_witness.closed.has_value());
  const auto sent = stage.tap.where([](const SeenPacket& p) { return !p.to_server; });
  EXPECT_GE(sent.size(), 15u);
  EXPECT_LE(sent.size(), 21u);
  EXPECT_TRUE(stage.closes_sent().empty());
}

}  // namespace
}  // namespace hawser::quic
