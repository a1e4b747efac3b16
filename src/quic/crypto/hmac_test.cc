// hmac_test.cc: goal: HMAC and the hash of nothing are what OpenSSL's EVP says they are.
// Method: keys and messages of every length around block and hash, in pieces, beside EVP_MAC.
#include "quic/crypto/hmac.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <vector>

#include "base/random.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

const char* digest_of(std::size_t hash_length) {
  return hash_length == 32 ? "SHA256" : "SHA384";
}

Octets by_evp(std::size_t hash_length, const Octets& key, const Octets& message) {
  Octets out(hash_length);
  std::size_t size = 0;
  const std::uint8_t none = 0;
  EXPECT_NE(
      EVP_Q_mac(nullptr, "HMAC", nullptr, digest_of(hash_length), nullptr, key.empty() ? &none : key.data(), key.size(),
                message.empty() ? &none : message.data(), message.size(), out.data(), out.size(), &size),
      nullptr);
  return out;
}

TEST(hmac, equals_evp_for_every_length_of_key_and_message) {
  SeededRandom random(1);
  for (const std::size_t hash_length : {std::size_t{32}, std::size_t{48}}) {
    for (const std::size_t key_size : {0, 1, 32, 48, 63, 64, 65, 127, 128, 129, 300}) {
      Octets key(key_size);
      random.fill(key);
      const HmacKey hmac(hash_length, key);
      for (std::size_t size = 0; size < 300; size += 1 + size / 8) {
        Octets message(size);
        random.fill(message);
        const std::size_t cut = size == 0 ? 0 : random.below(size);
        const Bytes pieces[] = {Bytes(message).first(cut), {}, Bytes(message).subspan(cut)};
        Octets out(hash_length);
        hmac.compute(pieces, out);
        ASSERT_EQ(out, by_evp(hash_length, key, message)) << hash_length << " " << key_size << " " << size;
      }
    }
  }
}

TEST(hmac, result_may_replace_a_piece) {
  const HmacKey hmac(32, Octets(32, 1));
  Octets block(32, 2);
  const Octets expected = by_evp(32, Octets(32, 1), block);
  const Bytes pieces[] = {block};
  hmac.compute(pieces, block);
  EXPECT_EQ(block, expected);
}

TEST(hmac, hash_of_nothing_is_the_digest_of_an_empty_message) {
  for (const std::size_t hash_length : {std::size_t{32}, std::size_t{48}}) {
    Octets digest(hash_length);
    std::size_t size = 0;
    ASSERT_EQ(EVP_Q_digest(nullptr, digest_of(hash_length), nullptr, "", 0, digest.data(), &size), 1);
    EXPECT_TRUE(equal(hash_of_nothing(hash_length), digest));
  }
}

}  // namespace
}  // namespace hawser::quic
