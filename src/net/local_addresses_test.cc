// Goal: the machine's addresses are read as they are, and a change is noticed. Method: messages made
// by hand, and the loopback device, which every machine has.
#include "net/local_addresses.h"

#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <poll.h>

#include "net/address.h"

namespace hawser::net {
namespace {

// A message with one attribute, as the kernel lays it out.
template <class Header>
std::vector<std::uint8_t> message_body(const Header& header, std::uint16_t type, std::vector<std::uint8_t> value) {
  std::vector<std::uint8_t> body(NLMSG_ALIGN(sizeof header) + RTA_SPACE(value.size()));
  std::memcpy(body.data(), &header, sizeof header);
  rtattr attribute{};
  attribute.rta_type = type;
  attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size()));
  std::memcpy(body.data() + NLMSG_ALIGN(sizeof header), &attribute, sizeof attribute);
  std::copy(value.begin(), value.end(), body.begin() + NLMSG_ALIGN(sizeof header) + RTA_LENGTH(0));
  return body;
}

std::optional<LocalAddress> address_with_flags(std::uint8_t flags) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_index = 3;
  header.ifa_flags = flags;
  const auto body = message_body(header, IFA_LOCAL, {192, 0, 2, 9});
  return read_address({.type = RTM_NEWADDR, .body = body});
}

std::optional<NetworkInterface> interface_with_flags(unsigned flags) {
  ifinfomsg header{};
  header.ifi_index = 3;
  header.ifi_flags = flags;
  const auto body = message_body(header, IFLA_IFNAME, {'w', 'l', '0', 0});
  return read_interface({.type = RTM_NEWLINK, .body = body});
}

TEST(local_addresses, an_address_is_ready_unless_it_is_still_being_tested) {
  ASSERT_TRUE(address_with_flags(IFA_F_PERMANENT));
  EXPECT_TRUE(address_with_flags(IFA_F_PERMANENT)->ready);
  EXPECT_EQ(address_with_flags(0)->address, ipv4_address({192, 0, 2, 9}, 0));
  EXPECT_FALSE(address_with_flags(IFA_F_TENTATIVE)->ready);
  EXPECT_FALSE(address_with_flags(IFA_F_DADFAILED)->ready);
}

TEST(local_addresses, an_interface_needs_a_carrier) {
  EXPECT_EQ(interface_with_flags(0)->name, "wl0");
  EXPECT_TRUE(interface_with_flags(IFF_UP | IFF_RUNNING)->running);
  EXPECT_FALSE(interface_with_flags(IFF_UP)->running);
  EXPECT_FALSE(interface_with_flags(IFF_RUNNING)->running);
}

TEST(local_addresses, a_virtual_interface_says_of_what_kind_it_is) {
  EXPECT_EQ(interface_with_flags(0)->kind, "");
  ifinfomsg header{};
  header.ifi_index = 3;
  const std::uint8_t kind[] = {9, 0, IFLA_INFO_KIND, 0, 'v', 'e', 't', 'h', 0, 0, 0, 0};
  const auto body = message_body(header, IFLA_LINKINFO, {std::begin(kind), std::end(kind)});
  EXPECT_EQ(read_interface({.type = RTM_NEWLINK, .body = body})->kind, "veth");
}

TEST(local_addresses, cut_messages_say_nothing) {
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  auto body = message_body(header, IFA_LOCAL, {192, 0, 2, 9});
  for (std::size_t size = 0; size + 1 < body.size(); ++size)
    EXPECT_FALSE(read_address({.type = RTM_NEWADDR, .body = Bytes(body).first(size)})) << size;
  EXPECT_FALSE(read_address({.type = RTM_DELADDR, .body = body}));
}

TEST(local_addresses, usable_takes_address_and_interface) {
  LocalNetworks networks;
  networks.addresses = {*address_with_flags(0)};
  EXPECT_FALSE(networks.usable(ipv4_address({192, 0, 2, 9}, 5)));  // of no interface
  networks.interfaces = {*interface_with_flags(IFF_UP | IFF_RUNNING)};
  EXPECT_TRUE(networks.usable(ipv4_address({192, 0, 2, 9}, 5)));
  EXPECT_FALSE(networks.usable(ipv4_address({192, 0, 2, 10}, 5)));
  networks.interfaces[0].running = false;
  EXPECT_FALSE(networks.usable(ipv4_address({192, 0, 2, 9}, 5)));
}

TEST(local_addresses, the_loopback_device_is_found_and_nothing_changes_by_looking) {
  auto opened = LocalAddresses::open();
  if (!opened) GTEST_SKIP() << opened.error().message;
  SocketAddress loopback = ipv4_address({127, 0, 0, 1}, 443);
  EXPECT_TRUE(opened->networks().usable(loopback));
  loopback.ip[3] = 77;
  EXPECT_FALSE(opened->networks().usable(loopback));
}

}  // namespace
}  // namespace hawser::net
