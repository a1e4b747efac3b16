// tls_client_context.cc: whom a client trusts, what it offers, and the tickets it keeps.
#include <openssl/err.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "quic/tls/context_setup.h"
#include "quic/tls/openssl_session.h"
#include "quic/tls/session_ticket.h"
#include "quic/tls/tls_context.h"
#include "quic/tls/tls_failure.h"

namespace hawser::quic {

struct TlsClientContext::Impl {
  CommonContext common;
  std::string groups;
  bool verify_peer = true;
  bool early_data = false;
};

namespace {

using AddressHandle = std::unique_ptr<ASN1_OCTET_STRING, OpenSslFree<ASN1_OCTET_STRING_free>>;

bool is_address(const std::string& name) {
  const AddressHandle address(a2i_IPADDRESS(name.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

// RFC 7301 section 3.1: each name with its length before it.
std::vector<std::uint8_t> alpn_list(const std::vector<std::string>& names) {
  std::vector<std::uint8_t> list;
  for (const std::string& name : names) {
    list.push_back(static_cast<std::uint8_t>(name.size()));
    list.insert(list.end(), name.begin(), name.end());
  }
  return list;
}

// Whom the certificate must name, and SNI.
// rfc9114:3.2-sni rfc9114:3.2-host rfc9001:4.4-authenticate rfc9114:3.1-verify rfc9114:3.1-not-authoritative
// rfc9000:7-authenticated-exchange
void set_server_name(SSL* ssl, const std::string& name, bool verify_peer) {
  if (name.empty()) {
    HAWSER_CHECK(!verify_peer);
    return;
  }
  const bool address = is_address(name);
  if (!address) HAWSER_CHECK(SSL_set_tlsext_host_name(ssl, name.c_str()) == 1);
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  HAWSER_CHECK((address ? X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str())
                        : X509_VERIFY_PARAM_set1_host(param, name.data(), name.size())) == 1);
}

// 0-RTT data speaks the protocol of then: OpenSSL takes another one for a mistake of its caller and fails.
bool fits_early_data(const SSL_SESSION* session, const SessionTicketView& view, const CommonContext& common) {
  return view.allows_early_data && SSL_SESSION_get_max_early_data(session) == 0xffffffff &&
         std::find(common.alpn.begin(), common.alpn.end(), view.alpn) != common.alpn.end();
}

// The curves that have two names: of NIST, which lists of groups have, and of SECG, which OpenSSL answers with.
bool is_same_group(std::string_view listed, std::string_view answered) {
  constexpr std::pair<std::string_view, std::string_view> kTwoNames[] = {
      {"P-256", "secp256r1"}, {"P-384", "secp384r1"}, {"P-521", "secp521r1"}};
  const auto same = [](std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      return (x >= 'A' && x <= 'Z' ? x + 32 : x) == (y >= 'A' && y <= 'Z' ? y + 32 : y);
    });
  };
  return same(listed, answered) || std::any_of(std::begin(kTwoNames), std::end(kTwoNames), [&](const auto& names) {
           return same(listed, names.first) && same(answered, names.second);
         });
}

// A server that does not know the group of the first key share asks for another (HelloRetryRequest), and that
// is the end of 0-RTT (RFC 8446 section 4.1.2), if not of the connection: ngtcp2 0.12 with GnuTLS reads 0-RTT packets
// all the same, before it has limits for them. So with 0-RTT the share is of the group that was agreed on.
void begin_with_group(SSL* ssl, std::string_view groups, std::string_view wanted) {
  std::string rest;
  std::string first;
  while (!groups.empty()) {
    const std::string_view group = groups.substr(0, groups.find(':'));
    groups.remove_prefix(std::min(group.size() + 1, groups.size()));
    if (first.empty() && is_same_group(group, wanted)) {
      first = group;
    } else {
      rest.append(":").append(group);
    }
  }
  if (!first.empty()) HAWSER_CHECK(SSL_set1_groups_list(ssl, (first + rest).c_str()) == 1);
}

// OpenSSL leaves out a ticket that is too old, but goes on to 0-RTT, under keys of no secret.
bool is_alive(const SSL_SESSION* session) {
  const SslSessionHandle now(SSL_SESSION_new());  // is dated by the clock that OpenSSL will look at
  const auto age = SSL_SESSION_get_time_ex(now.get()) - SSL_SESSION_get_time_ex(session);
  return age < static_cast<std::int64_t>(SSL_SESSION_get_ticket_lifetime_hint(session));
}

// True if the ticket is one that allows 0-RTT. `name` is whom the certificate must be for: nobody
// shows one on resumption, so it is for the ticket's name that it was checked (RFC 8446 section 4.6.1).
bool use_ticket(SSL* ssl, Bytes ticket, const CommonContext& common, const std::string& name, bool verify_peer) {
  const auto view = parse_session_ticket(ticket);
  if (!view || view->server_name != name) return false;
  const std::uint8_t* in = view->tls_session.data();
  const SslSessionHandle session(d2i_SSL_SESSION(nullptr, &in, static_cast<long>(view->tls_session.size())));
  bool usable = session != nullptr && is_alive(session.get()) && SSL_set_session(ssl, session.get()) == 1;
  // Resumption shows no certificate: what was not trusted then must not come in by it now.
  if (usable && verify_peer && SSL_get_verify_result(ssl) != X509_V_OK) {
    (void)SSL_set_session(ssl, nullptr);
    usable = false;
  }
  ERR_clear_error();
  return usable && fits_early_data(session.get(), *view, common);
}

// "[::1]" as in URLs is the address within.
std::string without_brackets(std::string_view name) {
  if (name.size() > 2 && name.front() == '[' && name.back() == ']') name = name.substr(1, name.size() - 2);
  return std::string(name);
}

}  // namespace

std::expected<TlsClientContext, ConfigError> TlsClientContext::create(const TlsClientOptions& options) {
  auto impl = std::make_unique<Impl>();
  HAWSER_TRY(impl->common, make_common_context(options.common, TLS_client_method()));
  impl->groups = options.common.groups;
  impl->verify_peer = options.verify_peer;
  impl->early_data = options.early_data;
  SSL_CTX* context = impl->common.ssl_context.get();
  if (options.verify_peer) {
    HAWSER_TRY_VOID(load_trust(context, options.trust));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (options.certificate) {
    HAWSER_TRY(const auto identity, load_identity(*options.certificate));
    if (SSL_CTX_use_cert_and_key(context, identity.leaf.get(), identity.key.get(), identity.chain.get(), 1) != 1) {
      return std::unexpected(
          ConfigError{"client certificate " + options.certificate->chain_file + ": " + take_openssl_error()});
    }
  }
  const auto alpn = alpn_list(impl->common.alpn);
  if (SSL_CTX_set_alpn_protos(context, alpn.data(), static_cast<unsigned>(alpn.size())) != 0) {
    return std::unexpected(ConfigError{"alpn: all names together are too long"});
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &OpenSslSession::on_new_session);
  bind_key_log(impl->common);
  return TlsClientContext(std::move(impl));
}

TlsClientContext::TlsClientContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClientContext::TlsClientContext(TlsClientContext&&) noexcept = default;
TlsClientContext& TlsClientContext::operator=(TlsClientContext&&) noexcept = default;
TlsClientContext::~TlsClientContext() = default;

std::unique_ptr<TlsSession> TlsClientContext::new_session(TlsHandler& handler,
                                                          const TlsClientSessionOptions& options) const {
  SslHandle ssl(SSL_new(impl_->common.ssl_context.get()));
  HAWSER_CHECK(ssl != nullptr);
  SSL* raw = ssl.get();
  SSL_set_connect_state(raw);
  const std::string name = without_brackets(options.server_name);
  set_server_name(raw, name, impl_->verify_peer);
  const std::string whom = name.empty() ? "the server" : name;
  auto session = std::make_unique<OpenSslSession>(std::move(ssl), Role::kClient, handler, whom);
  const bool offer_early_data =
      use_ticket(raw, options.ticket, impl_->common, whom, impl_->verify_peer) && impl_->early_data;
  if (offer_early_data) {
    HAWSER_CHECK(SSL_set_quic_tls_early_data_enabled(raw, 1) == 1);
    begin_with_group(raw, impl_->groups, parse_session_ticket(options.ticket)->group);
    session->mark_early_data_offered();
  }
  if (!options.transport_parameters.empty()) session->set_transport_parameters(options.transport_parameters);
  return session;
}

}  // namespace hawser::quic
