// Goal: a client and a server session carry requests, responses, bodies and trailers to each other
// however their streams are cut. Method: two sessions over streams in memory, delivered in pieces.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "http3/testing_transport.h"

namespace hawser::http3 {
namespace {

using quic::Role;
using testing::Link;

struct Message {
  std::vector<std::string> log;  // what happened, in order
  std::string method, path, authority, body;
  std::uint16_t status = 0;
  std::vector<std::pair<std::string, std::string>> fields, trailers;
  bool complete = false;
  bool closed = false;
  std::optional<ErrorCode> reset;
  std::optional<ErrorCode> stopped;
};

class Recorder : public SessionHandler {
 public:
  std::map<std::uint64_t, Message> messages;
  std::function<void(Session&, StreamId, const MessageHead&)> on_head;
  std::function<void(Session&, StreamId)> on_complete;
  std::function<void(Session&, StreamId)> on_room;
  std::optional<Settings> settings;
  std::optional<std::uint64_t> goaway;
  bool read_bodies = true;
  bool is_ready = false;
  int requests_available = 0;

  void on_ready(Session&) override { is_ready = true; }
  void on_settings(Session&, const Settings& s) override { settings = s; }
  void on_headers(Session& session, StreamId id, const MessageHead& head, bool fin) override {
    Message& m = messages[id.value];
    m.log.push_back(head.kind == MessageKind::kInformational ? "informational" : fin ? "head+fin" : "head");
    m.method = head.method;
    m.path = head.path;
    m.authority = head.authority;
    m.status = head.status;
    m.fields.clear();
    for (const Field& f : head.fields) m.fields.emplace_back(f.name, f.value);
    if (on_head) on_head(session, id, head);
  }
  void on_body_readable(Session& session, StreamId id) override {
    if (!read_bodies) return;
    read_all(session, id);
  }
  void read_all(Session& session, StreamId id) {
    Message& m = messages[id.value];
    Bytes views[3];
    while (const std::size_t n = session.read_body_views(id, views)) {
      std::size_t total = 0;
      for (std::size_t i = 0; i < n; ++i) {
        m.body += as_text(views[i]);
        total += views[i].size();
      }
      session.consume_body(id, total);
    }
  }
  void on_trailers(Session&, StreamId id, FieldList fields) override {
    messages[id.value].log.push_back("trailers");
    for (const Field& f : fields) messages[id.value].trailers.emplace_back(f.name, f.value);
  }
  void on_message_complete(Session& session, StreamId id) override {
    EXPECT_FALSE(messages[id.value].complete);
    messages[id.value].complete = true;
    messages[id.value].log.push_back("complete");
    if (on_complete) on_complete(session, id);
  }
  void on_stream_reset(Session&, StreamId id, ErrorCode code, std::string_view) override {
    messages[id.value].reset = code;
  }
  void on_stop_sending(Session&, StreamId id, ErrorCode code) override { messages[id.value].stopped = code; }
  void on_writable(Session& session, StreamId id) override {
    if (on_room) on_room(session, id);
  }
  void on_stream_closed(Session&, StreamId id) override {
    EXPECT_FALSE(messages[id.value].closed);
    messages[id.value].closed = true;
  }
  void on_requests_available(Session&) override { ++requests_available; }
  void on_goaway(Session&, std::uint64_t id) override { goaway = id; }
};

struct Pair {
  explicit Pair(std::size_t piece = 0, SessionConfig client_config = {}, SessionConfig server_config = {},
                std::uint64_t seed = 1)
      : link(piece, seed),
        client(Role::kClient, client_config, client_side, link.client),
        server(Role::kServer, server_config, server_side, link.server) {
    link.client.core = &client.core();
    link.server.core = &server.core();
  }
  void start() {
    client.core().on_handshake_complete();
    server.core().on_handshake_complete();
    link.pump();
  }
  void expect_healthy() {
    EXPECT_FALSE(link.client.closed_with) << link.client.close_reason;
    EXPECT_FALSE(link.server.closed_with) << link.server.close_reason;
  }

