// Goal: field sections are messages exactly when RFC 9114 sections 4.2 to 4.5 say so. Method: a table
// of lists, each legal or with one fault.
#include <gtest/gtest.h>

#include <string>

#include "http3/message.h"

namespace hawser::http3 {
namespace {

using List = std::vector<Field>;

FieldSection section_of(const List& list) {
  FieldSection section;
  for (const Field& f : list) section.append(f.name, f.value);
  return section;
}

bool request_ok(const List& list, bool extended_connect = true) {
  FieldSection section = section_of(list);
  const auto head = parse_request(section, {.extended_connect = extended_connect});
  if (!head) {
    EXPECT_EQ(head.error().code, ErrorCode::kMessageError);
    EXPECT_EQ(head.error().scope, ErrorScope::kStream);
  }
  return head.has_value();
}

bool response_ok(const List& list) {
  FieldSection section = section_of(list);
  return parse_response(section).has_value();
}

// A legal request with `more` after it.
List with(const List& more) {
  List list{{":method", "GET"}, {":scheme", "https"}, {":authority", "a.example"}, {":path", "/"}};
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

TEST(message, takes_legal_requests) {
  EXPECT_TRUE(request_ok(with({})));
  EXPECT_TRUE(request_ok(with({{"host", "a.example"}, {"te", "trailers"}, {"content-length", "0"}, {"x", ""}})));
  EXPECT_TRUE(request_ok({{":scheme", "https"}, {":path", "/"}, {":method", "GET"}, {"host", "a"}}));
  EXPECT_TRUE(request_ok({{":method", "OPTIONS"}, {":scheme", "https"}, {":authority", "a"}, {":path", "*"}}));
  EXPECT_TRUE(request_ok({{":method", "CONNECT"}, {":authority", "a:443"}}));
  EXPECT_TRUE(request_ok(
      {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
  EXPECT_TRUE(request_ok({{":method", "GET"}, {":scheme", "urn"}, {":path", "isbn:0451450523"}}));
}

// rfc9114:4.3-own-pseudo rfc9114:4.3-first rfc9114:4.3.1-userinfo rfc9114:4.3.1-no-authority
TEST(message, refuses_broken_pseudo_header_fields) {
  EXPECT_FALSE(request_ok({}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":path", "/"}, {":authority", "a"}}));
  EXPECT_FALSE(request_ok({{":scheme", "https"}, {":path", "/"}, {":authority", "a"}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "https"}, {":authority", ""}, {":path", "/"}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "urn"}, {":authority", ""}, {":path", "isbn:0451450523"}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "urn"}, {":path", "isbn:0451450523"}, {"host", ""}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "https"}, {":authority", "me@a"}, {":path", "/"}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", ""}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "index"}}));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "*"}}));
  EXPECT_FALSE(request_ok({{":method", "G T"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
  EXPECT_FALSE(request_ok({{":method", ""}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
  EXPECT_FALSE(request_ok(with({{":method", "GET"}})));
  EXPECT_FALSE(request_ok(with({{":status", "200"}})));
  EXPECT_FALSE(request_ok(with({{":unknown", "x"}})));
  EXPECT_FALSE(request_ok({{":method", "GET"}, {":scheme", "https"}, {"x", "y"}, {":authority", "a"}, {":path", "/"}}));
  EXPECT_FALSE(request_ok(
      {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", std::string_view("/a\nb", 4)}}));
}

// rfc9114:4.2-lowercase
TEST(message, refuses_broken_fields) {
  EXPECT_FALSE(request_ok(with({{"Upper", "x"}})));
  EXPECT_FALSE(request_ok(with({{"", "x"}})));
  EXPECT_FALSE(request_ok(with({{"a b", "x"}})));
  EXPECT_FALSE(request_ok(with({{"a:", "x"}})));
  EXPECT_FALSE(request_ok(with({{"a", "x\ry"}})));
  EXPECT_FALSE(request_ok(with({{"a", "x\ny"}})));
  EXPECT_FALSE(request_ok(with({{"a", std::string_view("x\0y", 3)}})));
  EXPECT_FALSE(request_ok(with({{"a", " x"}})));
  EXPECT_FALSE(request_ok(with({{"a", "x\t"}})));
  EXPECT_TRUE(request_ok(with({{"a", "x\ty \x80"}})));
  for (const char* name : {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
    EXPECT_FALSE(request_ok(with({{name, "x"}}))) << name;
  EXPECT_FALSE(request_ok(with({{"te", "gzip"}})));
  EXPECT_FALSE(request_ok(with({{"host", "b.example"}})));
  EXPECT_FALSE(request_ok(with({{"host", ""}})));
  for (const char* length : {"", "x", "-1", "+1", "1,1", "99999999999999999999"})
    EXPECT_FALSE(request_ok(with({{"content-length", length}}))) << length;
  EXPECT_FALSE(request_ok(with({{"content-length", "1"}, {"content-length", "2"}})));
  EXPECT_TRUE(request_ok(with({{"content-length", "1"}, {"content-length", "1"}})));
}

TEST(message, holds_connect_to_its_own_rules) {
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}}));
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}, {":authority", "a"}}));
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}, {":authority", "a:"}}));
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}, {":authority", ":1"}}));
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}, {":authority", "a:1"}, {":scheme", "https"}}));
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}, {":authority", "a:1"}, {":path", "/"}}));
  const List extended{
      {":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};
  EXPECT_TRUE(request_ok(extended, true));
  EXPECT_FALSE(request_ok(extended, false));
  EXPECT_FALSE(request_ok(
      {{":method", "GET"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}));
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}, {":protocol", "x"}, {":authority", "a"}, {":path", "/"}}));
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}, {":protocol", "x"}, {":scheme", "https"}, {":authority", "a"}}));
  EXPECT_FALSE(request_ok({{":method", "CONNECT"}, {":protocol", "x"}, {":scheme", "https"}, {":path", "/"}}));
}

