// retry_test.cc: tests of Retry packets.
// Goal: Retry packets and their pseudo-packets are laid out as RFC 9000 section 17.2.5 and
// RFC 9001 section 5.8 say. Method: the packet of RFC 9001 appendix A.4.
#include "quic/wire/retry.h"

#include <gtest/gtest.h>

namespace hawser::quic {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr std::string_view kWithoutTag = "ff000000010008f067a5502a4262b5746f6b656e";
constexpr std::string_view kTag = "04a265ba2eff4d829058fb3f0f2496ba";

TEST(retry, writes_the_packet_of_rfc9001_a_4) {
  const Octets scid = from_hex("f067a5502a4262b5");
  const RetryToWrite retry{.dcid = {}, .scid = scid, .token = as_bytes("token"), .unused_bits = 0x0f};
  Octets packet(retry_size(retry));
  Writer out(packet);
  write_retry(out, retry);
  EXPECT_EQ(to_hex(packet), kWithoutTag);
}

TEST(retry, reads_the_packet_of_rfc9001_a_4) {
  const Octets packet = from_hex(std::string(kWithoutTag) + std::string(kTag));
  const auto header = parse_packet_header(packet, 8);
  ASSERT_TRUE(header);
  const auto retry = parse_retry(*header, packet);
  ASSERT_TRUE(retry);
  EXPECT_TRUE(retry->dcid.empty());
  EXPECT_EQ(to_hex(retry->scid), "f067a5502a4262b5");
  EXPECT_EQ(as_text(retry->token), "token");
  EXPECT_EQ(to_hex(retry->without_tag), kWithoutTag);
  EXPECT_EQ(to_hex(retry->tag), kTag);
}

// rfc9000:17.2.5.2-empty-token
TEST(retry, drops_an_empty_token) {
  const Octets packet = from_hex("ff000000010008f067a5502a4262b5" + std::string(kTag));
  const auto header = parse_packet_header(packet, 8);
  ASSERT_TRUE(header);
  EXPECT_FALSE(parse_retry(*header, packet));
}

TEST(retry, pseudo_packet_leads_with_the_original_connection_id) {
  const Octets original = from_hex("8394c8f03e515708");
  const Octets without_tag = from_hex(kWithoutTag);
  Octets pseudo(retry_pseudo_packet_size(original.size(), without_tag.size()));
  Writer out(pseudo);
  write_retry_pseudo_packet(out, original, without_tag);
  EXPECT_EQ(to_hex(pseudo), "088394c8f03e515708" + std::string(kWithoutTag));
}

}  // namespace
}  // namespace hawser::quic