  Link link;
  Recorder client_side;
  Recorder server_side;
  Session client;
  Session server;
};

const Field kGet[] = {{":method", "GET"},
                      {":scheme", "https"},
                      {":authority", "example.net"},
                      {":path", "/index.html"},
                      {"user-agent", "test"}};
const Field kPost[] = {{":method", "POST"}, {":scheme", "https"}, {":authority", "example.net"}, {":path", "/form"}};

// rfc9114:3.2-settings rfc9114:7.2.4.2-new rfc9204:4.2-allowed
TEST(session, exchanges_settings_when_the_handshake_completes) {
  Pair pair(0, {.max_field_section_size = 1'000, .h3_datagram = true},
            {.enable_connect_protocol = true, .settings = {{0x2b603742, 1}}});
  pair.start();
  pair.expect_healthy();
  ASSERT_TRUE(pair.server_side.settings);
  ASSERT_TRUE(pair.client_side.settings);
  EXPECT_EQ(pair.server_side.settings->max_field_section_size, 1'000u);
  EXPECT_TRUE(pair.server_side.settings->h3_datagram);
  EXPECT_FALSE(pair.server_side.settings->enable_connect_protocol);
  EXPECT_TRUE(pair.client_side.settings->enable_connect_protocol);
  EXPECT_EQ(pair.client_side.settings->other(0x2b603742), 1u);
  EXPECT_EQ(pair.client_side.settings->qpack_max_table_capacity, 4'096u);
}

TEST(session, refuses_requests_before_the_handshake) {
  Pair pair;
  EXPECT_EQ(pair.client.send_request(kGet, true).error(), SessionError::kNotReady);
}

// rfc9114:4.1-single rfc9114:4.1-client-closes rfc9114:4.1-not-dependent rfc9114:4.1-server-closes
TEST(session, carries_a_request_and_its_response) {
  Pair pair;
  pair.server_side.on_head = [](Session& s, StreamId id, const MessageHead&) {
    ASSERT_TRUE(s.respond(id, 200, fields_of({{"content-type", "text/plain"}, {"content-length", "5"}}), false));
    ASSERT_EQ(s.write_body(id, as_bytes("hello"), true).value(), 5u);
  };
  pair.start();
  const auto id = pair.client.send_request(kGet, true);
  ASSERT_TRUE(id);
  pair.link.pump();
  pair.expect_healthy();
  const Message& request = pair.server_side.messages[id->value];
  EXPECT_EQ(request.log, (std::vector<std::string>{"head+fin", "complete"}));
  EXPECT_EQ(request.path, "/index.html");
  EXPECT_EQ(request.authority, "example.net");
  const Message& response = pair.client_side.messages[id->value];
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "hello");
  EXPECT_EQ(response.log, (std::vector<std::string>{"head", "complete"}));
  EXPECT_TRUE(response.closed);
  EXPECT_TRUE(request.closed);
  EXPECT_EQ(pair.client.open_streams(), 0u);
  EXPECT_EQ(pair.server.open_streams(), 0u);
}

TEST(session, an_encoded_head_is_the_request_it_was_made_from) {
  Pair pair;
  pair.start();
  const EncodedHead head = EncodedHead::request(kGet).value();
  for (int i = 0; i < 3; ++i) {
    const auto id = pair.client.send_request(head, true);
    ASSERT_TRUE(id);
    pair.link.pump();
    const Message& request = pair.server_side.messages[id->value];
    EXPECT_EQ(request.log, (std::vector<std::string>{"head+fin", "complete"}));
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.path, "/index.html");
    EXPECT_EQ(request.fields, (decltype(request.fields){{"user-agent", "test"}}));
  }
  pair.expect_healthy();
  EXPECT_EQ(pair.client.stats().requests_sent, 3u);
}

// The same octets mean the same head, and others of the same length do not.
TEST(session, repeated_heads_are_what_they_were_and_others_are_not) {
  Pair pair;
  pair.server_side.on_head = [](Session& s, StreamId id, const MessageHead& head) {
    const std::string length = head.path == "/a" ? "1" : "2";
    ASSERT_TRUE(s.respond(id, 200, fields_of({{"content-length", length}}), false));
    ASSERT_TRUE(s.write_body(id, as_bytes(length == "1" ? "x" : "yy"), true));
  };
  pair.start();
  const auto head_for = [](std::string_view path) {
    return EncodedHead::request(
               fields_of({{":method", "GET"}, {":scheme", "https"}, {":authority", "h"}, {":path", path}}))
        .value();
  };
  const EncodedHead a = head_for("/a");
  const EncodedHead b = head_for("/b");
  for (const bool is_a : {true, true, false, false, true, false, true, true}) {
    const auto id = pair.client.send_request(is_a ? a : b, true);
    ASSERT_TRUE(id);
    pair.link.pump();
    const Message& request = pair.server_side.messages[id->value];
    EXPECT_EQ(request.path, is_a ? "/a" : "/b");
    EXPECT_EQ(request.log, (std::vector<std::string>{"head+fin", "complete"}));
    const Message& response = pair.client_side.messages[id->value];
    EXPECT_EQ(response.body, is_a ? "x" : "yy");
    EXPECT_TRUE(response.complete);
  }
  pair.expect_healthy();
  EXPECT_EQ(pair.server.stats().header_bytes_received, pair.client.stats().header_bytes_sent);
}

// A head that another stream's handler is looking at stays as it is.
TEST(session, a_head_in_use_is_not_replaced_by_the_next_one) {
  LastHead last;
  FieldSection first;
  first.append(":path", "/first");
  MessageHead head;
  head.path = first[0].value;
  const std::uint8_t octets[] = {0, 0, 0xc1};
  const std::uint8_t others[] = {0, 0, 0xc2};
  const std::uint8_t dynamic[] = {2, 0, 0x80};
  ASSERT_TRUE(last.keep(octets, first, head));
  EXPECT_TRUE(last.is(octets));
  EXPECT_FALSE(last.is(others));
  EXPECT_EQ(last.head.path, "/first");
  FieldSection second;
  second.append(":path", "/second");
  ++last.in_use;
  EXPECT_FALSE(last.keep(others, second, {}));
  EXPECT_EQ(last.head.path, "/first");
  --last.in_use;
  EXPECT_FALSE(last.keep(dynamic, second, {})) << "what it means depends on the table";
  const std::vector<std::uint8_t> long_one(kLastHeadMax + 1);
  EXPECT_FALSE(last.keep(long_one, second, {}));
  EXPECT_TRUE(last.keep(others, second, {}));
}

// rfc9114:4.2.2-size rfc9114:7.2.4.2-comply
TEST(session, an_encoded_head_keeps_the_rules_and_the_limits) {
  EXPECT_EQ(EncodedHead::request(fields_of({{":method", "GET"}})).error().code, ErrorCode::kMessageError);
  const EncodedHead head = EncodedHead::request(kGet).value();
  Pair pair(0, {}, {.max_field_section_size = head.field_section_size() - 1});
  EXPECT_EQ(pair.client.send_request(head, true).error(), SessionError::kNotReady);
  pair.start();
  EXPECT_EQ(pair.client.send_request(head, true).error(), SessionError::kTooLarge);
}

// RFC 9110 section 9.3.2: the answer to HEAD has no content whatever its length says.
TEST(session, an_encoded_head_remembers_that_it_is_head) {
  Pair pair;
  pair.server_side.on_head = [](Session& s, StreamId id, const MessageHead&) {
    ASSERT_TRUE(s.respond(id, 200, fields_of({{"content-length", "5"}}), true));
  };
  pair.start();
  const auto head = EncodedHead::request(
      fields_of({{":method", "HEAD"}, {":scheme", "https"}, {":authority", "example.net"}, {":path", "/"}}));
  const auto id = pair.client.send_request(*head, true);
  ASSERT_TRUE(id);
  pair.link.pump();
  EXPECT_TRUE(pair.client_side.messages[id->value].complete);
  EXPECT_FALSE(pair.client_side.messages[id->value].reset);
}

// rfc9114:4.2.1-cookies rfc9204:2.1-order rfc9204:2.2-order
TEST(session, survives_any_cut_of_the_streams) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Pair pair(seed % 23 + 1, {}, {}, seed);
    pair.server_side.on_head = [](Session& s, StreamId id, const MessageHead&) {
      ASSERT_TRUE(s.inform(id, 103, fields_of({{"link", "</style.css>"}})));
    };
    pair.server_side.on_complete = [&pair](Session& s, StreamId id) {
      const std::string body = pair.server_side.messages[id.value].body;
      ASSERT_TRUE(s.respond(id, 200, fields_of({{"server", "hawser"}}), false));
      ASSERT_TRUE(s.write_body(id, as_bytes(body), false));
      ASSERT_TRUE(s.write_body(id, SharedBytes::copy(as_bytes("!")), false));
      ASSERT_TRUE(s.send_trailers(id, fields_of({{"checksum", "77"}})));
    };
    pair.start();
    std::vector<StreamId> ids;
    for (int i = 0; i < 8; ++i) {
      const std::string number = std::to_string(i % 3);
      const auto id = pair.client.send_request(fields_of({{":method", "POST"},
                                                          {":scheme", "https"},
                                                          {":authority", "a"},
                                                          {":path", "/"},
                                                          {"x-number", number},
                                                          {"cookie", "a=1"},
                                                          {"cookie", "b=2"}}),
                                               false);
      ASSERT_TRUE(id);
      ASSERT_TRUE(pair.client.write_body(*id, as_bytes("first"), false));
      ASSERT_TRUE(pair.client.write_body(*id, as_bytes("second" + number), true));
      ids.push_back(*id);
      if (i % 2 == 0) pair.link.step();
    }
    pair.link.pump();
    pair.expect_healthy();
    for (const StreamId id : ids) {
      const Message& request = pair.server_side.messages[id.value];
      const Message& response = pair.client_side.messages[id.value];
      ASSERT_TRUE(request.complete) << "seed " << seed;
      ASSERT_EQ(request.body.substr(0, 11), "firstsecond");
      ASSERT_EQ(request.fields.back(), (std::pair<std::string, std::string>{"cookie", "a=1; b=2"}));
      ASSERT_EQ(response.log, (std::vector<std::string>{"informational", "head", "trailers", "complete"}));
      ASSERT_EQ(response.body, request.body + "!");
      ASSERT_EQ(response.trailers.size(), 1u);
      ASSERT_TRUE(response.closed && request.closed);
    }
  }
}

// rfc9114:4.1-partial
TEST(session, holds_the_body_back_until_it_is_read) {
  Pair pair;
  pair.server_side.read_bodies = false;
  pair.start();
  const auto id = pair.client.send_request(kPost, false);
  ASSERT_TRUE(pair.client.write_body(*id, as_bytes("abc"), false));
  ASSERT_TRUE(pair.client.write_body(*id, as_bytes("defg"), true));
  pair.link.pump();
  EXPECT_FALSE(pair.server_side.messages[id->value].complete);
  std::uint8_t out[5];
  EXPECT_EQ(pair.server.read_body(*id, out), 5u);
  EXPECT_EQ(as_text(out), "abcde");
  EXPECT_EQ(pair.server.read_body(*id, out), 2u);
  EXPECT_TRUE(pair.server_side.messages[id->value].complete);
  EXPECT_TRUE(pair.server.message_complete(*id));
  pair.expect_healthy();
}

TEST(session, takes_what_fits_and_tells_when_there_is_room) {
  Pair pair(40);
  pair.link.client.send_buffer = 100;
  pair.start();
  const std::string body(5'000, 'x');
  std::size_t sent = 0;
  StreamId stream;
  const auto push = [&](Session& s, StreamId id) {
    while (sent < body.size()) {
      const auto taken = s.write_body(id, as_bytes(body).subspan(sent), true);
      ASSERT_TRUE(taken);
      sent += *taken;
      if (*taken == 0) break;
    }
  };
  pair.client_side.on_room = push;
  stream = *pair.client.send_request(kPost, false);
  push(pair.client, stream);
  EXPECT_LT(sent, 300u);
  pair.link.pump();
  pair.expect_healthy();
  EXPECT_EQ(sent, body.size());
  EXPECT_EQ(pair.server_side.messages[stream.value].body, body);
  EXPECT_TRUE(pair.server_side.messages[stream.value].complete);
}

// rfc9204:2.2.2.1-acknowledge
TEST(session, waits_for_insertions_that_come_late) {
  // The encoder stream of the client is held back, so the second request is blocked.
  Pair pair;
  pair.start();
  const auto send = [&pair] {
    return *pair.client.send_request(fields_of({{":method", "GET"},
                                                {":scheme", "https"},
                                                {":authority", "blocked.example"},
                                                {":path", "/"},
                                                {"x-field", "a value to be inserted"}}),
                                     true);
  };
  const StreamId encoder = StreamId::of(Role::kClient, false, 1);
  const StreamId id = send();
  std::vector<std::uint8_t> held;
  held.swap(pair.link.client.out(encoder).queued);
  ASSERT_FALSE(held.empty());
  pair.link.pump();
  EXPECT_TRUE(pair.server_side.messages[id.value].log.empty());
  EXPECT_EQ(pair.server.core().qpack_decoder().blocked_streams(), 1u);
  pair.link.client.out(encoder).queued = held;
  pair.link.pump();
  pair.expect_healthy();
  EXPECT_TRUE(pair.server_side.messages[id.value].complete);
  EXPECT_EQ(pair.server_side.messages[id.value].authority, "blocked.example");
  EXPECT_EQ(pair.client.core().qpack_encoder().outstanding_sections(), 0u);
}

// rfc9114:5.2-no-new rfc9114:5.2-later
// rfc9114:5.2-send
TEST(session, goes_away_gracefully) {
  Pair pair;
  pair.start();
  const StreamId before = *pair.client.send_request(kGet, true);
  pair.link.pump();
  pair.server.shutdown();
  // This one crosses the GOAWAY on its way.
  const StreamId crossing = *pair.client.send_request(kGet, true);
  pair.link.pump();
  EXPECT_EQ(pair.client_side.goaway, crossing.value);
  EXPECT_TRUE(pair.client.going_away());
  EXPECT_EQ(pair.client_side.messages[crossing.value].reset, ErrorCode::kRequestRejected);
  EXPECT_TRUE(pair.server_side.messages[crossing.value].log.empty());
  EXPECT_EQ(pair.client.send_request(kGet, true).error(), SessionError::kGoingAway);
  ASSERT_TRUE(pair.server.respond(before, 204, {}, true));
  pair.link.pump();
  EXPECT_TRUE(pair.client_side.messages[before.value].complete);
  pair.expect_healthy();
}

// rfc9114:4.1.1-client-cancels rfc9114:4.1.1-cancel
TEST(session, tells_both_sides_of_a_cancelled_request) {
  Pair pair;
  pair.start();
  const StreamId id = *pair.client.send_request(kPost, false);
  pair.link.pump();
  pair.client.cancel(id);
  pair.link.pump();
  EXPECT_EQ(pair.server_side.messages[id.value].reset, ErrorCode::kRequestCancelled);
  EXPECT_EQ(pair.server.respond(id, 200, {}, true).error(), SessionError::kNoSuchStream);
  EXPECT_EQ(pair.server.open_streams(), 0u);
  EXPECT_EQ(pair.client.open_streams(), 0u);
  pair.expect_healthy();
}

// rfc9114:4.1-no-error-stop rfc9114:4.1-response-kept
TEST(session, lets_a_server_stop_reading_after_its_response) {
  Pair pair;
  pair.start();
  const StreamId id = *pair.client.send_request(kPost, false);
  pair.link.pump();
  ASSERT_TRUE(pair.server.respond(id, 413, {}, true));
  pair.server.stop_reading(id);
  pair.link.pump();
  EXPECT_EQ(pair.client_side.messages[id.value].stopped, ErrorCode::kNoError);
  EXPECT_EQ(pair.client_side.messages[id.value].status, 413);
  EXPECT_TRUE(pair.client_side.messages[id.value].complete);
  EXPECT_EQ(pair.client.write_body(id, as_bytes("x"), false).error(), SessionError::kNoSuchStream);
  pair.expect_healthy();
}

TEST(session, carries_a_tunnel_for_extended_connect) {
  Pair pair(5, {}, {.enable_connect_protocol = true});
  pair.server_side.on_head = [](Session& s, StreamId id, const MessageHead& head) {
    EXPECT_EQ(head.protocol, "websocket");
    ASSERT_TRUE(s.respond(id, 200, {}, false));
  };
  pair.start();
  const StreamId id = *pair.client.send_request(fields_of({{":method", "CONNECT"},
                                                           {":protocol", "websocket"},
                                                           {":scheme", "https"},
                                                           {":authority", "a"},
                                                           {":path", "/chat"}}),
                                                false);
  pair.link.pump();
  ASSERT_TRUE(pair.client.write_body(id, as_bytes("up"), false));
  ASSERT_TRUE(pair.server.write_body(id, as_bytes("down"), false));
  pair.link.pump();
  EXPECT_EQ(pair.server_side.messages[id.value].body, "up");
  EXPECT_EQ(pair.client_side.messages[id.value].body, "down");
  EXPECT_EQ(pair.client.send_trailers(id, fields_of({{"a", "b"}})).error(), SessionError::kWrongState);
  pair.expect_healthy();
}

// rfc9218:7.2-control rfc9218:4-default
TEST(session, sets_priorities_from_field_and_update) {
  Pair pair;
  pair.start();
  const StreamId a = *pair.client.send_request(
      fields_of(
          {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}, {"priority", "u=1, i"}}),
      true);
  pair.link.pump();
  EXPECT_EQ(pair.link.server.priorities[a.value], (Priority{1, true}));
  pair.client.update_priority(a, {6, false});
  pair.link.pump();
  EXPECT_EQ(pair.link.server.priorities[a.value], (Priority{6, false}));
  // One that comes before its request wins over the field.
  (void)pair.link.client.write(StreamId::of(Role::kClient, false, 0), Bytes{from_hex("800f0700 07 04 753d302c2069")},
                               false);
  pair.link.pump();
  const StreamId b = *pair.client.send_request(
      fields_of({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}, {"priority", "u=5"}}),
      true);
  pair.link.pump();
  EXPECT_EQ(pair.link.server.priorities[b.value], (Priority{0, true}));
  pair.expect_healthy();
}

