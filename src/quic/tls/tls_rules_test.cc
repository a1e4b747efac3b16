// tls_rules_test.cc: goal: what RFC 9001 says of the TLS handshake and of its peer's mistakes holds for
// the messages themselves. Method: messages are looked at and altered on their way between two sessions,
// and servers are set up as no server of ours would be.
#include <gtest/gtest.h>

#include <algorithm>

#include "quic/tls/context_setup.h"
#include "quic/tls/message_scanner.h"
#include "quic/tls/openssl_session.h"
#include "quic/tls/tls_test_peers.h"

namespace hawser::quic {
namespace {

TransportErrorCode code_of(const Parsed<void>& result) {
  return result.has_value() ? TransportErrorCode::kNoError : result.error().code;
}

// Where the value of an extension stands in a hello; 0: it has none. Extensions of other kinds are not
// mistaken for it, as type and length are both known.
std::size_t find_extension(const Octets& message, std::uint16_t type, std::uint16_t size) {
  const Octets wanted{static_cast<std::uint8_t>(type >> 8), static_cast<std::uint8_t>(type),
                      static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  const auto found = std::search(message.begin(), message.end(), wanted.begin(), wanted.end());
  return found == message.end() ? 0 : static_cast<std::size_t>(found - message.begin()) + 4;
}

constexpr std::uint16_t kSupportedVersions = 43;
constexpr std::uint16_t kEarlyData = 42;

// rfc9001:4.2-offer rfc9001:8.4-no-compatibility
TEST(tls_rules, a_client_offers_tls_13_alone_and_no_session_id) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.client->start().has_value());
  const Octets& hello = h.client_handler.to_send.front().second;
  const std::size_t versions = find_extension(hello, kSupportedVersions, 3);
  ASSERT_NE(versions, 0u) << "there is more than one version";
  EXPECT_EQ(to_hex(Bytes(hello).subspan(versions, 3)), "020304");
  // Type and length, legacy_version, random, then the length of legacy_session_id.
  EXPECT_EQ(hello[4 + 2 + 32], 0);
}

// rfc9001:8.4-session-id
TEST(tls_rules, a_session_id_of_older_versions_is_a_protocol_violation) {
  constexpr std::uint8_t kSessionIdSize = 32;
  constexpr std::size_t kPlace = 4 + 2 + 32;
  const auto server_from = server_context();
  const auto client_from = client_context();
  for (std::size_t cut : {std::size_t{0}, std::size_t{1}, kPlace - 1, kPlace, kPlace + 1, kPlace + 40}) {
    Handshake h(client_from, server_from);
    ASSERT_TRUE(h.client->start().has_value());
    Octets hello = h.client_handler.to_send.front().second;
    hello[kPlace] = kSessionIdSize;
    hello.insert(hello.begin() + kPlace + 1, kSessionIdSize, std::uint8_t{7});
    const std::size_t length = hello.size() - 4;
    hello[2] = static_cast<std::uint8_t>(length >> 8);
    hello[3] = static_cast<std::uint8_t>(length);
    auto result = h.server->on_crypto_data(EncryptionLevel::kInitial, Bytes(hello).first(cut));
    if (result) result = h.server->on_crypto_data(EncryptionLevel::kInitial, Bytes(hello).subspan(cut));
    EXPECT_EQ(code_of(result), TransportErrorCode::kProtocolViolation) << cut;
  }
}

// rfc9001:4.2-older
TEST(tls_rules, older_versions_end_the_handshake) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake older_client(client_from, server_from);
  ASSERT_TRUE(older_client.client->start().has_value());
  Octets& hello = older_client.client_handler.to_send.front().second;
  hello[find_extension(hello, kSupportedVersions, 3) + 2] = 3;
  EXPECT_EQ(code_of(older_client.server->on_crypto_data(EncryptionLevel::kInitial, hello)), crypto_error(70));

  Handshake older_server(client_from, server_from);
  ASSERT_TRUE(older_server.client->start().has_value());
  ASSERT_TRUE(older_server.server->on_crypto_data(EncryptionLevel::kInitial,
                                                  older_server.client_handler.to_send.front().second));
  Octets& answer = older_server.server_handler.to_send.front().second;
  answer[find_extension(answer, kSupportedVersions, 2) + 1] = 3;
  EXPECT_FALSE(older_server.client->on_crypto_data(EncryptionLevel::kInitial, answer).has_value());
  EXPECT_FALSE(older_server.client->handshake_complete());
}

// rfc9001:4.4-post-handshake-request
TEST(tls_rules, a_certificate_request_after_the_handshake_is_a_protocol_violation) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  // Whole, and cut in any place.
  const Octets request{13, 0, 0, 3, 0, 0, 0};
  for (std::size_t cut = 0; cut < request.size(); ++cut) {
    Handshake h(client_from, server_from);
    ASSERT_TRUE(h.run());
    auto result = h.client->on_crypto_data(EncryptionLevel::kOneRtt, Bytes(request).first(cut));
    if (result) result = h.client->on_crypto_data(EncryptionLevel::kOneRtt, Bytes(request).subspan(cut));
    EXPECT_EQ(code_of(result), TransportErrorCode::kProtocolViolation) << cut;
  }
}

