// tls_certificates_test.cc: goal: each client is shown the certificate of the name it asks for, and one that must show
// one itself does, also when it resumes. Method: client and server sessions joined by hand, with
// certificates of several names and kinds of keys.
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "quic/tls/openssl_handles.h"
#include "quic/tls/tls_session.h"
#include "quic/tls/tls_test_peers.h"

namespace hawser::quic {
namespace {

TransportErrorCode code_of(const Parsed<void>& result) {
  return result.has_value() ? TransportErrorCode::kNoError : result.error().code;
}

// Of an RSA key, signed by itself.
CertificateSource rsa_certificate(const char* name) {
  const KeyHandle key(EVP_RSA_gen(2'048));
  const CertificateHandle certificate(X509_new());
  X509* x = certificate.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
  ASN1_TIME_set(X509_getm_notBefore(x), static_cast<time_t>(kNow - 3'600));
  ASN1_TIME_set(X509_getm_notAfter(x), static_cast<time_t>(kNow + 3'600));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name),
                             -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509_set_pubkey(x, key.get());
  const ExtensionHandle names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, (std::string("DNS:") + name).c_str()));
  X509_add_ext(x, names.get(), -1);
  X509_sign(x, key.get(), EVP_sha256());
  const auto text_of = [](auto write) {
    BIO* const bio = BIO_new(BIO_s_mem());
    write(bio);
    char* text = nullptr;
    const long size = BIO_get_mem_data(bio, &text);
    Octets octets(text, text + size);
    BIO_free(bio);
    return octets;
  };
  return {.chain = text_of([&](BIO* bio) { PEM_write_bio_X509(bio, x); }),
          .key = text_of(
              [&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); })};
}

// rfc9114:3.2-sni rfc9114:3.2-host
TEST(tls_certificates, the_certificate_follows_the_server_name) {
  const auto second =
      *mint_dev_certificate({.names = {"second.example", "*.wild.example"}, .not_before_s = kNow - 3600});
  auto for_server = server_options();
  for_server.certificates.push_back(source_of(second));
  const auto server_from = server_context(for_server);
  auto for_client = client_options();
  for_client.trust.ca = octets_of(test_certificate().certificate_pem + second.certificate_pem);
  const auto client_from = client_context(for_client);
  for (const char* name : {"localhost", "second.example", "a.wild.example"}) {
    Handshake h(client_from, server_from, 1, name);
    EXPECT_TRUE(h.run()) << name << ": " << h.client->failure();
  }
  Handshake h(client_from, server_from, 1, "third.example");
  EXPECT_FALSE(h.run());
}

// Which certificate is shown must not be left to the kinds of keys: TLS would prefer ECDSA.
TEST(tls_certificates, the_certificate_follows_the_server_name_also_to_another_kind_of_key) {
  const CertificateSource second = rsa_certificate("second.example");
  auto for_server = server_options();
  for_server.certificates.push_back(second);
  const auto server_from = server_context(for_server);
  auto for_client = client_options();
  for_client.trust.ca.insert(for_client.trust.ca.end(), second.chain.begin(), second.chain.end());
  const auto client_from = client_context(for_client);
  for (const char* name : {"localhost", "second.example"}) {
    Handshake h(client_from, server_from, 1, name);
    EXPECT_TRUE(h.run()) << name << ": " << h.client->failure();
  }
}

TEST(tls_certificates, client_certificates_are_asked_for_and_checked) {
  const auto alice = *mint_dev_certificate({.names = {"alice.example"}, .not_before_s = kNow - 3600});
  const auto mallory = *mint_dev_certificate({.names = {"mallory.example"}, .not_before_s = kNow - 3600});
  auto for_server = server_options();
  for_server.client_trust.ca = octets_of(alice.certificate_pem);
  auto with = client_options();
  with.certificate = source_of(alice);
  auto wrong = client_options();
  wrong.certificate = source_of(mallory);
  const auto client_with = client_context(with);
  const auto client_wrong = client_context(wrong);
  const auto client_without = client_context();

  for_server.client_certificates = ClientCertificatePolicy::kRequired;
  const auto required = server_context(for_server);
  Handshake present(client_with, required);
  ASSERT_TRUE(present.run()) << present.server->failure();
  EXPECT_EQ(present.server->peer_subject(), "CN = hawser development");
  EXPECT_FALSE(present.server->peer_certificate().empty());
  Handshake absent(client_without, required);
  EXPECT_FALSE(absent.run());
  EXPECT_EQ(code_of(absent.server_result), crypto_error(116));
  Handshake refused(client_wrong, required);
  EXPECT_FALSE(refused.run());
  EXPECT_EQ(code_of(refused.server_result), crypto_error(48)) << refused.server->failure();

  for_server.client_certificates = ClientCertificatePolicy::kOptional;
  const auto optional = server_context(for_server);
  Handshake without(client_without, optional);
  EXPECT_TRUE(without.run());
  EXPECT_TRUE(without.server->peer_certificate().empty());
}

// A ticket of a server that asked for no certificate, or trusted others, stands for none here.
TEST(tls_certificates, tickets_are_good_where_the_same_is_asked_of_clients) {
  const auto alice = *mint_dev_certificate({.names = {"alice.example"}, .not_before_s = kNow - 3600});
  const auto bob = *mint_dev_certificate({.names = {"bob.example"}, .not_before_s = kNow - 3600});
  auto options = server_options();
  options.ticket_secret = Octets(32, 7);
  const auto open = server_context(options);
  options.client_certificates = ClientCertificatePolicy::kRequired;
  options.client_trust.ca = octets_of(alice.certificate_pem);
  const auto strict = server_context(options);
  options.client_trust.ca = octets_of(alice.certificate_pem + bob.certificate_pem);
  const auto of_both = server_context(options);
  auto for_client = client_options();
  for_client.certificate = source_of(alice);
  const auto client_from = client_context(for_client);
  for (const auto* from : {&open, &strict, &of_both}) {
    Handshake full(client_from, *from);
    ASSERT_TRUE(full.run()) << full.server->failure();
    Handshake again(client_from, strict, 2, "localhost", full.client_handler.tickets.at(0));
    ASSERT_TRUE(again.run()) << again.server->failure();
    EXPECT_EQ(again.server->resumed(), from == &strict);
    EXPECT_FALSE(again.server->peer_certificate().empty());
  }
}

}  // namespace
}  // namespace hawser::quic
