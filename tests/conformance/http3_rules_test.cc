// http3_rules_test.cc: goal: a peer that breaks a rule of RFC 9114, 9204, 9218 or 9297 sees the
// exact HTTP/3 or QPACK error code, on the stream or on the connection as the rule says.
// Method: an honest QUIC connection whose application writes octets of its own choice on its
// streams, against an http3::Session; one row per rule.
#include <gtest/gtest.h>

#include "http3/session.h"
#include "lying_peer.h"

namespace hawser::http3 {
namespace {

using quic::bytes_hex;
using quic::Connection;
using quic::Role;
using quic::Theatre;
using quic::varint_hex;

// What the liar writes on one stream.
struct Words {
  bool bidirectional = true;
  std::string hex;
  bool fin = false;
};

struct Rule {
  const char* name;
  ErrorCode expected;
  ErrorScope scope;
  std::vector<Words> words;
};
std::ostream& operator<<(std::ostream& out, const Rule& rule) {
  return out << rule.name;
}

constexpr ErrorScope kConnection = ErrorScope::kConnection;
constexpr ErrorScope kStream = ErrorScope::kStream;

std::string frame(std::uint64_t type, const std::string& payload) {
  return varint_hex(type) + varint_hex(payload.size() / 2) + payload;
}

// A prefixed integer of RFC 7541 section 5.1 below the prefix's limit, or just above it.
std::string prefixed(std::uint8_t pattern, unsigned bits, std::size_t value) {
  const std::size_t limit = (std::size_t{1} << bits) - 1;
  if (value < limit) return bytes_hex(1, static_cast<std::uint8_t>(pattern | value));
  return bytes_hex(1, static_cast<std::uint8_t>(pattern | limit)) +
         bytes_hex(1, static_cast<std::uint8_t>(value - limit));
}

// A literal field line with a literal name (RFC 9204 section 4.5.6).
std::string field(std::string_view name, std::string_view value) {
  return prefixed(0x20, 3, name.size()) + to_hex(as_bytes(name)) + prefixed(0x00, 7, value.size()) +
         to_hex(as_bytes(value));
}

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string section(const Fields& fields) {
  std::string hex = "0000";
  for (const auto& [name, value] : fields) hex += field(name, value);
  return hex;
}

std::string headers(const Fields& fields) {
  return frame(0x01, section(fields));
}

const Fields kGet = {{":method", "GET"}, {":scheme", "https"}, {":authority", "localhost"}, {":path", "/"}};

Fields get_with(const std::string& name, const std::string& value) {
  Fields fields = kGet;
  fields.emplace_back(name, value);
  return fields;
}
Fields get_without(const std::string& name) {
  Fields fields = kGet;
  std::erase_if(fields, [&](const auto& f) { return f.first == name; });
  return fields;
}
Fields get_replacing(const std::string& name, const std::string& value) {
  Fields fields = kGet;
  for (auto& f : fields)
    if (f.first == name) f.second = value;
  return fields;
}

const std::string kSettings = "00" + frame(0x04, "");
Words control(const std::string& hex, bool fin = false) {
  return {false, kSettings + hex, fin};
}
Words request(const std::string& hex, bool fin = true) {
  return {true, hex, fin};
}
std::string data(const std::string& text) {
  return frame(0x00, to_hex(as_bytes(text)));
}

std::vector<Rule> rules_of_streams() {
  using enum ErrorCode;
  std::vector<Rule> rules = {
      // rfc9114:6.2.1-missing-settings rfc9114:9-not-satisfied
      {"control_without_settings", kMissingSettings, kConnection, {{false, "00" + frame(0x0d, "00")}}},
      // rfc9114:6.2.1-second
      {"two_control_streams", kStreamCreationError, kConnection, {control(""), control("")}},
      // rfc9204:4.2-second
      {"two_encoder_streams", kStreamCreationError, kConnection, {control(""), {false, "02"}, {false, "02"}}},
      {"two_decoder_streams", kStreamCreationError, kConnection, {control(""), {false, "03"}, {false, "03"}}},
      // rfc9114:6.2.2-client
      {"push_stream_from_a_client", kStreamCreationError, kConnection, {control(""), {false, "0100"}}},
      // rfc9114:6.2.1-closed
      {"control_stream_closed", kClosedCriticalStream, kConnection, {control("", true)}},
      // rfc9204:4.2-closed
      {"encoder_stream_closed", kClosedCriticalStream, kConnection, {control(""), {false, "02", true}}},
      {"decoder_stream_closed", kClosedCriticalStream, kConnection, {control(""), {false, "03", true}}},
      // rfc9114:7.2.1-control
      {"data_on_control", kFrameUnexpected, kConnection, {control(data("x"))}},
      // rfc9114:7.2.2-control
      {"headers_on_control", kFrameUnexpected, kConnection, {control(headers(kGet))}},
      // rfc9114:7.2.4-second
      {"second_settings", kFrameUnexpected, kConnection, {control(frame(0x04, ""))}},
      // rfc9114:7.2.5-control
      {"push_promise_on_control", kFrameUnexpected, kConnection, {control(frame(0x05, "000000"))}},
      // rfc9114:7.2.4-other-stream
      {"settings_on_request", kFrameUnexpected, kConnection, {control(""), request(frame(0x04, ""))}},
      // rfc9114:7.2.6-stream
      {"goaway_on_request", kFrameUnexpected, kConnection, {control(""), request(frame(0x07, "00"))}},
      // rfc9114:7.2.7-stream
      {"max_push_id_on_request", kFrameUnexpected, kConnection, {control(""), request(frame(0x0d, "00"))}},
      // rfc9114:7.2.3-stream
      {"cancel_push_on_request", kFrameUnexpected, kConnection, {control(""), request(frame(0x03, "00"))}},
      // rfc9114:7.2.5-server
      {"push_promise_from_a_client",
       kFrameUnexpected,
       kConnection,
       {control(""), request(headers(kGet) + frame(0x05, "000000"))}},
      // rfc9218:7.2-other-stream
      {"priority_update_on_request", kFrameUnexpected, kConnection, {control(""), request(frame(0xf0700, "00"))}},
      // rfc9114:4.1-sequence rfc9114:7.2.1-message
      {"data_before_headers", kFrameUnexpected, kConnection, {control(""), request(data("x"))}},
      // rfc9114:4.1-multiple
      {"headers_after_trailers",
       kFrameUnexpected,
       kConnection,
       {control(""), request(headers(kGet) + headers({{"a", "b"}}) + headers({{"a", "b"}}))}},
      {"data_after_trailers",
       kFrameUnexpected,
       kConnection,
       {control(""), request(headers(kGet) + headers({{"a", "b"}}) + data("x"))}},
      {"settings_reserved_0", kSettingsError, kConnection, {{false, "00" + frame(0x04, "0001")}}},
      // rfc9114:7.2.4-once
      {"settings_duplicate", kSettingsError, kConnection, {{false, "00" + frame(0x04, "06010602")}}},
      {"settings_h3_datagram_2", kSettingsError, kConnection, {{false, "00" + frame(0x04, "3302")}}},
      {"settings_enable_connect_2", kSettingsError, kConnection, {{false, "00" + frame(0x04, "0802")}}},
      {"settings_cut", kFrameError, kConnection, {{false, "00" + frame(0x04, "06")}}},
      // rfc9114:7.1-frame-error rfc9114:10.8-length rfc9114:7.1-exact
      {"goaway_with_trailing_octets", kFrameError, kConnection, {control(frame(0x07, "0000"))}},
      // rfc9114:7.1-redundant
      {"goaway_empty", kFrameError, kConnection, {control(frame(0x07, ""))}},
      {"max_push_id_with_trailing_octets", kFrameError, kConnection, {control(frame(0x0d, "0000"))}},
      // rfc9114:7.2.7-lower
      {"max_push_id_lowered", kIdError, kConnection, {control(frame(0x0d, "05") + frame(0x0d, "04"))}},
      // rfc9114:7.2.3-not-promised rfc9114:7.2.3-too-large
      {"cancel_push_of_a_push_never_promised", kIdError, kConnection, {control(frame(0x03, "07"))}},
      // rfc9114:5.2-larger
      {"goaway_raised", kIdError, kConnection, {control(frame(0x07, "04") + frame(0x07, "08"))}},
      // rfc9218:7.2-not-request
      {"priority_update_for_a_server_stream",
       kIdError,
       kConnection,
       {control(frame(0xf0700, "01" + to_hex(as_bytes("u=1"))))}},
      // rfc9218:7.2-not-promised
      {"priority_update_for_a_push_never_promised",
       kIdError,
       kConnection,
       {control(frame(0xf0701, "01" + to_hex(as_bytes("u=1"))))}},
      // rfc9114:7.1-truncated
      {"request_ends_inside_a_frame", kFrameError, kConnection, {control(""), request("01400a0000")}},
      {"request_ends_inside_a_frame_header", kFrameError, kConnection, {control(""), request(headers(kGet) + "0040")}},
      // rfc9114:4.1-incomplete
      {"request_without_headers", kRequestIncomplete, kStream, {control(""), request("")}},
      {"request_of_unknown_frames_only", kRequestIncomplete, kStream, {control(""), request(frame(0x21, "0102"))}},
  };
  return rules;
}

// What HTTP/2 left behind: frame types and settings that must never be seen again.
// rfc9114:7.2.8-http2 rfc9114:7.2.4.1-http2
std::vector<Rule> rules_of_http2_leftovers() {
  using enum ErrorCode;
  std::vector<Rule> rules;
  for (const char* type : {"02", "06", "08", "09"}) {
    static std::vector<std::string> names;
    names.reserve(16);
    names.push_back(std::string("http2_frame_") + type + "_on_request");
    rules.push_back(
        {names.back().c_str(), kFrameUnexpected, kConnection, {control(""), request(headers(kGet) + type + "00")}});
    names.push_back(std::string("http2_frame_") + type + "_on_control");
    rules.push_back({names.back().c_str(), kFrameUnexpected, kConnection, {control(std::string(type) + "00")}});
  }
  for (const char* id : {"02", "03", "04", "05"}) {
    static std::vector<std::string> names;
    names.reserve(8);
    names.push_back(std::string("http2_setting_") + id);
    rules.push_back(
        {names.back().c_str(), kSettingsError, kConnection, {{false, "00" + frame(0x04, std::string(id) + "00")}}});
  }
  return rules;
}

std::vector<Rule> rules_of_qpack() {
  using enum ErrorCode;
  const auto block = [](const std::string& hex) { return request(frame(0x01, hex)); };
  return {
      // rfc9204:3.1-field-line
      {"static_index_beyond_the_table", kQpackDecompressionFailed, kConnection, {control(""), block("0000ff24")}},
      // rfc9204:2.2.3-field-line rfc9204:2.2.1-smaller
      {"dynamic_index_into_an_empty_table", kQpackDecompressionFailed, kConnection, {control(""), block("000080")}},
      // rfc9204:4.5.1.1-impossible
      {"required_insert_count_impossible", kQpackDecompressionFailed, kConnection, {control(""), block("ffffff7f00")}},
      {"section_cut_in_its_prefix", kQpackDecompressionFailed, kConnection, {control(""), block("00")}},
      {"section_cut_in_a_string", kQpackDecompressionFailed, kConnection, {control(""), block("000023616263056162")}},
      {"huffman_with_end_of_string",
       kQpackDecompressionFailed,
       kConnection,
       {control(""), block("0000"
                           "2161"
                           "84ffffffff")}},
      {"huffman_padding_too_long",
       kQpackDecompressionFailed,
       kConnection,
       {control(""), block("0000"
                           "2161"
                           "821fff")}},
      // rfc9204:7.4-too-large
      {"integer_too_large",
       kQpackDecompressionFailed,
       kConnection,
       {control(""), block("0000ffffffffffffffffffffffff7f")}},
      // rfc9204:4.3.1-exceeded
      {"capacity_above_what_was_offered",
       kQpackEncoderStreamError,
       kConnection,
       {control(""), {false, "023fe1ffff7f"}}},
      // rfc9204:3.1-instruction
      {"insert_with_a_static_name_beyond_the_table",
       kQpackEncoderStreamError,
       kConnection,
       {control(""), {false, "02ff640161"}}},
      // rfc9204:3.2.2-too-large
      {"insert_into_a_table_of_no_capacity",
       kQpackEncoderStreamError,
       kConnection,
       {control(""), {false, "0241610162"}}},
      // rfc9204:2.2.3-instruction
      {"duplicate_of_an_absent_entry", kQpackEncoderStreamError, kConnection, {control(""), {false, "0205"}}},
      // rfc9204:4.4.1-unexpected
      {"acknowledgement_of_an_unknown_section", kQpackDecoderStreamError, kConnection, {control(""), {false, "0384"}}},
      // rfc9204:4.4.3-wrong
      {"insert_count_increment_of_zero", kQpackDecoderStreamError, kConnection, {control(""), {false, "0300"}}},
      {"insert_count_increment_beyond_what_was_sent",
       kQpackDecoderStreamError,
       kConnection,
       {control(""), {false, "033f40"}}},
  };
}

std::vector<Rule> rules_of_messages() {
  const auto bad = [](const char* name, const Fields& fields) {
    return Rule{name, ErrorCode::kMessageError, kStream, {control(""), request(headers(fields))}};
  };
  const auto bad_body = [](const char* name, const std::string& hex) {
    return Rule{name, ErrorCode::kMessageError, kStream, {control(""), request(hex)}};
  };
  Fields late = {{":method", "GET"}, {":scheme", "https"}, {"a", "b"}, {":path", "/"}, {":authority", "localhost"}};
  return {
      // rfc9114:4.3.1-exactly-one rfc9114:4.1.2-malformed
      bad("method_missing", get_without(":method")),
      bad("scheme_missing", get_without(":scheme")),
      bad("path_missing", get_without(":path")),
      // rfc9114:4.3.1-path
      bad("path_empty", get_replacing(":path", "")),
      bad("method_empty", get_replacing(":method", "")),
      bad("method_twice", get_with(":method", "GET")),
      bad("path_twice", get_with(":path", "/")),
      // rfc9114:4.3.1-authority-or-host
      bad("authority_missing_and_no_host", get_without(":authority")),
      // rfc9114:4.3.1-not-empty
      bad("authority_empty", get_replacing(":authority", "")),
      // rfc9114:4.3.1-same
      bad("host_differs_from_authority", get_with("host", "elsewhere")),
      // rfc9114:4.3-undefined
      bad("unknown_pseudo_header", get_with(":color", "red")),
      // rfc9114:4.3-direction
      bad("status_in_a_request", get_with(":status", "200")),
      bad("protocol_without_connect", get_with(":protocol", "websocket")),
      // rfc9114:4.3-late
      bad("pseudo_header_after_a_field", late),
      // rfc9114:4.2-uppercase
      bad("upper_case_name", get_with("Accept", "x")),
      bad("empty_name", get_with("", "x")),
      // rfc9114:10.3-names
      bad("space_in_name", get_with("a b", "x")),
      bad("colon_in_name", get_with("a:b", "x")),
      // rfc9114:10.3-values
      bad("line_feed_in_value", get_with("a", "x\ny")),
      bad("carriage_return_in_value", get_with("a", "x\ry")),
      bad("nul_in_value", get_with("a", std::string("x\0y", 3))),
      // rfc9114:4.2-connection-specific
      bad("connection", get_with("connection", "close")),
      bad("keep_alive", get_with("keep-alive", "x")),
      bad("proxy_connection", get_with("proxy-connection", "x")),
      // rfc9114:4.1-transfer-encoding
      bad("transfer_encoding", get_with("transfer-encoding", "chunked")),
      bad("upgrade", get_with("upgrade", "h2c")),
      // rfc9114:4.2-te
      bad("te_other_than_trailers", get_with("te", "gzip")),
      bad("content_length_not_a_number", get_with("content-length", "x")),
      bad("content_length_twice_and_different",
          [] {
            Fields fields = get_with("content-length", "1");
            fields.emplace_back("content-length", "2");
            return fields;
          }()),
      // rfc9114:4.4-form
      bad("connect_with_path", {{":method", "CONNECT"}, {":authority", "a:1"}, {":path", "/"}}),
      bad("connect_without_authority", {{":method", "CONNECT"}}),
      bad_body("body_shorter_than_content_length", headers(get_with("content-length", "5")) + data("abc")),
      bad_body("body_longer_than_content_length", headers(get_with("content-length", "1")) + data("abc")),
      // rfc9114:4.3-trailers
      bad_body("pseudo_header_in_trailers", headers(kGet) + headers({{":path", "/"}})),
      bad_body("forbidden_field_in_trailers", headers(kGet) + headers({{"connection", "close"}})),
  };
}

// Answers every whole request with 200.
struct Server : SessionHandler {
  std::size_t answered = 0;
  void on_body_readable(Session& session, StreamId id) override {
    std::array<std::uint8_t, 4096> sink;
    while (session.read_body(id, sink) != 0) {
    }
  }
  void on_message_complete(Session& session, StreamId id) override {
    ++answered;
    (void)session.respond(id, 200, {}, true);
  }
};

// Notes the codes with which streams were given up.
struct Liar : quic::Witness {
  std::vector<std::uint64_t> stream_codes;
  void on_stream_reset(Connection&, StreamId, quic::ApplicationErrorCode code) override {
    stream_codes.push_back(code);
  }
  void on_stop_sending(Connection&, StreamId, quic::ApplicationErrorCode code) override {
    stream_codes.push_back(code);
  }
};

struct Scene {
  Server server;
  Session session{Role::kServer, {}, server};
  Liar liar;
  Theatre theatre{{.alpn = "h3", .client_handler = &liar, .server_handler = &session}};