// rfc9114:4.3.2-status
TEST(message, takes_and_refuses_responses) {
  EXPECT_TRUE(response_ok({{":status", "200"}, {"a", "b"}}));
  EXPECT_TRUE(response_ok({{":status", "103"}, {"link", "x"}}));
  for (const char* status : {"", "20", "2000", "099", "2x0", "101"})
    EXPECT_FALSE(response_ok({{":status", status}})) << status;
  EXPECT_FALSE(response_ok({{"a", "b"}}));
  EXPECT_FALSE(response_ok({{":status", "200"}, {":status", "200"}}));
  EXPECT_FALSE(response_ok({{":status", "200"}, {":path", "/"}}));
  EXPECT_FALSE(response_ok({{"a", "b"}, {":status", "200"}}));
  EXPECT_FALSE(response_ok({{":status", "204"}, {"content-length", "1"}}));
  EXPECT_FALSE(response_ok({{":status", "100"}, {"content-length", "0"}}));
  EXPECT_FALSE(response_ok({{":status", "200"}, {"connection", "close"}}));
}

TEST(message, a_content_length_of_0_in_a_204_is_taken_and_not_sent) {
  const List list{{":status", "204"}, {"content-length", "0"}};
  EXPECT_TRUE(response_ok(list));
  EXPECT_FALSE(check_outgoing_response(list));
  EXPECT_TRUE(check_outgoing_response(List{{":status", "204"}}));
}

TEST(message, takes_trailers_without_pseudo_header_fields) {
  EXPECT_TRUE(check_trailers(section_of({{"a", "b"}})));
  EXPECT_FALSE(check_trailers(section_of({{":status", "200"}})));
  EXPECT_FALSE(check_trailers(section_of({{"A", "b"}})));
  EXPECT_FALSE(check_trailers(section_of({{"connection", "x"}})));
}

