// tls_session_test.cc: goal: handshakes through the TlsSession seam give both ends the same
// secrets and facts, and every refusal carries the right error. Method: client and server
// sessions joined by hand, CRYPTO octets in random chunks.
#include "quic/tls/tls_session.h"

#include "quic/tls/tls_test_peers.h"

namespace hawser::quic {
namespace {

TransportErrorCode code_of(const Parsed<void>& result) {
  return result.has_value() ? TransportErrorCode::kNoError : result.error().code;
}

void expect_same_secret(const Handshake& h, EncryptionLevel level, CipherSuite suite) {
  for (const auto& [from, to] :
       {std::pair(&h.client_handler, &h.server_handler), std::pair(&h.server_handler, &h.client_handler)}) {
    const Heard* write = from->secret(level, SecretDirection::kWrite);
    const Heard* read = to->secret(level, SecretDirection::kRead);
    ASSERT_TRUE(write != nullptr && read != nullptr);
    EXPECT_EQ(write->secret, read->secret);
    EXPECT_EQ(write->suite, suite);
    EXPECT_EQ(read->suite, suite);
  }
}

TEST(tls_session, handshakes_complete_whatever_the_chunks) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Handshake h(client_from, server_from, seed);
    ASSERT_TRUE(h.run()) << seed << ' ' << h.client->failure() << h.server->failure();
    EXPECT_EQ(h.client_handler.completions, 1);
    EXPECT_EQ(h.server_handler.completions, 1);
    expect_same_secret(h, EncryptionLevel::kHandshake, CipherSuite::kAes128GcmSha256);
    expect_same_secret(h, EncryptionLevel::kOneRtt, CipherSuite::kAes128GcmSha256);
    EXPECT_EQ(h.client_handler.secrets.size(), 4u);
    EXPECT_EQ(h.server_handler.secrets.size(), 4u);
    EXPECT_EQ(as_text(h.server_handler.peer_parameters), "client parameters");
    EXPECT_EQ(as_text(h.client_handler.peer_parameters), "answer to client parameters");
    for (const TlsSession* session : {h.client.get(), h.server.get()}) {
      EXPECT_EQ(session->alpn(), "h3");
      EXPECT_EQ(session->server_name(), "localhost");
      EXPECT_EQ(session->cipher_suite(), CipherSuite::kAes128GcmSha256);
      EXPECT_EQ(session->key_exchange_group(), "X25519MLKEM768");
      EXPECT_FALSE(session->resumed());
      EXPECT_EQ(session->early_data(), EarlyDataStatus::kNotOffered);
      EXPECT_EQ(session->failure(), "");
    }
    EXPECT_FALSE(h.client->peer_certificate().empty());
    EXPECT_EQ(h.client->peer_subject(), "CN = hawser development");
    EXPECT_TRUE(h.server->peer_certificate().empty());
    EXPECT_EQ(h.client_handler.tickets.size(), 1u);
    EXPECT_TRUE(h.client_handler.alerts.empty() && h.server_handler.alerts.empty());
  }
}

TEST(tls_session, secrets_come_before_the_octets_that_need_them) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.run());
  // The client must be able to acknowledge what it can read.
  std::string order;
  for (const Heard& heard : h.client_handler.secrets) {
    order += heard.level == EncryptionLevel::kHandshake ? 'h' : 'a';
    order += heard.direction == SecretDirection::kRead ? 'r' : 'w';
    order += ' ';
  }
  EXPECT_EQ(order, "hw hr aw ar ") << "client";
  order.clear();
  for (const Heard& heard : h.server_handler.secrets) {
    order += heard.level == EncryptionLevel::kHandshake ? 'h' : 'a';
    order += heard.direction == SecretDirection::kRead ? 'r' : 'w';
    order += ' ';
  }
  EXPECT_EQ(order, "hw hr aw ar ") << "server";
}

TEST(tls_session, post_quantum_client_hello_is_larger_than_a_datagram) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.run());
  EXPECT_GT(h.client_handler.octets_sent[0], 1200u);
  EXPECT_EQ(h.client->key_exchange_group(), "X25519MLKEM768");
}

// rfc9001:5.3-hp-defined rfc9001:5.3-unknown-suites
TEST(tls_session, each_suite_can_be_the_only_one) {
  for (const auto suite :
       {CipherSuite::kAes128GcmSha256, CipherSuite::kAes256GcmSha384, CipherSuite::kChaCha20Poly1305Sha256}) {
    auto options = client_options();
    options.common.cipher_suites = {suite};
    const auto server_from = server_context();
    const auto client_from = client_context(options);
    Handshake h(client_from, server_from);
    ASSERT_TRUE(h.run()) << h.client->failure();
    EXPECT_EQ(h.client->cipher_suite(), suite);
    expect_same_secret(h, EncryptionLevel::kOneRtt, suite);
  }
}

