// path_plan.cc: reading what users say of interfaces, and choosing an address of each.
#include "runtime/path_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace hawser::runtime {
namespace {

std::unexpected<ConfigError> wrong(std::string_view text, std::string_view what) {
  return std::unexpected(ConfigError{fmt::format("path '{}': {}", text, what)});
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t least, std::uint32_t most) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

bool is_loopback(const SocketAddress& address) {
  if (address.family == AddressFamily::kIpv4) return address.ip[0] == 127;
  return std::all_of(address.ip.begin(), address.ip.end() - 1, [](std::uint8_t octet) { return octet == 0; }) &&
         address.ip.back() == 1;
}

// fe80::/10
bool is_link_local(const SocketAddress& address) {
  return address.family == AddressFamily::kIpv6 && address.ip[0] == 0xfe && (address.ip[1] & 0xc0) == 0x80;
}

// The interface's first address that reaches `remote` at all.
std::optional<SocketAddress> address_on(const net::LocalNetworks& networks, const net::NetworkInterface& interface,
                                        const SocketAddress& remote) {
  for (const net::LocalAddress& local : networks.addresses) {
    if (local.interface != interface.index || !local.ready || local.address.family != remote.family) continue;
    if (is_link_local(local.address) != is_link_local(remote)) continue;
    return local.address;
  }
  return std::nullopt;
}

// What goes in there comes out of another interface.
bool is_tunnel(const net::NetworkInterface& interface) {
  constexpr std::array<std::string_view, 12> kKinds = {"tun",    "wireguard", "ipip", "sit",   "gre",  "ip6gre",
                                                       "ip6tnl", "vti",       "vti6", "vxlan", "xfrm", "dummy"};
  return std::ranges::find(kKinds, interface.kind) != kKinds.end();
}

// Bridges and pairs of containers have addresses too, and lead to those alone: routes tell.
std::vector<PathInterface> all_interfaces(const net::LocalNetworks& networks, const SocketAddress& remote,
                                          net::RouteQuery* routes) {
  std::vector<PathInterface> all;
  for (const net::NetworkInterface& interface : networks.interfaces) {
    const auto local = address_on(networks, interface, remote);
    if (!local || is_loopback(*local) || is_tunnel(interface)) continue;
    if (routes == nullptr || routes->leads(interface.index, *local, remote)) all.push_back({.name = interface.name});
  }
  return all;
}

}  // namespace

std::optional<PathUse> parse_path_use(std::string_view name) {
  if (name == "aggregate") return PathUse::kAggregate;
  if (name == "failover") return PathUse::kFailover;
  if (name == "redundant") return PathUse::kRedundant;
  return std::nullopt;
}

std::expected<void, ConfigError> check_copies(const PathOptions& options) {
  const auto& all = options.interfaces;
  if (options.use != PathUse::kRedundant || all.size() < 2) return {};
  const auto rank = [](const PathInterface& interface) { return std::pair(interface.backup, interface.cost); };
  const auto best = std::ranges::min_element(all, {}, rank);
  if (std::ranges::count(all, rank(*best), rank) > 1) return {};
  return std::unexpected(
      ConfigError{"redundant: everything would go over " + best->name +
                  " alone, as the others cost more or are backups; give two of them the same cost and no backup"});
}

std::expected<PathInterface, ConfigError> parse_path_interface(std::string_view text) {
  PathInterface read;
  std::string_view rest = text;
  const auto next = [&rest] {
    const std::size_t colon = rest.find(':');
    const std::string_view part = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
    return part;
  };
  read.name = next();
  if (read.name.empty()) return wrong(text, "name an interface, such as wlan0 (ip link shows them)");
  while (!rest.empty()) {
    const std::string_view part = next();
    if (part == "backup") {
      read.backup = true;
    } else if (part.starts_with("weight=")) {
      const auto value = number(part.substr(7), 1, PathInterface::kWeightMax);
      if (!value) return wrong(text, fmt::format("weight takes 1 to {}", PathInterface::kWeightMax));
      read.weight = *value;
    } else if (part.starts_with("cost=")) {
      const auto value = number(part.substr(5), 0, PathInterface::kCostMax);
      if (!value) return wrong(text, fmt::format("cost takes 0 to {}", PathInterface::kCostMax));
      read.cost = *value;
    } else {
      return wrong(text, fmt::format("'{}' is none of backup, weight=N, cost=N", part));
    }
  }
  return read;
}

std::vector<WantedPath> wanted_paths(const net::LocalNetworks& networks, const PathOptions& options,
                                     const SocketAddress& remote, net::RouteQuery* routes) {
  std::vector<WantedPath> wanted;
  for (PathInterface& asked : options.interfaces.empty() ? all_interfaces(networks, remote, routes)
                                                         : std::vector<PathInterface>(options.interfaces)) {
    const auto found = std::ranges::find(networks.interfaces, asked.name, &net::NetworkInterface::name);
    if (found == networks.interfaces.end() || !found->running) continue;
    const auto local = address_on(networks, *found, remote);
    if (!local) continue;
    const bool backup = asked.backup || (options.use == PathUse::kFailover && !wanted.empty());
    wanted.push_back({.interface = std::move(asked), .local = *local, .backup = backup});
  }
  // The other end schedules what it sends, and is told of backups only.
  std::uint32_t least = PathInterface::kCostMax;
  for (const WantedPath& path : wanted)
    if (!path.backup) least = std::min(least, path.interface.cost);
  for (WantedPath& path : wanted) path.backup = path.backup || path.interface.cost > least;
  return wanted;
}

std::vector<net::StartingPlace> starting_places(const std::vector<WantedPath>& wanted) {
  std::vector<const WantedPath*> order;
  for (const WantedPath& path : wanted) {
    // An interface that was named twice is one network.
    const auto same = [&](const WantedPath* other) { return other->local == path.local; };
    if (std::ranges::none_of(order, same)) order.push_back(&path);
  }
  std::ranges::stable_sort(order, {}, &WantedPath::backup);
  if (order.empty()) return {};
  const WantedPath& first = *order.front();
  const auto is_costly = [&](const WantedPath* path) {
    return path->backup != first.backup || path->interface.cost > first.interface.cost;
  };
  std::ranges::stable_sort(order, {}, is_costly);
  std::vector<net::StartingPlace> places;
  for (const WantedPath* path : order)
    places.push_back({.local = path->local, .after = is_costly(path) ? kCostlyHeadStart : kHeadStart});
  return places;
}

}  // namespace hawser::runtime
