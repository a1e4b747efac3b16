// path_plan.h: which paths a client wants over the interfaces that this machine has now, and what each is for.
// Decisions alone; path_manager.h carries them out.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "net/attempts.h"
#include "net/local_addresses.h"
#include "net/route_query.h"

namespace hawser::runtime {

enum class PathUse : std::uint8_t {
  kAggregate,  // all carry data
  kFailover,   // the first that works does; the others are kept for when it does not
  kRedundant,  // all carry the same, as far as they can: for the scheduler "redundant"
};

// Reads "aggregate", "failover", "redundant".
std::optional<PathUse> parse_path_use(std::string_view name);

// What a user says of an interface.
struct PathInterface {
  static constexpr std::uint32_t kWeightMax = 1'000;
  static constexpr std::uint32_t kCostMax = 1'000;

  std::string name;
  std::uint32_t weight = 1;  // 1 to kWeightMax: its share beside the others', for the scheduler "weighted"
  std::uint32_t cost = 0;    // 0 to kCostMax: a backup while one that costs less is up; metered links: above 0
  bool backup = false;       // only while no other works
};

// Reads "wlan0", "wwan0:cost=1", "eth0:weight=4", "wwan0:backup", several of these after each other.
std::expected<PathInterface, ConfigError> parse_path_interface(std::string_view text);

struct PathOptions {
  // In order of preference; see starting_places() for which a connection begins over. One may stand here twice: then
  // it gets two paths. Empty: every interface that is up, has an address and a route to the server, but the loopback's
  // and tunnels, whose packets take another interface in the end.
  std::vector<PathInterface> interfaces;
  PathUse use = PathUse::kAggregate;
};

// An error if what is to be sent twice would go over one interface only: costs and backups come before copies.
std::expected<void, ConfigError> check_copies(const PathOptions& options);

// How long one network is tried alone before a connection is begun over the next as well. The least that RFC 8305
// section 5 recommends: less helps downloads hardly more (docs/multipath.md) and begins a second connection with every
// server that is a little away.
inline constexpr Duration kHeadStart = 100ms;
inline constexpr Duration kCostlyHeadStart = 250ms;  // of what the user would rather not have used

struct WantedPath {
  PathInterface interface;
  SocketAddress local;  // port 0
  bool backup = false;
};

// In order of preference: one path for each interface that is up and has an address of the family of `remote`. Where
// the user named none, `routes` are asked which lead there; null: all do.
std::vector<WantedPath> wanted_paths(const net::LocalNetworks& networks, const PathOptions& options,
                                     const SocketAddress& remote, net::RouteQuery* routes = nullptr);

// Where a client begins over them: what costs least first and backups last, and in their order otherwise. Another
// network is tried after kHeadStart, a costlier one and a backup after kCostlyHeadStart.
std::vector<net::StartingPlace> starting_places(const std::vector<WantedPath>& wanted);

}  // namespace hawser::runtime
