// endpoint_rules_test.cc: goal: datagrams that belong to no connection get the answers that RFC 9000
// sections 5.2, 6, 8, 10.3 and 17.2 allow, and no others. Method: single datagrams to an endpoint, and
// whatever it says at once.
#include <gtest/gtest.h>

#include "quic/endpoint/address_token.h"
#include "wire_tap.h"

namespace hawser::quic {
namespace {

// What the endpoint says to a datagram at once, by datagram.
std::vector<std::vector<std::uint8_t>> answers(Endpoint& endpoint, std::vector<std::uint8_t> octets,
                                               Timestamp now = Timestamp{1s}) {
  ReceivedTrain train{
      .bytes = octets,
      .segment_size = octets.size(),
      .tuple = {.local = ipv4_address({10, 0, 0, 2}, 443), .remote = ipv4_address({10, 0, 0, 1}, 1'111)}};
  endpoint.on_datagrams({&train, 1}, now);
  std::vector<std::vector<std::uint8_t>> all;
  std::vector<std::uint8_t> memory(65'536);
  for (TransmitTrain out{.buffer = memory}; endpoint.next_transmits(now, {&out, 1}) == 1; out = {.buffer = memory})
    all.emplace_back(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(out.size));
  return all;
}

// Long header: first octet, version, connection IDs of 8 and 4 octets, then zeros.
std::vector<std::uint8_t> long_packet(std::string_view first_and_version, std::size_t size) {
  std::vector<std::uint8_t> datagram = from_hex(std::string(first_and_version) + "080102030405060708040a0b0c0d");
  datagram.resize(size);
  return datagram;
}

std::vector<std::uint8_t> short_packet(std::uint16_t cid_begins, std::size_t size = 100) {
  std::vector<std::uint8_t> datagram(size, 0x55);
  datagram[0] = 0x41;
  datagram[1] = static_cast<std::uint8_t>(cid_begins >> 8);
  datagram[2] = static_cast<std::uint8_t>(cid_begins);
  return datagram;
}

// The first datagram of a client of the pair, which the server does not see.
std::vector<std::uint8_t> first_datagram(Pair& pair) {
  std::vector<std::uint8_t> first;
  pair.drop = [&](bool to_server, Bytes datagram) {
    if (to_server && first.empty()) first.assign(datagram.begin(), datagram.end());
    return true;
  };
  pair.connect();
  pair.run([&] { return !first.empty(); });
  return first;
}

// rfc9000:5.2.2-small-unsupported rfc9000:17.2.1-one
TEST(endpoint_rules, a_small_datagram_of_an_unknown_version_gets_no_answer) {
  Pair pair;
  EXPECT_TRUE(answers(*pair.server, long_packet("c01a2a3a4b", 1'199)).empty());
  EXPECT_EQ(answers(*pair.server, long_packet("c01a2a3a4b", 1'200)).size(), 1u);
  // Two such packets in one datagram cannot be told apart, and get one answer.
  std::vector<std::uint8_t> twice = long_packet("c01a2a3a4b", 1'200);
  const std::vector<std::uint8_t> once = twice;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(answers(*pair.server, twice).size(), 1u);
}

// rfc9000:6.1-vn-not-answered rfc9368:2.1-clients
TEST(endpoint_rules, version_negotiation_is_for_clients_to_read_and_servers_to_write) {
  Pair pair;
  EXPECT_TRUE(answers(*pair.server, long_packet("c000000000", 1'200)).empty());
  EXPECT_TRUE(answers(*pair.client, long_packet("c01a2a3a4b", 1'200)).empty());
  EXPECT_EQ(pair.server->stats().version_negotiations_sent + pair.client->stats().version_negotiations_sent, 0u);
}

// rfc9000:5.2.2-drop-others
// rfc9000:5.2.2-early-handshake
TEST(endpoint_rules, what_belongs_to_no_connection_and_begins_none_is_dropped) {
  Pair pair;
  for (const char* handshake_or_early : {"e000000001", "d000000001"})
    EXPECT_TRUE(answers(*pair.server, long_packet(handshake_or_early, 1'200)).empty());
  const std::vector<std::uint8_t> initial = first_datagram(pair);
  std::vector<std::uint8_t> damaged = initial;
  damaged.back() ^= 1;
  EXPECT_TRUE(answers(*pair.server, damaged).empty());
  EXPECT_EQ(pair.server->connection_count(), 0u);
  EXPECT_FALSE(answers(*pair.server, initial).empty());
  EXPECT_EQ(pair.server->connection_count(), 1u);
}

// rfc9000:17.2.5.1-one
TEST(endpoint_rules, a_datagram_gets_one_retry) {
  Pair pair({.server = {.retry = RetryPolicy::kAlways}});
  std::vector<std::uint8_t> twice = first_datagram(pair);
  const std::vector<std::uint8_t> once = twice;
  twice.insert(twice.end(), once.begin(), once.end());
  const auto all = answers(*pair.server, twice);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(parse_packet_header(all[0], 8)->type, PacketType::kRetry);
}

// rfc9000:10.2.1-stateless-amplification
TEST(endpoint_rules, a_refusal_is_smaller_than_what_it_answers) {
  Pair pair;
  pair.acceptor.refuse = true;
  const auto all = answers(*pair.server, first_datagram(pair));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_LE(all[0].size(), 3u * 1'200);
  EXPECT_LT(all[0].size(), 1'200u) << "it need not be padded, for nothing acknowledges it";
}

// rfc9000:11-no-reset rfc9000:10.3-not-three-times
TEST(endpoint_rules, a_connection_that_is_known_is_not_reset) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return pair.connection->handshake_confirmed(); }));
  std::vector<std::uint8_t> packet = short_packet(0);
  const Bytes known = pair.acceptor.connection->core().local_cid().view();
  std::copy(known.begin(), known.end(), packet.begin() + 1);
  EXPECT_TRUE(answers(*pair.server, packet, pair.now).empty());
  EXPECT_EQ(pair.server->stats().stateless_resets_sent, 0u);
  packet[8] ^= 1;
  const auto all = answers(*pair.server, packet, pair.now);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_LT(all[0].size(), packet.size());
}

// rfc9000:10.3.3-smaller rfc9000:10.3-one-shorter rfc9000:10.3-short-header
TEST(endpoint_rules, a_reset_is_shorter_than_what_it_answers) {
  Pair pair;
  for (std::size_t size = 2; size < 60; ++size) {
    const auto all = answers(*pair.server, short_packet(0, size), pair.now += 1s);
    ASSERT_EQ(all.size(), size > 21 ? 1u : 0u) << size;
    if (all.empty()) continue;
    EXPECT_LT(all[0].size(), size);
    EXPECT_GE(all[0].size(), 21u);
    EXPECT_EQ(all[0][0] & 0xc0, 0x40);
  }
}

// rfc9000:5.2.3-no-oracle rfc9000:21.11-active rfc9000:21.11-oracle
TEST(endpoint_rules, nobody_is_told_a_reset_token_of_another_worker) {
  Pair pair;
  EndpointConfig config{.tls = &*pair.server_tls, .accept = &pair.acceptor, .worker = 1, .workers = 3};
  config.random = &pair.random;
  Endpoint second_of_three(config);
  for (std::uint16_t number = 0; number < 30; ++number)
    EXPECT_EQ(answers(second_of_three, short_packet(number)).size(), number % 3 == 1 ? 1u : 0u) << number;
}

// rfc9000:14-minimum rfc9368:3-chosen-listed
TEST(endpoint_rules, a_connection_that_could_not_keep_the_rules_is_not_begun) {
  Pair pair;
  const auto refusal = [&pair](const ConnectionConfig& config) {
    const auto connected = pair.client->connect({.tuple = {pair.client_address, pair.server_address},
                                                 .server_name = "localhost",
                                                 .tls = &*pair.client_tls,
                                                 .connection = config},
                                                pair.recorder, pair.now);
    return connected ? std::string() : connected.error().message;
  };
  EXPECT_NE(refusal({.max_udp_payload = 1'199}).find("1200"), std::string::npos);
  EXPECT_NE(refusal({.versions = {Version::kV1}, .first_version = Version::kV2}).find("version"), std::string::npos);
  EXPECT_EQ(refusal({.versions = {Version::kV1}, .first_version = Version::kV1}), "");
}

// rfc9000:5.1-zero-length-alone rfc9000:18.2-preferred-zero rfc9000:19.15-zero-not-sent rfc9000:18.2-preferred-cid
// rfc9000:17.2-cid-length
TEST(endpoint_rules, connection_ids_are_never_empty) {
  SeededRandom random(1);
  EXPECT_DEATH(Endpoint({.cid_length = 0, .random = &random}), "");
  EXPECT_DEATH(Endpoint({.cid_length = 3, .random = &random}), "");
  EXPECT_DEATH(Endpoint({.cid_length = 21, .random = &random}), "");
  const Endpoint shortest({.cid_length = 4, .random = &random});
  TransportParameters parameters;
  parameters.preferred_address = PreferredAddress{.ipv4 = ipv4_address({10, 0, 0, 2}, 443)};
  EXPECT_DEATH((void)encode_transport_parameters(parameters, Role::kServer, random), "");
}

// rfc9000:8.1.2-invalid-token rfc9000:8.1.3-token-bad-goes-on
TEST(endpoint_rules, a_bad_retry_token_ends_the_attempt_and_another_bad_token_does_not) {
  const std::vector<std::uint8_t> secret(32, 7);
  const AddressTokens of_another_server{Bytes(secret)};
  for (const bool retry : {true, false}) {
    Pair pair;
    const ConnectionId chosen{Bytes(from_hex("1112131415161718"))};
    pair.connect(
        retry ? of_another_server.make_retry(pair.client_address, Version::kV1, chosen, chosen, pair.now, pair.random)
              : of_another_server.make_new_token(pair.client_address, Version::kV1, pair.now, pair.random));
    ASSERT_TRUE(pair.run([&] { return pair.recorder.complete || pair.recorder.closed; }));
    EXPECT_EQ(pair.recorder.complete, !retry);
    if (retry)
      EXPECT_EQ(pair.recorder.closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kInvalidToken));
  }
}

// rfc9000:8.1.4-changed-address
TEST(endpoint_rules, a_token_of_another_address_proves_nothing) {
  Pair pair;
  pair.connect();
  ASSERT_TRUE(pair.run([&] { return !pair.recorder.token.empty(); }));
  const std::vector<std::uint8_t> token = pair.recorder.token;
  for (const bool moved : {true, false}) {
    pair.client_address = ipv4_address({10, 0, 0, static_cast<std::uint8_t>(moved ? 7 : 1)}, 1'111);
    pair.acceptor.accepted = 0;
    // Whatever the server says is lost, and so is what the client says after its first flight.
    pair.drop = [&](bool to_server, Bytes) { return !to_server || pair.acceptor.accepted != 0; };
    pair.connect(token);
    ASSERT_TRUE(pair.run([&] { return pair.acceptor.accepted == 1; }));
    EXPECT_EQ(pair.acceptor.connection->core().path().active().validated(), !moved);
  }
}

// The client ends its handshake with a datagram in the name of somebody else, and is itself again.
TEST(endpoint_rules, no_token_is_given_for_an_address_that_proved_nothing) {
  Pair pair({.server = {.retry = RetryPolicy::kAlways}});
  const SocketAddress attacker = pair.client_address;
  const SocketAddress victim = ipv4_address({10, 0, 0, 66}, 1'111);
  pair.recorder.on_complete = [&](Connection& c) {
    echo(c, c.open_stream(true).value(), "x");  // makes 1-RTT packets of the datagrams that say Finished
    pair.client_address = victim;
  };
  bool left = false;
  pair.on_sent = [&](bool to_server, Bytes, const FourTuple&) {
    if (to_server && left) pair.client_address = attacker;
    left = left || (to_server && pair.client_address == victim);
  };
  pair.drop = [&](bool to_server, Bytes) { return !to_server && pair.client_address == victim; };
  Connection& c = pair.connect();
  ASSERT_TRUE(pair.run(
      [&] { return pair.acceptor.connection != nullptr && pair.server->stats().admission.handshakes_open == 0; }));
  EXPECT_EQ(pair.acceptor.connection->tuple().remote, victim) << "or the test shows nothing";
  for (int i = 0; i < 20 && pair.recorder.token.empty(); ++i) {
    c.ping();
    pair.client->wake(c);
    pair.run([&] { return !pair.recorder.token.empty(); }, 100ms);
  }
  ASSERT_FALSE(pair.recorder.token.empty());
  const std::vector<std::uint8_t> token = pair.recorder.token;
  for (const bool as_victim : {true, false}) {
    const std::uint64_t retries = pair.server->stats().retries_sent;
    pair.client_address = as_victim ? victim : attacker;
    pair.on_sent = nullptr;
    pair.drop = [](bool, Bytes) { return false; };
    pair.recorder = {};
    pair.connect(token);
    pair.run([&] { return pair.recorder.complete; });
    EXPECT_EQ(pair.server->stats().retries_sent != retries, as_victim);
  }
}

// rfc9000:8.1.4-replay rfc9000:8.1.4-retry-short rfc9000:8.1.3-token-expires rfc9000:8.1.4-new-token-address
// rfc9000:8.1.4-retry-address
// rfc9000:21.3-tokens
TEST(endpoint_rules, tokens_prove_one_address_for_a_while) {
  const std::vector<std::uint8_t> secret(32, 7);
  const AddressTokens tokens{Bytes(secret)};
  SeededRandom random(1);
  const SocketAddress client = ipv4_address({10, 0, 0, 1}, 1'111);
  SocketAddress other_port = client;
  ++other_port.port;
  const SocketAddress other_host = ipv4_address({10, 0, 0, 7}, 1'111);
  const ConnectionId original{Bytes(from_hex("0102030405060708"))};
  const ConnectionId chosen{Bytes(from_hex("1112131415161718"))};
  const Timestamp then{1'000s};
  const auto retry = tokens.make_retry(client, Version::kV1, original, chosen, then, random);
  const auto good = [&](Bytes token, const SocketAddress& from, const ConnectionId& dcid, Timestamp now) {
    return tokens.check(token, from, Version::kV1, dcid, now).has_value();
  };
  EXPECT_TRUE(good(retry, client, chosen, then + AddressTokens::kRetryLifetime));
  EXPECT_FALSE(good(retry, client, chosen, then + AddressTokens::kRetryLifetime + 1ms));
  EXPECT_FALSE(good(retry, client, chosen, then - AddressTokens::kClockSkewMax - 1ms));
  EXPECT_FALSE(good(retry, other_port, chosen, then));
  EXPECT_FALSE(good(retry, client, original, then)) << "of another attempt";
  const auto later = tokens.make_new_token(client, Version::kV1, then, random);
  EXPECT_TRUE(good(later, other_port, original, then + AddressTokens::kNewTokenLifetime));
  EXPECT_FALSE(good(later, client, original, then + AddressTokens::kNewTokenLifetime + 1ms));
  EXPECT_FALSE(good(later, other_host, original, then));
}

// rfc9000:10.3-random
TEST(endpoint_rules, resets_look_random_but_for_their_tokens) {
  Pair pair;
  std::vector<std::size_t> ones(8 * 24);
  constexpr std::size_t kResets = 400;
  for (std::size_t i = 0; i < kResets; ++i) {
    const auto all = answers(*pair.server, short_packet(0, 41), pair.now += 1s);
    ASSERT_EQ(all.size(), 1u);
    ASSERT_EQ(all[0].size(), 40u);
    for (std::size_t bit = 0; bit < ones.size(); ++bit) ones[bit] += all[0][bit / 8] >> (7 - bit % 8) & 1;
  }
  // The first two say that it is a short header; of the others, fair coins, five deviations miss one in a million.
  EXPECT_EQ(ones[0], 0u);
  EXPECT_EQ(ones[1], kResets);
  for (std::size_t bit = 2; bit < ones.size(); ++bit) {
    EXPECT_GT(ones[bit], kResets / 2 - 50) << bit;
    EXPECT_LT(ones[bit], kResets / 2 + 50) << bit;
  }
}

}  // namespace
}  // namespace hawser::quic