// rfc9114:4.2-lowercase
TEST(session, refuses_what_would_break_the_rules) {
  Pair pair(0, {}, {.max_field_section_size = 300});
  pair.start();
  EXPECT_EQ(pair.client.send_request(fields_of({{":method", "GET"}}), true).error(), SessionError::kMalformed);
  EXPECT_FALSE(pair.client.last_fault().empty());
  EXPECT_EQ(
      pair.client
          .send_request(
              fields_of(
                  {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}, {"Upper", "x"}}),
              true)
          .error(),
      SessionError::kMalformed);
  const std::string large(300, 'x');
  EXPECT_EQ(
      pair.client
          .send_request(
              fields_of({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}, {"x", large}}),
              true)
          .error(),
      SessionError::kTooLarge);
  const StreamId id = *pair.client.send_request(kGet, true);
  EXPECT_EQ(pair.client.write_body(id, as_bytes("x"), false).error(), SessionError::kWrongState);
  pair.link.pump();
  EXPECT_EQ(pair.server.write_body(id, as_bytes("x"), false).error(), SessionError::kWrongState);
  EXPECT_EQ(pair.server.respond(id, 100, {}, false).error(), SessionError::kWrongState);
  EXPECT_EQ(pair.server.respond(id, 200, fields_of({{"connection", "close"}}), false).error(),
            SessionError::kMalformed);
  EXPECT_TRUE(pair.server.respond(id, 200, {}, false));
  EXPECT_EQ(pair.server.respond(id, 200, {}, false).error(), SessionError::kWrongState);
  pair.expect_healthy();
}

