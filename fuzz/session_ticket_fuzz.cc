// session_ticket_fuzz.cc: any octets as a kept session ticket: what is read is part of them, and TLS takes it or
// begins afresh.
// room: tls
#include <array>
#include <cstdint>
#include <memory>

#include "base/check.h"
#include "quic/tls/tls_context.h"
#include "quic/wire/transport_parameters.h"

namespace {

using namespace hawser;
using namespace hawser::quic;

struct Silence final : TlsHandler {
  void on_secret(EncryptionLevel, SecretDirection, CipherSuite, Bytes) override {}
  void on_crypto_to_send(EncryptionLevel, Bytes) override {}
  Parsed<void> on_peer_transport_parameters(Bytes) override { return {}; }
  bool on_early_data_offered(const EarlyDataOffer&) override { return false; }
  void on_handshake_complete() override {}
  void on_session_ticket(Bytes) override {}
  void on_alert(std::uint8_t) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes ticket(data, size);
  const auto view = parse_session_ticket(ticket);
  if (!view) return 0;
  const auto inside = [ticket](const auto& part) {
    const auto* const begin = reinterpret_cast<const std::uint8_t*>(part.data());
    return part.empty() || (begin >= ticket.data() && begin + part.size() <= ticket.data() + ticket.size());
  };
  HAWSER_CHECK(inside(view->alpn) && inside(view->server_name) && inside(view->transport_parameters) &&
               inside(view->tls_session));
  (void)parse_transport_parameters(view->transport_parameters, Role::kServer);

  static TlsClientContext context =
      TlsClientContext::create(
          {.common = {.alpn = {"h3"}}, .trust = {.system = false}, .verify_peer = false, .early_data = true})
          .value();
  Silence silence;
  const std::array<std::uint8_t, 4> parameters{0x01, 0x02, 0x40, 0x64};
  const auto session =
      context.new_session(silence, {.server_name = "localhost", .transport_parameters = parameters, .ticket = ticket});
  HAWSER_CHECK(session != nullptr);
  HAWSER_CHECK(session->start().has_value());
  return 0;
}
