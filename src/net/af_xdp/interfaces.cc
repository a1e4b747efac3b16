// interfaces.cc: asks by netlink, and chooses.
#include "net/af_xdp/interfaces.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "net/address.h"
#include "net/descriptor.h"

namespace hawser::net {
namespace {

NetInterface read_interface(const NetlinkMessage& message) {
  NetInterface out;
  const auto header = message.header<ifinfomsg>();
  if (!header) return out;
  out.index = static_cast<std::uint32_t>(header->ifi_index);
  out.up = (header->ifi_flags & IFF_UP) != 0;
  const Bytes name = message.attribute(sizeof(ifinfomsg), IFLA_IFNAME);
  out.name = as_text(name.first(strnlen(reinterpret_cast<const char*>(name.data()), name.size())));
  out.mtu = as_u32(message.attribute(sizeof(ifinfomsg), IFLA_MTU)).value_or(0);
  const Bytes station = message.attribute(sizeof(ifinfomsg), IFLA_ADDRESS);
  out.ethernet = header->ifi_type == ARPHRD_ETHER && station.size() == out.station.size();
  if (out.ethernet) std::ranges::copy(station, out.station.begin());
  return out;
}

void read_address(const NetlinkMessage& message, std::vector<NetInterface>& interfaces) {
  const auto header = message.header<ifaddrmsg>();
  if (!header) return;
  const auto found = std::ranges::find(interfaces, header->ifa_index, &NetInterface::index);
  // On links between two, IFA_ADDRESS is the peer's and IFA_LOCAL ours.
  Bytes ip = message.attribute(sizeof(ifaddrmsg), IFA_LOCAL);
  if (ip.empty()) ip = message.attribute(sizeof(ifaddrmsg), IFA_ADDRESS);
  if (found == interfaces.end() || (ip.size() != 4 && ip.size() != 16)) return;
  SocketAddress address;
  address.family = ip.size() == 4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  std::ranges::copy(ip, address.ip.begin());
  const bool link_local = ip.size() == 16 && ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
  if (link_local) address.scope_id = found->index;
  found->addresses.push_back(address);
}

bool is_usable(const NetInterface& interface) {
  return interface.up && interface.ethernet;
}

bool has_address(const NetInterface& interface, const SocketAddress& address) {
  return std::ranges::any_of(interface.addresses, [&](const SocketAddress& own) {
    return own.family == address.family && own.ip == address.ip &&
           (address.scope_id == 0 || address.scope_id == own.scope_id);
  });
}

std::string names_of(const std::vector<NetInterface>& interfaces) {
  std::vector<std::string_view> names;
  for (const NetInterface& interface : interfaces) {
    if (is_usable(interface)) names.push_back(interface.name);
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::unexpected<ConfigError> refusal(std::string message) {
  return std::unexpected(ConfigError{"af_xdp: " + std::move(message)});
}

}  // namespace

std::vector<NetInterface> list_interfaces(NetlinkSocket& asker) {
  std::vector<NetInterface> interfaces;
  asker.ask_all(NetlinkRequest(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), [&](const NetlinkMessage& message) {
    if (message.type == RTM_NEWLINK) interfaces.push_back(read_interface(message));
  });
  asker.ask_all(NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), [&](const NetlinkMessage& message) {
    if (message.type == RTM_NEWADDR) read_address(message, interfaces);
  });
  return interfaces;
}

std::uint32_t count_receive_queues(const std::string& interface_name) {
  const Descriptor asker(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  ifreq request{};
  std::memcpy(request.ifr_name, interface_name.data(), std::min<std::size_t>(interface_name.size(), IFNAMSIZ - 1));
  request.ifr_data = reinterpret_cast<char*>(&channels);
  if (ioctl(asker.get(), SIOCETHTOOL, &request) < 0) return 1;  // a driver without channels has one queue
  return std::max<std::uint32_t>(channels.rx_count + channels.combined_count, 1);
}

std::expected<std::vector<NetInterface>, ConfigError> choose_interfaces(const std::vector<NetInterface>& all,
                                                                        const std::vector<std::string>& names,
                                                                        const SocketAddress& local) {
  std::vector<NetInterface> chosen;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(all, name, &NetInterface::name);
    if (found == all.end()) return refusal(fmt::format("there is no interface {}; there are: {}", name, names_of(all)));
    if (!found->ethernet)
      return refusal(fmt::format("{} is no Ethernet interface; there are: {}", name, names_of(all)));
    if (!found->up) return refusal(fmt::format("{} is down; ip link set dev {} up", name, name));
    chosen.push_back(*found);
  }
  if (!chosen.empty()) return chosen;
  if (!is_unspecified(local)) {
    const auto found = std::ranges::find_if(all, [&](const NetInterface& i) { return has_address(i, local); });
    if (found == all.end() || !is_usable(*found)) {
      return refusal(fmt::format("{} is {}; take an address of {}, or --engine epoll", to_string(local),
                                 found == all.end() ? "on no interface" : "on " + found->name + ", which has no frames",
                                 names_of(all)));
    }
    return std::vector{*found};
  }
  std::ranges::copy_if(all, std::back_inserter(chosen), is_usable);
  if (chosen.size() == 1) return chosen;
  return refusal(fmt::format("{} is on every interface; name those to serve with --xdp-interface, of: {}",
                             to_string(local), names_of(all)));
}

}  // namespace hawser::net
