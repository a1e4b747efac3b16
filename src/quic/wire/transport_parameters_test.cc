// transport_parameters_test.cc: tests of transport parameters.
// Goal: transport parameters are refused or taken as RFC 9000 sections 7.4 and 18 say, and
// survive a round trip. Method: one row per rule as octets, random sets over seeds, every cut.
#include "quic/wire/transport_parameters.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "base/reader.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

Parsed<TransportParameters> parse(std::string_view hex, Role sender = Role::kServer) {
  const Octets octets = from_hex(hex);
  return parse_transport_parameters(octets, sender);
}

void expect_refused(std::string_view hex, Role sender, std::string_view rule) {
  const auto parsed = parse(hex, sender);
  ASSERT_FALSE(parsed) << rule;
  EXPECT_EQ(parsed.error().code, TransportErrorCode::kTransportParameterError) << rule;
  EXPECT_FALSE(parsed.error().reason.empty()) << rule;
}

TEST(transport_parameters, absent_ones_have_the_values_of_section_18_2) {
  const auto parsed = parse("");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, TransportParameters{});
  EXPECT_EQ(parsed->max_udp_payload_size, 65'527u);
  EXPECT_EQ(parsed->ack_delay_exponent, 3u);
  EXPECT_EQ(parsed->max_ack_delay_ms, 25u);
  EXPECT_EQ(parsed->active_connection_id_limit, 2u);
  EXPECT_EQ(parsed->initial_max_data, 0u);
}

struct Row {
  const char* rule;
  const char* legal;
  const char* illegal;
};

constexpr std::array kRows{
    Row{"max_udp_payload_size below 1200", "03 02 44b0", "03 02 44af"},
    Row{"initial_max_streams_bidi above 2^60", "08 08 d000000000000000", "08 08 d000000000000001"},
    Row{"initial_max_streams_uni above 2^60", "09 08 d000000000000000", "09 08 d000000000000001"},
    Row{"ack_delay_exponent above 20", "0a 01 14", "0a 01 15"},
    Row{"max_ack_delay of 2^14", "0b 02 7fff", "0b 04 80004000"},
    Row{"active_connection_id_limit below 2", "0e 01 02", "0e 01 01"},
    Row{"active_connection_id_limit of 0", "0e 01 02", "0e 01 00"},
    Row{"disable_active_migration with a value", "0c 00", "0c 01 00"},
    Row{"grease_quic_bit with a value", "6ab2 00", "6ab2 01 00"},
    Row{"reset_stream_at with a value", "1d 00", "1d 01 00"},
    Row{"reset_stream_at of older drafts with a value", "c017f7586d2cb571 00", "c017f7586d2cb571 01 00"},
    // receive-ts:4-exponent
    Row{"receive_timestamps_exponent above 20", "8ff0a003 01 14", "8ff0a003 01 15"},
    // address-discovery:3-other-value
    Row{"address_discovery of 3", "c00000009f81a176 01 02", "c00000009f81a176 01 03"},
    // fec:2-integer
    Row{"FEC schemes with octets behind them", "bafec700 01 03", "bafec700 02 0300"},
    Row{"FEC schemes of no octets", "bafec700 01 00", "bafec700 00"},
    Row{"original_destination_connection_id of 21 octets", "00 14 0101010101010101010101010101010101010101",
        "00 15 010101010101010101010101010101010101010101"},
    Row{"initial_source_connection_id of 21 octets", "0f 00", "0f 15 010101010101010101010101010101010101010101"},
    Row{"retry_source_connection_id of 21 octets", "10 01 aa", "10 15 010101010101010101010101010101010101010101"},
    Row{"stateless_reset_token of 15 octets", "02 10 000102030405060708090a0b0c0d0e0f",
        "02 0f 000102030405060708090a0b0c0d0e"},
    Row{"stateless_reset_token of 17 octets", "02 10 000102030405060708090a0b0c0d0e0f",
        "02 11 000102030405060708090a0b0c0d0e0f10"},
    Row{"an integer with octets behind it", "04 01 05", "04 02 0500"},
    Row{"an integer cut short", "04 02 4005", "04 01 40"},
    Row{"an empty integer", "01 01 00", "01 00"},
    Row{"a duplicate", "04 01 05 05 01 05", "04 01 05 04 01 05"},
    Row{"a duplicate of an unknown one", "1b 01 05 3a 01 05", "1b 01 05 1b 00"},
    Row{"a duplicate in a longer encoding", "04 01 05", "04 01 05 4004 01 05"},
    Row{"a value past the end", "04 01 05", "04 02 05"},
    Row{"a length of 2^62-1", "1b 00", "1b ffffffffffffffff 00"},
    Row{"version_information of 3 octets", "11 04 00000001", "11 03 000001"},
    Row{"version_information of 0 octets", "11 04 00000001", "11 00"},
    Row{"version_information with chosen version 0", "11 08 00000001 00000001", "11 08 00000000 00000001"},
    Row{"version_information with available version 0", "11 08 00000001 00000001", "11 08 00000001 00000000"},
    Row{"initial_max_path_id above 2^32-1", "3e 08 c0000000ffffffff", "3e 08 c000000100000000"},
    Row{"min_ack_delay above the initial max_ack_delay", "c0000000ff04de1b 04 800061a8",
        "c0000000ff04de1b 04 800061a9"},
    Row{"min_ack_delay above a later max_ack_delay", "c0000000ff04de1b 02 43e8 0b 01 01",
        "c0000000ff04de1b 02 43e9 0b 01 01"},
};

