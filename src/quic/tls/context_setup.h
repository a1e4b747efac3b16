// context_setup.h: what server and client contexts have in common: policy, trust, and
// certificates read from files or memory. Private to this folder.
#pragma once

#include <expected>

#include "base/result.h"
#include "quic/tls/openssl_handles.h"
#include "quic/tls/tls_context.h"

namespace hawser::quic {

// What OpenSSL's callbacks find through the SSL_CTX; lives as long as it.
struct CommonContext {
  SslContextHandle ssl_context;
  std::vector<std::string> alpn;
  KeyLogSink key_log = nullptr;
  void* key_log_context = nullptr;
};

struct Identity {
  CertificateHandle leaf;
  CertificatesHandle chain;  // without the leaf
  KeyHandle key;
};

// TLS 1.3 only, groups, suites, key log, verification time.
std::expected<CommonContext, ConfigError> make_common_context(const TlsCommonOptions& options,
                                                              const SSL_METHOD* method);

// The key log callback finds `common` by its address from now on: call it when that is final.
void bind_key_log(CommonContext& common);

std::expected<Identity, ConfigError> load_identity(const CertificateSource& source);
std::expected<void, ConfigError> load_trust(SSL_CTX* context, const TrustSource& trust);

}  // namespace hawser::quic
