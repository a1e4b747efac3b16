// Goal: each rule of RFC 9114, 9204 and 9218 that a peer can break on a connection ends with the code the
// RFC names, on the connection or on the stream, and each limit holds at its edge. Method: a
// session against a peer that is played by hand, octet by octet.
#include <gtest/gtest.h>

#include <map>

#include "http3/testing_transport.h"

namespace hawser::http3 {
namespace {

using quic::Role;
using testing::Link;

class Listener : public SessionHandler {
 public:
  void on_headers(Session&, StreamId id, const MessageHead& head, bool) override { heads[id.value] = head.status; }
  void on_body_readable(Session& session, StreamId id) override {
    std::uint8_t out[64];
    while (session.read_body(id, out) > 0) {
    }
  }
  void on_message_complete(Session&, StreamId id) override { complete[id.value] = true; }
  void on_stream_reset(Session&, StreamId id, ErrorCode code, std::string_view) override { resets[id.value] = code; }
  bool on_foreign_stream(Session&, StreamId id, std::uint64_t type) override {
    foreign[id.value] = type;
    return claim;
  }
  void on_raw_readable(Session& session, StreamId id) override {
    Bytes view;
    while (session.raw_read_views(id, {&view, 1}) > 0) {
      raw += as_text(view);
      session.raw_consume(id, view.size());
    }
  }

  std::map<std::uint64_t, std::uint16_t> heads;
  std::map<std::uint64_t, bool> complete;
  std::map<std::uint64_t, ErrorCode> resets;
  std::map<std::uint64_t, std::uint64_t> foreign;
  std::string raw;
  bool claim = false;
};

// One session under test; the other end of the link is the test's own.
struct Bench {
  explicit Bench(Role role, SessionConfig config = {})
      : own(role == Role::kServer ? link.server : link.client),
        peer(role == Role::kServer ? link.client : link.server),
        session(role, std::move(config), listener, own) {
    own.core = &session.core();
    peer.stream_limit_bidi = peer.stream_limit_uni = 1'000'000;
    session.core().on_handshake_complete();
    link.pump();
  }

  StreamId open(bool bidirectional) { return *peer.open_stream(bidirectional); }
  void send(StreamId id, std::string_view hex, bool fin = false) {
    (void)peer.write(id, Bytes{from_hex(hex)}, fin);
    link.pump();
  }
  // A control stream with empty SETTINGS and then `hex`.
  StreamId control(std::string_view hex = "") {
    const StreamId id = open(false);
    send(id, "000400" + std::string(hex));
    return id;
  }
  StreamId request(std::string_view hex, bool fin = false) {
    const StreamId id = open(true);
    send(id, hex, fin);
    return id;
  }
  // What the connection was closed with; H3_NO_ERROR if it lives.
  ErrorCode closed() const { return static_cast<ErrorCode>(own.closed_with.value_or(0x100)); }
  // What the peer sees of a request stream that was given up.
  std::optional<std::uint64_t> reset(StreamId id) { return own.out(id).reset; }

