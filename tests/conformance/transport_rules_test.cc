// transport_rules_test.cc: goal: a peer that breaks a rule of RFC 9000, 9001 or 9221 after
// the handshake sees the exact error code that the specification names. Method: one row per
// rule; a liar sends the frames in a properly protected packet and the victim's close
// reason is compared.
#include <gtest/gtest.h>

#include "lying_peer.h"
#include "quic/connection/core.h"

namespace hawser::quic {
namespace {

using Code = TransportErrorCode;
constexpr Role kC = Role::kClient;
constexpr Role kS = Role::kServer;

struct Rule {
  const char* name;
  Role liar;
  Code expected;
  std::string frames;  // hexadecimal
};

std::string v(std::uint64_t value) {
  return varint_hex(value);
}
// STREAM with offset, length and FIN as asked.
std::string stream(std::uint64_t id, std::uint64_t offset, std::size_t size, bool fin = false) {
  return std::string(fin ? "0f" : "0e") + v(id) + v(offset) + v(size) + bytes_hex(size, 'x');
}
std::string new_cid(std::uint64_t sequence, std::uint64_t retire, std::uint8_t fill, std::size_t length = 8) {
  return "18" + v(sequence) + v(retire) + bytes_hex(1, static_cast<std::uint8_t>(length)) + bytes_hex(length, fill) +
         bytes_hex(16, fill);
}
constexpr std::uint64_t kBig = (std::uint64_t{1} << 62) - 1;
const std::string kPadding = "00000000";

std::vector<Rule> rules_of_frames() {
  return {
      // RFC 9000 section 12.4: frames.
      // rfc9000:12.4-unknown
      {"frame_type_unknown", kC, Code::kFrameEncodingError, "21" + kPadding},
      {"frame_type_unknown_two_octets", kC, Code::kFrameEncodingError, "4123" + kPadding},
      // rfc9000:12.4-shortest
      {"frame_type_not_shortest", kC, Code::kProtocolViolation, "4001" + kPadding},
      {"ping_type_in_eight_octets", kC, Code::kProtocolViolation, "c000000000000001" + kPadding},
      // Truncated frames.
      {"ack_truncated", kC, Code::kFrameEncodingError, "020000"},
      {"ack_with_ecn_truncated", kC, Code::kFrameEncodingError, "030000000000"},
      {"reset_stream_truncated", kC, Code::kFrameEncodingError, "04000000000004"},
      {"stop_sending_truncated", kC, Code::kFrameEncodingError, "0000000500"},
      {"crypto_longer_than_packet", kC, Code::kFrameEncodingError, "06000a0102"},
      {"stream_longer_than_packet", kC, Code::kFrameEncodingError, "0a000a0102"},
      {"stream_truncated_in_id", kC, Code::kFrameEncodingError, "00000008c0"},
      {"max_data_truncated", kC, Code::kFrameEncodingError, "00000010c0"},
      {"max_stream_data_truncated", kC, Code::kFrameEncodingError, "0000001100"},
      {"new_connection_id_truncated", kC, Code::kFrameEncodingError, "1801000801020304"},
      {"path_challenge_truncated", kC, Code::kFrameEncodingError, "1a01020304050607"},
      {"path_response_truncated", kC, Code::kFrameEncodingError, "1b01020304050607"},
      {"connection_close_truncated", kC, Code::kFrameEncodingError, "0000001c0000"},
      {"datagram_longer_than_packet", kC, Code::kFrameEncodingError, "000000310a01"},
      {"retire_connection_id_truncated", kC, Code::kFrameEncodingError, "00000019c0"},
      {"streams_blocked_truncated", kC, Code::kFrameEncodingError, "0000001680"},
      {"data_blocked_truncated", kC, Code::kFrameEncodingError, "0000001480"},
      {"new_token_longer_than_packet", kS, Code::kFrameEncodingError, "00000007050102"},
      // Section 19.3: ACK.
      // rfc9000:13.1-never-sent
      {"ack_of_a_packet_never_sent", kC, Code::kProtocolViolation, "02" + v(500'000) + "000000"},
      // rfc9000:19.3.1-negative
      {"ack_first_range_below_zero", kC, Code::kFrameEncodingError, "0201000005"},
      {"ack_first_range_one_below_zero", kC, Code::kFrameEncodingError, "0201000002"},
      {"ack_second_range_one_below_zero", kC, Code::kFrameEncodingError, "02030001000200"},
      {"ack_range_below_zero", kC, Code::kFrameEncodingError, "02040001000505"},
      {"ack_gap_below_zero", kC, Code::kFrameEncodingError, "0203000100030000"},
      {"ack_of_a_packet_never_sent_to_client", kS, Code::kProtocolViolation, "02" + v(500'000) + "000000"},
  };
}

std::vector<Rule> rules_of_stream_states() {
  return {
      // Sections 19.4, 19.5, 3: stream states.
      // rfc9000:19.4-send-only
      {"reset_of_a_stream_that_only_the_victim_sends_on", kC, Code::kStreamStateError, "04030000"},
      // rfc9000:19.5-receive-only
      {"stop_sending_for_a_stream_that_only_the_liar_sends_on", kC, Code::kStreamStateError, "000502" + v(0)},
      // rfc9000:19.5-not-created
      {"stop_sending_for_a_stream_not_yet_opened", kC, Code::kStreamStateError, "00050100"},
      // rfc9000:19.8-state
      {"stream_on_a_local_one_way_stream", kC, Code::kStreamStateError, stream(3, 0, 4)},
      {"stream_on_a_stream_the_server_has_not_opened", kC, Code::kStreamStateError, stream(1, 0, 4)},
      // rfc9000:19.10-receive-only
      {"max_stream_data_for_a_receive_only_stream", kC, Code::kStreamStateError, "1102" + v(100)},
      // rfc9000:19.10-not-created
      {"max_stream_data_for_a_stream_not_yet_opened", kC, Code::kStreamStateError, "1101" + v(100)},
      // rfc9000:19.13-send-only
      {"stream_data_blocked_for_a_send_only_stream", kC, Code::kStreamStateError, "1503" + v(100)},
      {"stream_data_blocked_for_a_stream_not_yet_opened", kC, Code::kStreamStateError, "1501" + v(100)},
      {"reset_of_a_stream_not_yet_opened", kC, Code::kStreamStateError, "04010000"},
      {"server_stream_on_a_client_stream_not_yet_opened", kS, Code::kStreamStateError, stream(0, 0, 4)},
      {"server_reset_on_a_client_one_way_stream", kS, Code::kStreamStateError, "04020000"},
  };
}

std::vector<Rule> rules_of_limits() {
  return {
      // Section 4.6: stream limits (100 of each kind by default).
      // rfc9000:4.6-stream-limit-exceeded rfc9000:19.11-exceeded
      {"bidirectional_stream_limit", kC, Code::kStreamLimitError, stream(4 * 100, 0, 1)},
      {"unidirectional_stream_limit", kC, Code::kStreamLimitError, stream(4 * 100 + 2, 0, 1)},
      {"stream_limit_by_reset", kC, Code::kStreamLimitError, "04" + v(4 * 100) + "0000"},
      {"stream_limit_by_stop_sending", kC, Code::kStreamLimitError, "05" + v(4 * 100) + "00"},
      {"stream_limit_by_max_stream_data", kC, Code::kStreamLimitError, "11" + v(4 * 100) + "00"},
      {"stream_limit_by_stream_data_blocked", kC, Code::kStreamLimitError, "15" + v(4 * 100) + "00"},
      {"server_bidirectional_stream_limit", kS, Code::kStreamLimitError, stream(4 * 100 + 1, 0, 1)},
      {"server_unidirectional_stream_limit", kS, Code::kStreamLimitError, stream(4 * 100 + 3, 0, 1)},
      // rfc9000:19.11-too-large rfc9000:4.6-too-many-encodable
      {"max_streams_bidi_above_2_to_60", kC, Code::kFrameEncodingError, "12" + v((std::uint64_t{1} << 60) + 1)},
      {"max_streams_uni_above_2_to_60", kC, Code::kFrameEncodingError, "13" + v((std::uint64_t{1} << 60) + 1)},
      // rfc9000:19.14-too-large
      {"streams_blocked_bidi_above_2_to_60", kC, Code::kFrameEncodingError, "16" + v((std::uint64_t{1} << 60) + 1)},
      {"streams_blocked_uni_above_2_to_60", kC, Code::kFrameEncodingError, "17" + v((std::uint64_t{1} << 60) + 1)},
      // Section 4.1: flow control.
      // rfc9000:19.10-exceeded rfc9000:4.1-limit-exceeded
      {"stream_flow_control", kC, Code::kFlowControlError, stream(0, (1 << 20), 1)},
      {"stream_flow_control_one_way", kC, Code::kFlowControlError, stream(2, (1 << 20), 1)},
      {"stream_flow_control_by_reset", kC, Code::kFlowControlError, "040000" + v((1 << 20) + 1)},
      // rfc9000:19.9-exceeded
      {"connection_flow_control", kC, Code::kFlowControlError,
       stream(0, (1 << 20) - 1, 1) + stream(4, (1 << 20) - 1, 1)},
      // rfc9000:4.5-final-size-counts
      {"connection_flow_control_by_reset", kC, Code::kFlowControlError, "040000" + v(1 << 20) + "040400" + v(1 << 20)},
      // rfc9000:19.8-offset
      {"stream_past_2_to_62", kC, Code::kFrameEncodingError, stream(0, kBig, 2)},
      // rfc9000:19.6-offset
      {"crypto_past_2_to_62", kC, Code::kFrameEncodingError, "06" + v(kBig) + "020102"},
      {"server_stream_flow_control", kS, Code::kFlowControlError, stream(1, (1 << 20), 1)},
      // Section 4.5: final size.
      // rfc9000:4.5-final-size-changed
      {"final_size_changed_by_fin", kC, Code::kFinalSizeError, stream(0, 0, 8, true) + stream(0, 0, 9, true)},
      {"final_size_lowered_by_fin", kC, Code::kFinalSizeError, stream(0, 0, 8) + stream(0, 0, 4, true)},
      // rfc9000:4.5-data-beyond
      {"data_past_the_final_size", kC, Code::kFinalSizeError, stream(0, 0, 8, true) + stream(0, 8, 1)},
      {"final_size_changed_by_reset", kC, Code::kFinalSizeError, stream(0, 1, 8, true) + "040000" + v(20)},
      {"final_size_below_what_came", kC, Code::kFinalSizeError, stream(0, 0, 8) + "040000" + v(4)},
      {"final_size_changed_by_second_reset", kC, Code::kFinalSizeError, "04040004" + std::string("04040005")},
      {"server_final_size_changed", kS, Code::kFinalSizeError, stream(3, 1, 8, true) + stream(3, 1, 9, true)},
  };
}

std::vector<Rule> rules_of_the_rest() {
  return {
      // Section 7.5.
      // rfc9000:7.5-crypto-exceeded
      {"crypto_buffer_exceeded", kC, Code::kCryptoBufferExceeded, "06" + v(1'000'000) + "0401020304"},
      {"crypto_buffer_exceeded_at_client", kS, Code::kCryptoBufferExceeded, "06" + v(1'000'000) + "0401020304"},
      // Section 19.7, 19.20: who may send what.
      // rfc9000:19.7-server
      {"new_token_from_a_client", kC, Code::kProtocolViolation, "070401020304"},
      // rfc9000:19.7-empty
      {"new_token_empty", kS, Code::kFrameEncodingError, "00000700"},
      // rfc9000:19.20-server
      {"handshake_done_from_a_client", kC, Code::kProtocolViolation, "1e" + kPadding},
      // Section 19.15, 19.16, 5.1: connection IDs.
      // rfc9000:19.15-length
      {"new_connection_id_of_no_octets", kC, Code::kFrameEncodingError, "18010000" + bytes_hex(16)},
      {"new_connection_id_of_21_octets", kC, Code::kFrameEncodingError, new_cid(9, 0, 1, 21)},
      // rfc9000:19.15-retire-order-broken
      {"new_connection_id_retire_prior_to_above_sequence", kC, Code::kFrameEncodingError, new_cid(9, 10, 1)},
      {"new_connection_id_sequence_reused_for_another", kC, Code::kProtocolViolation,
       new_cid(6, 0, 1) + new_cid(6, 0, 2)},
      {"new_connection_id_same_id_under_another_sequence", kC, Code::kProtocolViolation,
       new_cid(6, 0, 1) + new_cid(7, 0, 1)},
      // rfc9000:5.1.1-limit-exceeded
      {"connection_id_limit", kC, Code::kConnectionIdLimitError,
       new_cid(4, 0, 4) + new_cid(5, 0, 5) + new_cid(6, 0, 6) + new_cid(7, 0, 7) + new_cid(8, 0, 8) + new_cid(9, 0, 9) +
           new_cid(10, 0, 10)},
      // rfc9000:19.16-never-sent
      {"retire_connection_id_never_issued", kC, Code::kProtocolViolation, "00000019" + v(77)},
      // rfc9000:19.16-own-packet
      {"retire_connection_id_of_the_packet_itself", kC, Code::kProtocolViolation, "00001900"},
      {"server_connection_id_limit", kS, Code::kConnectionIdLimitError,
       new_cid(4, 0, 4) + new_cid(5, 0, 5) + new_cid(6, 0, 6) + new_cid(7, 0, 7) + new_cid(8, 0, 8) + new_cid(9, 0, 9) +
           new_cid(10, 0, 10)},
      {"server_retires_the_id_of_the_packet_itself", kS, Code::kProtocolViolation, "00001900"},
      {"server_retires_an_id_never_issued", kS, Code::kProtocolViolation, "00000019" + v(77)},
      // RFC 9221 section 3: datagrams were not offered.
      // rfc9221:3-not-announced
      {"datagram_not_offered", kC, Code::kProtocolViolation, "31040102030400"},
      {"datagram_without_length_not_offered", kC, Code::kProtocolViolation, "3001020304"},
      {"server_datagram_not_offered", kS, Code::kProtocolViolation, "31040102030400"},
      // RFC 9001 section 6 and 8.3: TLS messages that QUIC forbids.
      // rfc9001:6-tls-update
      {"tls_key_update_from_a_client", kC, crypto_error(10), "0600051800000101"},
      {"tls_new_session_ticket_from_a_client", kC, crypto_error(10), "06000804000004aabbccdd"},
      // draft-ietf-quic-ack-frequency-12 section 4; min_ack_delay is 1,000 microseconds.
      // ack-frequency:4-invalid
      {"ack_frequency_delay_below_min_ack_delay", kC, Code::kProtocolViolation, "40af0001" + v(999) + "01"},
      {"server_ack_frequency_delay_below_min_ack_delay", kS, Code::kProtocolViolation, "40af0001" + v(0) + "01"},
      {"ack_frequency_delay_of_2_to_14_ms", kC, Code::kProtocolViolation, "40af0001" + v(16'384'000) + "01"},
      {"ack_frequency_truncated", kC, Code::kFrameEncodingError, "40af0001" + v(1'000)},
      {"ack_frequency_type_not_shortest", kC, Code::kProtocolViolation, "800000af0001" + v(1'000) + "01"},
      // Extension frames that were not negotiated.
      // draft-ietf-quic-reliable-stream-reset-10.
      // reset-stream-at:4-size
      {"reset_stream_at_reliable_above_final", kC, Code::kFrameEncodingError, "2400000405" + kPadding},
      {"reset_stream_at_truncated", kC, Code::kFrameEncodingError, "0024000004"},
      // reset-stream-at:4-limits-exceeded
      {"reset_stream_at_beyond_the_limit", kC, Code::kFlowControlError, "240000" + v(kBig) + "00"},
      // reset-stream-at:5.2-changed
      {"reset_stream_at_with_another_code", kC, Code::kStreamStateError,
       "2400010404"
       "2400020404"},
      {"reset_stream_after_reset_stream_at_with_another_code", kC, Code::kStreamStateError,
       "2400010404"
       "04000204"},
      {"reset_stream_at_with_another_size", kC, Code::kFinalSizeError,
       "2400010404"
       "2400010504"},
      {"stream_data_beyond_reset_stream_at", kC, Code::kFinalSizeError, "2400010404" + stream(0, 4, 1)},
      {"reset_stream_at_below_what_was_received", kC, Code::kFinalSizeError, stream(0, 0, 5) + "2400000404"},
      {"reset_stream_at_of_a_stream_of_the_receiver", kC, Code::kStreamStateError, "2403000000"},
      {"reset_stream_at_beyond_max_streams", kC, Code::kStreamLimitError, "24" + v(kBig - 3) + "000000"},
      {"path_abandon_not_negotiated", kC, Code::kFrameEncodingError, "7e750000" + kPadding},
      {"path_ack_not_negotiated", kC, Code::kFrameEncodingError, "3e0000000000"},
      // address-discovery:4-unasked
      {"observed_address_not_asked_for", kC, Code::kProtocolViolation, "809f81a60001020304abcd"},
      {"observed_address_not_asked_for_by_a_client", kS, Code::kProtocolViolation, "809f81a60001020304abcd"},
  };
}

std::vector<Rule> rules() {
  std::vector<Rule> all;
  for (const auto& group : {rules_of_frames(), rules_of_stream_states(), rules_of_limits(), rules_of_the_rest()})
    all.insert(all.end(), group.begin(), group.end());
  return all;
}

std::ostream& operator<<(std::ostream& out, const Rule& rule) {
  return out << rule.name;
}

class TransportRules : public ::testing::TestWithParam<Rule> {};

// rfc9000:10.3-close-if-able rfc9000:5.2-undo-or-error
// rfc9000:11-appropriate
TEST_P(TransportRules, ends_with_the_exact_code) {
  const Rule& rule = GetParam();
  Theatre theatre;
  theatre.open();
  theatre.lie(rule.liar, EncryptionLevel::kOneRtt, rule.frames);
  ASSERT_TRUE(theatre.verdict(rule.liar).has_value()) << "the victim noticed nothing";
  EXPECT_EQ(theatre.verdict(rule.liar)->kind, CloseReason::Kind::kLocalTransport);
  EXPECT_EQ(theatre.verdict(rule.liar)->error_code, static_cast<std::uint64_t>(rule.expected))
      << describe(*theatre.verdict(rule.liar));
  // The liar's honest half hears of it with the same code.
  const auto& heard = theatre.verdict(peer_of(rule.liar));
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(heard->error_code, static_cast<std::uint64_t>(rule.expected));
}

INSTANTIATE_TEST_SUITE_P(rfc, TransportRules, ::testing::ValuesIn(rules()),
                         [](const auto& info) { return std::string(info.param.name); });

// RFC 9001 section 6: behind the session tickets in the CRYPTO stream, wherever that ends.
TEST(tls_rules, key_update_message_from_a_server) {
  Theatre theatre;
  theatre.open();
  theatre.silence(kS);
  for (std::uint64_t offset = 0; offset < 2'000 && !theatre.verdict(kS); ++offset)
    theatre.lie(kS, EncryptionLevel::kOneRtt, "06" + v(offset) + "051800000101");
  ASSERT_TRUE(theatre.verdict(kS).has_value());
  EXPECT_EQ(theatre.verdict(kS)->error_code, static_cast<std::uint64_t>(crypto_error(10)))
      << describe(*theatre.verdict(kS));
}

// What a packet's header may not say.
// rfc9000:17.3.1-reserved-received
TEST(header_rules, reserved_bits_of_a_short_header) {
  Theatre theatre;
  theatre.open();
  theatre.lie_with_first_octet(kC, "01000000", 0x10);
  ASSERT_TRUE(theatre.verdict(kC).has_value());
  EXPECT_EQ(theatre.verdict(kC)->error_code, static_cast<std::uint64_t>(Code::kProtocolViolation));
}

// rfc9000:12.4-empty
TEST(header_rules, packet_without_frames) {
  Theatre theatre;
  theatre.open();
  // The packet number of four octets makes an empty payload long enough to sample.
  theatre.lie(kC, EncryptionLevel::kOneRtt, "", 0x7fffffff);
  ASSERT_TRUE(theatre.verdict(kC).has_value());
  EXPECT_EQ(theatre.verdict(kC)->error_code, static_cast<std::uint64_t>(Code::kProtocolViolation));
}

TEST(header_rules, a_wrong_tag_is_dropped_without_a_word) {
  Theatre theatre;
  theatre.open();
  const std::uint64_t dropped = theatre.server->stats().packets_dropped;
  std::vector<std::uint8_t> junk(80, 0x55);
  junk[0] = 0x41;
  const Bytes cid = theatre.server->core().local_cid().view();
  std::copy(cid.begin(), cid.end(), junk.begin() + 1);
  theatre.inject(kC, junk);
  EXPECT_FALSE(theatre.verdict(kC).has_value());
  EXPECT_EQ(theatre.server->stats().packets_dropped, dropped + 1);
}

// Frames that are legal only in some packets (RFC 9000 table 3), sent in Initial packets
// while the handshake is open.
struct Misplaced {
  const char* name;
  std::string frames;
};

std::ostream& operator<<(std::ostream& out, const Misplaced& frame) {
  return out << frame.name;
}

class MisplacedFrames : public ::testing::TestWithParam<Misplaced> {};

// rfc9000:12.4-permitted rfc9000:12.5-others rfc9000:12.5-application-close
TEST_P(MisplacedFrames, in_an_initial_packet_are_a_protocol_violation) {
  Theatre theatre;
  theatre.deliver_only(kS, 0);  // the handshake stays open
  theatre.settle();
  theatre.lie(kC, EncryptionLevel::kInitial, GetParam().frames);
  ASSERT_TRUE(theatre.verdict(kC).has_value());
  EXPECT_EQ(theatre.verdict(kC)->error_code, static_cast<std::uint64_t>(Code::kProtocolViolation));
}

std::vector<Misplaced> misplaced() {
  return {{"reset_stream", "04000000"},
          // reset-stream-at:4-space
          {"reset_stream_at", "2400000000"},
          {"stop_sending", "050000"},
          {"new_token", "070101"},
          {"stream", stream(0, 0, 4)},
          {"max_data", "1000"},
          {"max_stream_data", "110000"},
          {"max_streams_bidi", "1200"},
          {"max_streams_uni", "1300"},
          {"data_blocked", "1400"},
          {"stream_data_blocked", "150000"},
          {"streams_blocked_bidi", "1600"},
          {"streams_blocked_uni", "1700"},
          {"new_connection_id", new_cid(1, 0, 1)},
          {"retire_connection_id", "1900"},
          // address-discovery:4-space
          {"observed_address", "809f81a60001020304abcd"},
          {"path_challenge", "1a0102030405060708"},
          {"path_response", "1b0102030405060708"},
          {"connection_close_of_the_application", "1d0000"},
          {"handshake_done", "1e"},
          {"immediate_ack", "1f"},
          {"ack_frequency", "40af0001" + v(1'000) + "01"},
          {"datagram", "310401020304"}};
}

INSTANTIATE_TEST_SUITE_P(rfc9000_table3, MisplacedFrames, ::testing::ValuesIn(misplaced()),
                         [](const auto& info) { return std::string(info.param.name); });

// The same in Handshake packets, to a server that waits for the client's Finished.
class MisplacedInHandshake : public ::testing::TestWithParam<Misplaced> {};

// rfc9000:17.2.4-frames
TEST_P(MisplacedInHandshake, are_a_protocol_violation) {
  Theatre theatre;
  theatre.silence(kS);
  theatre.settle();
  ASSERT_TRUE(theatre.secrets.contains("CLIENT_HANDSHAKE_TRAFFIC_SECRET"));
  theatre.lie(kC, EncryptionLevel::kHandshake, GetParam().frames);
  ASSERT_TRUE(theatre.verdict(kC).has_value());
  EXPECT_EQ(theatre.verdict(kC)->error_code, static_cast<std::uint64_t>(Code::kProtocolViolation));
}

INSTANTIATE_TEST_SUITE_P(rfc9000_table3, MisplacedInHandshake, ::testing::ValuesIn(misplaced()),
                         [](const auto& info) { return std::string(info.param.name); });

// ACK frames that end in receive timestamps: of packet 0, up to three of which were asked for.
// receive-ts:3.1-too-many
TEST(receive_timestamp_rules, an_ack_frame_with_impossible_ones_ends_the_connection) {
  struct Case {
    const char* name;
    Code expected;
    const char* frames;
  };
  constexpr Case kCases[] = {
      {"cut", Code::kFrameEncodingError, "0200000000010002"},
      {"missing", Code::kFrameEncodingError, "0200000000"},
      {"below packet number 0", Code::kFrameEncodingError, "020000000001010105"},
      {"before the basis", Code::kFrameEncodingError, "02010000010100020506"},
      {"more than asked for", Code::kProtocolViolation, "020000000004000105000100000100000100"},
  };
  for (const Case& wrong : kCases) {
    Theatre::Options options;
    options.client.receive_timestamps = options.server.receive_timestamps = 3;
    Theatre theatre(options);
    theatre.open();
    theatre.lie(kC, EncryptionLevel::kOneRtt, wrong.frames);
    ASSERT_TRUE(theatre.verdict(kC).has_value()) << wrong.name;
    EXPECT_EQ(theatre.verdict(kC)->error_code, static_cast<std::uint64_t>(wrong.expected)) << wrong.name;
    EXPECT_EQ(theatre.verdict(kC)->frame_type, 0x02u) << wrong.name;
  }
}

TEST(receive_timestamp_rules, as_many_as_were_asked_for_are_legal) {
  Theatre::Options options;
  options.client.receive_timestamps = options.server.receive_timestamps = 3;
  Theatre theatre(options);
  theatre.open();
  // Three times the same packet is odd and harmless.
  theatre.lie(kC, EncryptionLevel::kOneRtt, "020000000003000109000101000108");
  EXPECT_FALSE(theatre.verdict(kC).has_value());
}

TEST(ack_frequency_rules, legal_requests_are_taken) {
  Theatre theatre;
  theatre.open();
  theatre.lie(kC, EncryptionLevel::kOneRtt, "40af0009" + v(1'000) + "00" + "1f");
  theatre.lie(kC, EncryptionLevel::kOneRtt, "40af00" + v(kBig) + v(16'383'999) + v(kBig));
  EXPECT_FALSE(theatre.verdict(kC).has_value());
}

// RFC 9221: an offered size is a limit on the whole frame.
// rfc9221:3-too-large
TEST(datagram_rules, larger_than_offered) {
  Theatre::Options options;
  options.server.max_datagram_frame_size = 100;
  Theatre theatre(options);
  theatre.open();
  theatre.lie(kC, EncryptionLevel::kOneRtt, "31" + v(98) + bytes_hex(98));
  ASSERT_TRUE(theatre.verdict(kC).has_value());
  EXPECT_EQ(theatre.verdict(kC)->error_code, static_cast<std::uint64_t>(Code::kProtocolViolation));
}

TEST(datagram_rules, exactly_as_offered_is_legal) {
  Theatre::Options options;
  options.server.max_datagram_frame_size = 100;
  Theatre theatre(options);
  theatre.open();
  theatre.lie(kC, EncryptionLevel::kOneRtt, "31" + v(97) + bytes_hex(97));
  EXPECT_FALSE(theatre.verdict(kC).has_value());
}

}  // namespace
}  // namespace hawser::quic
