// handshake_rules_test.cc: goal: transport parameters that RFC 9000 sections 7.3, 7.4 and 18.2
// forbid end the handshake with TRANSPORT_PARAMETER_ERROR. Method: a liar with a real TLS
// session speaks for one side, with parameters of its own making, to an honest endpoint.
#include <gtest/gtest.h>

#include "lying_peer.h"
#include "quic/connection/datagram_builder.h"
#include "quic/endpoint/endpoint.h"
#include "quic/streams/crypto_stream.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"
#include "quic/wire/frames/all_frames.h"
#include "quic/wire/transport_parameters.h"
#include "quic/wire/version_negotiation.h"

namespace hawser::quic {
namespace {

constexpr std::int64_t kWallClock = 1'800'000'000;

const DevCertificate& certificate() {
  static const DevCertificate minted =
      mint_dev_certificate({.names = {"localhost"}, .not_before_s = kWallClock - 60}).value();
  return minted;
}
std::vector<std::uint8_t> octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

const ConnectionId kClientCid{Bytes(from_hex("c1c1c1c1c1c1c1c1"))};
const ConnectionId kServerCid{Bytes(from_hex("5e5e5e5e5e5e5e5e"))};
const ConnectionId kOriginalDcid{Bytes(from_hex("0d0d0d0d0d0d0d0d"))};

// One parameter: id, length, value.
std::string tp(std::uint64_t id, const std::string& value_hex) {
  return varint_hex(id) + varint_hex(value_hex.size() / 2) + value_hex;
}
std::string tp(std::uint64_t id, std::uint64_t value) {
  return tp(id, varint_hex(value));
}
std::string cid_hex(const ConnectionId& cid) {
  return to_hex(cid.view());
}

// What TLS hands out, kept for the liar to send.
struct Hands : TlsHandler {
  std::map<EncryptionLevel, std::vector<std::uint8_t>> to_send;
  std::map<EncryptionLevel, DirectionKeys> write_keys;
  Version version = Version::kV1;
  void on_secret(EncryptionLevel level, SecretDirection direction, CipherSuite suite, Bytes secret) override {
    if (direction == SecretDirection::kWrite)
      write_keys[level] = DirectionKeys(*version_key_table(version), suite, secret);
  }
  void on_crypto_to_send(EncryptionLevel level, Bytes bytes) override {
    to_send[level].insert(to_send[level].end(), bytes.begin(), bytes.end());
  }
  Parsed<void> on_peer_transport_parameters(Bytes) override { return {}; }
  bool on_early_data_offered(const EarlyDataOffer&) override { return true; }
  void on_handshake_complete() override {}
  void on_session_ticket(Bytes) override {}
  void on_alert(std::uint8_t) override {}
};

// Seals frames into one datagram of one packet.
std::vector<std::uint8_t> packet(DirectionKeys& keys, EncryptionLevel level, const ConnectionId& dcid,
                                 const ConnectionId& scid, std::uint64_t number, Bytes crypto, std::uint64_t offset,
                                 Version version = Version::kV1) {
  std::vector<std::uint8_t> datagram(1'400);
  DatagramBuilder builder;
  builder.begin(datagram);
  OpenPacket* open = builder.open({.level = level, .version = version, .dcid = dcid.view(), .scid = scid.view()},
                                  PacketNumber{number}, std::nullopt);
  write_crypto(open->payload, {.offset = offset, .data = crypto});
  builder.pad_to(1'200);
  builder.finish();
  keys.packet.seal(kInitialPathId, PacketNumber{number}, open->header(), open->payload.pieces(),
                   open->start + open->layout.size);
  protect(open->start, open->layout.pn_offset, open->packet_number_length,
          keys.header.mask(open->start + open->layout.pn_offset + kSampleOffset));
  datagram.resize(builder.size());
  return datagram;
}

FourTuple server_tuple() {
  return {ipv4_address({10, 0, 0, 2}, 443), ipv4_address({10, 0, 0, 1}, 5555)};
}
FourTuple client_tuple() {
  return {ipv4_address({10, 0, 0, 1}, 5555), ipv4_address({10, 0, 0, 2}, 443)};
}

void hand(Endpoint& endpoint, std::vector<std::uint8_t> datagram, const FourTuple& tuple, Timestamp now) {
  ReceivedTrain train{.bytes = datagram, .segment_size = datagram.size(), .tuple = tuple};
  endpoint.on_datagrams({&train, 1}, now);
}

struct Accepts : AcceptHandler {
  Witness witness;
  ConnectionHandler* on_accept(Connection&) override { return &witness; }
};

// An honest server meets a client with these parameters; how it ended.
std::optional<CloseReason> server_meets(const std::string& parameters_hex) {
  SeededRandom random(3);
  Accepts accepts;
  auto tls = TlsServerContext::create({.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                                       .certificates = {{.chain = octets_of(certificate().certificate_pem),
                                                         .key = octets_of(certificate().key_pem)}}})
                 .value();
  Endpoint server({.tls = &tls, .accept = &accepts, .random = &random});
  auto client_tls =
      TlsClientContext::create({.common = {.alpn = {"test"}, .groups = "X25519", .verification_time_s = kWallClock},
                                .trust = {.system = false, .ca = octets_of(certificate().certificate_pem)}})
          .value();
  Hands hands;
  const auto session =
      client_tls.new_session(hands, {.server_name = "localhost", .transport_parameters = from_hex(parameters_hex)});
  HAWSER_CHECK(session->start().has_value());
  LevelKeys keys = initial_keys(v1_key_table(), Role::kClient, kOriginalDcid.view());
  const auto& hello = hands.to_send[EncryptionLevel::kInitial];
  hand(server, packet(keys.write, EncryptionLevel::kInitial, kOriginalDcid, kClientCid, 0, hello, 0), server_tuple(),
       Timestamp{1s});
  return accepts.witness.closed;
}

// Gathers the CRYPTO frames of an Initial's payload.
void read_crypto(Bytes payload, CryptoStreams& crypto) {
  FrameReader frames(payload);
  while (!frames.empty()) {
    const std::uint64_t type = frames.next_type().value();
    if (type == 0x06) {
      const CryptoFrame frame = parse_crypto(frames).value();
      HAWSER_CHECK(crypto.on_crypto(EncryptionLevel::kInitial, frame.offset, frame.data).has_value());
    } else if (type != 0x00 && type != 0x01) {
      break;
    }
  }
}

std::vector<std::uint8_t> version_negotiation(Bytes first_datagram, Version offered) {
  SeededRandom random(5);
  const PacketHeader header = parse_packet_header(first_datagram, 8).value();
  std::vector<std::uint8_t> octets(version_negotiation_size(header.dcid.size(), header.scid.size(), 1));
  Writer out(octets);
  write_version_negotiation(out, header, std::array{offered}, false, random);
  return octets;
}

// An honest client meets a server with these parameters, in which ORIG and INIT stand for the
// client's first Destination Connection ID and the server's Source Connection ID.
// `offered`: that version stands in a Version Negotiation packet that the client gets first.
std::optional<CloseReason> client_meets(std::string parameters_hex, const ConnectionConfig& config = {},
                                        std::optional<Version> offered = std::nullopt) {
  SeededRandom random(4);
  Witness witness;
  auto client_tls =
      TlsClientContext::create({.common = {.alpn = {"test"}, .groups = "X25519", .verification_time_s = kWallClock},
                                .trust = {.system = false, .ca = octets_of(certificate().certificate_pem)}})
          .value();
  Endpoint client({.random = &random});
  const Timestamp now{1s};
  HAWSER_CHECK(
      client
          .connect({.tuple = client_tuple(), .server_name = "localhost", .tls = &client_tls, .connection = config},
                   witness, now)
          .has_value());
  std::vector<std::uint8_t> memory(65'536);
  TransmitTrain train{.buffer = memory};
  HAWSER_CHECK(client.next_transmits(now, {&train, 1}) == 1);
  if (offered) {
    hand(client, version_negotiation(memory, *offered), client_tuple(), now);
    train = {.buffer = memory};
    HAWSER_CHECK(client.next_transmits(now, {&train, 1}) == 1);
  }
  // Open the client's Initial to get at its ClientHello.
  std::vector<std::uint8_t> first(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(train.segment_size));
  const auto header = parse_packet_header(first, 8);
  HAWSER_CHECK(header.has_value());
  const ConnectionId original(header->dcid);
  const ConnectionId client_cid(header->scid);
  const Version version = header->version;
  LevelKeys keys = initial_keys(*version_key_table(version), Role::kServer, original.view());
  const TruncatedPacketNumber pn = unprotect(first.data(), header->pn_offset,
                                             keys.read.header.mask(first.data() + header->pn_offset + kSampleOffset));
  const std::size_t header_size = header->pn_offset + pn.length;
  HAWSER_CHECK(keys.read.packet.open(kInitialPathId, PacketNumber{pn.value}, Bytes(first).first(header_size),
                                     MutableBytes(first).subspan(header_size, header->packet_size - header_size)));
  BufferPools pools;
  CryptoStreams crypto(pools);
  read_crypto(Bytes(first).subspan(header_size, header->packet_size - header_size - kAeadTagLength), crypto);
  for (std::size_t at; (at = parameters_hex.find("ORIG")) != std::string::npos;)
    parameters_hex.replace(at, 4, cid_hex(original));
  for (std::size_t at; (at = parameters_hex.find("INIT")) != std::string::npos;)
    parameters_hex.replace(at, 4, cid_hex(kServerCid));
  auto server_tls = TlsServerContext::create({.common = {.alpn = {"test"}, .verification_time_s = kWallClock},
                                              .certificates = {{.chain = octets_of(certificate().certificate_pem),
                                                                .key = octets_of(certificate().key_pem)}}})
                        .value();
  Hands hands;
  hands.version = version;
  const auto session = server_tls.new_session(hands, from_hex(parameters_hex));
  std::array<Bytes, 16> views;
  for (const Bytes& piece : crypto.readable(EncryptionLevel::kInitial, views))
    HAWSER_CHECK(session->on_crypto_data(EncryptionLevel::kInitial, piece).has_value());
  hand(client,
       packet(keys.write, EncryptionLevel::kInitial, client_cid, kServerCid, 0,
              hands.to_send[EncryptionLevel::kInitial], 0, version),
       client_tuple(), now);
  const std::vector<std::uint8_t>& flight = hands.to_send[EncryptionLevel::kHandshake];
  HAWSER_CHECK(!flight.empty());
  for (std::size_t at = 0, number = 0; at < flight.size(); at += 1'000, ++number)
    hand(client,
         packet(hands.write_keys[EncryptionLevel::kHandshake], EncryptionLevel::kHandshake, client_cid, kServerCid,
                number, Bytes(flight).subspan(at, std::min<std::size_t>(1'000, flight.size() - at)), at, version),
         client_tuple(), now);
  return witness.closed;
}

struct Parameters {
  const char* name;
  std::string hex;
};

const std::string kClientOk = tp(0x0f, cid_hex(kClientCid));
// Lengths as client_meets fills them in: 16 octets and 8.
const std::string kServerOk = "0010ORIG" + std::string("0f08INIT");

std::vector<Parameters> illegal_from_client() {
  return {
      // rfc9000:7.3-ids-missing
      {"initial_source_connection_id_missing", tp(0x04, 1000)},
      // rfc9000:7.3-ids-differ rfc9000:7.3-ids-validated
      {"initial_source_connection_id_wrong", tp(0x0f, bytes_hex(8, 9))},
      {"initial_source_connection_id_of_21_octets", tp(0x0f, bytes_hex(21, 9))},
      // rfc9000:7.4-duplicate
      {"duplicate", kClientOk + tp(0x04, 1) + tp(0x04, 1)},
      {"duplicate_unknown", kClientOk + tp(0x3333, 1) + tp(0x3333, 1)},
      // rfc9000:18.2-server-only-received rfc9000:18.2-server-only
      {"original_destination_connection_id_from_a_client", kClientOk + tp(0x00, bytes_hex(8))},
      {"stateless_reset_token_from_a_client", kClientOk + tp(0x02, bytes_hex(16))},
      {"preferred_address_from_a_client", kClientOk + tp(0x0d, bytes_hex(24) + "04" + bytes_hex(4) + bytes_hex(16))},
      {"retry_source_connection_id_from_a_client", kClientOk + tp(0x10, bytes_hex(8))},
      // rfc9000:7.4-invalid-value
      {"max_udp_payload_size_below_1200", kClientOk + tp(0x03, 1'199)},
      {"ack_delay_exponent_above_20", kClientOk + tp(0x0a, 21)},
      {"max_ack_delay_of_2_to_14", kClientOk + tp(0x0b, 1 << 14)},
      // ack-frequency:3-min-ack-delay-error
      {"min_ack_delay_above_max_ack_delay", kClientOk + tp(0xff04de1b, 25'001)},
      // rfc9000:18.2-cid-limit-low
      {"active_connection_id_limit_below_2", kClientOk + tp(0x0e, 1)},
      {"initial_max_streams_bidi_above_2_to_60", kClientOk + tp(0x08, (std::uint64_t{1} << 60) + 1)},
      {"initial_max_streams_uni_above_2_to_60", kClientOk + tp(0x09, (std::uint64_t{1} << 60) + 1)},
      {"disable_active_migration_with_a_value", kClientOk + tp(0x0c, "01")},
      // rfc9287:3-empty
      {"grease_quic_bit_with_a_value", kClientOk + tp(0x2ab2, "01")},
      // reset-stream-at:3-empty
      {"reset_stream_at_with_a_value", kClientOk + tp(0x17f7586d2cb571, "01")},
      {"value_longer_than_its_integer", kClientOk + tp(0x04, "0000")},
      {"value_cut", kClientOk + tp(0x04, "40")},
      // rfc9368:4-parse rfc9368:4-parse-failure rfc9368:4-zero rfc9368:4-not-listed
      {"version_information_of_5_octets", kClientOk + tp(0x11, "0000000100")},
      {"version_information_with_version_0", kClientOk + tp(0x11, "000000010000000100000000")},
      {"version_information_whose_choice_is_not_available", kClientOk + tp(0x11, "000000016b3343cf")},
      // rfc9368:2.3-validations
      {"ack_delay_exponent_above_20_on_the_way_to_version_2",
       kClientOk + tp(0x11, "000000016b3343cf00000001") + tp(0x0a, 21)},
      {"length_past_the_end", kClientOk + "0408" + "00"},
      {"id_cut", kClientOk + "c0"},
  };
}

std::ostream& operator<<(std::ostream& out, const Parameters& parameters) {
  return out << parameters.name;
}

class ClientParameters_ : public ::testing::TestWithParam<Parameters> {};

TEST_P(ClientParameters_, are_refused_by_the_server) {
  const auto closed = server_meets(GetParam().hex);
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kTransportParameterError))
      << describe(*closed);
}

INSTANTIATE_TEST_SUITE_P(rfc9000_18, ClientParameters_, ::testing::ValuesIn(illegal_from_client()),
                         [](const auto& info) { return std::string(info.param.name); });

// rfc9000:7.4.2-unknown-ignored
TEST(client_parameters, legal_ones_with_unknown_ids_are_accepted) {
  EXPECT_FALSE(server_meets(kClientOk + tp(0x3333, 1) + tp(0x04, 1'000'000)).has_value());
}

std::vector<Parameters> illegal_from_server() {
  return {
      {"original_destination_connection_id_missing", "0f08INIT"},
      {"original_destination_connection_id_wrong", tp(0x00, bytes_hex(8, 7)) + "0f08INIT"},
      {"initial_source_connection_id_missing", "0010ORIG"},
      {"initial_source_connection_id_wrong", "0010ORIG" + tp(0x0f, bytes_hex(8, 7))},
      {"retry_source_connection_id_without_a_retry", kServerOk + tp(0x10, bytes_hex(8, 7))},
      {"stateless_reset_token_of_15_octets", kServerOk + tp(0x02, bytes_hex(15))},
      // rfc9000:18.2-preferred-violated
      {"preferred_address_without_connection_id", kServerOk + tp(0x0d, bytes_hex(24) + "00" + bytes_hex(16))},
      {"preferred_address_cut", kServerOk + tp(0x0d, bytes_hex(24))},
      {"max_udp_payload_size_below_1200", kServerOk + tp(0x03, 1'000)},
      {"ack_delay_exponent_above_20", kServerOk + tp(0x0a, 63)},
      {"max_ack_delay_above_limit", kServerOk + tp(0x0b, 20'000)},
      {"min_ack_delay_above_max_ack_delay", kServerOk + tp(0x0b, 10) + tp(0xff04de1b, 10'001)},
      {"active_connection_id_limit_of_0", kServerOk + tp(0x0e, std::uint64_t{0})},
      {"version_information_of_3_octets", kServerOk + tp(0x11, "000001")},
      {"version_information_with_version_0", kServerOk + tp(0x11, "0000000100000000")},
      {"duplicate", kServerOk + tp(0x05, 1) + tp(0x05, 2)},
  };
}

class ServerParameters_ : public ::testing::TestWithParam<Parameters> {};

TEST_P(ServerParameters_, are_refused_by_the_client) {
  const auto closed = client_meets(GetParam().hex);
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kTransportParameterError))
      << describe(*closed);
}

INSTANTIATE_TEST_SUITE_P(rfc9000_18, ServerParameters_, ::testing::ValuesIn(illegal_from_server()),
                         [](const auto& info) { return std::string(info.param.name); });

// RFC 9368 section 4: a choice that the packets' version contradicts.
// rfc9368:4-server-validates rfc9368:4-server-differs rfc9368:4-server-v1
TEST(version_information, of_a_client_that_chose_another_version_than_its_packets_is_refused) {
  const auto closed = server_meets(kClientOk + tp(0x11, "6b3343cf6b3343cf00000001"));
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kVersionNegotiationError));
}

// rfc9368:4-negotiated rfc9368:4-never-offered
TEST(version_information, of_a_server_that_chose_another_version_than_its_packets_is_refused) {
  const ConnectionConfig both{.versions = {Version::kV1, Version::kV2}};
  const ConnectionConfig never_offered{.versions = {Version::kV1}};
  for (const ConnectionConfig& config : {both, never_offered}) {
    const auto closed = client_meets(kServerOk + tp(0x11, "6b3343cf00000001"), config);
    ASSERT_TRUE(closed.has_value());
    EXPECT_EQ(closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kVersionNegotiationError));
  }
}

TEST(version_information, without_available_versions_is_a_servers_right) {
  EXPECT_FALSE(client_meets(kServerOk + tp(0x11, "00000001")).has_value());
}

// rfc9368:2.2-explicit
TEST(version_information, of_versions_nobody_knows_is_passed_over) {
  EXPECT_FALSE(server_meets(kClientOk + tp(0x11, "00000001ff0000ff0000000a5a6a7a8a00000001")).has_value());
}

// rfc9368:4-missing rfc9368:4-missing-error rfc9368:4-empty rfc9368:8-implement
TEST(version_information, is_wanted_of_a_server_after_version_negotiation) {
  const ConnectionConfig from_1_to_2{.versions = {Version::kV1, Version::kV2}, .first_version = Version::kV1};
  for (const std::string& information : {std::string(), tp(0x11, "6b3343cf")}) {
    const auto closed = client_meets(kServerOk + information, from_1_to_2, Version::kV2);
    ASSERT_TRUE(closed.has_value()) << information;
    EXPECT_EQ(closed->error_code, static_cast<std::uint64_t>(TransportErrorCode::kVersionNegotiationError));
  }
  EXPECT_FALSE(client_meets(kServerOk + tp(0x11, "6b3343cf6b3343cf"), from_1_to_2, Version::kV2).has_value());
}

// rfc9368:8-v1
TEST(version_information, may_be_missing_where_version_negotiation_led_to_version_1) {
  const ConnectionConfig from_2_to_1{.versions = {Version::kV2, Version::kV1}, .first_version = Version::kV2};
  EXPECT_FALSE(client_meets(kServerOk, from_2_to_1, Version::kV1).has_value());
}

TEST(server_parameters, legal_ones_are_accepted) {
  EXPECT_FALSE(client_meets(kServerOk).has_value());
}

}  // namespace
}  // namespace hawser::quic