// Nobody has proven an address yet.
TEST(tls_rules, a_hello_that_is_too_long_is_refused_as_soon_as_it_says_so) {
  const auto server_from = server_context();
  RecordingHandler handler;
  const Octets fits{1, kMaxClientHello >> 16, kMaxClientHello >> 8 & 0xff, kMaxClientHello & 0xff};
  EXPECT_TRUE(
      server_from.new_session(handler, octets_of("p"))->on_crypto_data(EncryptionLevel::kInitial, fits).has_value());
  Octets longer = fits;
  ++longer[3];
  for (std::size_t cut = 0; cut < longer.size(); ++cut) {
    const auto server = server_from.new_session(handler, octets_of("p"));
    auto result = server->on_crypto_data(EncryptionLevel::kInitial, Bytes(longer).first(cut));
    ASSERT_TRUE(result.has_value());
    result = server->on_crypto_data(EncryptionLevel::kInitial, Bytes(longer).subspan(cut));
    EXPECT_EQ(code_of(result), TransportErrorCode::kCryptoBufferExceeded) << cut;
  }
}

TEST(message_scanner, knows_beginnings_from_bodies) {
  const Octets stream{4, 0, 0, 2, 13, 13, 4, 0, 0, 0, 13, 0, 1, 0};
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    MessageScanner scanner;
    EXPECT_EQ(scanner.finds(13, Bytes(stream).first(cut)), cut > 10) << cut;
    EXPECT_EQ(scanner.finds(13, Bytes(stream).subspan(cut)), cut <= 10) << cut;
  }
}

// NewSessionTicket messages that a server sends once the handshake is over.
Octets tickets_of(Handshake& h) {
  EXPECT_TRUE(h.client->start().has_value());
  for (auto* from : {&h.client_handler, &h.server_handler, &h.client_handler}) {
    TlsSession& to = from == &h.client_handler ? *h.server : *h.client;
    while (!from->to_send.empty()) {
      const auto [level, octets] = std::move(from->to_send.front());
      from->to_send.pop_front();
      EXPECT_TRUE(to.on_crypto_data(level, octets).has_value());
    }
  }
  Octets all;
  for (const auto& [level, octets] : h.server_handler.to_send) {
    EXPECT_EQ(level, EncryptionLevel::kOneRtt);
    all.insert(all.end(), octets.begin(), octets.end());
  }
  return all;
}

// rfc9001:4.6.1-max-early-data rfc9001:4.6.1-max-early-data-wrong
TEST(tls_rules, tickets_allow_all_early_data_or_none) {
  for (const bool early_data : {true, false}) {
    TlsServerOptions options = server_options();
    options.early_data = early_data;
    const auto server_from = server_context(options);
    const auto client_from = client_context();
    for (const std::uint8_t last : {0xff, 0xfe}) {
      Handshake h(client_from, server_from);
      Octets ticket = tickets_of(h);
      ASSERT_FALSE(ticket.empty());
      const std::size_t limit = find_extension(ticket, kEarlyData, 4);
      EXPECT_EQ(limit != 0, early_data);
      if (limit == 0) continue;
      EXPECT_EQ(to_hex(Bytes(ticket).subspan(limit, 4)), "ffffffff");
      ticket[limit + 3] = last;
      EXPECT_EQ(code_of(h.client->on_crypto_data(EncryptionLevel::kOneRtt, ticket)),
                last == 0xff ? TransportErrorCode::kNoError : TransportErrorCode::kProtocolViolation);
    }
  }
}

// A server that answers every offer with the same protocol.
int stubborn_choice(SSL*, const unsigned char** out, unsigned char* size, const unsigned char*, unsigned, void* name) {
  const auto& text = *static_cast<const std::string*>(name);
  *out = reinterpret_cast<const unsigned char*>(text.data());
  *size = static_cast<unsigned char>(text.size());
  return SSL_TLSEXT_ERR_OK;
}

// rfc9001:8.1-incompatible
TEST(tls_rules, a_protocol_that_was_not_offered_is_no_application_protocol) {
  for (std::string choice : {"h3", "http/1.1"}) {
    auto common = make_common_context({.alpn = {"h3"}, .verification_time_s = kNow}, TLS_server_method()).value();
    const auto identity = load_identity(source_of(test_certificate())).value();
    SSL_CTX* context = common.ssl_context.get();
    bind_key_log(common);
    ASSERT_EQ(SSL_CTX_use_cert_and_key(context, identity.leaf.get(), identity.key.get(), identity.chain.get(), 1), 1);
    SSL_CTX_set_alpn_select_cb(context, &stubborn_choice, &choice);
    SslHandle ssl(SSL_new(context));
    SSL_set_accept_state(ssl.get());
    const auto server_from = server_context();
    const auto client_from = client_context();
    Handshake h(client_from, server_from);
    h.server = std::make_unique<OpenSslSession>(std::move(ssl), Role::kServer, h.server_handler, "the client");
    h.server_handler.answer_with = h.server.get();
    EXPECT_EQ(h.run(), choice == "h3");
    if (choice != "h3") EXPECT_EQ(code_of(h.client_result), crypto_error(120));
  }
}

}  // namespace
}  // namespace hawser::quic
