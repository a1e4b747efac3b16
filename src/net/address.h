// address.h: between SocketAddress and the kernel's sockaddr, and from text to addresses.
// Names are not resolved here: runtime/resolver.h does that.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/result.h"

namespace hawser::net {

// "example.net:443" taken apart. host is without brackets and empty in ":443".
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

// Reads "host:port", "[v6]:port" or ":port" (1 to 65535, or 0 for a port of the kernel's
// choice). A text without a port takes `default_port`; without one either, it is an error.
std::expected<HostPort, ConfigError> parse_host_port(std::string_view text, std::uint16_t default_port = 0);

// Reads an IP address in figures, with a port as above. An empty host means every address
// of this machine, over IPv6 and IPv4 ("[::]:port" on a dual-stack socket). A link-local
// IPv6 address may name its interface: "[fe80::1%eth0]:443".
std::expected<SocketAddress, ConfigError> parse_address(std::string_view text, std::uint16_t default_port = 0);

// The address in figures that `host` is, without a port, or family kNone if it is a name.
SocketAddress parse_ip(std::string_view host);

// Every address of this machine: 0.0.0.0 or [::].
SocketAddress any_address(AddressFamily family, std::uint16_t port);
bool is_unspecified(const SocketAddress& address);

// Writes `address` for a socket of `socket_family`: an IPv4 address on an AF_INET6 socket
// becomes ::ffff:a.b.c.d. Returns how many octets of `out` count.
socklen_t to_sockaddr(const SocketAddress& address, sa_family_t socket_family, sockaddr_storage& out);

// Reads what the kernel wrote; ::ffff:a.b.c.d becomes plain IPv4, so that one peer has one
// spelling on every socket. Unknown families give kNone.
SocketAddress from_sockaddr(const sockaddr_storage& in);

// The local address, with port 0, that the kernel would send from towards `remote`. Clients
// that start on a wildcard socket ask for it so that their first 4-tuple is exact.
std::expected<SocketAddress, ConfigError> source_address_towards(const SocketAddress& remote);

}  // namespace hawser::net
