// route_table.h: where a datagram leaves this machine: through which interface, to which station
// on its link. The kernel's own answers, kept until it says that something has changed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>

#include "base/address.h"
#include "base/flat_map.h"
#include "base/result.h"
#include "net/af_xdp/frame.h"
#include "net/netlink.h"

namespace hawser::net {

// Destinations remembered at once, at 128 octets each: half a megabyte. Past it all are
// forgotten, and asked for anew as they are used, at two round trips to the kernel each.
inline constexpr std::size_t kRoutesMax = 4'096;

struct Route {
  std::uint32_t interface_index = 0;
  MacAddress next_station{};
  std::uint8_t hop_limit = 0;  // 0: the route does not say
  SocketAddress source;        // that the kernel would send from, with port 0
};

class RouteTable {
 public:
  // Speaks for the network namespace of the calling thread.
  static std::expected<std::unique_ptr<RouteTable>, ConfigError> open();

  // How datagrams of this tuple go out; nullptr if only the kernel can say: the destination is
  // no single station of a link, or its station is not known or to be confirmed, for which the
  // kernel needs a datagram of its own to send. Good until the next call of find() or
  // read_changes().
  const Route* find(const FourTuple& tuple);

  // Becomes readable when the kernel has changes to tell.
  [[nodiscard]] int fd() const { return changes_.fd(); }
  // What read_changes() found besides routes and neighbours.
  struct Changes {
    bool interfaces = false;  // addresses, MTU or station of some interface
  };
  // Takes note of what has changed. After that, every Route that find() gave is void.
  Changes read_changes();

  // Destinations that are remembered.
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  enum class State : std::uint8_t {
    kUsable,
    kUnconfirmed,  // usable, once the kernel was given a datagram to confirm the station with
    kKernelOnly,
    kForgotten,  // to be asked for anew
  };
  struct Key {
    std::array<std::uint8_t, 16> remote{};
    std::array<std::uint8_t, 16> local{};
    std::uint32_t scope_id = 0;
    std::uint32_t family = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    std::uint64_t key[2];
    std::uint64_t operator()(const Key& k) const {
      return siphash13(key, reinterpret_cast<const std::uint8_t*>(&k), sizeof k);
    }
  };
  static_assert(sizeof(Key) == 40, "hashed as octets, so without padding");
  struct Entry {
    Route route;
    SocketAddress next_hop;  // whose station it is
    State state = State::kForgotten;
  };

  RouteTable(NetlinkSocket asker, NetlinkSocket changes);
  Entry resolve(const FourTuple& tuple);
  bool resolve_route(const FourTuple& tuple, Entry& entry);
  State resolve_station(Entry& entry);
  void forget_station(const NetlinkMessage& message);

  NetlinkSocket asker_;
  NetlinkSocket changes_;
  FlatMap<Key, Entry, KeyHash> entries_;
};

}  // namespace hawser::net
