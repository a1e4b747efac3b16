// context_setup.cc: turns options into OpenSSL's settings, with errors that name the option.
#include "quic/tls/context_setup.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <string_view>

#include "quic/tls/tls_failure.h"
#include "quic/tls/tls_library.h"

namespace hawser::quic {
namespace {

std::unexpected<ConfigError> config_error(std::string message) {
  return std::unexpected(ConfigError{std::move(message)});
}

bool looks_like_pem(Bytes bytes) {
  return as_text(bytes).find("-----BEGIN") != std::string_view::npos;
}

// Never asks anyone for a pass phrase.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

void log_key(const SSL* ssl, const char* line) {
  const auto* common = static_cast<const CommonContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (common != nullptr && common->key_log != nullptr) common->key_log(common->key_log_context, line);
}

BioHandle memory_bio(Bytes bytes) {
  return BioHandle(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

// A file's or memory's octets: `what` names the option in errors.
std::expected<std::vector<std::uint8_t>, ConfigError> octets_of(const std::string& file,
                                                                const std::vector<std::uint8_t>& memory,
                                                                std::string_view what) {
  if (file.empty() && memory.empty()) return config_error(std::string(what) + ": give a file or its contents");
  if (file.empty()) return memory;
  const BioHandle in(BIO_new_file(file.c_str(), "rb"));
  std::vector<std::uint8_t> octets;
  std::array<std::uint8_t, 4096> buffer;
  std::size_t count = 0;
  while (in != nullptr && BIO_read_ex(in.get(), buffer.data(), buffer.size(), &count) == 1) {
    octets.insert(octets.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
  }
  ERR_clear_error();
  if (octets.empty()) return config_error(std::string(what) + " " + file + ": cannot be read or is empty");
  return octets;
}

// All certificates in PEM or DER octets; empty if there is none or one is damaged.
std::vector<CertificateHandle> parse_certificates(Bytes octets) {
  std::vector<CertificateHandle> certificates;
  if (!looks_like_pem(octets)) {
    const std::uint8_t* in = octets.data();
    if (CertificateHandle one(d2i_X509(nullptr, &in, static_cast<long>(octets.size()))); one != nullptr) {
      certificates.push_back(std::move(one));
    }
    return certificates;
  }
  const BioHandle in = memory_bio(octets);
  while (CertificateHandle one{PEM_read_bio_X509(in.get(), nullptr, &no_pass_phrase, nullptr)})
    certificates.push_back(std::move(one));
  // The text must end between certificates, not inside a damaged one.
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) certificates.clear();
  ERR_clear_error();
  return certificates;
}

KeyHandle parse_key(Bytes octets) {
  if (looks_like_pem(octets))
    return KeyHandle(PEM_read_bio_PrivateKey_ex(memory_bio(octets).get(), nullptr, &no_pass_phrase, nullptr,
                                                tls_library(), kTlsProperties));
  const std::uint8_t* in = octets.data();
  return KeyHandle(
      d2i_AutoPrivateKey_ex(nullptr, &in, static_cast<long>(octets.size()), tls_library(), kTlsProperties));
}

// rfc9001:5.3-hp-defined rfc9001:5.3-unknown-suites rfc9001:5.4.1-hp-specified
std::expected<void, ConfigError> set_suites(SSL_CTX* context, const std::vector<CipherSuite>& suites) {
  std::string list;
  for (const CipherSuite suite : suites) list.append(list.empty() ? "" : ":").append(to_string(suite));
  if (list.empty()) list = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
  if (SSL_CTX_set_ciphersuites(context, list.c_str()) != 1) {
    return config_error("cipher suites " + list + ": " + take_openssl_error());
  }
  return {};
}

// Where distributions keep their CAs; OpenSSL's own default may be that of another prefix.
std::expected<void, ConfigError> load_system_trust(SSL_CTX* context) {
  SSL_CTX_set_default_verify_paths(context);
  for (const char* bundle : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                             "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    if (SSL_CTX_load_verify_file(context, bundle) == 1) break;
  }
  ERR_clear_error();  // a machine without CAs is legal: then nothing of theirs verifies
  return {};
}

}  // namespace

std::expected<CommonContext, ConfigError> make_common_context(const TlsCommonOptions& options,
                                                              const SSL_METHOD* method) {
  if (options.alpn.empty()) return config_error("alpn: name at least one application protocol");
  for (const std::string& name : options.alpn) {
    if (name.empty() || name.size() > 255) return config_error("alpn: a protocol name has 1 to 255 octets");
  }
  CommonContext common;
  common.ssl_context.reset(SSL_CTX_new_ex(tls_library(), kTlsProperties, method));
  SSL_CTX* context = common.ssl_context.get();
  if (context == nullptr) return config_error("TLS cannot be set up: " + take_openssl_error());
  common.alpn = options.alpn;
  common.key_log = options.key_log;
  common.key_log_context = options.key_log_context;

  // Nothing later, until it is known what that means for QUIC; nothing older: see OpenSslSession.
  // rfc9001:4.2-offer
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, &no_pass_phrase);
  if (SSL_CTX_set1_groups_list(context, options.groups.c_str()) != 1) {
    return config_error("groups " + options.groups + ": not a list of groups known here (" + take_openssl_error() +
                        ")");
  }
  HAWSER_TRY_VOID(set_suites(context, options.cipher_suites));

  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context);
  // A trusted leaf is enough, so that --cacert takes a self-signed server's own certificate.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  if (options.verification_time_s) X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(*options.verification_time_s));
  return common;
}

void bind_key_log(CommonContext& common) {
  SSL_CTX_set_app_data(common.ssl_context.get(), &common);
  if (common.key_log != nullptr) SSL_CTX_set_keylog_callback(common.ssl_context.get(), &log_key);
}

std::expected<Identity, ConfigError> load_identity(const CertificateSource& source) {
  HAWSER_TRY(const auto chain_octets, octets_of(source.chain_file, source.chain, "certificate"));
  HAWSER_TRY(auto key_octets, octets_of(source.key_file, source.key, "key"));
  auto certificates = parse_certificates(chain_octets);
  Identity identity;
  identity.key = parse_key(key_octets);
  wipe(key_octets);
  ERR_clear_error();
  if (certificates.empty())
    return config_error("certificate " + source.chain_file + ": no readable PEM or DER certificate");
  if (identity.key == nullptr)
    return config_error("key " + source.key_file + ": no readable PEM or DER private key without pass phrase");
  identity.leaf = std::move(certificates.front());
  if (X509_check_private_key(identity.leaf.get(), identity.key.get()) != 1) {
    ERR_clear_error();
    return config_error("key " + source.key_file + ": does not belong to certificate " + source.chain_file);
  }
  identity.chain.reset(sk_X509_new_null());
  for (std::size_t i = 1; i < certificates.size(); ++i) sk_X509_push(identity.chain.get(), certificates[i].release());
  return identity;
}

std::expected<void, ConfigError> load_trust(SSL_CTX* context, const TrustSource& trust) {
  if (trust.system) HAWSER_TRY_VOID(load_system_trust(context));
  if (!trust.ca_file.empty() && SSL_CTX_load_verify_file(context, trust.ca_file.c_str()) != 1) {
    return config_error("CA file " + trust.ca_file + ": no readable PEM certificates (" + take_openssl_error() + ")");
  }
  if (!trust.ca_folder.empty() && SSL_CTX_load_verify_dir(context, trust.ca_folder.c_str()) != 1) {
    return config_error("CA folder " + trust.ca_folder + ": " + take_openssl_error());
  }
  if (!trust.ca.empty()) {
    const auto certificates = parse_certificates(trust.ca);
    if (certificates.empty()) return config_error("CA in memory: no readable PEM or DER certificate");
    for (const auto& certificate : certificates)
      X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate.get());
  }
  ERR_clear_error();
  return {};
}

}  // namespace hawser::quic
