// admission_test.cc: goal: what a server grants to new clients follows its limits, and Retry comes
// and goes with the load. Method: packets and handshakes are told in virtual time.
#include "quic/endpoint/admission.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

using Verdict = Admission::Verdict;
using Room = Admission::Room;

constexpr std::array<std::uint64_t, 2> kKey = {1, 2};
constexpr Timestamp kStart{100s};

SocketAddress v4(std::uint8_t last, std::uint16_t port = 1'000) {
  return ipv4_address({192, 0, 2, last}, port);
}
SocketAddress v6(std::uint8_t network, std::uint8_t host) {
  SocketAddress address{.family = AddressFamily::kIpv6};
  address.ip[0] = 0x20;
  address.ip[7] = network;
  address.ip[15] = host;
  return address;
}

TEST(admission, a_source_is_an_ipv4_address_or_64_bits_of_ipv6) {
  const Admission admission({}, RetryPolicy::kNever, kKey);
  const auto same = [&](const SocketAddress& a, const SocketAddress& b) {
    const Admission::Source one = admission.source_of(a), other = admission.source_of(b);
    return one.slots[0] == other.slots[0] && one.slots[1] == other.slots[1];
  };
  EXPECT_TRUE(same(v4(1, 1'000), v4(1, 2'000)));
  EXPECT_FALSE(same(v4(1), v4(2)));
  EXPECT_TRUE(same(v6(1, 1), v6(1, 2)));
  EXPECT_FALSE(same(v6(1, 1), v6(2, 1)));
}