  void say(const std::vector<Words>& all) {
    theatre.open();
    for (const Words& words : all) {
      const auto id = theatre.client->open_stream(words.bidirectional);
      if (!id) return;
      const auto octets = from_hex(words.hex);
      ASSERT_EQ(octets.size() * 2, words.hex.size());
      (void)theatre.client->write(*id, octets, words.fin);
      theatre.client_endpoint->wake(*theatre.client);
      theatre.settle();
    }
    theatre.pass(100ms);
  }
};

class Http3Rules : public ::testing::TestWithParam<Rule> {};

TEST_P(Http3Rules, end_with_the_exact_code) {
  const Rule& rule = GetParam();
  Scene scene;
  scene.say(rule.words);
  const auto expected = static_cast<std::uint64_t>(rule.expected);
  if (rule.scope == kConnection) {
    ASSERT_TRUE(scene.liar.closed.has_value()) << "the victim noticed nothing";
    EXPECT_EQ(scene.liar.closed->kind, quic::CloseReason::Kind::kPeerApplication);
    EXPECT_EQ(scene.liar.closed->error_code, expected) << quic::describe(*scene.liar.closed);
    return;
  }
  EXPECT_FALSE(scene.liar.closed.has_value()) << quic::describe(*scene.liar.closed);
  ASSERT_FALSE(scene.liar.stream_codes.empty()) << "the victim noticed nothing; answered " << scene.server.answered;
  EXPECT_EQ(scene.liar.stream_codes.front(), expected);
  EXPECT_EQ(scene.server.answered, 0u);
}

const auto kName = [](const auto& info) { return std::string(info.param.name); };
INSTANTIATE_TEST_SUITE_P(streams, Http3Rules, ::testing::ValuesIn(rules_of_streams()), kName);
INSTANTIATE_TEST_SUITE_P(http2, Http3Rules, ::testing::ValuesIn(rules_of_http2_leftovers()), kName);
INSTANTIATE_TEST_SUITE_P(qpack, Http3Rules, ::testing::ValuesIn(rules_of_qpack()), kName);
INSTANTIATE_TEST_SUITE_P(messages, Http3Rules, ::testing::ValuesIn(rules_of_messages()), kName);

TEST(http3, the_request_that_all_rules_start_from_is_answered) {
  Scene scene;
  scene.say({control(""), request(headers(kGet)),
             request(headers(get_with("te", "trailers")) + data("x") + headers({{"a", "b"}}))});
  EXPECT_EQ(scene.server.answered, 2u);
  EXPECT_FALSE(scene.liar.closed.has_value());
  EXPECT_TRUE(scene.liar.stream_codes.empty());
}

// rfc9114:9-ignore rfc9114:7.2.4-unknown rfc9114:7.2.8-no-meaning rfc9114:6.2.3-no-meaning rfc9114:7.2.4.1-no-meaning
// rfc9114:9-discard rfc9114:6.2-unknown rfc9114:6.2-unknown-no-error
TEST(http3, unknown_frames_settings_and_streams_are_passed_over) {
  Scene scene;
  scene.say({{false, "00" +
                         frame(0x04,
                               "2101"
                               "4a4a00") +
                         frame(0x21, "01")},
             {false, "21aabb", true},
             request(frame(0x40, "00") + headers(kGet) + frame(0x21, "0102"))});
  EXPECT_EQ(scene.server.answered, 1u);
  EXPECT_FALSE(scene.liar.closed.has_value());
}

// A section that decompresses to far more than it weighs is refused before it costs memory.
TEST(http3, a_qpack_bomb_is_bounded) {
  Scene scene;
  // Insert one entry of 4,000 octets, then name it ten thousand times.
  std::string encoder =
      "02"
      "3fe11f" +
      prefixed(0x40, 5, 1) + "61" + "7fa11e" + bytes_hex(4'000, 'x');
  std::string block = "0200";
  for (int i = 0; i < 10'000; ++i) block += "80";
  scene.say({control(""), {false, encoder}, request(headers(kGet).substr(0, 0) + frame(0x01, block))});
  const bool stream_refused = !scene.liar.stream_codes.empty();
  EXPECT_TRUE(stream_refused || scene.liar.closed.has_value());
  EXPECT_EQ(scene.server.answered, 0u);
}

}  // namespace
}  // namespace hawser::http3
