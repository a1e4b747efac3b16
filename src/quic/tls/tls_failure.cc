// tls_failure.cc: tables of alerts and of certificate errors.
#include "quic/tls/tls_failure.h"

#include <openssl/err.h>
#include <openssl/x509.h>

namespace hawser::quic {

std::string_view alert_reason(std::uint8_t alert) {
  switch (alert) {
    case 0:
      return "close_notify";
    case 10:
      return "unexpected_message";
    case 20:
      return "bad_record_mac";
    case 40:
      return "handshake_failure";
    case 42:
      return "bad_certificate";
    case 43:
      return "unsupported_certificate";
    case 44:
      return "certificate_revoked";
    case 45:
      return "certificate_expired";
    case 46:
      return "certificate_unknown";
    case 47:
      return "illegal_parameter";
    case 48:
      return "unknown_ca";
    case 50:
      return "decode_error";
    case 51:
      return "decrypt_error";
    case 70:
      return "protocol_version";
    case 71:
      return "insufficient_security";
    case 80:
      return "internal_error";
    case 109:
      return "missing_extension";
    case 110:
      return "unsupported_extension";
    case 112:
      return "unrecognized_name";
    case 115:
      return "unknown_psk_identity";
    case 116:
      return "certificate_required";
    case 120:
      return "no_application_protocol";
    default:
      return "TLS alert";
  }
}

std::string describe_verification(long verify_result, std::string_view peer) {
  const std::string whose = "certificate of " + std::string(peer);
  switch (verify_result) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return whose + " is self-signed: pass its CA with --cacert, or -k to trust anyone";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return whose + " is signed by an authority not trusted here: pass its CA with --cacert, or -k to trust anyone";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate shown is not for " + std::string(peer) + ": connect by a name that it lists";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return whose + " has expired: renew it";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return whose + " is not valid yet: check the clocks";
    case X509_V_ERR_INVALID_PURPOSE:
      return whose + " is not meant for this use: check its extended key usage";
    default:
      return whose + " is not acceptable: " + X509_verify_cert_error_string(verify_result);
  }
}

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  std::string text = code == 0 ? "no detail" : reason != nullptr ? reason : "error " + std::to_string(code);
  ERR_clear_error();
  return text;
}

}  // namespace hawser::quic
