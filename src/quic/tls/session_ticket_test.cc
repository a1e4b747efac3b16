// session_ticket_test.cc: goal: a kept ticket reads back as written, within its limits, and
// no cut of it is read past its end. Method: round trips at the limits, every truncation.
#include "quic/tls/session_ticket.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

SessionTicketView sample(const Octets& parameters, const Octets& session, std::string_view alpn = "h3") {
  return {.alpn = alpn,
          .server_name = "example.net",
          .group = "X25519",
          .lifetime_s = 7'200,
          .transport_parameters = parameters,
          .tls_session = session,
          .allows_early_data = true};
}

TEST(session_ticket, reads_back_what_was_written) {
  const Octets parameters(kMaxRememberedParameters, 3);
  const Octets session(2'000, 4);
  const std::string alpn(255, 'a');
  const auto ticket = serialize_session_ticket(sample(parameters, session, alpn));
  const auto view = parse_session_ticket(ticket);
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->alpn, alpn);
  EXPECT_EQ(view->server_name, "example.net");
  EXPECT_EQ(view->group, "X25519");
  EXPECT_EQ(view->lifetime_s, 7'200u);
  EXPECT_TRUE(equal(view->transport_parameters, parameters));
  EXPECT_TRUE(equal(view->tls_session, session));
  EXPECT_TRUE(view->allows_early_data);
}

TEST(session_ticket, larger_parts_than_the_limits_make_no_ticket) {
  const Octets session(10, 4);
  EXPECT_TRUE(serialize_session_ticket(sample(Octets(kMaxRememberedParameters + 1, 3), session)).empty());
  EXPECT_TRUE(serialize_session_ticket(sample({}, session, std::string(256, 'a'))).empty());
}

TEST(session_ticket, no_truncation_loses_its_session_unnoticed) {
  const Octets parameters(7, 3);
  const Octets session(9, 4);
  const auto ticket = serialize_session_ticket(sample(parameters, session));
  const std::size_t head = ticket.size() - session.size();
  for (std::size_t size = 0; size <= head; ++size)
    EXPECT_FALSE(parse_session_ticket(Bytes(ticket).first(size)).has_value()) << size;
  EXPECT_TRUE(parse_session_ticket(Bytes(ticket).first(head + 1)).has_value()) << "OpenSSL judges the session itself";
}

}  // namespace
}  // namespace hawser::quic
