// early_settings_test.cc: goal: HTTP/3 in 0-RTT keeps to the settings of the visit before, and a server's
// tickets are bound to what it said then (RFC 9114 section 7.2.4.2). Method: settings one by one, and a
// client's session that remembers some.
#include <gtest/gtest.h>

#include "http3/settings.h"
#include "http3/testing_transport.h"

namespace hawser::http3 {
namespace {

Settings remembered() {
  Settings settings;
  settings.qpack_max_table_capacity = 4'096;
  settings.max_field_section_size = 1'000;
  settings.qpack_blocked_streams = 10;
  settings.enable_connect_protocol = true;
  settings.h3_datagram = true;
  return settings;
}

// rfc9114:7.2.4.2-not-reduced rfc9114:7.2.4.2-omitted rfc9204:3.2.3-remembered
TEST(early_settings, may_grow_and_not_shrink_or_go_missing) {
  EXPECT_TRUE(settings_permit_zero_rtt(remembered(), remembered()));
  Settings now = remembered();
  now.max_field_section_size += 1;
  now.qpack_blocked_streams += 1;
  EXPECT_TRUE(settings_permit_zero_rtt(remembered(), now));
  const auto refused = [](auto change) {
    Settings less = remembered();
    change(less);
    return !settings_permit_zero_rtt(remembered(), less);
  };
  EXPECT_TRUE(refused([](Settings& s) { --s.max_field_section_size; }));
  EXPECT_TRUE(refused([](Settings& s) { --s.qpack_blocked_streams; }));
  EXPECT_TRUE(refused([](Settings& s) { s.qpack_blocked_streams = Settings().qpack_blocked_streams; }));
  EXPECT_TRUE(refused([](Settings& s) { s.enable_connect_protocol = false; }));
  EXPECT_TRUE(refused([](Settings& s) { s.h3_datagram = false; }));
  // The table's size stays as it was: larger is wrong too.
  EXPECT_TRUE(refused([](Settings& s) { --s.qpack_max_table_capacity; }));
  EXPECT_TRUE(refused([](Settings& s) { ++s.qpack_max_table_capacity; }));
  EXPECT_TRUE(refused([](Settings& s) { s.qpack_max_table_capacity = 0; }));
}

// rfc9114:7.2.4.2-incompatible rfc9114:7.2.4.2-not-reduced
TEST(early_settings, a_servers_tickets_are_bound_to_every_one_of_them) {
  const SessionConfig then{.max_field_section_size = 1'000, .qpack_decoder_table_capacity = 4'096};
  const auto differs = [&then](auto change) {
    SessionConfig now = then;
    change(now);
    return early_data_terms(now) != early_data_terms(then);
  };
  EXPECT_FALSE(differs([](SessionConfig&) {}));
  EXPECT_TRUE(differs([](SessionConfig& c) { --c.max_field_section_size; }));
  EXPECT_TRUE(differs([](SessionConfig& c) { c.qpack_decoder_table_capacity = 0; }));
  EXPECT_TRUE(differs([](SessionConfig& c) { c.enable_connect_protocol = !c.enable_connect_protocol; }));
  EXPECT_TRUE(differs([](SessionConfig& c) { c.h3_datagram = !c.h3_datagram; }));
}

struct Quiet : SessionHandler {};

// rfc9114:7.2.4.2-stored rfc9114:7.2.4.2-store
TEST(early_settings, requests_keep_to_them_before_new_ones_come) {
  const Field get[] = {{":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}};
  for (const std::uint64_t size : {166u, 167u}) {  // the request has 167 octets, as SETTINGS count
    testing::Link link;
    Quiet handler;
    Session session(quic::Role::kClient, SessionConfig(), handler, link.client);
    link.client.core = &session.core();
    Settings then;
    then.max_field_section_size = size;
    std::vector<std::uint8_t> payload;
    append_settings_payload(payload, then);
    session.core().remember_settings(payload);
    session.core().on_early_data();
    const auto sent = session.send_request(get, true);
    EXPECT_EQ(sent.has_value(), size == 167);
    if (!sent) EXPECT_EQ(sent.error(), SessionError::kTooLarge);
  }
}

}  // namespace
}  // namespace hawser::http3
