// tls_test_peers.h: a client and a server session joined by hand, for tests: CRYPTO octets
// are carried in chunks of random size, and everything a handler hears is kept.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {

using Octets = std::vector<std::uint8_t>;

inline constexpr std::int64_t kNow = 1'800'000'000;  // when test certificates are judged

inline Octets octets_of(std::string_view text) {
  return {text.begin(), text.end()};
}

struct Heard {
  EncryptionLevel level;
  SecretDirection direction;
  CipherSuite suite;
  Octets secret;
};

// Keeps what TLS says, and answers transport parameters with `refuse_parameters` if set.
class RecordingHandler final : public TlsHandler {
 public:
  void on_secret(EncryptionLevel level, SecretDirection direction, CipherSuite suite, Bytes secret) override {
    secrets.push_back({level, direction, suite, {secret.begin(), secret.end()}});
  }
  void on_crypto_to_send(EncryptionLevel level, Bytes bytes) override {
    octets_sent[static_cast<std::size_t>(level)] += bytes.size();
    to_send.push_back({level, {bytes.begin(), bytes.end()}});
  }
  Parsed<void> on_peer_transport_parameters(Bytes parameters) override {
    peer_parameters = {parameters.begin(), parameters.end()};
    if (answer_with) {
      Octets answer = octets_of("answer to ");
      answer.insert(answer.end(), parameters.begin(), parameters.end());
      answer_with->set_transport_parameters(answer);
    }
    if (refuse_parameters) return fail(TransportErrorCode::kTransportParameterError, "refused by the test");
    return {};
  }
  bool on_early_data_offered(const EarlyDataOffer& offer) override {
    offers.push_back({{offer.ticket_context.begin(), offer.ticket_context.end()},
                      {offer.ticket_secret.begin(), offer.ticket_secret.end()}});
    return accept_early_data;
  }
  void on_handshake_complete() override { ++completions; }
  void on_session_ticket(Bytes ticket) override { tickets.emplace_back(ticket.begin(), ticket.end()); }
  void on_alert(std::uint8_t alert) override { alerts.push_back(alert); }

  [[nodiscard]] const Heard* secret(EncryptionLevel level, SecretDirection direction) const {
    for (const Heard& heard : secrets) {
      if (heard.level == level && heard.direction == direction) return &heard;
    }
    return nullptr;
  }

  std::vector<Heard> secrets;
  std::deque<std::pair<EncryptionLevel, Octets>> to_send;
  std::array<std::size_t, kEncryptionLevels> octets_sent{};
  Octets peer_parameters;
  std::vector<Octets> tickets;
  std::vector<std::pair<Octets, Octets>> offers;  // of 0-RTT: context and secret
  std::vector<std::uint8_t> alerts;
  int completions = 0;
  TlsSession* answer_with = nullptr;
  bool refuse_parameters = false;
  bool accept_early_data = true;
};

inline const DevCertificate& test_certificate() {
  static const DevCertificate kCertificate =
      *mint_dev_certificate({.names = {"localhost", "127.0.0.1"}, .not_before_s = kNow - 3600});
  return kCertificate;
}

inline CertificateSource source_of(const DevCertificate& certificate) {
  return {.chain_file = {},
          .key_file = {},
          .chain = octets_of(certificate.certificate_pem),
          .key = octets_of(certificate.key_pem)};
}

inline TlsServerOptions server_options() {
  TlsServerOptions options;
  options.common.alpn = {"h3"};
  options.common.verification_time_s = kNow;
  options.certificates = {source_of(test_certificate())};
  return options;
}

inline TlsClientOptions client_options() {
  TlsClientOptions options;
  options.common.alpn = {"h3"};
  options.common.verification_time_s = kNow;
  options.trust = {
      .system = false, .ca_file = {}, .ca_folder = {}, .ca = octets_of(test_certificate().certificate_pem)};
  return options;
}

inline TlsServerContext server_context(const TlsServerOptions& options = server_options()) {
  auto context = TlsServerContext::create(options);
  EXPECT_TRUE(context.has_value()) << context.error().message;
  return std::move(*context);
}

inline TlsClientContext client_context(const TlsClientOptions& options = client_options()) {
  auto context = TlsClientContext::create(options);
  EXPECT_TRUE(context.has_value()) << context.error().message;
  return std::move(*context);
}

// One handshake between two contexts.
class Handshake {
 public:
  Handshake(const TlsClientContext& client_from, const TlsServerContext& server_from, std::uint64_t seed = 1,
            std::string_view server_name = "localhost", Bytes ticket = {})
      : random_(seed) {
    const Octets client_parameters = octets_of("client parameters");
    client = client_from.new_session(
        client_handler, {.server_name = server_name, .transport_parameters = client_parameters, .ticket = ticket});
    server = server_from.new_session(server_handler);
    server->set_ticket_context(octets_of("context of the ticket"));
    server_handler.answer_with = server.get();
  }

  // Runs until nobody has more to say or someone failed. True if both are complete.
  bool run() {
    client_result = client->start();
    while (client_result.has_value() && server_result.has_value()) {
      if (!client_handler.to_send.empty()) {
        server_result = carry(client_handler, *server);
      } else if (!server_handler.to_send.empty()) {
        client_result = carry(server_handler, *client);
      } else {
        break;
      }
    }
    return client_result.has_value() && server_result.has_value() && client->handshake_complete() &&
           server->handshake_complete();
  }

  RecordingHandler client_handler;
  RecordingHandler server_handler;
  std::unique_ptr<TlsSession> client;
  std::unique_ptr<TlsSession> server;
  Parsed<void> client_result;
  Parsed<void> server_result;

 private:
  // Hands one message over in chunks.
  Parsed<void> carry(RecordingHandler& from, TlsSession& to) {
    const auto [level, octets] = std::move(from.to_send.front());
    from.to_send.pop_front();
    Bytes left = octets;
    while (!left.empty()) {
      const std::size_t size =
          1 + random_.below(random_.below(2) == 0 ? std::min<std::size_t>(left.size(), 20) : left.size());
      const Bytes chunk = left.first(std::min(size, left.size()));
      if (const auto verdict = to.on_crypto_data(level, chunk); !verdict.has_value()) return verdict;
      left = left.subspan(chunk.size());
    }
    return {};
  }

  SeededRandom random_;
};

}  // namespace hawser::quic
