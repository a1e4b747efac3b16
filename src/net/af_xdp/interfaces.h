// interfaces.h: the network interfaces of this machine, as far as AF_XDP cares.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "net/af_xdp/frame.h"
#include "net/netlink.h"

namespace hawser::net {

struct NetInterface {
  std::uint32_t index = 0;
  std::string name;
  MacAddress station{};
  std::size_t mtu = 0;    // octets of the largest IP packet
  bool ethernet = false;  // frames have the header that we write
  bool up = false;
  std::vector<SocketAddress> addresses;  // with port 0
};

// All interfaces of the network namespace that `asker` was opened in.
std::vector<NetInterface> list_interfaces(NetlinkSocket& asker);

// How many receive queues the driver of the interface says it has, in the calling thread's
// network namespace; at least 1.
std::uint32_t count_receive_queues(const std::string& interface_name);

// The interfaces among `all` that a socket bound to `local` is to be served on: those called
// `names`, or else the one that has the address. For a wildcard address that is the only one in
// question. The error says what to write.
std::expected<std::vector<NetInterface>, ConfigError> choose_interfaces(const std::vector<NetInterface>& all,
                                                                        const std::vector<std::string>& names,
                                                                        const SocketAddress& local);

}  // namespace hawser::net