// multipath:2-limit
TEST(transport_parameters, every_illegal_value_is_a_transport_parameter_error) {
  for (const Row& row : kRows) {
    EXPECT_TRUE(parse(row.legal)) << row.rule;
    expect_refused(row.illegal, Role::kServer, row.rule);
  }
}

constexpr std::string_view kPreferred =
    "c0000201 01bb 20010db8000000000000000000000001 01bc 04 01020304 000102030405060708090a0b0c0d0e0f";

TEST(transport_parameters, reads_a_preferred_address) {
  const auto parsed = parse("0d 2d" + std::string(kPreferred));
  ASSERT_TRUE(parsed);
  ASSERT_TRUE(parsed->preferred_address);
  EXPECT_EQ(parsed->preferred_address->ipv4, ipv4_address({192, 0, 2, 1}, 443));
  EXPECT_EQ(to_string(parsed->preferred_address->ipv6), "[2001:db8::1]:444");
  EXPECT_EQ(to_hex(parsed->preferred_address->connection_id.view()), "01020304");
  EXPECT_EQ(to_hex(parsed->preferred_address->stateless_reset_token), "000102030405060708090a0b0c0d0e0f");
}

TEST(transport_parameters, an_all_zero_preferred_address_is_absent) {
  const auto parsed =
      parse("0d 2a 00000000 0000 20010db8000000000000000000000001 01bc 01 aa 000102030405060708090a0b0c0d0e0f");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->preferred_address->ipv4.family, AddressFamily::kNone);
  EXPECT_EQ(parsed->preferred_address->ipv6.family, AddressFamily::kIpv6);
}

TEST(transport_parameters, refuses_a_misshapen_preferred_address) {
  const std::string head = "c0000201 01bb 20010db8000000000000000000000001 01bc";
  const std::string token = "000102030405060708090a0b0c0d0e0f";
  expect_refused("0d 29" + head + "00" + token, Role::kServer, "empty connection ID");
  expect_refused("0d 3e" + head + "15 010101010101010101010101010101010101010101" + token, Role::kServer, "ID of 21");
  expect_refused("0d 2e" + std::string(kPreferred) + "00", Role::kServer, "an octet behind it");
  expect_refused("0d 2c" + std::string(kPreferred.substr(0, kPreferred.size() - 2)), Role::kServer, "an octet less");
  expect_refused("0f 00 0d 2d" + std::string(kPreferred), Role::kServer, "a server without connection IDs");
}

// rfc9000:18.2-server-only
TEST(transport_parameters, refuses_server_parameters_from_a_client) {
  for (const std::string& hex : {std::string("00 01 aa"), std::string("02 10 000102030405060708090a0b0c0d0e0f"),
                                 std::string("10 01 aa"), "0d 2d" + std::string(kPreferred)}) {
    EXPECT_TRUE(parse(hex, Role::kServer)) << hex;
    expect_refused(hex, Role::kClient, hex);
  }
}

// rfc9368:4-not-listed rfc9368:4-parse-failure
TEST(transport_parameters, a_clients_chosen_version_must_be_available) {
  EXPECT_TRUE(parse("11 0c 00000001 6b3343cf 00000001", Role::kClient));
  expect_refused("11 08 00000001 6b3343cf", Role::kClient, "chosen not available");
  expect_refused("11 04 00000001", Role::kClient, "none available");
  EXPECT_TRUE(parse("11 08 00000001 6b3343cf", Role::kServer));
}

TEST(transport_parameters, bounds_the_length_of_version_information) {
  for (const std::size_t size : {kMaxVersionInformationLength, kMaxVersionInformationLength + 4}) {
    Octets octets{0x11};
    std::array<std::uint8_t, 8> length;
    octets.insert(octets.end(), length.data(), put_varint(length.data(), size));
    octets.resize(octets.size() + size, 1);
    EXPECT_EQ(parse_transport_parameters(octets, Role::kServer).has_value(), size == kMaxVersionInformationLength);
  }
}

