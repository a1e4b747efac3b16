// Goal: tokens serve all servers that share the secret, whenever their drivers' times began. Method: tokens of one
// AddressTokens are shown to another.
#include "quic/endpoint/address_token.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

const std::vector<std::uint8_t> kSecret(kTokenSecretLength, 7);
const SocketAddress kClient = ipv4_address({10, 0, 0, 1}, 1'111);
constexpr Duration kStart = 500'000h;  // of the first server, since 1970

TEST(address_token, serves_a_server_that_started_later) {
  SeededRandom random(1);
  const AddressTokens before(kSecret, kStart);
  const AddressTokens after(kSecret, kStart + 20s);
  const SavedPath saved{.cwnd = 100'000, .rtt = 40ms, .age = 2s};
  const auto token = before.make_new_token(kClient, Version::kV1, Timestamp{15s}, random, saved);
  const auto verdict = after.check(token, kClient, Version::kV1, {}, Timestamp{1s});
  ASSERT_TRUE(verdict.has_value());
  ASSERT_TRUE(verdict->saved.has_value());
  EXPECT_EQ(verdict->saved->age, 2s + 6s);
  const Timestamp expired = Timestamp{1s} - 6s + AddressTokens::kNewTokenLifetime + 1ms;
  EXPECT_FALSE(after.check(token, kClient, Version::kV1, {}, expired).has_value());
}

TEST(address_token, serves_a_server_whose_clock_is_a_little_behind) {
  SeededRandom random(1);
  const AddressTokens ahead(kSecret, kStart + AddressTokens::kClockSkewMax);
  const AddressTokens behind(kSecret, kStart);
  const std::array<std::uint8_t, 8> octets{1, 2, 3, 4, 5, 6, 7, 8};
  const ConnectionId cid{Bytes(octets)};
  const auto retry = ahead.make_retry(kClient, Version::kV1, cid, cid, Timestamp{10s}, random);
  EXPECT_TRUE(behind.check(retry, kClient, Version::kV1, cid, Timestamp{10s}).has_value());
  EXPECT_FALSE(behind.check(retry, kClient, Version::kV1, cid, Timestamp{10s} - 1ms).has_value());
  const SavedPath saved{.cwnd = 100'000, .rtt = 40ms, .age = 2s};
  const auto token = ahead.make_new_token(kClient, Version::kV1, Timestamp{10s}, random, saved);
  const auto verdict = behind.check(token, kClient, Version::kV1, {}, Timestamp{10s});
  ASSERT_TRUE(verdict.has_value() && verdict->saved.has_value());
  EXPECT_EQ(verdict->saved->age, 2s);
}

}  // namespace
}  // namespace hawser::quic
