// xdp_program.h: the program that an interface runs over every frame it receives: datagrams to
// our addresses and ports go to the AF_XDP socket of their queue, everything else goes the
// kernel's usual way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.h"
#include "net/af_xdp/frame.h"
#include "net/bpf.h"

namespace hawser::net {

// What the program looks a datagram up by, as it stands in the map. Exact addresses only: a
// wildcard would take what this machine forwards for others.
struct XdpDestination {
  std::array<std::uint8_t, 16> ip{};
  std::uint16_t port = 0;    // network order
  std::uint16_t family = 0;  // 4 or 6

  static XdpDestination of(const SocketAddress& address);
  auto operator<=>(const XdpDestination&) const = default;
};
static_assert(sizeof(XdpDestination) == 20, "a map's key has no padding that could differ");

// Ports times addresses of one interface: 16 sockets of one process have 64 addresses to be
// reached at each. What finds no room is received by the kernel's sockets.
inline constexpr std::uint32_t kXdpDestinationsMax = 1'024;
// Receive queues of one interface. Datagrams of queues beyond go to the kernel's sockets.
inline constexpr std::uint32_t kXdpQueuesMax = 256;

struct XdpProgramOptions {
  MacAddress station{};       // of the interface: frames to others are not ours
  std::size_t frame_max = 0;  // longer ones would not fit the memory of the sockets
  int destinations_map = -1;  // XdpDestination to anything
  int sockets_map = -1;       // queue index to socket
};

// The instructions; about 50.
std::vector<bpf_insn> xdp_program(const XdpProgramOptions& options);

}  // namespace hawser::net
