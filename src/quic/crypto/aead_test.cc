// aead_test.cc: goal: the backends agree, payloads may come in pieces, and nothing altered
// opens. Method: random packets over seeds, sealed with one backend, opened with the other.
#include "quic/crypto/aead.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/varint.h"
#include "quic/crypto/header_protection.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr CipherSuite kSuites[] = {CipherSuite::kAes128GcmSha256, CipherSuite::kAes256GcmSha384,
                                   CipherSuite::kChaCha20Poly1305Sha256};

Octets random_octets(Random& random, std::size_t size) {
  Octets octets(size);
  random.fill(octets);
  return octets;
}

// A plaintext cut into up to 12 pieces; each either lies elsewhere or already in place.
struct Gathered {
  Octets datagram;
  std::vector<Octets> elsewhere;
  std::vector<Bytes> pieces;
};

Gathered gather(Random& random, const Octets& plaintext) {
  Gathered g;
  g.datagram.resize(plaintext.size() + kAeadTagLength, 0xee);
  g.elsewhere.reserve(12);
  std::size_t at = 0;
  while (at < plaintext.size() || random.below(4) == 0) {
    const std::size_t left = plaintext.size() - at;
    const std::size_t size = g.pieces.size() == 11 ? left : random.below(left + 1);
    const auto from = plaintext.begin() + static_cast<std::ptrdiff_t>(at);
    if (random.below(2) == 0) {
      std::copy_n(from, size, g.datagram.begin() + static_cast<std::ptrdiff_t>(at));
      g.pieces.push_back({g.datagram.data() + at, size});
    } else {
      g.elsewhere.emplace_back(from, from + static_cast<std::ptrdiff_t>(size));
      g.pieces.push_back(g.elsewhere.back());
    }
    at += size;
    if (g.pieces.size() == 12) break;
  }
  return g;
}

