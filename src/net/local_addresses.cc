// local_addresses.cc: any change has everything asked anew: changes are rare, and a machine has few
// addresses.
#include "net/local_addresses.h"

#include <linux/if_addr.h>
#include <net/if.h>

#include <algorithm>

namespace hawser::net {
namespace {

constexpr std::uint32_t group_bit(std::uint32_t group) {
  return 1u << (group - 1);
}

constexpr std::uint32_t kGroups = group_bit(RTNLGRP_LINK) | group_bit(RTNLGRP_IPV4_IFADDR) |
                                  group_bit(RTNLGRP_IPV6_IFADDR) | group_bit(RTNLGRP_IPV4_ROUTE) |
                                  group_bit(RTNLGRP_IPV6_ROUTE);

// With its final zero or without.
std::string text_of(Bytes value) {
  std::string text(reinterpret_cast<const char*>(value.data()), value.size());
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

}  // namespace

std::optional<NetworkInterface> read_interface(const NetlinkMessage& message) {
  const auto header = message.header<ifinfomsg>();
  if (message.type != RTM_NEWLINK || !header || header->ifi_index <= 0) return std::nullopt;
  NetworkInterface found{.index = static_cast<std::uint32_t>(header->ifi_index),
                         .name = {},
                         .running = (header->ifi_flags & IFF_UP) != 0 && (header->ifi_flags & IFF_RUNNING) != 0,
                         .kind = {}};
  found.name = text_of(message.attribute(sizeof(ifinfomsg), IFLA_IFNAME));
  found.kind = text_of(find_attribute(message.attribute(sizeof(ifinfomsg), IFLA_LINKINFO), IFLA_INFO_KIND));
  return found;
}

std::optional<LocalAddress> read_address(const NetlinkMessage& message) {
  const auto header = message.header<ifaddrmsg>();
  if (message.type != RTM_NEWADDR || !header) return std::nullopt;
  // On a point-to-point link IFA_ADDRESS is the other end's; IFA_LOCAL, where there is one, is ours.
  Bytes octets = message.attribute(sizeof(ifaddrmsg), IFA_LOCAL);
  if (octets.empty()) octets = message.attribute(sizeof(ifaddrmsg), IFA_ADDRESS);
  const bool v4 = header->ifa_family == AF_INET && octets.size() == 4;
  const bool v6 = header->ifa_family == AF_INET6 && octets.size() == 16;
  if (!v4 && !v6) return std::nullopt;
  // Flags past the first eight stand in an attribute of their own.
  const std::uint32_t flags =
      as_u32(message.attribute(sizeof(ifaddrmsg), IFA_FLAGS)).value_or(std::uint32_t{header->ifa_flags});
  LocalAddress found{.address = {.family = v4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6},
                     .interface = header->ifa_index,
                     .ready = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) == 0};
  std::copy(octets.begin(), octets.end(), found.address.ip.begin());
  return found;
}

bool LocalNetworks::usable(const SocketAddress& address) const {
  return std::ranges::any_of(addresses, [&](const LocalAddress& local) {
    if (!local.ready || local.address.family != address.family || local.address.ip != address.ip) return false;
    return std::ranges::any_of(interfaces, [&](const NetworkInterface& interface) {
      return interface.index == local.interface && interface.running;
    });
  });
}

std::expected<LocalAddresses, ConfigError> LocalAddresses::open() {
  HAWSER_TRY(NetlinkSocket changes, NetlinkSocket::open(kGroups));
  HAWSER_TRY(NetlinkSocket questions, NetlinkSocket::open());
  LocalAddresses opened(std::move(changes), std::move(questions));
  opened.ask();
  return opened;
}

bool LocalAddresses::refresh() {
  bool changed = false;
  const bool complete = changes_.read_changes([&](const NetlinkMessage&) { changed = true; });
  if (!changed && complete) return false;
  ask();
  return true;
}

void LocalAddresses::ask() {
  LocalNetworks found;
  const bool links = questions_.ask_all(NetlinkRequest(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}), [&](const auto& message) {
    if (auto interface = read_interface(message)) found.interfaces.push_back(*std::move(interface));
  });
  const bool addresses =
      questions_.ask_all(NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}), [&](const auto& message) {
        if (const auto address = read_address(message)) found.addresses.push_back(*address);
      });
  // Cut short, it would say that addresses are gone.
  if (links && addresses) networks_ = std::move(found);
}

}  // namespace hawser::net