TEST(tls_session, group_of_one_side_wins_also_by_hello_retry_request) {
  auto only_p256 = server_options();
  only_p256.common.groups = "P-256";
  auto both = client_options();
  both.common.groups = "X25519:P-256";  // the first key share will not do
  const auto server_from = server_context(only_p256);
  const auto client_from = client_context(both);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    Handshake h(client_from, server_from, seed);
    ASSERT_TRUE(h.run()) << h.client->failure();
    EXPECT_EQ(h.client->key_exchange_group(), "secp256r1");
    EXPECT_EQ(h.server->key_exchange_group(), "secp256r1");
  }
}

// rfc9001:8.1-no-protocol rfc9001:8.1-alpn rfc9000:7-alpn
// rfc9001:8.1-none-compatible
TEST(tls_session, no_common_protocol_is_alert_120) {
  auto options = client_options();
  options.common.alpn = {"other", "hq-interop"};
  const auto server_from = server_context();
  const auto client_from = client_context(options);
  Handshake h(client_from, server_from);
  EXPECT_FALSE(h.run());
  EXPECT_EQ(code_of(h.server_result), crypto_error(120));
  EXPECT_EQ(h.server_result.error().reason, "no_application_protocol");
  EXPECT_EQ(h.server_handler.alerts, std::vector<std::uint8_t>{120});
  EXPECT_EQ(code_of(h.server->on_crypto_data(EncryptionLevel::kInitial, octets_of("x"))), crypto_error(120))
      << "stays dead";
}

// rfc9001:8.1-compatible
TEST(tls_session, the_server_prefers_its_own_order_of_protocols) {
  auto for_server = server_options();
  for_server.common.alpn = {"b", "a"};
  auto for_client = client_options();
  for_client.common.alpn = {"a", "c", "b"};
  const auto server_from = server_context(for_server);
  const auto client_from = client_context(for_client);
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.run());
  EXPECT_EQ(h.client->alpn(), "b");
}

// rfc9001:4.4-authenticate rfc9114:3.1-verify rfc9114:3.1-not-authoritative
TEST(tls_session, certificate_faults_are_named) {
  struct Case {
    const char* what;
    const char* name;
    std::int64_t time;
    bool trusted;
    std::uint8_t alert;
    const char* says;
  };
  const Case cases[] = {
      {"unknown CA", "localhost", kNow, false, 48,
       "certificate of localhost is self-signed: pass its CA with --cacert, or -k"},
      {"other host", "example.net", kNow, true, 42, "not for example.net"},
      {"other address", "192.0.2.1", kNow, true, 42, "not for 192.0.2.1"},
      {"expired", "localhost", kNow + 14 * 86'400, true, 45, "has expired"},
      {"too early", "localhost", kNow - 86'400, true, 42, "not valid yet"},
  };
  const auto server_from = server_context();
  for (const Case& c : cases) {
    auto options = client_options();
    if (!c.trusted) options.trust.ca.clear();
    options.common.verification_time_s = c.time;
    const auto client_from = client_context(options);
    Handshake h(client_from, server_from, 1, c.name);
    EXPECT_FALSE(h.run()) << c.what;
    EXPECT_EQ(code_of(h.client_result), crypto_error(c.alert)) << c.what;
    EXPECT_NE(h.client->failure().find(c.says), std::string_view::npos) << c.what << ": " << h.client->failure();
  }
}

TEST(tls_session, addresses_and_insecure_clients_get_through) {
  const auto server_from = server_context();
  const auto by_address = client_context();
  Handshake h(by_address, server_from, 1, "127.0.0.1");
  EXPECT_TRUE(h.run()) << h.client->failure();
  EXPECT_EQ(h.server->server_name(), "") << "addresses do not go into SNI";

  auto options = client_options();
  options.trust.ca.clear();
  options.verify_peer = false;
  const auto insecure = client_context(options);
  Handshake i(insecure, server_from, 1, "elsewhere.example");
  EXPECT_TRUE(i.run()) << i.client->failure();
}

TEST(tls_session, tickets_resume_also_at_another_server_with_the_same_secret) {
  auto options = server_options();
  options.ticket_secret = Octets(32, 7);
  options.tickets = 2;
  const auto first = server_context(options);
  const auto second = server_context(options);
  options.ticket_secret = Octets(32, 8);
  const auto stranger = server_context(options);
  const auto client_from = client_context();

  Handshake full(client_from, first);
  ASSERT_TRUE(full.run());
  ASSERT_EQ(full.client_handler.tickets.size(), 2u);
  const auto view = parse_session_ticket(full.client_handler.tickets[0]);
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->alpn, "h3");
  EXPECT_EQ(as_text(view->transport_parameters), "answer to client parameters");
  EXPECT_FALSE(view->allows_early_data);

  Handshake resumed(client_from, second, 2, "localhost", full.client_handler.tickets[0]);
  ASSERT_TRUE(resumed.run()) << resumed.client->failure();
  EXPECT_TRUE(resumed.client->resumed());
  EXPECT_TRUE(resumed.server->resumed());
  EXPECT_GE(resumed.client_handler.tickets.size(), 1u);

  Handshake refused(client_from, stranger, 2, "localhost", full.client_handler.tickets[1]);
  ASSERT_TRUE(refused.run()) << "an unknown ticket means a full handshake";
  EXPECT_FALSE(refused.client->resumed());
}

// rfc9369:5-validate
TEST(tls_session, tickets_of_another_scope_are_not_accepted) {
  const auto server_from = server_context(server_options());
  const auto client_from = client_context();
  Handshake full(client_from, server_from);
  full.server->set_resumption_scope(1);
  ASSERT_TRUE(full.run());
  ASSERT_FALSE(full.client_handler.tickets.empty());
  for (const std::uint32_t scope : {1u, 2u}) {
    Handshake again(client_from, server_from, 2, "localhost", full.client_handler.tickets[0]);
    again.server->set_resumption_scope(scope);
    ASSERT_TRUE(again.run()) << again.client->failure();
    EXPECT_EQ(again.client->resumed(), scope == 1);
  }
}

TEST(tls_session, zero_tickets_means_no_resumption) {
  auto options = server_options();
  options.tickets = 0;
  const auto server_from = server_context(options);
  const auto client_from = client_context();
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.run());
  EXPECT_TRUE(h.client_handler.tickets.empty());
}

