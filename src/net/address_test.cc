// Goal: addresses survive the way to the kernel and back, and texts mean what people expect.
// Method: round trips through sockaddr_storage, and texts good and bad.
#include "net/address.h"

#include <gtest/gtest.h>

namespace hawser::net {
namespace {

TEST(net_address, reads_ipv4_ipv6_and_port_only) {
  EXPECT_EQ(to_string(*parse_address("192.0.2.1:443")), "192.0.2.1:443");
  EXPECT_EQ(to_string(*parse_address("[2001:db8::1]:8443")), "[2001:db8::1]:8443");
  const auto any = parse_address(":443");
  ASSERT_TRUE(any);
  EXPECT_EQ(any->family, AddressFamily::kIpv6);
  EXPECT_EQ(any->port, 443);
  EXPECT_TRUE(is_unspecified(*any));
}

TEST(net_address, takes_the_default_port_only_where_none_is_given) {
  EXPECT_EQ(parse_host_port("example.net", 443)->port, 443);
  EXPECT_EQ(parse_host_port("example.net:8443", 443)->port, 8443);
  EXPECT_EQ(parse_host_port("[::1]", 443)->host, "::1");
  EXPECT_FALSE(parse_host_port("example.net"));
}

TEST(net_address, refuses_bad_texts_with_a_sentence) {
  for (const char* text : {"192.0.2.1:65536", "192.0.2.1:", "192.0.2.1:4x", "::1:443", "[::1", "[::1]443", "name:443",
                           "[fe80::1%nowhere]:1", ""}) {
    const auto result = parse_address(text);
    ASSERT_FALSE(result) << text;
    EXPECT_NE(result.error().message.find(text), std::string::npos);
  }
  EXPECT_NE(parse_address("4433", 443).error().message.find("\":443\""), std::string::npos) << "a port, by its looks";
}

TEST(net_address, link_local_address_keeps_its_interface) {
  const auto address = parse_address("[fe80::1%lo]:443");
  ASSERT_TRUE(address);
  EXPECT_NE(address->scope_id, 0u);
}

TEST(net_address, survives_sockaddr_in_both_families) {
  for (const char* text : {"192.0.2.1:443", "[2001:db8::1]:8443"}) {
    const SocketAddress address = *parse_address(text);
    sockaddr_storage storage{};
    to_sockaddr(address, address.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6, storage);
    EXPECT_EQ(from_sockaddr(storage), address);
  }
}

TEST(net_address, ipv4_on_an_ipv6_socket_has_one_spelling) {
  const SocketAddress address = *parse_address("192.0.2.1:443");
  sockaddr_storage storage{};
  EXPECT_EQ(to_sockaddr(address, AF_INET6, storage), sizeof(sockaddr_in6));
  EXPECT_EQ(storage.ss_family, AF_INET6);
  EXPECT_EQ(from_sockaddr(storage), address);
  EXPECT_EQ(*parse_address("[::ffff:192.0.2.1]:443"), address);
}

TEST(net_address, source_towards_loopback_is_loopback) {
  const auto source = source_address_towards(*parse_address("127.0.0.1:9"));
  ASSERT_TRUE(source);
  EXPECT_EQ(to_string(*source), "127.0.0.1:0");
}

}  // namespace
}  // namespace hawser::net
