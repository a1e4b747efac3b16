// tls_server_fuzz.cc: attacks a server's TLS session with any CRYPTO octets: all failures are values.
// room: tls
// The first octet says in what chunks and to which levels the rest goes. The handshake's
// randomness is seeded, so that a finding replays.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/check.h"
#include "quic/tls/deterministic_random.h"
#include "quic/tls/dev_certificate.h"
#include "quic/tls/tls_context.h"

namespace {

using namespace hawser;
using namespace hawser::quic;

class Answering final : public TlsHandler {
 public:
  void on_secret(EncryptionLevel, SecretDirection, CipherSuite suite, Bytes secret) override {
    HAWSER_CHECK(secret.size() == hash_length(suite));
  }
  void on_crypto_to_send(EncryptionLevel, Bytes) override {}
  Parsed<void> on_peer_transport_parameters(Bytes parameters) override {
    session->set_transport_parameters(parameters);
    return {};
  }
  bool on_early_data_offered(const EarlyDataOffer&) override { return true; }
  void on_handshake_complete() override {
    HAWSER_CHECK(!complete);
    complete = true;
  }
  void on_session_ticket(Bytes) override { HAWSER_CHECK(false); }  // a client's
  void on_alert(std::uint8_t) override {}

  TlsSession* session = nullptr;
  bool complete = false;
};

const TlsServerContext& server_context() {
  static const TlsServerContext kContext = [] {
    const auto certificate = mint_dev_certificate({.not_before_s = 1'800'000'000});
    HAWSER_CHECK(certificate.has_value());
    TlsServerOptions options;
    options.common.alpn = {"h3"};
    const Bytes chain = as_bytes(certificate->certificate_pem);
    const Bytes key = as_bytes(certificate->key_pem);
    options.certificates.push_back(
        {.chain_file = {}, .key_file = {}, .chain = {chain.begin(), chain.end()}, .key = {key.begin(), key.end()}});
    options.early_data = true;
    auto context = TlsServerContext::create(options);
    HAWSER_CHECK(context.has_value());
    return std::move(*context);
  }();
  return kContext;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const DeterministicTlsRandom seeded(1);
  if (size < 1) return 0;
  const std::size_t chunk = std::array<std::size_t, 4>{4'096, 1'200, 17, 1}[data[0] & 3];
  Bytes left{data + 1, size - 1};
  Answering handler;
  const auto session = server_context().new_session(handler);
  handler.session = session.get();
  for (unsigned step = 0; !left.empty(); ++step) {
    const Bytes part = left.first(std::min(chunk, left.size()));
    left = left.subspan(part.size());
    // Bit 2 and on: after that many chunks, go on at the Handshake level.
    const bool later = (data[0] & 4) != 0 && step >= static_cast<unsigned>(data[0] >> 3);
    if (!session->on_crypto_data(later ? EncryptionLevel::kHandshake : EncryptionLevel::kInitial, part).has_value())
      break;
  }
  HAWSER_CHECK(!session->handshake_complete());  // nobody guesses a Finished
  return 0;
}