TEST(tls_session, early_data_secrets_agree) {
  auto for_server = server_options();
  for_server.early_data = true;
  auto for_client = client_options();
  for_client.early_data = true;
  const auto server_from = server_context(for_server);
  const auto client_from = client_context(for_client);
  Handshake full(client_from, server_from);
  ASSERT_TRUE(full.run());
  ASSERT_FALSE(full.client_handler.tickets.empty());
  EXPECT_TRUE(parse_session_ticket(full.client_handler.tickets[0])->allows_early_data);

  Handshake early(client_from, server_from, 3, "localhost", full.client_handler.tickets[0]);
  ASSERT_TRUE(early.run()) << early.client->failure() << early.server->failure();
  EXPECT_TRUE(early.client->resumed());
  EXPECT_EQ(early.client->early_data(), EarlyDataStatus::kAccepted);
  EXPECT_EQ(early.server->early_data(), EarlyDataStatus::kAccepted);
  const Heard* write = early.client_handler.secret(EncryptionLevel::kZeroRtt, SecretDirection::kWrite);
  const Heard* read = early.server_handler.secret(EncryptionLevel::kZeroRtt, SecretDirection::kRead);
  ASSERT_TRUE(write != nullptr && read != nullptr);
  EXPECT_EQ(write->secret, read->secret);
  EXPECT_EQ(early.server_handler.completions, 1);
}

TEST(tls_session, damaged_tickets_are_passed_over) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake full(client_from, server_from);
  ASSERT_TRUE(full.run());
  Octets ticket = full.client_handler.tickets[0];
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{5}, std::size_t{20}, ticket.size() / 2}) {
    Handshake h(client_from, server_from, 1, "localhost", Bytes(ticket).first(size));
    EXPECT_TRUE(h.run());
    EXPECT_FALSE(h.client->resumed());
  }
  ticket[0] = 9;
  EXPECT_FALSE(parse_session_ticket(ticket).has_value());
}

// rfc9001:4.8-fatal
TEST(tls_session, malformed_octets_are_crypto_errors) {
  const auto server_from = server_context();
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    RecordingHandler handler;
    const auto server = server_from.new_session(handler, octets_of("p"));
    Octets garbage(300);
    random.fill(garbage);
    garbage[0] = seed % 2 == 0 ? 1 : garbage[0];  // often a ClientHello by name
    garbage[1] = garbage[2] = 0;
    garbage[4 + 2 + 32] = 0;  // a session ID is a fault of its own
    const auto result = server->on_crypto_data(EncryptionLevel::kInitial, garbage);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(static_cast<std::uint64_t>(result.error().code) & ~std::uint64_t{0xff}, 0x100u);
    EXPECT_FALSE(server->failure().empty());
    EXPECT_EQ(handler.alerts.size(), 1u);
  }
}

