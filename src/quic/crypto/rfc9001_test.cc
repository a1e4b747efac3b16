// rfc9001_test.cc: goal: key derivation and protection agree with RFC 9001 octet for octet.
// Method: every vector of appendix A, both directions, with each backend.
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "quic/crypto/packet_protection.h"
#include "quic/crypto/retry_tag.h"
#include "quic/crypto/rfc9001_vectors.h"

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

class Rfc9001 : public testing::TestWithParam<CryptoBackend> {};

// Seals and protects one packet as a sender does.
Octets protected_packet(DirectionKeys& keys, PacketNumber pn, std::size_t pn_length, Bytes header, Bytes payload) {
  Octets packet(header.begin(), header.end());
  packet.resize(header.size() + payload.size() + kAeadTagLength);
  const Bytes pieces[] = {payload};
  keys.packet.seal(kInitialPathId, pn, header, pieces, packet.data() + header.size());
  const std::size_t pn_offset = header.size() - pn_length;
  protect(packet.data(), pn_offset, pn_length, keys.header.mask(packet.data() + pn_offset + kSampleOffset));
  return packet;
}

// Removes both protections as a receiver does; empty if the tag is wrong.
Octets opened_payload(DirectionKeys& keys, PacketNumber pn, std::size_t pn_offset, Octets packet) {
  const auto number = unprotect(packet.data(), pn_offset, keys.header.mask(packet.data() + pn_offset + kSampleOffset));
  const std::size_t header_size = pn_offset + number.length;
  const MutableBytes sealed = MutableBytes(packet).subspan(header_size);
  if (!keys.packet.open(kInitialPathId, pn, Bytes(packet).first(header_size), sealed)) return {};
  return {sealed.begin(), sealed.end() - kAeadTagLength};
}

// rfc9001:5.2-expand-label
TEST(rfc9001_keys, a1_derives_initial_secrets_and_keys) {
  const auto secrets = initial_secrets(v1_key_table(), from_hex(rfc9001::kDcid));
  EXPECT_EQ(to_hex(secrets.client.view()), "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea");
  EXPECT_EQ(to_hex(secrets.server.view()), "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b");
  const KeyMaterial client(v1_key_table(), kInitialSuite, secrets.client.view());
  EXPECT_EQ(to_hex(client.key()), "1f369613dd76d5467730efcbe3b1a22d");
  EXPECT_EQ(to_hex(client.iv()), "fa044b2f42a3fd3b46fb255c");
  EXPECT_EQ(to_hex(client.hp()), "9f50449e04a0e810283a1e9933adedd2");
  const KeyMaterial server(v1_key_table(), kInitialSuite, secrets.server.view());
  EXPECT_EQ(to_hex(server.key()), "cf3a5331653c364c88f0f379b6067e37");
  EXPECT_EQ(to_hex(server.iv()), "0ac1493ca1905853b0bba03e");
  EXPECT_EQ(to_hex(server.hp()), "c206b8d9b9f0f37644430b490eeaa314");
}

TEST(rfc9001_keys, a1_extracts_the_initial_secret) {
  const auto secret = hkdf_extract(kInitialSuite, v1_key_table().initial_salt, from_hex(rfc9001::kDcid));
  EXPECT_EQ(to_hex(secret.view()), "7db5df06e7a69e432496adedb00851923595221596ae2ae9fb8115c1e9ed0a44");
}