TEST(message, splits_a_request_up) {
  FieldSection section = section_of(with({{"cookie", "a=1"},
                                          {"accept", "x"},
                                          {"cookie", "b=2"},
                                          {"priority", "u=2"},
                                          {"cookie", ""},
                                          {"content-length", "12"}}));
  const auto head = parse_request(section, {});
  ASSERT_TRUE(head);
  EXPECT_EQ(head->method, "GET");
  EXPECT_EQ(head->authority, "a.example");
  EXPECT_EQ(head->content_length, 12u);
  EXPECT_EQ(head->priority, (Priority{2, false}));
  ASSERT_EQ(head->fields.size(), 4u);
  EXPECT_EQ(head->fields[0], (Field{"cookie", "a=1; b=2; "}));
  EXPECT_EQ(head->fields[1].name, "accept");
  EXPECT_EQ(head->find("priority"), "u=2");
}

TEST(priority, lines_of_the_field_are_joined_before_they_are_read) {
  const auto read = [](const List& lines) {
    FieldSection section = section_of(with(lines));
    const auto head = parse_request(section, {});
    EXPECT_TRUE(head);
    return head ? head->priority : std::nullopt;
  };
  EXPECT_EQ(read({{"priority", "u=1"}, {"priority", "i"}}), (Priority{1, true}));
  EXPECT_EQ(read({{"priority", "i"}, {"x", "y"}, {"priority", "u=1"}, {"priority", "u=2"}}), (Priority{2, true}));
  EXPECT_EQ(read({{"priority", "u=1, x=\"a"}, {"priority", "b\", i"}}), (Priority{1, true}));
  // One line that breaks the syntax breaks all.
  EXPECT_EQ(read({{"priority", "u=1"}, {"priority", "?"}}), std::nullopt);
  EXPECT_EQ(read({{"priority", "u=1"}, {"priority", ""}}), std::nullopt);
}

// rfc9218:4-ignored
TEST(priority, reads_dictionaries_as_rfc_9218_section_4_says) {
  const auto read = [](std::string_view text) -> std::optional<Priority> {
    Priority priority;
    if (!parse_priority(text, priority)) return std::nullopt;
    return priority;
  };
  EXPECT_EQ(read(""), (Priority{3, false}));
  EXPECT_EQ(read("u=0"), (Priority{0, false}));
  EXPECT_EQ(read("u=5, i"), (Priority{5, true}));
  EXPECT_EQ(read(" i=?1 ,\tu=7 "), (Priority{7, true}));
  EXPECT_EQ(read("i=?0"), (Priority{3, false}));
  EXPECT_EQ(read("u=1, u=2"), (Priority{2, false}));
  // Out of range, of another type, unknown: passed over.
  for (const char* ignored :
       {"u=8", "u=-1", "u=1.5", "u=high", "u", "i=1", "i=\"x\"", "x=(1 2;a \"b\");c=:YQ==:, y=*t/a", "u=(1)"}) {
    EXPECT_EQ(read(ignored), (Priority{3, false})) << ignored;
  }
  EXPECT_EQ(read("u=1;x=2, i;y"), (Priority{1, true}));
  for (const char* broken : {"U=1", "u=", "u=1,", "u=1 i", ",", "u=?2", "u=\"", "u=1.", "u=1234567890123456", "u=(1",
                             "x=:a", "x=\"\\a\"", "u=1,,i"}) {
    EXPECT_EQ(read(broken), std::nullopt) << broken;
  }
}

TEST(priority, writes_what_it_reads) {
  for (std::uint8_t urgency = 0; urgency <= kUrgencyMax; ++urgency) {
    for (const bool incremental : {false, true}) {
      char out[kPriorityTextMax];
      Priority read{9, !incremental};
      ASSERT_TRUE(parse_priority(format_priority({urgency, incremental}, out), read));
      EXPECT_EQ(read, (Priority{urgency, incremental}));
    }
  }
}

}  // namespace
}  // namespace hawser::http3