// rfc9000:7-authenticated-exchange
TEST(tls_session, altered_handshakes_never_complete) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SeededRandom random(seed);
    Handshake h(client_from, server_from, seed);
    ASSERT_TRUE(h.client->start().has_value());
    auto& [level, hello] = h.client_handler.to_send.front();
    hello[6 + random.below(32)] ^= 0x01;  // in ClientHello.random: parses well, but Finished differs
    auto verdict = h.server->on_crypto_data(level, hello);
    ASSERT_TRUE(verdict.has_value());
    Parsed<void> client_verdict;
    for (const auto& [at, octets] : h.server_handler.to_send) {
      if (client_verdict.has_value()) client_verdict = h.client->on_crypto_data(at, octets);
    }
    EXPECT_FALSE(client_verdict.has_value());
    EXPECT_FALSE(h.client->handshake_complete());
  }
}

TEST(tls_session, refused_transport_parameters_end_the_handshake_with_that_error) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake at_server(client_from, server_from);
  at_server.server_handler.refuse_parameters = true;
  EXPECT_FALSE(at_server.run());
  EXPECT_EQ(code_of(at_server.server_result), TransportErrorCode::kTransportParameterError);
  EXPECT_TRUE(at_server.server_handler.alerts.empty()) << "no alert: the error is QUIC's own";
  Handshake at_client(client_from, server_from);
  at_client.client_handler.refuse_parameters = true;
  EXPECT_FALSE(at_client.run());
  EXPECT_EQ(code_of(at_client.client_result), TransportErrorCode::kTransportParameterError);
  EXPECT_EQ(at_client.client_result.error().reason, "refused by the test");
}

// The ClientHello without its extension of that type; a server has no way to tell yet.
Octets without_extension(Octets hello, std::uint16_t type) {
  const auto u16_at = [&](std::size_t at) { return static_cast<std::size_t>(hello[at] << 8 | hello[at + 1]); };
  const auto shorten = [&](std::size_t at, std::size_t by) {
    const std::size_t left = u16_at(at) - by;
    hello[at] = static_cast<std::uint8_t>(left >> 8);
    hello[at + 1] = static_cast<std::uint8_t>(left);
  };
  std::size_t at = 4 + 2 + 32;  // message header, version, random
  at += 1 + hello[at];          // session ID
  at += 2 + u16_at(at);         // suites
  at += 1 + hello[at];          // compression methods
  const std::size_t extensions = at;
  for (at += 2; at < hello.size();) {
    const std::size_t size = 4 + u16_at(at + 2);
    if (u16_at(at) == type) {
      shorten(extensions, size);
      shorten(2, size);  // the low octets of the message's 24-bit length
      hello.erase(hello.begin() + static_cast<std::ptrdiff_t>(at),
                  hello.begin() + static_cast<std::ptrdiff_t>(at + size));
      return hello;
    }
    at += size;
  }
  ADD_FAILURE() << "no extension " << type;
  return hello;
}

// rfc9001:8.2-parameters rfc9001:8.1-client-error rfc9001:8.1-alpn
TEST(tls_session, transport_parameters_and_alpn_are_mandatory) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  struct Case {
    std::uint16_t extension;
    std::uint8_t alert;
  };
  for (const Case c : {Case{0x39, 109}, Case{16, 120}}) {
    Handshake h(client_from, server_from);
    ASSERT_TRUE(h.client->start().has_value());
    const Octets hello = without_extension(h.client_handler.to_send.front().second, c.extension);
    EXPECT_EQ(code_of(h.server->on_crypto_data(EncryptionLevel::kInitial, hello)), crypto_error(c.alert));
    EXPECT_EQ(h.server_handler.alerts, std::vector<std::uint8_t>{c.alert});
    EXPECT_EQ(h.server_handler.secrets.size(), 0u);
  }
}

// rfc9001:4.1.3-old-level-error rfc9001:4.1.3-old-level
TEST(tls_session, crypto_data_of_a_finished_level_is_a_protocol_violation) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.run());
  EXPECT_EQ(code_of(h.server->on_crypto_data(EncryptionLevel::kInitial, octets_of("x"))),
            TransportErrorCode::kProtocolViolation);
  EXPECT_EQ(code_of(h.client->on_crypto_data(EncryptionLevel::kZeroRtt, octets_of("x"))),
            TransportErrorCode::kProtocolViolation);
}

