// tls_library.h: OpenSSL as our TLS contexts use it: a library context of its own, where the
// key schedule of TLS 1.3 is ours. Private to this folder.
//
// OpenSSL derives some twenty secrets in a handshake. Its own code for that, "TLS13-KDF",
// looks up a digest by name, copies every parameter and allocates three hash contexts for
// each: four fifths of the time. Providers exist to replace such a part: ours computes the
// same on the HMAC of quic/crypto/.
#pragma once

#include <openssl/types.h>

namespace hawser::quic {

// What contexts are made with: SSL_CTX_new_ex(tls_library(), kTlsProperties, ...). It is made
// at the first call, lives as long as the process, and may be used by any thread.
OSSL_LIB_CTX* tls_library();

// Prefers our provider; what it does not have comes from OpenSSL's.
inline constexpr const char* kTlsProperties = "?provider=hawser";

}  // namespace hawser::quic