TEST(session, waits_for_streams_when_the_peer_allows_few) {
  Pair pair;
  pair.link.client.stream_limit_uni = 1;
  pair.link.client.stream_limit_bidi = 1;
  pair.start();
  EXPECT_TRUE(pair.client.send_request(kGet, true));
  EXPECT_EQ(pair.client.send_request(kGet, true).error(), SessionError::kStreamLimit);
  pair.link.client.stream_limit_uni = 10;
  pair.link.client.stream_limit_bidi = 10;
  pair.client.core().on_streams_available(false);
  pair.client.core().on_streams_available(true);
  EXPECT_EQ(pair.client_side.requests_available, 1);
  EXPECT_TRUE(pair.client.send_request(kGet, true));
  pair.link.pump();
  pair.expect_healthy();
  EXPECT_EQ(pair.server_side.messages.size(), 2u);
}

TEST(session, keeps_user_data_until_the_stream_closes) {
  Pair pair;
  pair.start();
  const StreamId id = *pair.client.send_request(kGet, true);
  int mine = 0;
  pair.client.set_user_data(id, &mine);
  EXPECT_EQ(pair.client.user_data(id), &mine);
  pair.link.pump();
  ASSERT_TRUE(pair.server.respond(id, 200, {}, true));
  pair.link.pump();
  EXPECT_EQ(pair.client.user_data(id), nullptr);
}

