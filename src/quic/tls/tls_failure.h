// tls_failure.h: words for what goes wrong in a handshake: literals for CONNECTION_CLOSE,
// sentences for people. Private to this folder.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hawser::quic {

// The name of a TLS alert (RFC 8446 section 6), a literal.
std::string_view alert_reason(std::uint8_t alert);

// What an X509_V_ERR_ code means for the certificate of `peer` (a host name, or "client").
std::string describe_verification(long verify_result, std::string_view peer);

// Takes the newest entry of OpenSSL's error queue as text and clears the queue.
std::string take_openssl_error();

}  // namespace hawser::quic
