// rfc9369_test.cc: goal: the keys of QUIC version 2 are those of RFC 9369 appendix A. Method: the
// appendix's values, and a Retry tag that only its own version verifies.
#include <gtest/gtest.h>

#include "quic/crypto/key_schedule.h"
#include "quic/crypto/retry_tag.h"

namespace hawser::quic {
namespace {

const VersionKeyTable& v2() {
  return *version_key_table(Version::kV2);
}

// rfc9369:3-like-v1
TEST(rfc9369, a1_initial_keys) {
  const auto secrets = initial_secrets(v2(), from_hex("8394c8f03e515708"));
  const KeyMaterial client(v2(), kInitialSuite, secrets.client.view());
  EXPECT_EQ(to_hex(client.key()), "8b1a0bc121284290a29e0971b5cd045d");
  EXPECT_EQ(to_hex(client.iv()), "91f73e2351d8fa91660e909f");
  EXPECT_EQ(to_hex(client.hp()), "45b95e15235d6f45a6b19cbcb0294ba9");
  const KeyMaterial server(v2(), kInitialSuite, secrets.server.view());
  EXPECT_EQ(to_hex(server.key()), "82db637861d55e1d011f19ea71d5d2a7");
  EXPECT_EQ(to_hex(server.iv()), "dd13c276499c0249d3310652");
  EXPECT_EQ(to_hex(server.hp()), "edf6d05c83121201b436e16877593c3a");
}

TEST(rfc9369, a4_retry_tag) {
  const ConnectionId dcid(from_hex("8394c8f03e515708"));
  const auto retry = from_hex("cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6");
  EXPECT_TRUE(verify_retry_integrity_tag(v2(), dcid, retry));
  EXPECT_FALSE(verify_retry_integrity_tag(v1_key_table(), dcid, retry));
}

TEST(rfc9369, every_version_has_keys_of_its_own) {
  const auto dcid = from_hex("8394c8f03e515708");
  std::vector<std::string> seen;
  for (const Version version : {Version::kV1, Version::kV2, Version::kV2Draft}) {
    const auto* table = version_key_table(version);
    ASSERT_NE(table, nullptr);
    EXPECT_EQ(table->version, version);
    seen.push_back(to_hex(initial_secrets(*table, dcid).client.view()));
  }
  EXPECT_TRUE(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
}

}  // namespace
}  // namespace hawser::quic
