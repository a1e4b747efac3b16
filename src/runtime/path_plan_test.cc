// Goal: the paths that a client wants follow the interfaces there are and what the user says of them. Method: made-up
// networks of a laptop with Ethernet, WiFi and a modem.
#include "runtime/path_plan.h"

#include <gtest/gtest.h>

#include "net/address.h"

namespace hawser::runtime {
namespace {

SocketAddress ip(const char* text) {
  return net::parse_ip(text);
}

const SocketAddress kServer4 = ip("192.0.2.1");
const SocketAddress kServer6 = ip("2001:db8::1");

net::LocalNetworks laptop() {
  return {.interfaces = {{.index = 1, .name = "lo", .running = true},
                         {.index = 2, .name = "eth0", .running = false},
                         {.index = 3, .name = "wlan0", .running = true},
                         {.index = 4, .name = "wwan0", .running = true}},
          .addresses = {{.address = ip("127.0.0.1"), .interface = 1, .ready = true},
                        {.address = ip("::1"), .interface = 1, .ready = true},
                        {.address = ip("198.51.100.2"), .interface = 2, .ready = true},
                        {.address = ip("fe80::3"), .interface = 3, .ready = true},
                        {.address = ip("2001:db8:3::3"), .interface = 3, .ready = false},
                        {.address = ip("10.0.3.3"), .interface = 3, .ready = true},
                        {.address = ip("10.0.3.4"), .interface = 3, .ready = true},
                        {.address = ip("10.0.4.4"), .interface = 4, .ready = true},
                        {.address = ip("2001:db8:4::4"), .interface = 4, .ready = true}}};
}

std::vector<std::string> names(const std::vector<WantedPath>& wanted) {
  std::vector<std::string> all;
  for (const WantedPath& path : wanted)
    all.push_back(path.interface.name + " " + to_string(path.local) + (path.backup ? " backup" : ""));
  return all;
}
using Names = std::vector<std::string>;

TEST(path_plan, wants_every_interface_that_is_up_but_the_loopback) {
  EXPECT_EQ(names(wanted_paths(laptop(), {}, kServer4)), (Names{"wlan0 10.0.3.3:0", "wwan0 10.0.4.4:0"}));
}

TEST(path_plan, leaves_out_tunnels_unless_they_are_named) {
  net::LocalNetworks networks = laptop();
  networks.interfaces[2].kind = "wireguard";
  EXPECT_EQ(names(wanted_paths(networks, {}, kServer4)), (Names{"wwan0 10.0.4.4:0"}));
  EXPECT_EQ(names(wanted_paths(networks, {.interfaces = {{.name = "wlan0"}}}, kServer4)), (Names{"wlan0 10.0.3.3:0"}));
}

TEST(path_plan, asks_the_routes_where_the_user_named_no_interface) {
  auto routes = net::RouteQuery::open();
  ASSERT_TRUE(routes.has_value());
  net::LocalNetworks networks = laptop();
  // Numbers that this machine does not have: nothing leads anywhere.
  for (net::NetworkInterface& interface : networks.interfaces) interface.index += 1'000'000;
  for (net::LocalAddress& address : networks.addresses) address.interface += 1'000'000;
  EXPECT_EQ(names(wanted_paths(networks, {}, kServer4, &*routes)), Names{});
  EXPECT_EQ(names(wanted_paths(networks, {.interfaces = {{.name = "wlan0"}}}, kServer4, &*routes)),
            (Names{"wlan0 10.0.3.3:0"}));
}

TEST(path_plan, takes_addresses_of_the_servers_family_that_are_ready) {
  EXPECT_EQ(names(wanted_paths(laptop(), {}, kServer6)), (Names{"wwan0 [2001:db8:4::4]:0"}));
}

TEST(path_plan, follows_the_users_order_and_leaves_out_what_is_down_or_missing) {
  const PathOptions options{.interfaces = {{.name = "wwan0"}, {.name = "eth0"}, {.name = "tun9"}, {.name = "wlan0"}}};
  EXPECT_EQ(names(wanted_paths(laptop(), options, kServer4)), (Names{"wwan0 10.0.4.4:0", "wlan0 10.0.3.3:0"}));
}

TEST(path_plan, failover_keeps_all_but_the_first_that_is_up) {
  const PathOptions options{.interfaces = {{.name = "eth0"}, {.name = "wlan0"}, {.name = "wwan0"}},
                            .use = PathUse::kFailover};
  EXPECT_EQ(names(wanted_paths(laptop(), options, kServer4)), (Names{"wlan0 10.0.3.3:0", "wwan0 10.0.4.4:0 backup"}));
  net::LocalNetworks at_home = laptop();
  at_home.interfaces[1].running = true;
  EXPECT_EQ(names(wanted_paths(at_home, options, kServer4)),
            (Names{"eth0 198.51.100.2:0", "wlan0 10.0.3.3:0 backup", "wwan0 10.0.4.4:0 backup"}));
}

TEST(path_plan, an_interface_named_twice_gets_two_paths) {
  const PathOptions options{.interfaces = {{.name = "lo"}, {.name = "lo"}}};
  EXPECT_EQ(names(wanted_paths(laptop(), options, ip("127.0.0.1"))), (Names{"lo 127.0.0.1:0", "lo 127.0.0.1:0"}));
}

// "10.0.3.3:0 after 100 ms"; of the first no time is said.
Names starts(const PathOptions& options, const net::LocalNetworks& networks) {
  Names all;
  for (const net::StartingPlace& place : starting_places(wanted_paths(networks, options, kServer4)))
    all.push_back(to_string(place.local) +
                  (all.empty() ? "" : " after " + std::to_string(static_cast<int>(to_ms(place.after))) + " ms"));
  return all;
}

TEST(path_plan, a_connection_begins_over_one_network_and_soon_over_the_next) {
  net::LocalNetworks networks = laptop();
  networks.interfaces[1].running = true;
  EXPECT_EQ(starts({}, networks), (Names{"198.51.100.2:0", "10.0.3.3:0 after 100 ms", "10.0.4.4:0 after 100 ms"}));
  EXPECT_EQ(starts({.interfaces = {{.name = "wwan0"}}}, networks), (Names{"10.0.4.4:0"}));
  EXPECT_EQ(starts({.interfaces = {{.name = "tun9"}}}, networks), Names{});
}

TEST(path_plan, a_connection_begins_late_over_what_costs_more_or_is_a_backup) {
  net::LocalNetworks networks = laptop();
  networks.interfaces[1].running = true;
  EXPECT_EQ(starts({.interfaces = {{.name = "wlan0"}, {.name = "wwan0", .cost = 1}, {.name = "eth0"}}}, networks),
            (Names{"10.0.3.3:0", "198.51.100.2:0 after 100 ms", "10.0.4.4:0 after 250 ms"}));
  EXPECT_EQ(starts({.interfaces = {{.name = "wlan0", .backup = true}, {.name = "eth0"}}}, networks),
            (Names{"198.51.100.2:0", "10.0.3.3:0 after 250 ms"}));
  EXPECT_EQ(starts({.interfaces = {{.name = "wlan0"}, {.name = "eth0"}}, .use = PathUse::kFailover}, networks),
            (Names{"10.0.3.3:0", "198.51.100.2:0 after 250 ms"}));
}

TEST(path_plan, an_interface_named_twice_is_one_network_to_begin_over) {
  EXPECT_EQ(starts({.interfaces = {{.name = "wlan0"}, {.name = "wlan0"}}}, laptop()), (Names{"10.0.3.3:0"}));
}

TEST(path_plan, reads_what_a_user_says_of_an_interface) {
  const auto read = parse_path_interface("wwan0:cost=3:weight=4:backup");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, "wwan0");
  EXPECT_EQ(read->cost, 3u);
  EXPECT_EQ(read->weight, 4u);
  EXPECT_TRUE(read->backup);
  EXPECT_FALSE(parse_path_interface("wlan0")->backup);
}

TEST(path_plan, says_what_is_wrong_with_it) {
  EXPECT_EQ(parse_path_interface("wwan0:costs=3").error().message,
            "path 'wwan0:costs=3': 'costs=3' is none of backup, weight=N, cost=N");
  EXPECT_EQ(parse_path_interface("eth0:weight=0").error().message, "path 'eth0:weight=0': weight takes 1 to 1000");
  EXPECT_EQ(parse_path_interface("eth0:cost=many").error().message, "path 'eth0:cost=many': cost takes 0 to 1000");
  EXPECT_EQ(parse_path_interface(":backup").error().message,
            "path ':backup': name an interface, such as wlan0 (ip link shows them)");
}

// The server schedules downloads: what the client's own scheduler thinks of a cost does not reach it, a backup does.
TEST(path_plan, what_costs_more_is_a_backup_while_something_cheaper_is_up) {
  const auto backups = [](const net::LocalNetworks& networks, std::vector<PathInterface> interfaces) {
    std::vector<std::string> names;
    for (const WantedPath& path : wanted_paths(networks, {.interfaces = std::move(interfaces)}, kServer4))
      if (path.backup) names.push_back(path.interface.name);
    return names;
  };
  const PathInterface wlan{.name = "wlan0"}, wwan{.name = "wwan0", .cost = 1}, lost{.name = "tun9"};
  EXPECT_EQ(backups(laptop(), {wlan, wwan}), Names{"wwan0"});
  EXPECT_EQ(backups(laptop(), {wwan, wlan}), Names{"wwan0"});
  EXPECT_EQ(backups(laptop(), {lost, wwan}), Names{}) << "nothing cheaper is up";
  EXPECT_EQ(backups(laptop(), {{.name = "wlan0", .cost = 5}, wwan}), Names{"wlan0"});
  EXPECT_EQ(backups(laptop(), {{.name = "wlan0", .backup = true}, wwan}), Names{"wlan0"});
}

TEST(path_plan, copies_need_two_interfaces_of_one_cost) {
  const auto verdict = [](std::vector<PathInterface> interfaces, PathUse use = PathUse::kRedundant) {
    return check_copies({.interfaces = std::move(interfaces), .use = use});
  };
  const PathInterface cheap{.name = "wlan0"}, other{.name = "eth0"}, metered{.name = "wwan0", .cost = 1},
      backup{.name = "usb0", .backup = true};
  EXPECT_TRUE(verdict({}));
  EXPECT_TRUE(verdict({cheap, other}));
  EXPECT_TRUE(verdict({cheap, other, metered, backup}));
  EXPECT_TRUE(verdict({cheap, metered}, PathUse::kAggregate));
  ASSERT_FALSE(verdict({metered, cheap}));
  EXPECT_NE(verdict({metered, cheap}).error().message.find("over wlan0 alone"), std::string::npos);
  EXPECT_FALSE(verdict({cheap, backup}));
}

TEST(path_plan, reads_what_paths_are_for) {
  EXPECT_EQ(parse_path_use("failover"), PathUse::kFailover);
  EXPECT_EQ(parse_path_use("aggregate"), PathUse::kAggregate);
  EXPECT_EQ(parse_path_use("redundant"), PathUse::kRedundant);
  EXPECT_EQ(parse_path_use("bonded"), std::nullopt);
}

}  // namespace
}  // namespace hawser::runtime