TEST(rfc9001_keys, extract_and_expand_take_empty_inputs) {
  // RFC 5869 appendix A.3: zero-length salt.
  const Octets ikm(22, 0x0b);
  EXPECT_EQ(to_hex(hkdf_extract(kInitialSuite, {}, ikm).view()),
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
  EXPECT_EQ(hkdf_extract(CipherSuite::kAes256GcmSha384, {}, {}).length(), 48u);
}

TEST(rfc9001_keys, unknown_versions_have_no_keys) {
  EXPECT_EQ(version_key_table(Version::kV1), &v1_key_table());
  EXPECT_EQ(version_key_table(static_cast<Version>(0x1a2a3a4a)), nullptr);
}

// rfc9001:5.4.1-hp-specified
TEST_P(Rfc9001, a2_client_initial) {
  auto client = initial_keys(v1_key_table(), Role::kClient, from_hex(rfc9001::kDcid), GetParam());
  auto server = initial_keys(v1_key_table(), Role::kServer, from_hex(rfc9001::kDcid), GetParam());
  auto payload = from_hex(rfc9001::kClientInitialFrames);
  payload.resize(1162);
  const auto packet =
      protected_packet(client.write, PacketNumber{2}, 4, from_hex(rfc9001::kClientInitialHeader), payload);
  EXPECT_EQ(to_hex(packet), to_hex(from_hex(rfc9001::kClientInitialPacket)));
  EXPECT_EQ(opened_payload(server.read, PacketNumber{2}, 18, packet), payload);
}

TEST_P(Rfc9001, a3_server_initial) {
  auto client = initial_keys(v1_key_table(), Role::kClient, from_hex(rfc9001::kDcid), GetParam());
  auto server = initial_keys(v1_key_table(), Role::kServer, from_hex(rfc9001::kDcid), GetParam());
  const auto payload = from_hex(rfc9001::kServerInitialFrames);
  const auto packet =
      protected_packet(server.write, PacketNumber{1}, 2, from_hex(rfc9001::kServerInitialHeader), payload);
  EXPECT_EQ(to_hex(packet), to_hex(from_hex(rfc9001::kServerInitialPacket)));
  EXPECT_EQ(opened_payload(client.read, PacketNumber{1}, 18, packet), payload);
}

// rfc9000:17.2.5.2-tag
TEST(rfc9001_retry, a4_tag_is_made_and_verified) {
  const ConnectionId dcid(from_hex(rfc9001::kDcid));
  auto retry = from_hex(rfc9001::kRetryPacket);
  const auto tag = retry_integrity_tag(v1_key_table(), dcid, Bytes(retry).first(retry.size() - kAeadTagLength));
  EXPECT_EQ(to_hex(tag), "04a265ba2eff4d829058fb3f0f2496ba");
  EXPECT_TRUE(verify_retry_integrity_tag(v1_key_table(), dcid, retry));
  EXPECT_FALSE(verify_retry_integrity_tag(v1_key_table(), ConnectionId(from_hex("8394c8f03e515709")), retry));
  for (std::size_t i = 0; i < retry.size(); ++i) {
    retry[i] ^= 1;
    EXPECT_FALSE(verify_retry_integrity_tag(v1_key_table(), dcid, retry)) << i;
    retry[i] ^= 1;
  }
  EXPECT_FALSE(verify_retry_integrity_tag(v1_key_table(), dcid, Bytes(retry).first(15)));
}

TEST_P(Rfc9001, a5_chacha20_short_header) {
  const auto secret = from_hex(rfc9001::kChaChaSecret);
  constexpr auto kSuite = CipherSuite::kChaCha20Poly1305Sha256;
  const KeyMaterial material(v1_key_table(), kSuite, secret);
  EXPECT_EQ(to_hex(material.key()), to_hex(from_hex(rfc9001::kChaChaKey)));
  EXPECT_EQ(to_hex(material.iv()), to_hex(from_hex(rfc9001::kChaChaIv)));
  EXPECT_EQ(to_hex(material.hp()), to_hex(from_hex(rfc9001::kChaChaHp)));
  EXPECT_EQ(to_hex(next_generation_secret(v1_key_table(), kSuite, secret).view()),
            to_hex(from_hex(rfc9001::kChaChaKu)));

  DirectionKeys keys(v1_key_table(), kSuite, secret, GetParam());
  const Octets ping{0x01};
  const auto packet = protected_packet(keys, PacketNumber{654'360'564}, 3, from_hex("4200bff4"), ping);
  EXPECT_EQ(to_hex(packet), rfc9001::kChaChaPacket);
  EXPECT_EQ(opened_payload(keys, PacketNumber{654'360'564}, 1, packet), ping);
}

INSTANTIATE_TEST_SUITE_P(backends, Rfc9001,
                         testing::Values(CryptoBackend::kVaes, CryptoBackend::kIpsecMb, CryptoBackend::kOpenSsl),
                         [](const auto& tested) {
                           return tested.param == CryptoBackend::kVaes      ? "vaes"
                                  : tested.param == CryptoBackend::kIpsecMb ? "ipsec_mb"
                                                                            : "openssl";
                         });

}  // namespace
}  // namespace hawser::quic
