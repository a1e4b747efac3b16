// dev_certificate.cc: mints and reads development certificates with OpenSSL.
#include "quic/tls/dev_certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/check.h"
#include "quic/tls/openssl_handles.h"
#include "quic/tls/tls_failure.h"

namespace hawser::quic {
namespace {

std::unexpected<ConfigError> config_error(std::string message) {
  return std::unexpected(ConfigError{std::move(message)});
}

bool is_address(const std::string& name) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(name.c_str());
  const bool is = address != nullptr;
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return is;
}

// Letters, digits, '-', '.' and one leading "*.": also keeps OpenSSL's own syntax out.
bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  for (const char c : name) {
    const bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alphanumeric && c != '-' && c != '.') return false;
  }
  return true;
}

std::expected<std::string, ConfigError> subject_alternative_names(const std::vector<std::string>& names) {
  if (names.empty()) return config_error("dev certificate: give at least one name or address");
  std::string list;
  for (const std::string& name : names) {
    const bool address = is_address(name);
    if (!address && !is_dns_name(name))
      return config_error("dev certificate: " + name + " is neither a DNS name nor an address");
    list.append(list.empty() ? "" : ",").append(address ? "IP:" : "DNS:").append(name);
  }
  return list;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  HAWSER_CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

template <class Object, class Encode>
std::vector<std::uint8_t> to_der(Object* object, Encode encode) {
  const int size = encode(object, nullptr);
  HAWSER_CHECK(size > 0);
  std::vector<std::uint8_t> der(static_cast<std::size_t>(size));
  unsigned char* out = der.data();
  encode(object, &out);
  return der;
}

std::string base64(Bytes bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL adds a final zero
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// Fills the digests and the expiry of a certificate.
void describe(X509* certificate, DevCertificate& out) {
  const auto der = to_der(certificate, &i2d_X509);
  SHA256(der.data(), der.size(), out.sha256.data());
  const auto spki = to_der(X509_get_X509_PUBKEY(certificate), &i2d_X509_PUBKEY);
  std::array<std::uint8_t, 32> digest;
  SHA256(spki.data(), spki.size(), digest.data());
  out.spki_sha256_base64 = base64(digest);

  // Seconds since 1970, without the time zone that mktime would add.
  const std::unique_ptr<ASN1_TIME, OpenSslFree<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  HAWSER_CHECK(ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate)) == 1);
  out.not_after_s = std::int64_t{days} * 86'400 + seconds;
}

// Null: it is none.
CertificateHandle parse_certificate(std::string_view pem) {
  const BioHandle in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CertificateHandle certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

CertificateHandle self_signed(EVP_PKEY* key, const DevCertificateOptions& options, const std::string& names) {
  CertificateHandle certificate(X509_new());
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  std::array<std::uint8_t, 16> serial;
  HAWSER_CHECK(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7f) | 0x01);  // positive and not zero
  const std::unique_ptr<BIGNUM, OpenSslFree<BN_free>> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x));
  ASN1_TIME_set(X509_getm_notBefore(x), static_cast<time_t>(options.not_before_s));
  ASN1_TIME_set(X509_getm_notAfter(x), static_cast<time_t>(options.not_before_s + options.validity_s));
  X509_set_pubkey(x, key);
  X509_NAME* subject = X509_get_subject_name(x);
  static constexpr unsigned char kCommonName[] = "hawser development";
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, kCommonName, -1, -1, 0);
  X509_set_issuer_name(x, subject);
  add_extension(x, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(x, NID_key_usage, "critical,digitalSignature");
  add_extension(x, NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(x, NID_subject_key_identifier, "hash");
  add_extension(x, NID_subject_alt_name, names);
  HAWSER_CHECK(X509_sign(x, key, EVP_sha256()) > 0);
  return certificate;
}

}  // namespace

std::expected<DevCertificate, ConfigError> mint_dev_certificate(const DevCertificateOptions& options) {
  HAWSER_TRY(const auto names, subject_alternative_names(options.names));
  if (options.validity_s <= 0) return config_error("dev certificate: its validity must be positive");
  const KeyHandle key(EVP_EC_gen("P-256"));
  HAWSER_CHECK(key != nullptr);
  const CertificateHandle certificate = self_signed(key.get(), options, names);

  DevCertificate out;
  describe(certificate.get(), out);
  const BioHandle certificate_text(BIO_new(BIO_s_mem()));
  const BioHandle key_text(BIO_new(BIO_s_mem()));
  HAWSER_CHECK(PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1);
  HAWSER_CHECK(PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  out.certificate_pem = text_of(certificate_text.get());
  out.key_pem = text_of(key_text.get());
  return out;
}

std::expected<DevCertificate, ConfigError> read_certificate(std::string_view certificate_pem) {
  const CertificateHandle certificate = parse_certificate(certificate_pem);
  if (certificate == nullptr) return config_error("certificate: no readable PEM certificate");
  DevCertificate out;
  out.certificate_pem = std::string(certificate_pem);
  describe(certificate.get(), out);
  return out;
}

bool is_key_of_certificate(std::string_view key_pem, std::string_view certificate_pem) {
  const CertificateHandle certificate = parse_certificate(certificate_pem);
  const BioHandle in(BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size())));
  // Without this, OpenSSL would ask at the terminal for a passphrase.
  pem_password_cb* const none = [](char*, int, int, void*) { return -1; };
  const KeyHandle key(PEM_read_bio_PrivateKey(in.get(), nullptr, none, nullptr));
  const bool is = certificate != nullptr && key != nullptr && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return is;
}

}  // namespace hawser::quic
