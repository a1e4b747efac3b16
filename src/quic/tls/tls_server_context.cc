// tls_server_context.cc: certificates chosen by SNI, ALPN by the server's preference,
// tickets under shared or fresh keys.
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>

#include "base/check.h"
#include "quic/crypto/key_schedule.h"
#include "quic/tls/context_setup.h"
#include "quic/tls/openssl_session.h"
#include "quic/tls/tls_context.h"
#include "quic/tls/tls_failure.h"

namespace hawser::quic {

struct TlsServerContext::Impl {
  CommonContext common;
  std::vector<Identity> identities;
  OpenSslSession::TicketScope ticket_scope{};
  bool early_data = false;
};

namespace {

constexpr unsigned kMaxTickets = 8;
constexpr std::size_t kMinTicketSecret = 32;

// RFC 7301 section 3.2; `offered` is a list of length-prefixed names checked by OpenSSL.
// rfc9001:8.1-no-protocol rfc9001:8.1-compatible rfc9001:8.1-none-compatible
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered, unsigned size,
                void* arg) {
  const auto& impl = *static_cast<const TlsServerContext::Impl*>(arg);
  for (const std::string& ours : impl.common.alpn) {
    for (unsigned at = 0; at < size; at += 1u + offered[at]) {
      if (as_text({offered + at + 1, offered[at]}) != ours) continue;
      *out = offered + at + 1;
      *out_size = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Shows the first certificate whose names match the SNI, else the first of all. The context
// is never switched: OpenSSL would lose settings that were copied when the SSL was made.
int select_certificate(SSL* ssl, void* arg) {
  const auto& impl = *static_cast<const TlsServerContext::Impl*>(arg);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return 1;
  for (const Identity& identity : impl.identities) {
    if (X509_check_host(identity.leaf.get(), name, 0, 0, nullptr) != 1) continue;
    // One of another kind of key would stay beside it, and might be preferred.
    SSL_certs_clear(ssl);
    return SSL_use_cert_and_key(ssl, identity.leaf.get(), identity.key.get(), identity.chain.get(), 1);
  }
  return 1;
}

void set_ticket_keys(SSL_CTX* context, Bytes secret) {
  // OpenSSL wants a key name, a MAC key and a cipher key in one block.
  std::array<std::uint8_t, 128> keys{};
  const long wanted = SSL_CTX_get_tlsext_ticket_keys(context, nullptr, 0);
  HAWSER_CHECK(wanted > 0 && static_cast<std::size_t>(wanted) <= keys.size());
  const Secret extracted = hkdf_extract(kInitialSuite, {}, secret);
  hkdf_expand_label(kInitialSuite, extracted.view(), "hawser ticket 1", MutableBytes(keys).first(64));
  hkdf_expand_label(kInitialSuite, extracted.view(), "hawser ticket 2", MutableBytes(keys).subspan(64));
  HAWSER_CHECK(SSL_CTX_set_tlsext_ticket_keys(context, keys.data(), wanted) == 1);
  wipe(keys);
}

// Nobody shows a certificate on resumption: a ticket stands for what was asked of its client then, so that it is good
// only where the same is asked.
OpenSslSession::TicketScope ticket_scope(const TlsServerOptions& options) {
  OpenSslSession::TicketScope scope{'h', 'a', 'w', 's', 'e', 'r'};
  scope[6] = static_cast<std::uint8_t>(options.client_certificates);
  if (options.client_certificates == ClientCertificatePolicy::kNone) return scope;
  const TrustSource& trust = options.client_trust;
  std::vector<std::uint8_t> all{static_cast<std::uint8_t>(trust.system)};
  for (const Bytes part : {as_bytes(trust.ca_file), as_bytes(trust.ca_folder), Bytes(trust.ca)}) {
    all.insert(all.end(), part.begin(), part.end());
    all.push_back(0);  // in no name, and the last may have any
  }
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(all.data(), all.size(), digest.data());
  std::copy_n(digest.begin(), scope.size() - 7, scope.begin() + 7);
  return scope;
}

void set_resumption(SSL_CTX* context, const TlsServerOptions& options, const OpenSslSession::TicketScope& scope) {
  SSL_CTX_set_session_id_context(context, scope.data(), static_cast<unsigned>(scope.size()));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, options.tickets);
  if (options.tickets == 0) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (!options.ticket_secret.empty()) set_ticket_keys(context, options.ticket_secret);
  if (options.early_data) {
    // RFC 9001 section 4.6.1. OpenSSL's own replay protection would need a session store.
    // rfc9001:4.6.1-max-early-data
    SSL_CTX_set_max_early_data(context, 0xffffffff);
    SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_session_ticket_cb(context, &OpenSslSession::on_make_ticket, nullptr, nullptr);
    SSL_CTX_set_allow_early_data_cb(context, &OpenSslSession::on_early_data_offered, nullptr);
  }
}

// rfc9001:4.4-no-post-handshake
int verify_mode(ClientCertificatePolicy policy) {
  switch (policy) {
    case ClientCertificatePolicy::kNone:
      return SSL_VERIFY_NONE;
    case ClientCertificatePolicy::kOptional:
      return SSL_VERIFY_PEER;
    case ClientCertificatePolicy::kRequired:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_NONE;
}

std::unexpected<ConfigError> config_error(std::string message) {
  return std::unexpected(ConfigError{std::move(message)});
}

}  // namespace

std::expected<TlsServerContext, ConfigError> TlsServerContext::create(const TlsServerOptions& options) {
  if (options.certificates.empty()) return config_error("certificates: a server needs at least one");
  if (options.tickets > kMaxTickets) return config_error("tickets: give 0 to 8");
  if (!options.ticket_secret.empty() && options.ticket_secret.size() < kMinTicketSecret) {
    return config_error("ticket secret: give at least 32 octets");
  }
  auto impl = std::make_unique<Impl>();
  HAWSER_TRY(impl->common, make_common_context(options.common, TLS_server_method()));
  impl->early_data = options.early_data;
  for (const CertificateSource& source : options.certificates) {
    HAWSER_TRY(auto identity, load_identity(source));
    impl->identities.push_back(std::move(identity));
  }
  SSL_CTX* context = impl->common.ssl_context.get();
  const Identity& first = impl->identities.front();
  if (SSL_CTX_use_cert_and_key(context, first.leaf.get(), first.key.get(), first.chain.get(), 1) != 1) {
    return config_error("certificate " + options.certificates.front().chain_file + ": " + take_openssl_error());
  }
  if (options.client_certificates != ClientCertificatePolicy::kNone) {
    HAWSER_TRY_VOID(load_trust(context, options.client_trust));
    SSL_CTX_set_verify(context, verify_mode(options.client_certificates), nullptr);
  }
  impl->ticket_scope = ticket_scope(options);
  set_resumption(context, options, impl->ticket_scope);
  SSL_CTX_set_alpn_select_cb(context, &select_alpn, impl.get());
  if (impl->identities.size() > 1) SSL_CTX_set_cert_cb(context, &select_certificate, impl.get());
  bind_key_log(impl->common);
  return TlsServerContext(std::move(impl));
}

TlsServerContext::TlsServerContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsServerContext::TlsServerContext(TlsServerContext&&) noexcept = default;
TlsServerContext& TlsServerContext::operator=(TlsServerContext&&) noexcept = default;
TlsServerContext::~TlsServerContext() = default;

std::unique_ptr<TlsSession> TlsServerContext::new_session(TlsHandler& handler, Bytes transport_parameters) const {
  SslHandle ssl(SSL_new(impl_->common.ssl_context.get()));
  HAWSER_CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl.get());
  SSL* raw = ssl.get();
  auto session = std::make_unique<OpenSslSession>(std::move(ssl), Role::kServer, handler, "the client");
  session->set_ticket_scope(impl_->ticket_scope);
  if (impl_->early_data) HAWSER_CHECK(SSL_set_quic_tls_early_data_enabled(raw, 1) == 1);
  if (!transport_parameters.empty()) session->set_transport_parameters(transport_parameters);
  return session;
}

}  // namespace hawser::quic
