// Goal: a route is what the kernel would do, and is forgotten when the kernel would do something
// else. Method: a veth pair whose neighbours and routes the test changes; skipped without root.
#include "net/af_xdp/route_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "net/af_xdp/interfaces.h"
#include "net/af_xdp/testing_veth.h"

namespace hawser::net {
namespace {

constexpr MacAddress kStation{2, 0, 0, 0, 0, 0x42};

class net_route_table : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = Veth::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    veth_.emplace();
    table_ = place().in([] { return std::move(*RouteTable::open()); });
  }

  const NameSpace& place() { return veth_->a; }
  const Route* find(std::string_view remote, std::string_view local = "") {
    FourTuple tuple{.remote = *parse_address(remote)};
    if (!local.empty()) tuple.local = *parse_address(local);
    return table_->find(tuple);
  }
  // Changes something, and has the table hear of it.
  void change(const std::string& words) {
    place().ip(words);
    table_->read_changes();
  }

  std::optional<Veth> veth_;
  std::unique_ptr<RouteTable> table_;
};

TEST_F(net_route_table, station_that_is_not_known_is_the_kernels) {
  EXPECT_EQ(find("10.9.0.42:1"), nullptr);
  change("neigh add 10.9.0.42 lladdr 02:00:00:00:00:42 dev va nud permanent");
  const Route* route = find("10.9.0.42:1");
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->next_station, kStation);
  EXPECT_EQ(route->source, *parse_address("10.9.0.1:0"));
  change("neigh del 10.9.0.42 dev va");
  EXPECT_EQ(find("10.9.0.42:1"), nullptr);
}

TEST_F(net_route_table, gateway_is_the_station_of_what_is_behind_it) {
  change("neigh add 10.9.0.42 lladdr 02:00:00:00:00:42 dev va nud permanent");
  EXPECT_EQ(find("198.51.100.7:1"), nullptr);  // nowhere
  change("route add 198.51.100.0/24 via 10.9.0.42 hoplimit 9");
  const Route* route = find("198.51.100.7:1");
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->next_station, kStation);
  EXPECT_EQ(route->hop_limit, 9);
  change("route del 198.51.100.0/24");
  EXPECT_EQ(find("198.51.100.7:1"), nullptr);
}

TEST_F(net_route_table, works_for_ipv6_and_its_link_local_addresses) {
  change("neigh add fd00:9::42 lladdr 02:00:00:00:00:42 dev va nud permanent");
  change("neigh add fe80::42 lladdr 02:00:00:00:00:42 dev va nud permanent");
  ASSERT_NE(find("[fd00:9::42]:1"), nullptr);
  EXPECT_EQ(find("[fd00:9::42]:1")->source, *parse_address("[fd00:9::1]:0"));
  NetlinkSocket asker = place().in([] { return std::move(*NetlinkSocket::open()); });
  const auto interfaces = list_interfaces(asker);
  FourTuple tuple{.remote = *parse_address("[fe80::42]:1")};
  tuple.remote.scope_id = std::ranges::find(interfaces, "va", &NetInterface::name)->index;
  ASSERT_NE(table_->find(tuple), nullptr);
  EXPECT_EQ(table_->find(tuple)->next_station, kStation);
}

TEST_F(net_route_table, a_source_that_is_not_ours_has_no_route) {
  change("neigh add 10.9.0.42 lladdr 02:00:00:00:00:42 dev va nud permanent");
  EXPECT_NE(find("10.9.0.42:1", "10.9.0.1:5"), nullptr);
  EXPECT_EQ(find("10.9.0.42:1", "10.9.0.200:5"), nullptr);
}

TEST_F(net_route_table, ourselves_and_groups_are_the_kernels) {
  for (const auto* address : {"10.9.0.1:1", "127.0.0.1:1", "10.9.0.255:1", "224.0.0.1:1", "[fd00:9::1]:1", "[::1]:1"}) {
    EXPECT_EQ(find(address), nullptr) << address;
  }
}

TEST_F(net_route_table, stale_station_is_used_once_the_kernel_was_given_a_datagram) {
  change("neigh add 10.9.0.42 lladdr 02:00:00:00:00:42 dev va nud stale");
  EXPECT_EQ(find("10.9.0.42:1"), nullptr);
  EXPECT_NE(find("10.9.0.42:1"), nullptr);
  change("neigh change 10.9.0.42 lladdr 02:00:00:00:00:43 dev va nud reachable");
  ASSERT_NE(find("10.9.0.42:1"), nullptr);
  EXPECT_EQ(find("10.9.0.42:1")->next_station[5], 0x43);
}

TEST_F(net_route_table, forgets_all_when_it_knows_too_many) {
  change("neigh add 10.9.0.42 lladdr 02:00:00:00:00:42 dev va nud permanent");
  change("route add 198.18.0.0/15 via 10.9.0.42");
  for (std::size_t i = 0; i <= kRoutesMax; ++i) {
    FourTuple tuple{.remote =
                        ipv4_address({198, 18, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}, 1)};
    ASSERT_NE(table_->find(tuple), nullptr) << i;
    ASSERT_LE(table_->size(), kRoutesMax);
  }
  EXPECT_EQ(table_->size(), 1u);
}

TEST_F(net_route_table, tells_when_addresses_change) {
  place().ip("addr add 10.9.0.7/24 dev va");
  EXPECT_TRUE(table_->read_changes().interfaces);
  EXPECT_FALSE(table_->read_changes().interfaces);
  place().ip("neigh add 10.9.0.42 lladdr 02:00:00:00:00:42 dev va nud permanent");
  EXPECT_FALSE(table_->read_changes().interfaces);
}

}  // namespace
}  // namespace hawser::net
