// Goal: validation, MTU search and amplification limit of a network path keep their RFC rules.
// Method: each machine by hand in virtual time, and the MTU search against a path that drops
// what is too large.
#include <gtest/gtest.h>

#include <array>

#include "quic/path/network_path.h"

namespace hawser::quic {
namespace {

constexpr Timestamp kNow{10s};

TEST(anti_amplification, sends_three_times_what_was_received_until_validated) {
  AntiAmplification limit;
  EXPECT_FALSE(limit.allows(1));
  limit.on_received(1'200);
  EXPECT_EQ(limit.credit(), 3'600u);
  limit.on_sent(3'600);
  EXPECT_FALSE(limit.allows(1));
  limit.on_received(1);
  EXPECT_TRUE(limit.allows(3));
  EXPECT_FALSE(limit.allows(4));
  limit.on_validated();
  EXPECT_TRUE(limit.allows(1'000'000));
}

class Validation : public testing::Test {
 protected:
  PathChallengeData challenge(Timestamp now) {
    PacketPayload out{area};
    EXPECT_EQ(validator.write_challenge(out, random, now), WriteResult::kDone);
    EXPECT_EQ(out.size(), 9u);
    EXPECT_EQ(area[0], 0x1a);
    EXPECT_TRUE(out.probing());
    PathChallengeData data;
    std::copy(area.begin() + 1, area.begin() + 9, data.begin());
    return data;
  }

  SeededRandom random{7};
  PathValidator validator;
  std::array<std::uint8_t, 64> area{};
};

// rfc9000:8.2.2-other-path-accepted rfc9000:9.4-probe-timer rfc9000:8.2.1-probe-rate
TEST_F(Validation, any_outstanding_challenge_validates) {
  validator.start(kNow, 100ms);
  EXPECT_TRUE(validator.challenge_due(kNow));
  const PathChallengeData first = challenge(kNow);
  EXPECT_FALSE(validator.challenge_due(kNow + 99ms));
  EXPECT_TRUE(validator.challenge_due(kNow + 100ms));
  const PathChallengeData second = challenge(kNow + 100ms);
  EXPECT_NE(first, second);
  EXPECT_EQ(validator.next_timeout(), kNow + 300ms);  // not before the backoff, nor past the end
  PathChallengeData wrong = first;
  wrong[0] ^= 1;
  EXPECT_FALSE(validator.on_path_response(wrong, kNow + 130ms));
  const auto proof = validator.on_path_response(first, kNow + 130ms);
  ASSERT_TRUE(proof);
  EXPECT_EQ(proof->round_trip, 130ms);
  EXPECT_TRUE(proof->carries_base_mtu);
  EXPECT_EQ(validator.state(), PathValidationState::kValidated);
  EXPECT_FALSE(validator.on_path_response(second, kNow + 140ms));
  EXPECT_EQ(validator.memory(), 0u);
}

// rfc9000:8.2.1-probe-rate
TEST_F(Validation, two_challenges_at_once_are_two_and_either_validates) {
  for (const bool first_arrives : {true, false}) {
    validator.start(kNow, 1s, 100ms, PathValidator::kChallengesToOpen);
    ASSERT_TRUE(validator.challenge_due(kNow));
    const PathChallengeData first = challenge(kNow);
    ASSERT_TRUE(validator.challenge_due(kNow));
    const PathChallengeData second = challenge(kNow);
    EXPECT_NE(first, second);
    EXPECT_FALSE(validator.challenge_due(kNow + 99ms));
    EXPECT_EQ(validator.next_timeout(), kNow + 100ms);
    challenge(kNow + 100ms);
    EXPECT_EQ(validator.next_timeout(), kNow + 300ms) << "from then on one at a time";
    EXPECT_TRUE(validator.on_path_response(first_arrives ? first : second, kNow + 150ms));
    EXPECT_EQ(validator.state(), PathValidationState::kValidated);
  }
}

// rfc9000:8.2.4-timer rfc9000:8.2.4-three-pto
TEST_F(Validation, fails_after_three_ptos) {
  validator.start(kNow, 100ms);
  const PathChallengeData data = challenge(kNow);
  EXPECT_FALSE(validator.on_timeout(kNow + 299ms));
  EXPECT_TRUE(validator.on_timeout(kNow + 300ms));
  EXPECT_FALSE(validator.on_timeout(kNow + 301ms));
  EXPECT_FALSE(validator.on_path_response(data, kNow + 302ms));
  EXPECT_EQ(validator.state(), PathValidationState::kFailed);
  EXPECT_EQ(validator.next_timeout(), kNever);
}

// rfc9000:8.2.2-echo rfc9000:19.17-response rfc9000:8.2.2-one-response
TEST_F(Validation, challenges_are_answered_and_the_oldest_gives_way_past_the_limit) {
  for (std::uint8_t i = 0; i <= PathValidator::kMaxResponses; ++i) validator.on_path_challenge({i});
  PacketPayload small{MutableBytes{area}.first(20)};
  EXPECT_EQ(validator.write_responses(small), WriteResult::kPacketFull);
  EXPECT_EQ(small.frames().size(), 2u);
  EXPECT_EQ(area[0], 0x1b);
  EXPECT_EQ(area[1], 1);
  EXPECT_EQ(area[10], 2);
  PacketPayload rest{area};
  EXPECT_EQ(validator.write_responses(rest), WriteResult::kDone);
  EXPECT_EQ(area[1], 3);
  EXPECT_EQ(rest.frames().size(), PathValidator::kMaxResponses - 2);
  EXPECT_FALSE(validator.response_owed());
}

// Runs the search on a path that carries `carries` octets; returns how many probes were lost.
int search(MtuProber& prober, std::uint16_t carries, Timestamp now) {
  int lost = 0;
  for (int i = 0; i < 200; ++i) {
    const std::uint16_t probe = prober.next_probe(now);
    if (probe == 0) return lost;
    prober.on_probe_sent(probe, now);
    EXPECT_EQ(prober.next_probe(now), 0);  // one at a time
    if (probe <= carries) {
      EXPECT_TRUE(prober.on_probe_acked(probe, now));
    } else {
      prober.on_probe_lost(probe, now);
      ++lost;
    }
  }
  ADD_FAILURE() << "the search does not end";
  return lost;
}

TEST(mtu_prober, one_probe_finds_the_expected_size) {
  MtuProber prober({.max = kEthernetMtuIpv4});
  EXPECT_EQ(prober.mtu(), kBaseMtu);
  EXPECT_EQ(prober.next_probe(kNow), 0);  // not before the handshake
  prober.start(kNow);
  EXPECT_EQ(prober.next_probe(kNow), kEthernetMtuIpv4);
  EXPECT_EQ(search(prober, 9'000, kNow), 0);
  EXPECT_EQ(prober.mtu(), kEthernetMtuIpv4);
  EXPECT_TRUE(prober.search_complete());
  EXPECT_EQ(prober.next_timeout(), kNever);
}

TEST(mtu_prober, finds_every_mtu_within_its_resolution) {
  for (const std::uint16_t max : {std::uint16_t{1'452}, std::uint16_t{1'472}, std::uint16_t{8'972}, kMaxMtu}) {
    for (std::uint32_t carries = kBaseMtu; carries <= max; carries += 1 + carries / 37) {
      MtuProber prober({.max = max});
      prober.start(kNow);
      search(prober, static_cast<std::uint16_t>(carries), kNow);
      EXPECT_LE(prober.mtu(), carries);
      EXPECT_GE(prober.mtu() + MtuProber::kResolution, carries) << max;
    }
  }
}

TEST(mtu_prober, tries_larger_sizes_again_after_the_raise_interval) {
  MtuProber prober({.max = kEthernetMtuIpv4});
  prober.start(kNow);
  search(prober, 1'300, kNow);
  EXPECT_EQ(prober.next_timeout(), kNow + MtuProber::kRaiseInterval);
  EXPECT_EQ(prober.next_probe(kNow + 599s), 0);
  EXPECT_EQ(prober.next_probe(kNow + 600s), kEthernetMtuIpv4);
  search(prober, kEthernetMtuIpv4, kNow + 600s);
  EXPECT_EQ(prober.mtu(), kEthernetMtuIpv4);
}

// rfc9000:14.3-base
TEST(mtu_prober, a_black_hole_brings_back_the_base) {
  MtuProber prober({.max = kEthernetMtuIpv4});
  prober.start(kNow);
  search(prober, kEthernetMtuIpv4, kNow);
  EXPECT_FALSE(prober.on_packets_lost(1'472, kNow));
  EXPECT_FALSE(prober.on_pto(kNow));
  EXPECT_TRUE(prober.on_pto(kNow));
  EXPECT_EQ(prober.mtu(), kBaseMtu);
  search(prober, 1'400, kNow);
  EXPECT_LE(prober.mtu(), 1'400);
  EXPECT_GE(prober.mtu() + MtuProber::kResolution, 1'400);
}

// rfc9000:14.4-probe-loss
TEST(mtu_prober, congestion_is_no_black_hole) {
  MtuProber prober({.max = kEthernetMtuIpv4});
  prober.start(kNow);
  search(prober, kEthernetMtuIpv4, kNow);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(prober.on_packets_lost(1'472, kNow));
    EXPECT_FALSE(prober.on_packets_lost(900, kNow));  // small ones are lost as well
    EXPECT_FALSE(prober.on_packets_lost(1'472, kNow));
    prober.on_packets_acked(1'472);
  }
  EXPECT_EQ(prober.mtu(), kEthernetMtuIpv4);
}

TEST(mtu_prober, the_peer_limits_datagrams_and_probes) {
  MtuProber prober({.initial = 1'400, .max = kEthernetMtuIpv4});
  prober.set_peer_limit(1'350);
  prober.start(kNow);
  EXPECT_EQ(prober.mtu(), 1'350);
  EXPECT_EQ(prober.next_probe(kNow), 0);
}

TEST(network_path, a_response_validates_and_lifts_the_amplification_limit) {
  NetworkPath path(
      {.tuple = {.local = ipv4_address({127, 0, 0, 1}, 1), .remote = ipv4_address({127, 0, 0, 1}, 2)}, .mtu = {}});
  EXPECT_FALSE(path.validated());
  path.on_datagram_received(1'200);
  path.on_datagram_sent(1'200, path.ecn().mark(), kNow, 100ms);
  EXPECT_EQ(path.anti_amplification().credit(), 2'400u);
  SeededRandom random(3);
  std::array<std::uint8_t, 64> area;
  PacketPayload out{area};
  path.validator().start(kNow, 100ms);
  EXPECT_EQ(path.validator().write_challenge(out, random, kNow), WriteResult::kDone);
  PathChallengeData data;
  std::copy(area.begin() + 1, area.begin() + 9, data.begin());
  EXPECT_TRUE(path.on_path_response(data, kNow + 50ms));
  EXPECT_TRUE(path.validated());
}

TEST(network_path, outcomes_of_recovery_move_the_mtu) {
  NetworkPath path({.tuple = {}, .validated = true, .mtu = {.max = 1'472}});
  path.mtu_prober().start(kNow);
  path.mtu_prober().on_probe_sent(1'472, kNow);
  RecoveryOutcome outcome;
  outcome.mtu_probe_acked = 1'472;
  EXPECT_TRUE(path.on_recovery(outcome, kNow));
  EXPECT_EQ(path.mtu(), 1'472);
  RecoveryOutcome lost;
  lost.lost_size_min = 1'472;
  EXPECT_FALSE(path.on_recovery(lost, kNow));
  EXPECT_FALSE(path.on_recovery(lost, kNow));
  EXPECT_TRUE(path.on_recovery(lost, kNow));
  EXPECT_EQ(path.mtu(), kBaseMtu);
}

}  // namespace
}  // namespace hawser::quic
