// openssl_handles.h: owning pointers for OpenSSL's objects; private to this folder.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace hawser::quic {

template <auto kFree>
struct OpenSslFree {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

inline void free_certificates(STACK_OF(X509) * certificates) {
  sk_X509_pop_free(certificates, X509_free);
}

using BioHandle = std::unique_ptr<BIO, OpenSslFree<BIO_free_all>>;
using SslHandle = std::unique_ptr<SSL, OpenSslFree<SSL_free>>;
using SslContextHandle = std::unique_ptr<SSL_CTX, OpenSslFree<SSL_CTX_free>>;
using SslSessionHandle = std::unique_ptr<SSL_SESSION, OpenSslFree<SSL_SESSION_free>>;
using CertificateHandle = std::unique_ptr<X509, OpenSslFree<X509_free>>;
using CertificatesHandle = std::unique_ptr<STACK_OF(X509), OpenSslFree<free_certificates>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, OpenSslFree<X509_EXTENSION_free>>;

}  // namespace hawser::quic