// rfc9114:4.1-go-on
TEST(session, a_client_that_was_answered_early_sends_the_rest_of_its_request) {
  Pair pair;
  pair.start();
  const StreamId id = *pair.client.send_request(kPost, false);
  pair.link.pump();
  ASSERT_TRUE(pair.server.respond(id, 200, {}, true));
  pair.link.pump();
  ASSERT_TRUE(pair.client_side.messages[id.value].complete);
  ASSERT_TRUE(pair.client.write_body(id, as_bytes("the rest"), true));
  pair.link.pump();
  EXPECT_EQ(pair.server_side.messages[id.value].body, "the rest");
  EXPECT_TRUE(pair.server_side.messages[id.value].complete);
  pair.expect_healthy();
}

// rfc9114:6.1-permit rfc9114:6.1-hundred rfc9114:6.2-credit rfc9114:6.2.1-credit
TEST(session, a_connection_has_room_for_what_http3_asks_for) {
  const quic::ConnectionConfig config;
  EXPECT_GE(config.max_streams_bidi, 100u);
  EXPECT_GE(config.max_streams_uni, 3u);
  EXPECT_GE(config.stream_receive_window, ByteCount{1'024});
  EXPECT_GE(config.connection_receive_window, ByteCount{3 * 1'024 + config.stream_receive_window.value});
}

}  // namespace
}  // namespace hawser::http3