TEST(transport_parameters, bounds_their_number) {
  for (const std::size_t count : {kMaxTransportParameters, kMaxTransportParameters + 1}) {
    Octets octets;
    for (std::size_t i = 0; i < count; ++i) {
      std::array<std::uint8_t, 8> id;
      octets.insert(octets.end(), id.data(), put_varint(id.data(), 31 * (1'000 + i) + 27));
      octets.push_back(0);
    }
    const auto parsed = parse_transport_parameters(octets, Role::kServer);
    ASSERT_EQ(parsed.has_value(), count == kMaxTransportParameters);
    if (!parsed) EXPECT_EQ(parsed.error().code, TransportErrorCode::kTransportParameterError);
  }
}

TEST(transport_parameters, passes_over_unknown_ones) {
  const auto parsed = parse("1b 03 aabbcc 04 01 05 ffffffffffffffff 00", Role::kClient);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->initial_max_data, 5u);
}

TEST(transport_parameters, either_code_point_of_reset_stream_at_counts) {
  EXPECT_TRUE(parse("1d 00")->reset_stream_at);
  EXPECT_TRUE(parse("c017f7586d2cb571 00")->reset_stream_at);
  EXPECT_TRUE(parse("c017f7586d2cb571 00 1d 00")->reset_stream_at);
  EXPECT_FALSE(parse("")->reset_stream_at);
}

ConnectionId random_id(Random& random, std::size_t least) {
  Octets octets(least + random.below(21 - least));
  random.fill(octets);
  return ConnectionId(octets);
}

SocketAddress random_address(Random& random, AddressFamily family) {
  SocketAddress address;
  if (random.below(3) == 0) return address;
  address.family = family;
  address.port = static_cast<std::uint16_t>(1 + random.below(65'535));
  random.fill(MutableBytes(address.ip).first(family == AddressFamily::kIpv4 ? 4 : 16));
  return address;
}

void randomise_server_only(TransportParameters& p, Random& random) {
  if (random.below(2) == 0) p.original_destination_connection_id = random_id(random, 0);
  if (random.below(2) == 0) p.retry_source_connection_id = random_id(random, 0);
  if (random.below(2) == 0) random.fill(p.stateless_reset_token.emplace());
  if (random.below(2) == 0) {
    PreferredAddress& preferred = p.preferred_address.emplace();
    preferred.ipv4 = random_address(random, AddressFamily::kIpv4);
    preferred.ipv6 = random_address(random, AddressFamily::kIpv6);
    preferred.connection_id = random_id(random, 1);
    random.fill(preferred.stateless_reset_token);
  }
}

TransportParameters random_parameters(Random& random, Role sender) {
  const auto coin = [&random] { return random.below(2) == 1; };
  const auto number = [&random] { return random.next_u64() >> (2 + random.below(62)); };
  TransportParameters p;
  if (coin()) p.initial_source_connection_id = random_id(random, 1);
  p.max_idle_timeout_ms = number();
  p.max_udp_payload_size = std::max<std::uint64_t>(number(), 1'200);
  p.initial_max_data = number();
  p.initial_max_stream_data_bidi_local = number();
  p.initial_max_stream_data_bidi_remote = number();
  p.initial_max_stream_data_uni = number();
  p.initial_max_streams_bidi = number() >> 2;
  p.initial_max_streams_uni = number() >> 2;
  p.ack_delay_exponent = random.below(21);
  p.max_ack_delay_ms = random.below(1 << 14);
  p.active_connection_id_limit = std::max<std::uint64_t>(number(), 2);
  p.disable_active_migration = coin();
  p.max_datagram_frame_size = number();
  p.grease_quic_bit = coin();
  p.reset_stream_at = coin();
  if (coin()) p.min_ack_delay_us = random.below(p.max_ack_delay_ms * 1'000 + 1);
  if (coin()) p.address_discovery = random.below(3);
  if (coin()) p.fec_schemes = random.below(4);
  if (coin()) p.max_receive_timestamps_per_ack = number();
  p.receive_timestamps_exponent = random.below(21);
  if (coin()) p.initial_max_path_id = random.next_u64() >> 32;
  if (coin()) p.version_information = from_hex("00000001 6b3343cf 00000001");
  if (sender == Role::kServer) randomise_server_only(p, random);
  return p;
}

TEST(transport_parameters, round_trip_over_seeds) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    SeededRandom random(seed);
    const Role sender = seed % 2 == 0 ? Role::kServer : Role::kClient;
    const TransportParameters sent = random_parameters(random, sender);
    const Octets octets = encode_transport_parameters(sent, sender, random);
    const auto got = parse_transport_parameters(octets, sender);
    ASSERT_TRUE(got) << "seed " << seed << ": " << got.error().reason;
    ASSERT_EQ(*got, sent) << "seed " << seed;
  }
}

// rfc9000:18.2-server-only rfc9000:18.2-reset-token
TEST(transport_parameters, of_a_server_are_not_written_for_a_client) {
  SeededRandom random(3);
  std::array<TransportParameters, 4> sent;
  sent[0].original_destination_connection_id = ConnectionId(Octets{1, 2, 3, 4});
  sent[1].retry_source_connection_id = ConnectionId(Octets{1, 2, 3, 4});
  sent[2].stateless_reset_token = StatelessResetToken{1, 2, 3};
  sent[3].preferred_address =
      PreferredAddress{.ipv4 = ipv4_address({10, 0, 0, 2}, 443), .connection_id = ConnectionId(Octets{1, 2, 3, 4})};
  for (const TransportParameters& each : sent) {
    EXPECT_DEATH((void)encode_transport_parameters(each, Role::kClient, random), "");
    EXPECT_FALSE(encode_transport_parameters(each, Role::kServer, random).empty());
  }
}

// rfc9000:7.4-once
TEST(transport_parameters, are_sent_in_random_order_with_one_reserved_id) {
  std::set<std::uint64_t> first_ids;
  TransportParameters sent;
  sent.initial_max_data = 1'000;
  sent.disable_active_migration = true;
  for (std::uint64_t seed = 1; seed <= 64; ++seed) {
    SeededRandom random(seed);
    const Octets octets = encode_transport_parameters(sent, Role::kClient, random);
    Reader in{Bytes(octets)};
    std::size_t reserved = 0;
    bool first = true;
    while (!in.empty()) {
      std::uint64_t id = 0;
      std::uint64_t length = 0;
      Bytes value;
      ASSERT_TRUE(in.varint(id) && in.varint(length) && in.bytes(length, value));
      const bool is_reserved = id % 31 == 27;
      reserved += is_reserved ? 1 : 0;
      if (first) first_ids.insert(is_reserved ? 27 : id);
      first = false;
    }
    EXPECT_EQ(reserved, 1u);
  }
  EXPECT_EQ(first_ids, (std::set<std::uint64_t>{0x04, 0x0c, 27}));
}

TEST(transport_parameters, every_cut_inside_a_parameter_is_refused) {
  SeededRandom random(7);
  const Octets octets = encode_transport_parameters(random_parameters(random, Role::kServer), Role::kServer, random);
  std::set<std::size_t> boundaries{0};
  Reader in{Bytes(octets)};
  while (!in.empty()) {
    std::uint64_t id = 0;
    std::uint64_t length = 0;
    Bytes value;
    ASSERT_TRUE(in.varint(id) && in.varint(length) && in.bytes(length, value));
    boundaries.insert(octets.size() - in.remaining());
  }
  for (std::size_t size = 0; size < octets.size(); ++size) {
    if (boundaries.contains(size)) continue;
    const auto cut = std::make_unique<std::uint8_t[]>(size);
    std::memcpy(cut.get(), octets.data(), size);
    const auto parsed = parse_transport_parameters({cut.get(), size}, Role::kServer);
    ASSERT_FALSE(parsed) << size;
    EXPECT_EQ(parsed.error().code, TransportErrorCode::kTransportParameterError);
  }
}

// rfc9000:7.4.1-not-smaller rfc9000:7.4.1-not-violated
// rfc9221:3-zero-rtt-server reset-stream-at:3-not-disabled address-discovery:3-not-changed
TEST(transport_parameters, zero_rtt_needs_limits_that_did_not_shrink) {
  TransportParameters remembered;
  remembered.initial_max_data = 10;
  remembered.initial_max_streams_uni = 3;
  remembered.max_datagram_frame_size = 100;
  remembered.active_connection_id_limit = 4;
  EXPECT_TRUE(permits_zero_rtt(remembered, remembered));
  for (const auto member :
       {&TransportParameters::initial_max_data, &TransportParameters::initial_max_streams_uni,
        &TransportParameters::max_datagram_frame_size, &TransportParameters::active_connection_id_limit}) {
    TransportParameters now = remembered;
    --(now.*member);
    EXPECT_FALSE(permits_zero_rtt(remembered, now));
    now.*member += 2;
    EXPECT_TRUE(permits_zero_rtt(remembered, now));
  }
  TransportParameters now = remembered;
  remembered.reset_stream_at = true;
  EXPECT_FALSE(permits_zero_rtt(remembered, now));
  remembered.reset_stream_at = false;
  for (const std::optional<std::uint64_t> then : {std::optional<std::uint64_t>{}, {0}, {2}}) {
    for (const std::optional<std::uint64_t> today : {std::optional<std::uint64_t>{}, {0}, {2}}) {
      remembered.address_discovery = then;
      now.address_discovery = today;
      EXPECT_EQ(permits_zero_rtt(remembered, now), then == today);
    }
  }
}

}  // namespace
}  // namespace hawser::quic
