// early_data_test.cc: goal: 0-RTT is offered only where it may be, the server's handler decides,
// and what it is told identifies a ticket. Method: tickets of one handshake, used in others.
#include <openssl/ssl.h>

#include "quic/tls/openssl_handles.h"
#include "quic/tls/session_ticket.h"
#include "quic/tls/tls_test_peers.h"

namespace hawser::quic {
namespace {

TlsServerOptions early_server_options() {
  auto options = server_options();
  options.early_data = true;
  options.tickets = 2;
  return options;
}

TlsClientOptions early_client_options() {
  auto options = client_options();
  options.early_data = true;
  return options;
}

// Two tickets for "localhost".
std::vector<Octets> tickets_of(const TlsServerContext& server_from, const TlsClientContext& client_from) {
  Handshake full(client_from, server_from);
  EXPECT_TRUE(full.run());
  EXPECT_EQ(full.client_handler.tickets.size(), 2u);
  return full.client_handler.tickets;
}

// The ticket as a client has it whose clock says that it is older than it is.
Octets aged(const Octets& ticket, long seconds) {
  const auto view = *parse_session_ticket(ticket);
  const std::uint8_t* in = view.tls_session.data();
  const SslSessionHandle session(d2i_SSL_SESSION(nullptr, &in, static_cast<long>(view.tls_session.size())));
  SSL_SESSION_set_time_ex(session.get(), SSL_SESSION_get_time_ex(session.get()) - seconds);
  unsigned char* encoded = nullptr;
  const int size = i2d_SSL_SESSION(session.get(), &encoded);
  SessionTicketView changed = view;
  changed.tls_session = {encoded, static_cast<std::size_t>(size)};
  Octets out = serialize_session_ticket(changed);
  OPENSSL_free(encoded);
  return out;
}

TEST(early_data, the_handler_is_shown_context_and_secret_of_the_ticket) {
  const auto server_from = server_context(early_server_options());
  const auto client_from = client_context(early_client_options());
  const auto tickets = tickets_of(server_from, client_from);
  std::vector<Octets> secrets;
  for (const Octets& ticket : {tickets[0], tickets[0], tickets[1]}) {
    Handshake early(client_from, server_from, 3, "localhost", ticket);
    ASSERT_TRUE(early.run()) << early.client->failure();
    ASSERT_EQ(early.server_handler.offers.size(), 1u);
    EXPECT_EQ(as_text(early.server_handler.offers[0].first), "context of the ticket");
    secrets.push_back(early.server_handler.offers[0].second);
  }
  EXPECT_EQ(secrets[0], secrets[1]) << "the same ticket, used again";
  EXPECT_NE(secrets[0], secrets[2]);
  EXPECT_GE(secrets[0].size(), 32u);
}

// Of a server that does not know the first group of ours: the first visit costs a HelloRetryRequest, and with
// it again there would be no 0-RTT (RFC 8446 section 4.1.2).
TEST(early_data, begins_with_the_group_that_was_agreed_on) {
  for (const std::string_view group : {"P-256", "X25519", "P-384"}) {
    auto options = early_server_options();
    options.common.groups = group;
    const auto server_from = server_context(options);
    const auto client_from = client_context(early_client_options());
    const auto tickets = tickets_of(server_from, client_from);
    Handshake early(client_from, server_from, 3, "localhost", tickets[0]);
    ASSERT_TRUE(early.run()) << early.client->failure();
    EXPECT_EQ(early.client->early_data(), EarlyDataStatus::kAccepted) << group;
  }
}

TEST(early_data, a_group_of_the_ticket_that_is_not_wanted_any_more_is_not_used) {
  const auto server_from = server_context(early_server_options());
  auto options = early_client_options();
  options.common.groups = "P-256:X25519";
  const auto tickets = tickets_of(server_from, client_context(options));
  options.common.groups = "X25519";
  const auto client_from = client_context(options);
  Handshake early(client_from, server_from, 3, "localhost", tickets[0]);
  ASSERT_TRUE(early.run()) << early.client->failure();
  EXPECT_NE(early.client->key_exchange_group(), "secp256r1");
}

TEST(early_data, a_refusal_of_the_handler_leaves_a_resumed_handshake) {
  const auto server_from = server_context(early_server_options());
  const auto client_from = client_context(early_client_options());
  const auto tickets = tickets_of(server_from, client_from);
  Handshake early(client_from, server_from, 3, "localhost", tickets[0]);
  early.server_handler.accept_early_data = false;
  ASSERT_TRUE(early.run()) << early.client->failure();
  EXPECT_EQ(early.client->early_data(), EarlyDataStatus::kRejected);
  EXPECT_EQ(early.server->early_data(), EarlyDataStatus::kRejected);
  EXPECT_TRUE(early.client->resumed());
  EXPECT_NE(early.client_handler.secret(EncryptionLevel::kZeroRtt, SecretDirection::kWrite), nullptr);
  EXPECT_EQ(early.server_handler.secret(EncryptionLevel::kZeroRtt, SecretDirection::kRead), nullptr);
}

// RFC 8446 section 8.3: a ClientHello that was kept and sent later states an age that no longer fits.
TEST(early_data, an_age_outside_the_window_is_rejected_without_asking_the_handler) {
  const auto server_from = server_context(early_server_options());
  const auto client_from = client_context(early_client_options());
  const auto tickets = tickets_of(server_from, client_from);
  Handshake late(client_from, server_from, 3, "localhost", aged(tickets[0], 60));
  ASSERT_TRUE(late.run()) << late.client->failure();
  EXPECT_EQ(late.client->early_data(), EarlyDataStatus::kRejected);
  EXPECT_TRUE(late.server_handler.offers.empty());
  Handshake early(client_from, server_from, 3, "localhost", aged(tickets[0], 0));
  ASSERT_TRUE(early.run());
  EXPECT_EQ(early.client->early_data(), EarlyDataStatus::kAccepted);
}

// OpenSSL would leave the ticket out and derive the keys of 0-RTT from nothing.
TEST(early_data, is_not_offered_with_a_ticket_past_its_lifetime) {
  const auto server_from = server_context(early_server_options());
  const auto client_from = client_context(early_client_options());
  Handshake late(client_from, server_from, 3, "localhost", aged(tickets_of(server_from, client_from)[0], 7'300));
  ASSERT_TRUE(late.run()) << late.client->failure();
  EXPECT_FALSE(late.client->resumed());
  EXPECT_EQ(late.client->early_data(), EarlyDataStatus::kNotOffered);
  EXPECT_EQ(late.client_handler.secret(EncryptionLevel::kZeroRtt, SecretDirection::kWrite), nullptr);
}

TEST(early_data, is_not_offered_under_another_name_or_protocol) {
  const auto server_from = server_context(early_server_options());
  const auto client_from = client_context(early_client_options());
  const auto tickets = tickets_of(server_from, client_from);

  Handshake renamed(client_from, server_from, 3, "127.0.0.1", tickets[0]);
  ASSERT_TRUE(renamed.run()) << renamed.client->failure();
  EXPECT_EQ(renamed.client->early_data(), EarlyDataStatus::kNotOffered);

  auto options = early_client_options();
  options.common.alpn = {"hq-interop"};
  auto both = early_server_options();
  both.common.alpn = {"h3", "hq-interop"};
  const auto other_client = client_context(options);
  const auto other_server = server_context(both);
  Handshake other(other_client, other_server, 3, "localhost", tickets[0]);
  ASSERT_TRUE(other.run()) << other.client->failure();
  EXPECT_EQ(other.client->early_data(), EarlyDataStatus::kNotOffered);
}

TEST(early_data, a_ticket_of_an_unverified_server_does_not_stand_in_for_its_certificate) {
  auto options = early_client_options();
  options.trust.ca.clear();
  options.verify_peer = false;
  const auto server_from = server_context(early_server_options());
  const auto trusting = client_context(options);
  const auto tickets = tickets_of(server_from, trusting);

  Handshake again(trusting, server_from, 3, "localhost", tickets[0]);
  ASSERT_TRUE(again.run());
  EXPECT_TRUE(again.client->resumed());

  options.verify_peer = true;
  const auto strict = client_context(options);
  Handshake verified(strict, server_from, 3, "localhost", tickets[1]);
  EXPECT_FALSE(verified.run()) << "the certificate is asked for, and found wanting";
  EXPECT_EQ(verified.client->early_data(), EarlyDataStatus::kNotOffered);
}

}  // namespace
}  // namespace hawser::quic
