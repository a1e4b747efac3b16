// route_table.cc: RTM_GETROUTE and RTM_GETNEIGH for what is asked, the kernel's multicast groups
// for what has become of it.
#include "net/af_xdp/route_table.h"

#include <linux/neighbour.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/check.h"

namespace hawser::net {
namespace {

constexpr std::uint32_t group(unsigned number) {
  return 1u << (number - 1);
}
constexpr std::uint32_t kGroups = group(RTNLGRP_LINK) | group(RTNLGRP_NEIGH) | group(RTNLGRP_IPV4_IFADDR) |
                                  group(RTNLGRP_IPV6_IFADDR) | group(RTNLGRP_IPV4_ROUTE) | group(RTNLGRP_IPV6_ROUTE) |
                                  group(RTNLGRP_IPV4_RULE) | group(RTNLGRP_IPV6_RULE);

constexpr std::uint16_t kConfirmedStates = NUD_REACHABLE | NUD_PERMANENT | NUD_NOARP | NUD_DELAY | NUD_PROBE;

std::uint8_t family_of(const SocketAddress& address) {
  return address.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
}

SocketAddress address_from(Bytes ip) {
  SocketAddress address;
  if (ip.size() != 4 && ip.size() != 16) return address;
  address.family = ip.size() == 4 ? AddressFamily::kIpv4 : AddressFamily::kIpv6;
  std::ranges::copy(ip, address.ip.begin());
  return address;
}

bool is_set(const SocketAddress& address) {
  return address.family != AddressFamily::kNone &&
         std::ranges::any_of(address.ip, [](std::uint8_t octet) { return octet != 0; });
}

}  // namespace

RouteTable::RouteTable(NetlinkSocket asker, NetlinkSocket changes)
    : asker_(std::move(asker)), changes_(std::move(changes)), entries_([] {
        // Peers choose addresses, so the hash is keyed.
        KeyHash hash{};
        HAWSER_CHECK(getrandom(hash.key, sizeof hash.key, 0) == sizeof hash.key);
        return hash;
      }()) {}

std::expected<std::unique_ptr<RouteTable>, ConfigError> RouteTable::open() {
  HAWSER_TRY(NetlinkSocket asker, NetlinkSocket::open());
  HAWSER_TRY(NetlinkSocket changes, NetlinkSocket::open(kGroups));
  return std::unique_ptr<RouteTable>(new RouteTable(std::move(asker), std::move(changes)));
}

const Route* RouteTable::find(const FourTuple& tuple) {
  Key key{.remote = tuple.remote.ip,
          .scope_id = tuple.remote.scope_id,
          .family = static_cast<std::uint32_t>(tuple.remote.family)};
  if (tuple.local.family == tuple.remote.family) key.local = tuple.local.ip;
  Entry* entry = entries_.find(key);
  if (entry == nullptr) {
    if (entries_.size() >= kRoutesMax) entries_.clear();
    entries_.insert(key, Entry{});
    entry = entries_.find(key);
  }
  if (entry->state == State::kForgotten) *entry = resolve(tuple);
  switch (entry->state) {
    case State::kUsable:
      return &entry->route;
    case State::kUnconfirmed:
      entry->state = State::kUsable;
      return nullptr;
    case State::kKernelOnly:
    case State::kForgotten:
      return nullptr;
  }
  return nullptr;
}

RouteTable::Entry RouteTable::resolve(const FourTuple& tuple) {
  Entry entry;
  entry.state = resolve_route(tuple, entry) ? resolve_station(entry) : State::kKernelOnly;
  return entry;
}

// False unless the datagram goes to one station of one link, as it is.
bool RouteTable::resolve_route(const FourTuple& tuple, Entry& entry) {
  rtmsg header{};
  header.rtm_family = family_of(tuple.remote);
  header.rtm_dst_len = static_cast<std::uint8_t>(8 * tuple.remote.ip_bytes().size());
  const bool has_source = is_set(tuple.local) && tuple.local.family == tuple.remote.family;
  if (has_source) header.rtm_src_len = header.rtm_dst_len;
  NetlinkRequest request(RTM_GETROUTE, 0, header);
  request.add(RTA_DST, tuple.remote.ip_bytes());
  if (has_source) request.add(RTA_SRC, tuple.local.ip_bytes());
  if (tuple.remote.scope_id != 0) request.add_u32(RTA_OIF, tuple.remote.scope_id);

  const auto answer = asker_.ask(request);
  if (!answer || answer->type != RTM_NEWROUTE) return false;
  const auto found = answer->header<rtmsg>();
  const auto interface = as_u32(answer->attribute(sizeof(rtmsg), RTA_OIF));
  if (!found || !interface || found->rtm_type != RTN_UNICAST) return false;
  // Tunnels by route, and IPv4 through a station that only IPv6 knows, are the kernel's.
  if (!answer->attribute(sizeof(rtmsg), RTA_ENCAP).empty()) return false;
  if (!answer->attribute(sizeof(rtmsg), RTA_VIA).empty()) return false;

  entry.route.interface_index = *interface;
  const Bytes gateway = answer->attribute(sizeof(rtmsg), RTA_GATEWAY);
  entry.next_hop = gateway.empty() ? tuple.remote : address_from(gateway);
  entry.route.source = has_source ? tuple.local : address_from(answer->attribute(sizeof(rtmsg), RTA_PREFSRC));
  entry.route.source.port = 0;
  const Bytes metrics = answer->attribute(sizeof(rtmsg), RTA_METRICS);
  entry.route.hop_limit = static_cast<std::uint8_t>(as_u32(find_attribute(metrics, RTAX_HOPLIMIT)).value_or(0));
  return is_set(entry.next_hop) && is_set(entry.route.source);
}

RouteTable::State RouteTable::resolve_station(Entry& entry) {
  ndmsg header{};
  header.ndm_family = family_of(entry.next_hop);
  header.ndm_ifindex = static_cast<std::int32_t>(entry.route.interface_index);
  NetlinkRequest request(RTM_GETNEIGH, 0, header);
  request.add(NDA_DST, entry.next_hop.ip_bytes());
  const auto answer = asker_.ask(request);
  if (!answer || answer->type != RTM_NEWNEIGH) return State::kKernelOnly;
  const auto found = answer->header<ndmsg>();
  const Bytes station = answer->attribute(sizeof(ndmsg), NDA_LLADDR);
  if (!found || station.size() != entry.route.next_station.size()) return State::kKernelOnly;
  std::ranges::copy(station, entry.route.next_station.begin());
  if ((found->ndm_state & kConfirmedStates) != 0) return State::kUsable;
  return (found->ndm_state & NUD_STALE) != 0 ? State::kUnconfirmed : State::kKernelOnly;
}

RouteTable::Changes RouteTable::read_changes() {
  Changes changes;
  bool everything = false;
  const bool complete = changes_.read_changes([&](const NetlinkMessage& message) {
    switch (message.type) {
      case RTM_NEWNEIGH:
      case RTM_DELNEIGH:
        forget_station(message);
        break;
      case RTM_NEWLINK:
      case RTM_DELLINK:
      case RTM_NEWADDR:
      case RTM_DELADDR:
        changes.interfaces = true;
        everything = true;
        break;
      default:
        everything = true;
    }
  });
  if (!complete) changes.interfaces = everything = true;
  if (everything) entries_.clear();
  return changes;
}

void RouteTable::forget_station(const NetlinkMessage& message) {
  const auto header = message.header<ndmsg>();
  if (!header) return;
  const SocketAddress neighbour = address_from(message.attribute(sizeof(ndmsg), NDA_DST));
  entries_.for_each([&](const Key&, Entry& entry) {
    const bool same_interface = entry.route.interface_index == static_cast<std::uint32_t>(header->ndm_ifindex);
    if (same_interface && entry.next_hop.family == neighbour.family && entry.next_hop.ip == neighbour.ip) {
      entry.state = State::kForgotten;
    }
  });
}

}  // namespace hawser::net
