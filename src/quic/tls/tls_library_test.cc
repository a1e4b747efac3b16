// tls_library_test.cc: goal: our key schedule of TLS 1.3 is OpenSSL's, or both ends of our own
// handshakes would agree on something that nobody else understands. Method: the same
// derivations by both providers, of random secrets, labels and lengths.
#include "quic/tls/tls_library.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

struct Parameters {
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  std::string digest = "SHA2-256";
  std::optional<Octets> key;
  std::optional<Octets> salt;
  std::string prefix = "tls13 ";
  std::string label;
  std::optional<Octets> context;
};

// Nothing if the provider refuses.
std::optional<Octets> derive(EVP_KDF* kdf, Parameters p, std::size_t size) {
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  std::vector<OSSL_PARAM> params{
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &p.mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, p.digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, p.prefix.data(), p.prefix.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, p.label.data(), p.label.size())};
  const auto add = [&params](const char* name, std::optional<Octets>& octets) {
    if (octets) params.push_back(OSSL_PARAM_construct_octet_string(name, octets->data(), octets->size()));
  };
  add(OSSL_KDF_PARAM_KEY, p.key);
  add(OSSL_KDF_PARAM_SALT, p.salt);
  add(OSSL_KDF_PARAM_DATA, p.context);
  params.push_back(OSSL_PARAM_construct_end());
  Octets out(size);
  const bool derived = EVP_KDF_derive(context, out.data(), out.size(), params.data()) == 1;
  EVP_KDF_CTX_free(context);
  return derived ? std::optional(out) : std::nullopt;
}

class TlsLibrary : public ::testing::Test {
 protected:
  EVP_KDF* ours_ = EVP_KDF_fetch(tls_library(), OSSL_KDF_NAME_TLS1_3_KDF, kTlsProperties);
  EVP_KDF* theirs_ = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, nullptr);
  ~TlsLibrary() override {
    EVP_KDF_free(ours_);
    EVP_KDF_free(theirs_);
  }
  Octets random_octets(std::size_t size) {
    Octets octets(size);
    random_.fill(octets);
    return octets;
  }
  SeededRandom random_{1};
};

TEST_F(TlsLibrary, has_our_key_schedule_and_the_rest_of_openssl) {
  EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(ours_)), "hawser");
  EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(theirs_)), "default");
  EVP_MD* const digest = EVP_MD_fetch(tls_library(), "SHA256", kTlsProperties);
  ASSERT_NE(digest, nullptr);
  EXPECT_STREQ(OSSL_PROVIDER_get0_name(EVP_MD_get0_provider(digest)), "default");
  EVP_MD_free(digest);
}

TEST_F(TlsLibrary, expands_as_openssl_does) {
  for (int i = 0; i < 300; ++i) {
    const std::size_t hash = i % 2 == 0 ? 32 : 48;
    Parameters p{.digest = hash == 32 ? "SHA2-256" : "SHA2-384",
                 .key = random_octets(hash),
                 .label = std::string(random_.below(240), 'l')};
    if (random_.below(2) == 0) p.context = random_octets(hash);
    const std::size_t size = 1 + random_.below(random_.below(2) == 0 ? 64 : 255);
    const auto expected = derive(theirs_, p, size);
    ASSERT_TRUE(expected.has_value());
    EXPECT_EQ(derive(ours_, p, size), expected) << i;
  }
}

TEST_F(TlsLibrary, extracts_as_openssl_does) {
  for (int i = 0; i < 100; ++i) {
    const std::size_t hash = i % 2 == 0 ? 32 : 48;
    Parameters p{
        .mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY, .digest = hash == 32 ? "SHA2-256" : "SHA2-384", .label = "derived"};
    if (random_.below(3) != 0) p.key = random_octets(1 + random_.below(200));
    if (random_.below(3) != 0) p.salt = random_octets(hash);
    const auto expected = derive(theirs_, p, hash);
    ASSERT_TRUE(expected.has_value());
    EXPECT_EQ(derive(ours_, p, hash), expected) << i;
  }
}

TEST_F(TlsLibrary, refuses_what_it_does_not_know) {
  const Parameters good{.key = Octets(32, 1), .label = "key"};
  EXPECT_TRUE(derive(ours_, good, 16).has_value());
  Parameters p = good;
  p.digest = "SHA2-512";
  EXPECT_FALSE(derive(ours_, p, 16).has_value());
  p = good;
  p.prefix = "dtls13";
  EXPECT_FALSE(derive(ours_, p, 16).has_value());
  p = good;
  p.mode = EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND;
  EXPECT_FALSE(derive(ours_, p, 16).has_value());
  p = good;
  p.key.reset();
  EXPECT_FALSE(derive(ours_, p, 16).has_value());
  EXPECT_FALSE(derive(ours_, good, 256).has_value());
}

}  // namespace
}  // namespace hawser::quic