// rfc9001:4.1.3-unconsumed
TEST(tls_session, octets_after_the_last_message_of_a_level_are_a_protocol_violation) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  const auto with_one_more = [](Octets octets) {
    octets.push_back(0x08);
    return octets;
  };
  {
    Handshake h(client_from, server_from);
    ASSERT_TRUE(h.client->start().has_value());
    const Octets hello = with_one_more(h.client_handler.to_send.front().second);
    EXPECT_EQ(code_of(h.server->on_crypto_data(EncryptionLevel::kInitial, hello)),
              TransportErrorCode::kProtocolViolation);
  }
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.client->start().has_value());
  ASSERT_TRUE(h.server->on_crypto_data(EncryptionLevel::kInitial, h.client_handler.to_send.front().second).has_value());
  const Octets server_hello = with_one_more(h.server_handler.to_send.front().second);
  EXPECT_EQ(code_of(h.client->on_crypto_data(EncryptionLevel::kInitial, server_hello)),
            TransportErrorCode::kProtocolViolation)
      << h.client->failure();
}

TEST(tls_session, data_of_a_later_level_waits_up_to_the_limit) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.client->start().has_value());
  ASSERT_TRUE(h.server->on_crypto_data(EncryptionLevel::kInitial, h.client_handler.to_send.front().second).has_value());
  auto& flight = h.server_handler.to_send;
  const auto server_hello = flight.front();
  flight.pop_front();
  for (const auto& [level, octets] : flight) ASSERT_TRUE(h.client->on_crypto_data(level, octets).has_value());
  EXPECT_FALSE(h.client->handshake_complete());
  ASSERT_TRUE(h.client->on_crypto_data(server_hello.first, server_hello.second).has_value());
  EXPECT_TRUE(h.client->handshake_complete()) << "what waited was used";

  RecordingHandler handler;
  const auto server = server_from.new_session(handler, octets_of("p"));
  const Octets much(kMaxPendingCrypto, 0);
  EXPECT_TRUE(server->on_crypto_data(EncryptionLevel::kHandshake, much).has_value());
  EXPECT_EQ(code_of(server->on_crypto_data(EncryptionLevel::kHandshake, octets_of("x"))),
            TransportErrorCode::kCryptoBufferExceeded);
}

// rfc9001:6-no-tls-update
TEST(tls_session, key_update_messages_are_refused) {
  // RFC 9001 section 6: a TLS KeyUpdate message is unexpected_message, 0x010a.
  const auto server_from = server_context();
  const auto client_from = client_context();
  Handshake h(client_from, server_from);
  ASSERT_TRUE(h.run());
  const Octets key_update{24, 0, 0, 1, 0};
  EXPECT_EQ(code_of(h.client->on_crypto_data(EncryptionLevel::kOneRtt, key_update)), crypto_error(10));
  EXPECT_EQ(code_of(h.server->on_crypto_data(EncryptionLevel::kOneRtt, key_update)), crypto_error(10));
}

TEST(tls_session, sessions_may_go_at_any_moment) {
  const auto server_from = server_context();
  const auto client_from = client_context();
  std::size_t steps = 1;
  for (std::size_t stop = 0; stop < steps; ++stop) {
    Handshake h(client_from, server_from);
    ASSERT_TRUE(h.client->start().has_value());
    std::size_t step = 0;
    while (!h.client_handler.to_send.empty() || !h.server_handler.to_send.empty()) {
      const bool to_server = !h.client_handler.to_send.empty();
      auto& queue = to_server ? h.client_handler.to_send : h.server_handler.to_send;
      const auto [level, octets] = queue.front();
      queue.pop_front();
      TlsSession& to = to_server ? *h.server : *h.client;
      // All but the last octet, so that TLS holds part of a message.
      ASSERT_TRUE(to.on_crypto_data(level, Bytes(octets).first(octets.size() - 1)).has_value());
      if (step++ == stop) break;
      ASSERT_TRUE(to.on_crypto_data(level, Bytes(octets).last(1)).has_value());
    }
    steps = std::max(steps, step + (step > stop ? 1 : 0));
    const std::size_t secrets = h.client_handler.secrets.size() + h.server_handler.secrets.size();
    h.client.reset();
    h.server.reset();
    EXPECT_EQ(h.client_handler.secrets.size() + h.server_handler.secrets.size(), secrets)
        << "no callback from a destructor";
  }
  EXPECT_GT(steps, 4u);
}

}  // namespace
}  // namespace hawser::quic