TEST(aead, nonce_is_iv_xor_path_and_packet_number) {
  AeadNonce iv;
  std::ranges::copy(from_hex("6b26114b9cba2b63a9e8dd4f"), iv.begin());
  EXPECT_EQ(to_hex(packet_nonce(iv, PathId{3}, PacketNumber{54'321})), "6b2611489cba2b63a9e8097e");
  EXPECT_EQ(to_hex(packet_nonce(iv, PathId{0}, PacketNumber{0})), "6b26114b9cba2b63a9e8dd4f");
  EXPECT_EQ(to_hex(packet_nonce({}, PathId{0xffffffff}, PacketNumber{kVarintMax})), "ffffffff3fffffffffffffff");
}

TEST(aead, backends_agree_on_gathered_packets) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SeededRandom random(seed);
    for (const CipherSuite suite : kSuites) {
      const Octets key = random_octets(random, key_length(suite));
      const Octets iv = random_octets(random, kAeadIvLength);
      PacketKey fast(suite, key, iv, CryptoBackend::kIpsecMb);
      PacketKey plain(suite, key, iv, CryptoBackend::kOpenSsl);
      const Octets header = random_octets(random, 1 + random.below(60));
      const Octets plaintext = random_octets(random, random.below(seed % 3 == 0 ? 40 : 1500));
      const PathId path{random.below(3)};
      const PacketNumber pn{random.below(kVarintMax)};

      auto a = gather(random, plaintext);
      auto b = gather(random, plaintext);
      fast.seal(path, pn, header, a.pieces, a.datagram.data());
      plain.seal(path, pn, header, b.pieces, b.datagram.data());
      ASSERT_EQ(to_hex(a.datagram), to_hex(b.datagram)) << "seed " << seed << ' ' << to_string(suite);

      ASSERT_TRUE(fast.open(path, pn, header, b.datagram)) << seed;
      ASSERT_TRUE(plain.open(path, pn, header, a.datagram)) << seed;
      const Bytes opened = Bytes(a.datagram).first(plaintext.size());
      ASSERT_TRUE(equal(opened, plaintext) && equal(Bytes(b.datagram).first(plaintext.size()), plaintext)) << seed;
    }
  }
}

// Packets of a run as they go into the calls for many.
struct PacketRun {
  std::vector<Octets> headers;
  std::vector<Gathered> texts;
  std::vector<PacketToSeal> to_seal;

  // Most of a run have one size, as in a train.
  PacketRun(Random& random, std::uint64_t first_number) {
    const std::size_t count = 1 + random.below(20);
    const std::size_t usual = random.below(1'500);
    const std::size_t header = 1 + random.below(60);
    headers.reserve(count);
    texts.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      headers.push_back(random_octets(random, random.below(8) == 0 ? 1 + random.below(60) : header));
      texts.push_back(gather(random, random_octets(random, random.below(4) == 0 ? random.below(1'500) : usual)));
      to_seal.push_back({.number = PacketNumber{first_number + i},
                         .header = headers[i],
                         .plaintext = texts[i].pieces,
                         .out = texts[i].datagram.data()});
    }
  }
  std::vector<PacketToOpen> to_open() {
    std::vector<PacketToOpen> packets;
    for (std::size_t i = 0; i < texts.size(); ++i)
      packets.push_back({.number = to_seal[i].number, .header = headers[i], .sealed = texts[i].datagram});
    return packets;
  }
};

TEST(aead, runs_are_sealed_and_opened_as_packets_are_by_every_backend) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    for (const CipherSuite suite : kSuites) {
      for (const CryptoBackend backend :
           {CryptoBackend::kVaes512, CryptoBackend::kVaes, CryptoBackend::kIpsecMb, CryptoBackend::kOpenSsl}) {
        SeededRandom random(seed);
        const Octets octets = random_octets(random, key_length(suite));
        const Octets iv = random_octets(random, kAeadIvLength);
        PacketKey key(suite, octets, iv, backend);
        PacketKey plain(suite, octets, iv, CryptoBackend::kOpenSsl);
        const PathId path{random.below(3)};
        PacketRun run(random, random.below(kVarintMax / 2));
        Octets texts;
        for (const PacketToSeal& packet : run.to_seal)
          for (const Bytes piece : packet.plaintext) texts.insert(texts.end(), piece.begin(), piece.end());
        key.seal_run(path, run.to_seal);

        std::vector<PacketToOpen> packets = run.to_open();
        const std::size_t damaged = random.below(2 * packets.size());  // or none of them
        if (damaged < packets.size()) packets[damaged].sealed[random.below(packets[damaged].sealed.size())] ^= 0x10;
        const std::vector<Gathered> copies = run.texts;
        key.open_run(path, packets);
        Octets opened;
        for (std::size_t i = 0; i < packets.size(); ++i) {
          SCOPED_TRACE(std::string(to_string(backend)) + " seed " + std::to_string(seed));
          ASSERT_EQ(packets[i].opened, i != damaged) << i;
          Octets sealed = copies[i].datagram;
          ASSERT_EQ(plain.open(path, packets[i].number, packets[i].header, sealed), i != damaged) << i;
          const Bytes text = Bytes(sealed).first(sealed.size() - kAeadTagLength);
          if (i != damaged) ASSERT_TRUE(equal(text, Bytes(packets[i].sealed).first(text.size()))) << i;
          opened.insert(opened.end(), text.begin(), text.end());
        }
        if (damaged >= packets.size()) ASSERT_EQ(to_hex(opened), to_hex(texts));
      }
    }
  }
}

TEST(aead, anything_altered_does_not_open) {
  SeededRandom random(7);
  for (const CipherSuite suite : kSuites) {
    for (const auto backend : {CryptoBackend::kIpsecMb, CryptoBackend::kOpenSsl}) {
      PacketKey key(suite, random_octets(random, key_length(suite)), random_octets(random, kAeadIvLength), backend);
      Octets header = random_octets(random, 9);
      const Octets plaintext = random_octets(random, 33);
      const Bytes pieces[] = {plaintext};
      Octets sealed(plaintext.size() + kAeadTagLength);
      key.seal(PathId{1}, PacketNumber{5}, header, pieces, sealed.data());

      const auto opens = [&](PathId path, PacketNumber pn, Bytes aad, Octets octets) {
        return key.open(path, pn, aad, octets);
      };
      EXPECT_TRUE(opens(PathId{1}, PacketNumber{5}, header, sealed));
      EXPECT_FALSE(opens(PathId{2}, PacketNumber{5}, header, sealed));
      EXPECT_FALSE(opens(PathId{1}, PacketNumber{6}, header, sealed));
      EXPECT_FALSE(opens(PathId{1}, PacketNumber{5}, Bytes(header).first(8), sealed));
      for (std::size_t i = 0; i < sealed.size(); ++i) {
        Octets flipped = sealed;
        flipped[i] ^= static_cast<std::uint8_t>(1u << (i % 8));
        EXPECT_FALSE(opens(PathId{1}, PacketNumber{5}, header, flipped)) << i;
      }
      for (std::size_t size = 0; size < sealed.size(); ++size) {
        EXPECT_FALSE(opens(PathId{1}, PacketNumber{5}, header,
                           {sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(size)}));
      }
      header[0] ^= 0x80;
      EXPECT_FALSE(opens(PathId{1}, PacketNumber{5}, header, sealed));
    }
  }
}

TEST(aead, keys_move_and_empty_keys_know_it) {
  SeededRandom random(1);
  PacketKey key(CipherSuite::kAes128GcmSha256, random_octets(random, 16), random_octets(random, 12));
  PacketKey other = std::move(key);
  EXPECT_TRUE(key.empty());
  EXPECT_FALSE(other.empty());
  Octets tag(kAeadTagLength);
  other.seal(PathId{0}, PacketNumber{0}, {}, {}, tag.data());
  EXPECT_TRUE(other.open(PathId{0}, PacketNumber{0}, {}, tag));
}

TEST(aead, limits_are_those_of_rfc9001_section_6_6) {
  EXPECT_EQ(confidentiality_limit(CipherSuite::kAes128GcmSha256), 1u << 23);
  EXPECT_EQ(confidentiality_limit(CipherSuite::kAes256GcmSha384), 1u << 23);
  EXPECT_EQ(confidentiality_limit(CipherSuite::kChaCha20Poly1305Sha256), kVarintMax + 1);
  EXPECT_EQ(integrity_limit(CipherSuite::kAes128GcmSha256), std::uint64_t{1} << 52);
  EXPECT_EQ(integrity_limit(CipherSuite::kChaCha20Poly1305Sha256), std::uint64_t{1} << 36);
}

TEST(header_protection, a_train_gets_the_masks_of_its_packets_from_either_backend) {
  SeededRandom random(11);
  for (const CipherSuite suite : kSuites) {
    const Octets key = random_octets(random, key_length(suite));
    HeaderKey fast(suite, key, CryptoBackend::kAuto);
    HeaderKey plain(suite, key, CryptoBackend::kOpenSsl);
    for (const std::size_t count : {0u, 1u, 7u, 8u, 9u, 16u, 63u, 64u, 65u, 200u}) {
      const Octets octets = random_octets(random, count * kSampleLength);
      std::vector<const std::uint8_t*> samples;
      for (std::size_t i = 0; i < count; ++i) samples.push_back(octets.data() + i * kSampleLength);
      std::vector<HeaderMask> a(count), b(count);
      fast.masks(samples, a);
      plain.masks(samples, b);
      EXPECT_EQ(a, b) << to_string(suite) << ' ' << count;
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(plain.mask(samples[i]), a[i]);
    }
  }
}

TEST(header_protection, unprotect_reverts_protect_for_every_number_length) {
  SeededRandom random(3);
  for (std::uint8_t length = 1; length <= 4; ++length) {
    for (const std::uint8_t form : {std::uint8_t{0x40}, std::uint8_t{0xc0}}) {
      Octets packet = random_octets(random, 32);
      packet[0] = static_cast<std::uint8_t>(form | (length - 1));
      const Octets before = packet;
      const HeaderMask mask{0xff, 0x12, 0x34, 0x56, 0x78};
      protect(packet.data(), 9, length, mask);
      EXPECT_EQ(packet[0] & 0xe0, form);
      EXPECT_EQ(packet[0] & 0x10, form == 0x40 ? 0x10 : 0x00);  // only a short header hides bit 4
      const auto number = unprotect(packet.data(), 9, mask);
      EXPECT_EQ(packet, before);
      EXPECT_EQ(number.length, length);
      std::uint32_t expected = 0;
      for (std::size_t i = 0; i < length; ++i) expected = expected << 8 | before[9 + i];
      EXPECT_EQ(number.value, expected);
    }
  }
}

}  // namespace
}  // namespace hawser::quic
