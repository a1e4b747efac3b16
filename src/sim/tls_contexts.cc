// tls_contexts.cc: a development certificate and the contexts of both sides around it.
#include "sim/tls_contexts.h"

#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "quic/tls/deterministic_random.h"
#include "quic/tls/dev_certificate.h"

namespace hawser::sim {
namespace {

// Within the validity of the certificate below; TLS must not ask the system's clock.
constexpr std::int64_t kWallClockS = 1'800'000'000;

std::vector<std::uint8_t> octets(std::string_view text) {
  return {text.begin(), text.end()};
}

TlsContexts make_tls_contexts() {
  const quic::DeterministicTlsRandom fixed(0x7c0ffee);
  const auto certificate = quic::mint_dev_certificate(
      {.names = {std::string{kSimServerName}}, .not_before_s = kWallClockS - 86'400, .validity_s = 2 * 86'400});
  HAWSER_CHECK(certificate.has_value());
  quic::TlsServerOptions server;
  server.common.alpn = {std::string{kSimAlpn}};
  server.common.verification_time_s = kWallClockS;
  server.certificates = {{.chain_file = {},
                          .key_file = {},
                          .chain = octets(certificate->certificate_pem),
                          .key = octets(certificate->key_pem)}};
  // Tickets carry the time of the system's clock; without them a run is a function of its seed.
  server.tickets = 0;
  server.ticket_secret.assign(32, 0x42);
  quic::TlsClientOptions client;
  client.common.alpn = {std::string{kSimAlpn}};
  client.common.verification_time_s = kWallClockS;
  client.trust = {.system = false, .ca_file = {}, .ca_folder = {}, .ca = octets(certificate->certificate_pem)};
  quic::TlsClientOptions classic = client;
  classic.common.groups = "X25519";
  TlsContexts contexts;
  contexts.server.emplace(quic::TlsServerContext::create(server).value());
  contexts.client.emplace(quic::TlsClientContext::create(client).value());
  contexts.classic_client.emplace(quic::TlsClientContext::create(classic).value());
  return contexts;
}

}  // namespace

TlsContexts& tls_contexts() {
  static TlsContexts contexts = make_tls_contexts();
  return contexts;
}

}  // namespace hawser::sim
