// aead_kernels_test.cc: goal: every AES-GCM that this CPU can run agrees with OpenSSL's in
// every octet, and refuses what OpenSSL refuses. Method: every length up to 1,100 octets and
// random ones up to 9,000, whole and in pieces, for both key sizes and headers of up to 70
// octets, with seeded contents.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "base/random.h"
#include "quic/crypto/aead.h"

namespace hawser::quic {
namespace {

constexpr PathId kPath{0};

struct Case {
  PacketKey ours;
  PacketKey theirs;
  std::vector<std::uint8_t> header;
  std::vector<std::uint8_t> text;
  std::vector<Bytes> pieces;
};

std::vector<std::uint8_t> random_octets(Random& random, std::size_t size) {
  std::vector<std::uint8_t> octets(size);
  if (size != 0) random.fill(octets);
  return octets;
}

// `pieces_count` pieces, cut anywhere; some may be empty.
std::vector<Bytes> cut(Bytes text, std::size_t pieces_count, Random& random) {
  std::vector<Bytes> pieces;
  for (std::size_t i = 1; i < pieces_count; ++i) {
    const std::size_t size = random.below(text.size() + 1);
    pieces.push_back(text.first(size));
    text = text.subspan(size);
  }
  pieces.push_back(text);
  return pieces;
}

using Kernel = std::tuple<CryptoBackend, CipherSuite>;

Case make_case(const Kernel& kernel, std::size_t size, std::size_t pieces_count, Random& random) {
  const auto [backend, suite] = kernel;
  const std::vector<std::uint8_t> key = random_octets(random, key_length(suite));
  const std::vector<std::uint8_t> iv = random_octets(random, kAeadIvLength);
  Case c{PacketKey(suite, key, iv, backend),
         PacketKey(suite, key, iv, CryptoBackend::kOpenSsl),
         random_octets(random, random.below(71)),
         random_octets(random, size),
         {}};
  c.pieces = cut(c.text, pieces_count, random);
  return c;
}

class AeadKernel : public testing::TestWithParam<Kernel> {
 protected:
  void SetUp() override {
    if (!is_available(std::get<0>(GetParam()))) GTEST_SKIP() << "this CPU or this build lacks it";
  }
};

TEST_P(AeadKernel, seals_and_opens_as_openssl_does_at_every_length) {
  SeededRandom random{1};
  for (std::size_t size = 0; size < 1'100; ++size) {
    for (const std::size_t pieces : {1, 2, 5}) {
      Case c = make_case(GetParam(), size, pieces, random);
      const PacketNumber number{random.below(std::uint64_t{1} << 62)};
      std::vector<std::uint8_t> sealed(size + kAeadTagLength);
      std::vector<std::uint8_t> expected(sealed.size());
      c.ours.seal(kPath, number, c.header, c.pieces, sealed.data());
      c.theirs.seal(kPath, number, c.header, c.pieces, expected.data());
      ASSERT_EQ(sealed, expected) << size << " octets in " << pieces << " pieces";
      ASSERT_TRUE(c.ours.open(kPath, number, c.header, sealed)) << size;
      ASSERT_TRUE(std::equal(c.text.begin(), c.text.end(), sealed.begin())) << size;
    }
  }
}

TEST_P(AeadKernel, agrees_with_openssl_on_random_lengths) {
  SeededRandom random{4};
  for (int i = 0; i < 400; ++i) {
    const std::size_t size = random.below(9'000);
    Case c = make_case(GetParam(), size, 1 + random.below(4), random);
    const PacketNumber number{random.below(std::uint64_t{1} << 62)};
    std::vector<std::uint8_t> sealed(size + kAeadTagLength);
    std::vector<std::uint8_t> expected(sealed.size());
    c.ours.seal(kPath, number, c.header, c.pieces, sealed.data());
    c.theirs.seal(kPath, number, c.header, c.pieces, expected.data());
    ASSERT_EQ(sealed, expected) << size;
    ASSERT_TRUE(c.ours.open(kPath, number, c.header, expected)) << size;
    ASSERT_TRUE(std::equal(c.text.begin(), c.text.end(), expected.begin())) << size;
  }
}

TEST_P(AeadKernel, seals_pieces_that_already_lie_in_place) {
  SeededRandom random{2};
  for (const std::size_t size : {20, 128, 300, 1'439}) {
    Case c = make_case(GetParam(), size, 1, random);
    std::vector<std::uint8_t> expected(size + kAeadTagLength);
    c.theirs.seal(kPath, PacketNumber{7}, c.header, c.pieces, expected.data());
    // The first and the last octets in place, as frame headers are; the middle elsewhere.
    std::vector<std::uint8_t> packet(size + kAeadTagLength);
    std::copy_n(c.text.begin(), 9, packet.begin());
    std::copy_n(c.text.end() - 5, 5, packet.begin() + static_cast<std::ptrdiff_t>(size) - 5);
    const Bytes pieces[] = {Bytes(packet).first(9), Bytes(c.text).subspan(9, size - 14),
                            Bytes(packet).subspan(size - 5, 5)};
    c.ours.seal(kPath, PacketNumber{7}, c.header, pieces, packet.data());
    EXPECT_EQ(packet, expected) << size;
  }
}

TEST_P(AeadKernel, refuses_every_changed_bit) {
  SeededRandom random{3};
  for (const std::size_t size : {1, 16, 131, 256}) {
    Case c = make_case(GetParam(), size, 1, random);
    std::vector<std::uint8_t> sealed(size + kAeadTagLength);
    c.ours.seal(kPath, PacketNumber{1}, c.header, c.pieces, sealed.data());
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      std::vector<std::uint8_t> changed = sealed;
      changed[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      ASSERT_FALSE(c.ours.open(kPath, PacketNumber{1}, c.header, changed)) << size << " bit " << bit;
    }
    EXPECT_FALSE(c.ours.open(kPath, PacketNumber{2}, c.header, sealed));
  }
}

INSTANTIATE_TEST_SUITE_P(
    kernels, AeadKernel,
    testing::Combine(testing::Values(CryptoBackend::kVaes512, CryptoBackend::kVaes, CryptoBackend::kIpsecMb),
                     testing::Values(CipherSuite::kAes128GcmSha256, CipherSuite::kAes256GcmSha384)),
    [](const auto& tested) {
      std::string name(to_string(std::get<0>(tested.param)));
      std::ranges::replace(name, '-', '_');
      return name + (std::get<1>(tested.param) == CipherSuite::kAes128GcmSha256 ? "_aes_128" : "_aes_256");
    });

TEST(crypto_backend, names_read_back) {
  for (const CryptoBackend backend : {CryptoBackend::kAuto, CryptoBackend::kVaes512, CryptoBackend::kVaes,
                                      CryptoBackend::kIpsecMb, CryptoBackend::kOpenSsl})
    EXPECT_EQ(crypto_backend_of(to_string(backend)), backend);
  EXPECT_EQ(crypto_backend_of("aes"), std::nullopt);
}

TEST(crypto_backend, auto_is_the_widest_that_the_cpu_has) {
  const CryptoBackend chosen = effective_backend(CryptoBackend::kAuto, CipherSuite::kAes128GcmSha256);
  EXPECT_TRUE(is_available(chosen));
  if (is_available(CryptoBackend::kVaes512)) EXPECT_EQ(chosen, CryptoBackend::kVaes512);
  EXPECT_EQ(effective_backend(CryptoBackend::kAuto, CipherSuite::kChaCha20Poly1305Sha256), CryptoBackend::kOpenSsl);
}

}  // namespace
}  // namespace hawser::quic