  Link link;
  testing::End& own;
  testing::End& peer;
  Listener listener;
  Session session;
};

// HEADERS with ":method GET, :scheme https, :path /, :authority a" from the static table.
constexpr const char* kGet = "0108 0000 d1 d7 c1 500161";
constexpr const char* kPostLength3 = "010b 0000 d4 d7 c1 500161 540133";
constexpr const char* kOk = "0103 0000 d9";

ErrorCode server_after_control(std::string_view hex) {
  Bench bench(Role::kServer);
  bench.control(hex);
  return bench.closed();
}
ErrorCode client_after_control(std::string_view hex) {
  Bench bench(Role::kClient);
  bench.control(hex);
  return bench.closed();
}

// rfc9114:6.2.1-single rfc9114:7.2.4-first
TEST(control_stream, begins_with_settings_and_has_them_once) {
  EXPECT_EQ(server_after_control(""), ErrorCode::kNoError);
  for (const char* first : {"00070100", "000d0100", "0021026162", "0000", "000103000000"}) {
    Bench bench(Role::kServer);
    bench.send(bench.open(false), std::string(first) + (std::string_view(first) == "0000" ? "00" : ""));
    EXPECT_EQ(bench.closed(), ErrorCode::kMissingSettings) << first;
  }
  EXPECT_EQ(server_after_control("0400"), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(server_after_control("0000"), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(server_after_control("0100"), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(server_after_control("0600"), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(server_after_control("210161"), ErrorCode::kNoError);
}

TEST(control_stream, carries_settings_faults) {
  const auto settings = [](std::string_view hex) {
    Bench bench(Role::kServer);
    bench.send(bench.open(false), "00" + std::string(hex));
    return bench.closed();
  };
  EXPECT_EQ(settings("04020401"), ErrorCode::kSettingsError);
  EXPECT_EQ(settings("040406010601"), ErrorCode::kSettingsError);
  EXPECT_EQ(settings("0402080a"), ErrorCode::kSettingsError);
  EXPECT_EQ(settings("040106"), ErrorCode::kFrameError);
  EXPECT_EQ(settings("044801"), ErrorCode::kExcessiveLoad);
}

// rfc9204:4.2-one-each
TEST(critical_streams, exist_once) {
  for (const char* type : {"00", "02", "03"}) {
    Bench bench(Role::kServer);
    bench.send(bench.open(false), type);
    EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
    bench.send(bench.open(false), type);
    EXPECT_EQ(bench.closed(), ErrorCode::kStreamCreationError) << type;
  }
}

// rfc9114:6.2.1-not-closed rfc9204:4.2-not-closed
TEST(critical_streams, never_end) {
  for (const char* type : {"000400", "02", "03"}) {
    Bench ended(Role::kServer);
    ended.send(ended.open(false), type, true);
    EXPECT_EQ(ended.closed(), ErrorCode::kClosedCriticalStream) << type;
    Bench reset(Role::kClient);
    const StreamId id = reset.open(false);
    reset.send(id, type);
    reset.peer.reset_stream(id, 0x10c);
    reset.link.pump();
    EXPECT_EQ(reset.closed(), ErrorCode::kClosedCriticalStream) << type;
  }
  for (std::uint64_t index = 0; index < 3; ++index) {
    Bench stopped(Role::kServer);
    stopped.peer.stop_sending(StreamId::of(Role::kServer, false, index), 0x100);
    stopped.link.pump();
    EXPECT_EQ(stopped.closed(), ErrorCode::kClosedCriticalStream) << index;
  }
}

TEST(qpack_streams, carry_their_faults) {
  const auto fault = [](std::string_view hex) {
    Bench bench(Role::kServer);
    bench.control();
    bench.send(bench.open(false), hex);
    return bench.closed();
  };
  EXPECT_EQ(fault("02 3fe2ff01"), ErrorCode::kQpackEncoderStreamError);
  EXPECT_EQ(fault("02 01"), ErrorCode::kQpackEncoderStreamError);
  EXPECT_EQ(fault("03 00"), ErrorCode::kQpackDecoderStreamError);
  EXPECT_EQ(fault("03 84"), ErrorCode::kQpackDecoderStreamError);
  Bench section(Role::kServer);
  section.request("0103 0000 ff");
  EXPECT_EQ(section.closed(), ErrorCode::kQpackDecompressionFailed);
}

// rfc9114:7.2.6-type
TEST(goaway, never_rises_and_names_requests) {
  EXPECT_EQ(client_after_control("070108 070104 070104"), ErrorCode::kNoError);
  EXPECT_EQ(client_after_control("070104 070108"), ErrorCode::kIdError);
  EXPECT_EQ(client_after_control("070101"), ErrorCode::kIdError);
  EXPECT_EQ(client_after_control("070103"), ErrorCode::kIdError);
  EXPECT_EQ(client_after_control("07020101"), ErrorCode::kFrameError);
  EXPECT_EQ(server_after_control("070101"), ErrorCode::kNoError);
  EXPECT_EQ(server_after_control("070101 070102"), ErrorCode::kIdError);
}

// rfc9114:4.6-push-id rfc9114:7.2.7-client
TEST(push, is_not_to_be_had) {
  EXPECT_EQ(server_after_control("0d0105 0d0105"), ErrorCode::kNoError);
  EXPECT_EQ(server_after_control("0d0105 0d0104"), ErrorCode::kIdError);
  EXPECT_EQ(server_after_control("0d0105 030101"), ErrorCode::kIdError);
  EXPECT_EQ(client_after_control("030100"), ErrorCode::kIdError);
  EXPECT_EQ(client_after_control("0d0105"), ErrorCode::kFrameUnexpected);
  Bench from_client(Role::kServer);
  from_client.send(from_client.open(false), "0100");
  EXPECT_EQ(from_client.closed(), ErrorCode::kStreamCreationError);
  Bench from_server(Role::kClient);
  from_server.send(from_server.open(false), "0100");
  EXPECT_EQ(from_server.closed(), ErrorCode::kIdError);
  Bench promised(Role::kServer);
  promised.request("0500");
  EXPECT_EQ(promised.closed(), ErrorCode::kFrameUnexpected);
}

// rfc9218:7.2-client rfc9218:7.2-request rfc9218:7.2-push
TEST(priority_update, is_for_requests_of_clients) {
  EXPECT_EQ(server_after_control("800f0700 04 00 753d31"), ErrorCode::kNoError);
  EXPECT_EQ(server_after_control("800f0700 01 01"), ErrorCode::kIdError);
  EXPECT_EQ(server_after_control("800f0700 02 00 3d"), ErrorCode::kNoError);  // cannot be read: passed over
  EXPECT_EQ(server_after_control("800f0701 01 00"), ErrorCode::kIdError);
  EXPECT_EQ(server_after_control("0d0105 800f0701 01 05"), ErrorCode::kNoError);
  EXPECT_EQ(server_after_control("0d0105 800f0701 01 06"), ErrorCode::kIdError);
  EXPECT_EQ(client_after_control("800f0700 01 00"), ErrorCode::kFrameUnexpected);
}

TEST(request_stream, has_its_frames_in_order) {
  const auto fault = [](const std::string& hex) {
    Bench bench(Role::kServer);
    bench.request(hex);
    return bench.closed();
  };
  const std::string trailers = "0106 0000 2161 0162";
  EXPECT_EQ(fault("000161"), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(fault(std::string(kGet) + "000161" + trailers), ErrorCode::kNoError);
  EXPECT_EQ(fault(std::string(kGet) + trailers + "000161"), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(fault(std::string(kGet) + trailers + trailers), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(fault(std::string(kGet) + trailers + "210161"), ErrorCode::kNoError);
  for (const char* control : {"0400", "070100", "030100", "0d0100", "0200"})
    EXPECT_EQ(fault(std::string(kGet) + control), ErrorCode::kFrameUnexpected) << control;
  EXPECT_EQ(fault("210161 210161" + std::string(kGet)), ErrorCode::kNoError);
  // CONNECT a:1 and then HEADERS.
  EXPECT_EQ(fault("0108 0000 cf 5003613a31 "
                  "000161" +
                  trailers),
            ErrorCode::kFrameUnexpected);
}

TEST(request_stream, may_only_end_between_frames_and_after_a_request) {
  Bench inside(Role::kServer);
  inside.request(std::string(kGet) + "000561", true);
  EXPECT_EQ(inside.closed(), ErrorCode::kFrameError);
  Bench header(Role::kServer);
  header.request(std::string(kGet) + "01", true);
  EXPECT_EQ(header.closed(), ErrorCode::kFrameError);
  Bench empty(Role::kServer);
  const StreamId id = empty.request("", true);
  EXPECT_EQ(empty.closed(), ErrorCode::kNoError);
  EXPECT_EQ(empty.reset(id), 0x10du);
  EXPECT_EQ(empty.listener.resets[id.value], ErrorCode::kRequestIncomplete);
}

TEST(request_stream, malformed_messages_end_the_stream_only) {
  Bench bench(Role::kServer);
  const std::pair<const char*, const char*> broken[] = {
      {"no :path", "0107 0000 d1 d7 500161"},
      {"upper-case name", "010b 0000 d1 d7 c1 500161 2141 00"},
      {"connection-specific", "0115 0000 d1 d7 c1 500161 2703 636f6e6e656374696f6e 00"},
      {":status in a request", "0109 0000 d1 d7 c1 500161 d9"},
  };
  for (const auto& [name, hex] : broken) {
    const StreamId id = bench.request(hex);
    EXPECT_EQ(bench.closed(), ErrorCode::kNoError) << name;
    EXPECT_EQ(bench.reset(id), 0x10eu) << name;
    EXPECT_FALSE(bench.listener.heads.contains(id.value)) << name;
  }
  EXPECT_EQ(bench.session.stats().streams_malformed, std::size(broken));
}

TEST(request_stream, content_matches_content_length) {
  Bench bench(Role::kServer);
  const std::string head = kPostLength3;
  const StreamId exact = bench.request(head + "0001610002 6263", true);
  EXPECT_TRUE(bench.listener.complete[exact.value]);
  const StreamId more = bench.request(head + "000461626364");
  EXPECT_EQ(bench.reset(more), 0x10eu);
  const StreamId less = bench.request(head + "00026162", true);
  EXPECT_EQ(bench.reset(less), 0x10eu);
  EXPECT_FALSE(bench.listener.complete[less.value]);
  const StreamId none = bench.request(head, true);
  EXPECT_EQ(bench.reset(none), 0x10eu);
  EXPECT_FALSE(bench.listener.heads.contains(none.value));
  const StreamId trailers = bench.request(head + "0106 0000 2161 0162");
  EXPECT_EQ(bench.reset(trailers), 0x10eu);
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
}

const Field kGetFields[] = {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};
const Field kHeadFields[] = {{":method", "HEAD"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};

// rfc9114:4.1.2-not-accepted rfc9114:7.2.5-exceeded
TEST(response, has_a_final_head_and_what_it_says) {
  const auto answer = [](FieldList request, const std::string& hex, bool fin) {
    Bench bench(Role::kClient);
    bench.control();
    const StreamId id = *bench.session.send_request(request, true);
    bench.send(id, hex, fin);
    if (bench.closed() != ErrorCode::kNoError) return bench.closed();
    return bench.listener.resets.contains(id.value)   ? bench.listener.resets[id.value]
           : bench.listener.complete[id.value] == fin ? ErrorCode::kNoError
                                                      : ErrorCode::kInternalError;
  };
  const std::string early_hints = "0103 0000 d8";
  EXPECT_EQ(answer(kGetFields, kOk, true), ErrorCode::kNoError);
  EXPECT_EQ(answer(kGetFields, early_hints + kOk + "000161", true), ErrorCode::kNoError);
  EXPECT_EQ(answer(kGetFields, "", true), ErrorCode::kMessageError);
  EXPECT_EQ(answer(kGetFields, early_hints, true), ErrorCode::kMessageError);
  EXPECT_EQ(answer(kGetFields, early_hints + "000161", false), ErrorCode::kFrameUnexpected);
  EXPECT_EQ(answer(kGetFields, "0500", false), ErrorCode::kIdError);
  EXPECT_EQ(answer(kGetFields, "0104 0000 d1 d9", false), ErrorCode::kMessageError);
  // HEAD and 304: content-length 3 without content is right, any content is wrong.
  const std::string with_length = "0106 0000 d9 540133";
  EXPECT_EQ(answer(kHeadFields, with_length, true), ErrorCode::kNoError);
  EXPECT_EQ(answer(kHeadFields, with_length + "000161", false), ErrorCode::kMessageError);
  EXPECT_EQ(answer(kGetFields, with_length, true), ErrorCode::kMessageError);
  EXPECT_EQ(answer(kGetFields, "0106 0000 da 540133", true), ErrorCode::kNoError);
  EXPECT_EQ(answer(kGetFields, "0103 0000 da 000161", false), ErrorCode::kMessageError);
}

// rfc9114:6.2-unknown-code rfc9114:9-negotiated rfc9114:6.2-type-first
TEST(foreign_streams, are_refused_unless_claimed) {
  Bench bench(Role::kServer);
  const StreamId refused = bench.open(false);
  bench.send(refused, "40546162");
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  EXPECT_EQ(bench.own.in(refused).stop, 0x103u);
  EXPECT_EQ(bench.listener.foreign[refused.value], 0x54u);
  // Reserved types are not even offered.
  const StreamId reserved = bench.open(false);
  bench.send(reserved, "21");
  EXPECT_EQ(bench.own.in(reserved).stop, 0x103u);
  EXPECT_FALSE(bench.listener.foreign.contains(reserved.value));
  bench.listener.claim = true;
  const StreamId claimed = bench.open(false);
  bench.send(claimed, "40");
  bench.send(claimed, "5461");
  bench.send(claimed, "6263");
  EXPECT_EQ(bench.listener.raw, "abc");
  const StreamId both_ways = bench.request("40410064");
  EXPECT_EQ(bench.listener.foreign[both_ways.value], 0x41u);
  EXPECT_EQ(bench.listener.raw, std::string("abc\0d", 5));
  ASSERT_TRUE(bench.session.raw_write(both_ways, as_bytes("back"), true));
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
}

// rfc9114:6.2-no-header
TEST(foreign_streams, may_end_before_their_type) {
  Bench bench(Role::kServer);
  const StreamId id = bench.open(false);
  bench.send(id, "40", true);
  bench.send(bench.open(false), "", true);
  bench.peer.reset_stream(bench.open(false), 1);
  bench.link.pump();
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
}

// rfc9114:6.1-server-bidi
TEST(foreign_streams, servers_open_no_bidirectional_ones) {
  Bench bench(Role::kClient);
  bench.request("0100");
  EXPECT_EQ(bench.closed(), ErrorCode::kStreamCreationError);
}

TEST(limits, streams_without_a_known_type) {
  Bench bench(Role::kServer, {.unknown_streams_max = 5});
  bench.control();
  for (int i = 0; i < 5; ++i) bench.send(bench.open(false), "40");
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  bench.send(bench.open(false), "40");
  EXPECT_EQ(bench.closed(), ErrorCode::kExcessiveLoad);
}

// rfc9114:10.5-track
TEST(limits, requests_that_are_reset) {
  Bench bench(Role::kServer, {.resets_max = 10});
  const auto reset_one = [&bench] {
    const StreamId id = bench.request(kGet);
    bench.peer.reset_stream(id, 0x10c);
    bench.link.pump();
  };
  for (int i = 0; i < 10; ++i) reset_one();
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  bench.link.time += 10s;
  for (int i = 0; i < 10; ++i) reset_one();
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  reset_one();
  EXPECT_EQ(bench.closed(), ErrorCode::kExcessiveLoad);
}

TEST(limits, frames_without_use) {
  Bench empty_data(Role::kServer, {.idle_frames_max = 20});
  const StreamId id = empty_data.request(kGet);
  for (int i = 0; i < 20; ++i) empty_data.send(id, "0000");
  EXPECT_EQ(empty_data.closed(), ErrorCode::kNoError);
  empty_data.send(id, "0000");
  EXPECT_EQ(empty_data.closed(), ErrorCode::kExcessiveLoad);
  Bench priorities(Role::kServer, {.idle_frames_max = 20});
  const StreamId control = priorities.control();
  for (int i = 0; i < 20; ++i) priorities.send(control, "800f07000100");
  EXPECT_EQ(priorities.closed(), ErrorCode::kNoError);
  priorities.send(control, "800f07000100");
  EXPECT_EQ(priorities.closed(), ErrorCode::kExcessiveLoad);
  Bench unknown(Role::kServer, {.idle_frames_max = 20});
  const StreamId other = unknown.control();
  for (int i = 0; i < 21; ++i) unknown.send(other, "2100");
  EXPECT_EQ(unknown.closed(), ErrorCode::kExcessiveLoad);
}

TEST(limits, field_sections) {
  // :method GET 42, :scheme https 44, :path / 38, :authority a 43: 167 octets.
  Bench exact(Role::kServer, {.max_field_section_size = 167});
  const StreamId taken = exact.request(kGet, true);
  EXPECT_TRUE(exact.listener.complete[taken.value]);
  Bench over(Role::kServer, {.max_field_section_size = 166});
  const StreamId refused = over.request(kGet, true);
  EXPECT_EQ(over.reset(refused), 0x107u);
  EXPECT_EQ(over.closed(), ErrorCode::kNoError);
  Bench frame(Role::kServer, {.max_field_section_size = 166});
  const StreamId long_frame = frame.request("0140a7");
  EXPECT_EQ(frame.reset(long_frame), 0x107u);
  EXPECT_EQ(frame.closed(), ErrorCode::kNoError);
}

// rfc9218:7-buffer
TEST(limits, early_priorities_let_the_oldest_go) {
  Bench bench(Role::kServer, {.early_priorities_max = 2});
  bench.control(
      "800f0700 05 00 753d31 2c"
      "800f0700 04 00 753d31"
      "800f0700 04 04 753d31"
      "800f0700 04 08 753d31");
  EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
  StreamId ids[3];
  for (StreamId& id : ids) id = bench.request(kGet, true);
  EXPECT_FALSE(bench.own.priorities.contains(ids[0].value));
  EXPECT_EQ(bench.own.priorities[ids[1].value].urgency, 1);
  EXPECT_EQ(bench.own.priorities[ids[2].value].urgency, 1);
}

TEST(limits, a_critical_stream_that_nobody_reads) {
  Bench bench(Role::kServer);
  bench.control();
  bench.own.send_buffer = 0;
  bench.session.shutdown();
  EXPECT_EQ(bench.closed(), ErrorCode::kExcessiveLoad);
}

// What a session has put on a stream of its own, as hexadecimal.
std::string sent_on(Bench& bench, StreamId id) {
  const testing::Pipe& pipe = bench.own.out(id);
  return to_hex(pipe.delivered) + to_hex(pipe.queued);
}

// rfc9114:7.2.4.2-at-once rfc9114:7.2.4-control-only rfc9114:7.2.4.2-include
// rfc9114:6.2-control-first
TEST(own_streams, settings_go_at_once_and_on_the_control_stream_only) {
  for (const Role role : {Role::kClient, Role::kServer}) {
    Bench bench(role, {.max_field_section_size = 5'000,
                       .qpack_decoder_table_capacity = 0,
                       .enable_connect_protocol = true,
                       .h3_datagram = true,
                       .settings = {{0x1234, 7}},
                       .grease = false});
    // The peer has said nothing. Type 0, SETTINGS: 06 5000, 08 1 of servers, 33 1, 1234 7.
    const std::string control = sent_on(bench, StreamId::of(role, false, 0));
    EXPECT_EQ(control.substr(0, 4), "0004");
    for (const char* setting : {"065388", "3301", "523407"})
      EXPECT_NE(control.find(setting), std::string::npos) << setting;
    EXPECT_EQ(control.find("0801") != std::string::npos, role == Role::kServer);
    if (role == Role::kClient) {
      bench.control();
      const StreamId id = *bench.session.send_request(kGetFields, true);
      EXPECT_EQ(sent_on(bench, id).substr(0, 2), "01");
    }
    for (std::uint64_t index = 1; index < 3; ++index) {
      const std::string other = sent_on(bench, StreamId::of(role, false, index));
      EXPECT_TRUE(other == "02" || other == "03") << other;
    }
  }
}

// rfc9114:5.2-not-larger rfc9114:4.1.1-rejected rfc9114:4.1.1-not-rejected rfc9114:5.2-later rfc9114:5.2-cancel
TEST(own_streams, goaway_is_said_once) {
  Bench bench(Role::kServer, {.grease = false});
  bench.control();
  const StreamId own = StreamId::of(Role::kServer, false, 0);
  const std::size_t before = sent_on(bench, own).size();
  const StreamId taken = bench.request(kGet, true);
  bench.session.shutdown();
  bench.link.pump();
  EXPECT_EQ(sent_on(bench, own).substr(before), "070104");
  const StreamId late = bench.request(kGet);
  EXPECT_EQ(bench.reset(late), 0x10bu);
  EXPECT_EQ(bench.own.in(late).stop, 0x10bu);
  EXPECT_FALSE(bench.reset(taken).has_value());
  bench.session.shutdown();
  bench.link.pump();
  EXPECT_EQ(sent_on(bench, own).substr(before), "070104");
}

// rfc9114:4.1.1-client-not-rejects
TEST(request_stream, a_client_does_not_say_that_a_request_was_not_processed) {
  Bench bench(Role::kClient);
  bench.control();
  const StreamId cancelled = *bench.session.send_request(kGetFields, false);
  bench.session.cancel(cancelled, ErrorCode::kRequestRejected);
  EXPECT_EQ(bench.reset(cancelled), 0x10cu);
  EXPECT_EQ(bench.own.in(cancelled).stop, 0x10cu);
  const StreamId unread = *bench.session.send_request(kGetFields, true);
  bench.session.stop_reading(unread, ErrorCode::kRequestRejected);
  EXPECT_EQ(bench.own.in(unread).stop, 0x10cu);
  // Unless the server said so first.
  const StreamId rejected = *bench.session.send_request(kGetFields, false);
  bench.link.pump();
  bench.peer.stop_sending(rejected, 0x10b);
  bench.link.pump();
  bench.session.cancel(rejected, ErrorCode::kRequestRejected);
  EXPECT_EQ(bench.own.in(rejected).stop, 0x10bu);
}

// rfc9114:5.4-maybe-processed rfc9114:4.1.1-retry
TEST(request_stream, an_end_without_goaway_says_of_no_request_that_it_was_not_processed) {
  Bench bench(Role::kClient);
  bench.control();
  (void)*bench.session.send_request(kGetFields, true);
  bench.session.core().on_closed({.kind = quic::CloseReason::Kind::kIdleTimeout});
  EXPECT_TRUE(bench.listener.resets.empty());
}

// rfc9114:6.2-unsupported rfc9114:9-default-off rfc9114:7.2.4.2-initial rfc9114:7.2.4.2-not-wait
TEST(extensions, are_not_used_before_the_peer_allows_them) {
  const Field websocket[] = {
      {":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};
  Bench bench(Role::kClient);
  EXPECT_FALSE(bench.session.send_request(websocket, false)) << "no settings yet";
  bench.control();
  EXPECT_FALSE(bench.session.send_request(websocket, false)) << "settings without it";
  Bench allowed(Role::kClient);
  allowed.send(allowed.open(false), "0004020801");
  EXPECT_TRUE(allowed.session.send_request(websocket, false));
  // Nor does a server take one that it has not allowed.
  Bench server(Role::kServer);
  const StreamId id = server.request("0115 0000 cf 27023a70726f746f636f6c 0161 d7 c1 500161");
  EXPECT_TRUE(server.reset(id).has_value());
}

// rfc9218:7.2-server rfc9218:7.2-limit
TEST(priority_update, is_sent_by_clients_for_open_requests) {
  Bench server(Role::kServer, {.grease = false});
  server.control();
  const StreamId asked = server.request(kGet, true);
  const std::string before = sent_on(server, StreamId::of(Role::kServer, false, 0));
  server.session.update_priority(asked, {.urgency = 1});
  EXPECT_EQ(sent_on(server, StreamId::of(Role::kServer, false, 0)), before);
  Bench client(Role::kClient, {.grease = false});
  client.control();
  const StreamId own = StreamId::of(Role::kClient, false, 0);
  const std::size_t size = sent_on(client, own).size();
  client.session.update_priority(StreamId{400}, {.urgency = 1});
  EXPECT_EQ(sent_on(client, own).size(), size);
  client.session.update_priority(*client.session.send_request(kGetFields, false), {.urgency = 1});
  EXPECT_GT(sent_on(client, own).size(), size);
}

// rfc9114:8-unknown-code
TEST(errors, of_unknown_codes_mean_no_more_than_no_error) {
  for (const std::uint64_t code : {0x100u, 0x99999u}) {
    Bench bench(Role::kClient);
    bench.control();
    const StreamId id = *bench.session.send_request(kGetFields, true);
    bench.link.pump();
    bench.peer.reset_stream(id, code);
    bench.link.pump();
    EXPECT_EQ(bench.closed(), ErrorCode::kNoError);
    EXPECT_TRUE(bench.listener.resets.contains(id.value));
    EXPECT_TRUE(bench.session.send_request(kGetFields, true)) << "the connection goes on";
  }
}

TEST(errors, have_the_names_of_the_rfcs) {
  EXPECT_EQ(to_string(ErrorCode::kNoError), "H3_NO_ERROR");
  EXPECT_EQ(to_string(ErrorCode::kVersionFallback), "H3_VERSION_FALLBACK");
  EXPECT_EQ(to_string(ErrorCode::kQpackEncoderStreamError), "QPACK_ENCODER_STREAM_ERROR");
  EXPECT_EQ(to_string(static_cast<ErrorCode>(0x999)), "H3_UNKNOWN");
}

}  // namespace
}  // namespace hawser::http3