TEST(admission, one_source_spends_its_own_rate_only) {
  Admission admission({.source_initials_per_second = 100}, RetryPolicy::kNever, kKey);
  const Admission::Source loud = admission.source_of(v4(1)), quiet = admission.source_of(v4(2));
  int passed = 0;
  for (int i = 0; i < 10'000; ++i) passed += admission.on_initial(loud, kStart);
  EXPECT_EQ(passed, 100);
  EXPECT_EQ(admission.stats().initials_over_source_rate, 9'900u);
  EXPECT_EQ(admission.stats().initials_owed_for_floods, 0u);
  EXPECT_TRUE(admission.on_initial(quiet, kStart));
  for (int i = 0; i < 10'000; ++i) passed += admission.on_initial(loud, kStart + 500ms);
  EXPECT_EQ(passed, 150);
}

TEST(admission, who_floods_pays_with_first_packets_and_is_let_in_again) {
  Admission admission({}, RetryPolicy::kNever, kKey);
  const Admission::Source loud = admission.source_of(v4(1)), quiet = admission.source_of(v4(2));
  // Each connection that gets in is ended for its flood at once.
  int connections = 0;
  Timestamp now = kStart;
  for (; now < kStart + 10s; now += 100us) {
    if (!admission.on_initial(loud, now)) continue;
    ++connections;
    admission.on_flood(loud, now);
  }
  EXPECT_NEAR(connections, 10 * (1s / Admission::kFloodCost) + 50, 10) << "what it had saved, and then 50 a second";
  EXPECT_TRUE(admission.on_initial(quiet, now));
  // However many it had open: who shares its address waits for no longer than this.
  for (int i = 0; i < 10'000; ++i) admission.on_flood(loud, now);
  const std::uint64_t owed = admission.stats().initials_owed_for_floods;
  EXPECT_FALSE(admission.on_initial(loud, now + Admission::kFloodDebtMax - 1ms));
  EXPECT_EQ(admission.stats().initials_owed_for_floods, owed + 1);
  EXPECT_TRUE(admission.on_initial(loud, now + Admission::kFloodDebtMax + 1ms));
}

// Of the two counters of a source, others may share one; the other one tells the truth.
TEST(admission, who_shares_one_of_its_counters_with_a_loud_source_is_not_held_for_it) {
  Admission admission({.source_initials_per_second = 100, .source_handshakes_max = 3}, RetryPolicy::kNever, kKey);
  const Admission::Source quiet = admission.source_of(v4(2));
  Admission::Source loud = quiet;
  loud.slots[1] = static_cast<std::uint16_t>((loud.slots[1] + 1) % Admission::kRowSize);
  for (int i = 0; i < 10'000; ++i) (void)admission.on_initial(loud, kStart);
  for (int i = 0; i < 3; ++i) admission.begin(loud, false, kStart);
  EXPECT_TRUE(admission.on_initial(quiet, kStart));
  EXPECT_EQ(admission.judge(quiet, false, Room::kFree, kStart), Verdict::kAccept);
  EXPECT_EQ(admission.judge(loud, false, Room::kFree, kStart), Verdict::kIgnore);
}

TEST(admission, clients_that_wait_for_their_turn_count_as_open_handshakes) {
  Admission admission({.retry_mark = 100}, RetryPolicy::kUnderLoad, kKey);
  admission.set_waiting(99);
  EXPECT_FALSE(admission.retries());
  admission.begin(admission.source_of(v4(1)), false, kStart);
  EXPECT_TRUE(admission.retries());
}

TEST(admission, replies_to_one_source_are_limited) {
  Admission admission({.source_replies_per_second = 10}, RetryPolicy::kNever, kKey);
  int sent = 0;
  for (int i = 0; i < 1'000; ++i) sent += admission.on_reply(admission.source_of(v4(1)), kStart);
  EXPECT_EQ(sent, 10);
  EXPECT_TRUE(admission.on_reply(admission.source_of(v4(2)), kStart));
}

TEST(admission, whoever_holds_its_share_of_handshakes_must_show_a_token) {
  Admission admission({.source_handshakes_max = 3}, RetryPolicy::kUnderLoad, kKey);
  const Admission::Source source = admission.source_of(v4(1));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(admission.judge(source, false, Room::kFree, kStart), Verdict::kAccept);
    admission.begin(source, false, kStart);
  }
  EXPECT_EQ(admission.judge(source, false, Room::kFree, kStart), Verdict::kRetry);
  // Others, and those of the same address that came back with a token, are not concerned.
  EXPECT_EQ(admission.judge(admission.source_of(v4(2)), false, Room::kFree, kStart), Verdict::kAccept);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(admission.judge(source, true, Room::kFree, kStart), Verdict::kAccept);
    admission.begin(source, true, kStart);
  }
  EXPECT_EQ(admission.judge(source, true, Room::kFree, kStart), Verdict::kIgnore);
  admission.end(source, true, true, kStart);
  EXPECT_EQ(admission.judge(source, true, Room::kFree, kStart), Verdict::kAccept);
}

TEST(admission, without_retry_what_is_over_a_share_is_ignored) {
  Admission admission({.source_handshakes_max = 1}, RetryPolicy::kNever, kKey);
  const Admission::Source source = admission.source_of(v4(1));
  admission.begin(source, false, kStart);
  EXPECT_EQ(admission.judge(source, false, Room::kFree, kStart), Verdict::kIgnore);
  EXPECT_EQ(admission.stats().handshakes_ignored, 1u);
}

TEST(admission, handshakes_a_second_are_limited_in_all) {
  Admission admission({.handshakes_per_second = 50}, RetryPolicy::kNever, kKey);
  int begun = 0;
  for (int i = 0; i < 200; ++i) {
    const Admission::Source source = admission.source_of(v4(static_cast<std::uint8_t>(i)));
    if (admission.judge(source, false, Room::kFree, kStart) != Verdict::kAccept) continue;
    admission.begin(source, false, kStart);
    ++begun;
  }
  EXPECT_EQ(begun, 50);
}

TEST(admission, handshakes_are_refused_past_their_memory_unless_another_yields) {
  Admission admission({.handshake_memory_max = 2 * Admission::kTlsMemory + 1'000}, RetryPolicy::kNever, kKey);
  const Admission::Source source = admission.source_of(v4(1));
  for (int i = 0; i < 2; ++i) admission.begin(source, false, kStart);
  EXPECT_EQ(admission.judge(source, false, Room::kFree, kStart), Verdict::kAccept);
  EXPECT_TRUE(admission.has_memory());
  admission.on_memory(1'000);
  EXPECT_FALSE(admission.has_memory());
  EXPECT_EQ(admission.judge(source, false, Room::kNone, kStart), Verdict::kRefuse);
  EXPECT_EQ(admission.stats().handshakes_refused, 1u);
  const Admission::Source other = admission.source_of(v4(2));
  EXPECT_TRUE(admission.yields(source, other));
  EXPECT_FALSE(admission.yields(source, source));
  EXPECT_EQ(admission.judge(other, false, Room::kTaken, kStart), Verdict::kAccept);
  admission.begin(other, true, kStart);
  EXPECT_FALSE(admission.yields(source, other)) << "one less would be fewer than the other has";
  admission.end(other, true, true, kStart);
  EXPECT_EQ(admission.stats().handshake_memory, 2 * Admission::kTlsMemory + 1'000);
  admission.end(source, false, true, kStart);
  EXPECT_TRUE(admission.has_memory());
}

TEST(admission, where_there_is_no_free_room_who_has_no_token_gets_a_retry) {
  Admission admission({}, RetryPolicy::kUnderLoad, kKey);
  const Admission::Source source = admission.source_of(v4(1));
  EXPECT_EQ(admission.judge(source, false, Room::kNone, kStart), Verdict::kRetry);
  EXPECT_EQ(admission.judge(source, true, Room::kNone, kStart), Verdict::kRefuse);
  EXPECT_EQ(admission.judge(source, true, Room::kTaken, kStart), Verdict::kAccept);
}

TEST(admission, retry_comes_with_handshakes_that_nobody_completes_and_goes_with_them) {
  Admission admission({.retry_mark = 100}, RetryPolicy::kUnderLoad, kKey);
  Timestamp now = kStart;
  const auto flood = [&](std::uint8_t from) {
    const Admission::Source source = admission.source_of(v4(from));
    const Verdict verdict = admission.judge(source, false, Room::kFree, now);
    if (verdict != Verdict::kAccept) return verdict;
    // Damaged on purpose: gone at once, so that none of them stays open.
    admission.begin(source, false, now);
    admission.end(source, false, false, now);
    return verdict;
  };
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {  // a second
    now += 20us;
    accepted += flood(static_cast<std::uint8_t>(i)) == Verdict::kAccept;
  }
  EXPECT_NEAR(accepted, 100, 5) << "Retry stays on while the flood lasts";
  EXPECT_TRUE(admission.retries());
  // An honest client comes back with its token.
  EXPECT_EQ(admission.judge(admission.source_of(v4(1)), true, Room::kFree, now), Verdict::kAccept);
  now += 2s;
  EXPECT_EQ(admission.judge(admission.source_of(v4(1)), false, Room::kFree, now), Verdict::kRetry) << "not yet";
  now += 2s;
  EXPECT_EQ(admission.judge(admission.source_of(v4(1)), false, Room::kFree, now), Verdict::kAccept);
  EXPECT_FALSE(admission.retries());
  EXPECT_EQ(admission.stats().retry_switched_on, 1u);
}

TEST(admission, honest_clients_in_any_number_meet_no_retry) {
  Admission admission({.retry_mark = 100}, RetryPolicy::kUnderLoad, kKey);
  Timestamp now = kStart;
  for (int i = 0; i < 5'000; ++i) {
    now += 200us;
    const Admission::Source source = admission.source_of(v4(static_cast<std::uint8_t>(i)));
    ASSERT_EQ(admission.judge(source, false, Room::kFree, now), Verdict::kAccept);
    admission.begin(source, false, now);
    admission.end(source, false, true, now);
  }
  EXPECT_EQ(admission.stats().retry_switched_on, 0u);
}

}  // namespace
}  // namespace hawser::quic
