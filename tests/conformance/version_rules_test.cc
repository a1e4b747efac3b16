// version_rules_test.cc: goal: both ends agree on the version that RFC 9368 and RFC 9369 say, with
// and without a round trip, and nobody on the wire can force another one on them. Method: an honest
// pair with all kinds of preferences; Version Negotiation packets that no server sent.
#include <gtest/gtest.h>

#include "lying_peer.h"
#include "quic/wire/version_negotiation.h"

namespace hawser::quic {
namespace {

constexpr auto kMismatch = static_cast<std::uint64_t>(TransportErrorCode::kVersionNegotiationError);

// Versions of the long headers that a side sent, by what was put on the wire.
Version version_of(Bytes datagram) {
  const auto header = parse_packet_header(datagram, 8);
  HAWSER_CHECK(header.has_value() && header->is_long());
  return header->version;
}

// What a router that saw the client's first datagram could answer it with.
std::vector<std::uint8_t> forged_version_negotiation(Bytes first_datagram, std::vector<Version> versions) {
  SeededRandom random(5);
  const auto header = parse_packet_header(first_datagram, 8);
  HAWSER_CHECK(header.has_value());
  std::vector<std::uint8_t> octets(version_negotiation_size(header->dcid.size(), header->scid.size(), versions.size()));
  Writer out(octets);
  write_version_negotiation(out, *header, versions, false, random);
  return octets;
}

// rfc9369:3-like-v1 rfc9369:4-several
TEST(versions, version_2_is_spoken_from_the_first_packet_on) {
  Theatre theatre({.client = {.versions = {Version::kV2}}});
  theatre.open();
  EXPECT_EQ(version_of(theatre.first_datagram(Role::kClient)), Version::kV2);
  EXPECT_EQ(theatre.client->version(), Version::kV2);
  EXPECT_EQ(theatre.server->version(), Version::kV2);
}

// rfc9368:2.3-select rfc9368:3-both rfc9369:4-compatible rfc9369:4.1-crypto rfc9369:4.1-handshake rfc9368:2.5-pick
// rfc9369:4-version-information
TEST(versions, a_client_gets_the_version_it_prefers_without_a_round_trip) {
  Theatre theatre({.client = {.versions = {Version::kV2, Version::kV1}}});
  theatre.open();
  EXPECT_EQ(version_of(theatre.first_datagram(Role::kClient)), Version::kV1);
  EXPECT_EQ(theatre.client->version(), Version::kV2);
  EXPECT_EQ(theatre.server->version(), Version::kV2);
  EXPECT_EQ(theatre.server_endpoint->stats().version_negotiations_sent, 0u);
  // Its keys are in use, not those of version 1 at both ends.
  theatre.lie(Role::kClient, EncryptionLevel::kOneRtt, "21");
  EXPECT_TRUE(theatre.verdict(Role::kClient).has_value());
}

TEST(versions, the_server_changes_nothing_that_a_client_did_not_ask_for) {
  Theatre theatre(
      {.client = {.versions = {Version::kV1, Version::kV2}}, .server = {.versions = {Version::kV2, Version::kV1}}});
  theatre.open();
  EXPECT_EQ(theatre.client->version(), Version::kV1);
}

TEST(versions, a_servers_own_order_decides_where_it_is_told_so) {
  Theatre theatre({.client = {.versions = {Version::kV1, Version::kV2}},
                   .server = {.versions = {Version::kV2, Version::kV1}, .own_version_order = true}});
  theatre.open();
  EXPECT_EQ(theatre.client->version(), Version::kV2);
  EXPECT_EQ(theatre.server->version(), Version::kV2);
}

// rfc9368:2.3-select
TEST(versions, a_server_never_takes_a_version_that_the_client_did_not_offer) {
  Theatre theatre({.client = {.versions = {Version::kV1}},
                   .server = {.versions = {Version::kV2, Version::kV1}, .own_version_order = true}});
  theatre.open();
  EXPECT_EQ(theatre.client->version(), Version::kV1);
}

// rfc9368:4-never-offered
TEST(versions, a_client_changes_over_to_no_version_that_it_did_not_offer) {
  for (const bool offered : {false, true}) {
    Theatre::Options options{.client = {.versions = {Version::kV1}}};
    if (offered) options.client.versions = {Version::kV1, Version::kV2};
    Theatre theatre(options);
    theatre.silence(Role::kServer);
    theatre.settle();
    theatre.lie(Role::kServer, {.level = EncryptionLevel::kInitial, .frames_hex = "1c000000", .version = Version::kV2});
    EXPECT_EQ(theatre.client_witness.closed.has_value(), offered);
  }
}

// rfc9369:4.1-retry-original rfc9369:4.1-same-version rfc9369:4.1-retry-parameters
TEST(versions, are_negotiated_behind_a_retry_in_the_first_version) {
  Theatre theatre({.client = {.versions = {Version::kV2, Version::kV1}}, .retry = RetryPolicy::kAlways});
  theatre.open();
  EXPECT_GE(theatre.server_endpoint->stats().retries_sent, 1u);
  EXPECT_EQ(theatre.client->version(), Version::kV2);
}

TEST(versions, are_negotiated_around_a_hello_retry_request) {
  Theatre theatre({.client = {.versions = {Version::kV2, Version::kV1}}, .server_groups = "P-384"});
  theatre.open();
  EXPECT_EQ(theatre.client->group_name(), "secp384r1");
  EXPECT_EQ(theatre.client->version(), Version::kV2);
}

TEST(versions, a_retry_of_version_2_has_a_tag_of_its_own) {
  Theatre theatre({.client = {.versions = {Version::kV2}}, .retry = RetryPolicy::kAlways});
  theatre.open();
  EXPECT_GE(theatre.server_endpoint->stats().retries_sent, 1u);
}

// rfc9368:2.1-list rfc9368:2.1-search rfc9368:2.1-select rfc9368:4-available rfc9368:6-anew
TEST(versions, a_client_begins_again_in_a_version_of_the_servers_list) {
  for (const Version spoken : {Version::kV1, Version::kV2}) {
    const Version other = spoken == Version::kV1 ? Version::kV2 : Version::kV1;
    Theatre theatre(
        {.client = {.versions = {other, spoken}, .first_version = other}, .server = {.versions = {spoken}}});
    theatre.open();
    EXPECT_GE(theatre.server_endpoint->stats().version_negotiations_sent, 1u);
    EXPECT_EQ(theatre.client->version(), spoken);
  }
}

// rfc9368:2.1-none
// rfc9000:6.2-abandon
TEST(versions, none_in_common_ends_the_attempt) {
  Theatre theatre({.client = {.versions = {Version::kV2}}, .server = {.versions = {Version::kV1}}});
  theatre.settle();
  ASSERT_TRUE(theatre.client_witness.closed.has_value());
  EXPECT_EQ(theatre.client_witness.closed->kind, CloseReason::Kind::kVersionMismatch);
}

// rfc9368:4-available rfc9368:4-would-differ rfc9368:4-error
TEST(versions, a_forged_version_negotiation_packet_cannot_downgrade) {
  Theatre theatre({.client = {.versions = {Version::kV2, Version::kV1}, .first_version = Version::kV2}});
  theatre.silence(Role::kClient);
  theatre.settle();
  theatre.speak_again(Role::kClient);
  theatre.inject(Role::kServer, forged_version_negotiation(theatre.first_datagram(Role::kClient), {Version::kV1}));
  ASSERT_TRUE(theatre.client_witness.closed.has_value());
  EXPECT_EQ(theatre.client_witness.closed->error_code, kMismatch) << describe(*theatre.client_witness.closed);
  ASSERT_TRUE(theatre.server_witness.closed.has_value());
  EXPECT_EQ(theatre.server_witness.closed->kind, CloseReason::Kind::kPeerTransport);
  EXPECT_EQ(theatre.server_witness.closed->error_code, kMismatch);
}

// rfc9368:4-second-ignored
TEST(versions, a_second_version_negotiation_packet_is_passed_over) {
  Theatre theatre({.client = {.versions = {Version::kV1, Version::kV2}}, .server = {.versions = {Version::kV2}}});
  theatre.silence(Role::kServer);
  theatre.settle();
  const std::vector<std::uint8_t> first = theatre.first_datagram(Role::kClient);
  theatre.inject(Role::kServer, forged_version_negotiation(first, {Version::kV2}));
  theatre.inject(Role::kServer, forged_version_negotiation(first, {Version{0x1a2a3a4a}}));
  EXPECT_FALSE(theatre.client_witness.closed.has_value());
  theatre.speak_again(Role::kServer);
  theatre.pass(2s);
  EXPECT_TRUE(theatre.client->handshake_confirmed());
  EXPECT_EQ(theatre.client->version(), Version::kV2);
}

// rfc9368:4-original-ignored rfc9000:6.2-vn-lists-chosen
TEST(versions, a_version_negotiation_packet_with_the_clients_version_is_passed_over) {
  Theatre theatre;
  theatre.silence(Role::kServer);
  theatre.settle();
  const std::uint64_t sent = theatre.client->stats().packets_sent;
  theatre.inject(Role::kServer,
                 forged_version_negotiation(theatre.first_datagram(Role::kClient), {Version::kV2, Version::kV1}));
  EXPECT_EQ(theatre.client->version(), Version::kV1);
  EXPECT_EQ(theatre.client->stats().packets_sent, sent) << "it has begun again";
  theatre.speak_again(Role::kServer);
  theatre.pass(2s);
  EXPECT_TRUE(theatre.client->handshake_confirmed());
}

// rfc9000:6.2-vn-after-others
TEST(versions, a_version_negotiation_packet_after_the_first_answer_is_passed_over) {
  Theatre theatre({.client = {.versions = {Version::kV1, Version::kV2}}});
  theatre.open();
  theatre.inject(Role::kServer, forged_version_negotiation(theatre.first_datagram(Role::kClient), {Version::kV2}));
  EXPECT_FALSE(theatre.client_witness.closed.has_value());
  EXPECT_EQ(theatre.client->version(), Version::kV1);
}

TEST(versions, what_the_application_wrote_before_goes_along_into_the_other_version) {
  Theatre theatre({.client = {.versions = {Version::kV2, Version::kV1}, .first_version = Version::kV2},
                   .server = {.versions = {Version::kV1}}});
  theatre.client_witness.on_complete = [](Connection& c) {
    const StreamId id = c.open_stream(false).value();
    ASSERT_TRUE(c.write(id, as_bytes("hello"), true).has_value());
  };
  theatre.open();
  EXPECT_EQ(theatre.server_witness.opened.size(), 1u);
}

TEST(versions, rules_are_the_same_in_version_2) {
  Theatre theatre({.client = {.versions = {Version::kV2}}});
  theatre.open();
  theatre.lie(Role::kClient, EncryptionLevel::kOneRtt, "21");  // no frame has this type
  ASSERT_TRUE(theatre.verdict(Role::kClient).has_value());
  EXPECT_EQ(theatre.verdict(Role::kClient)->error_code,
            static_cast<std::uint64_t>(TransportErrorCode::kFrameEncodingError));
}

TEST(versions, keys_of_version_2_are_updated_with_its_own_label) {
  Theatre theatre({.client = {.versions = {Version::kV2}}});
  theatre.open();
  theatre.pass(2s);
  theatre.client->initiate_key_update();
  theatre.client->ping();
  theatre.client_endpoint->wake(*theatre.client);
  theatre.pass(1s);
  EXPECT_EQ(theatre.client->stats().key_updates, 1u);
  EXPECT_EQ(theatre.server->stats().key_updates, 1u);
}

}  // namespace
}  // namespace hawser::quic
