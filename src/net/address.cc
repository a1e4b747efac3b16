// address.cc: SocketAddress to and from sockaddr and text.
#include "net/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>

namespace hawser::net {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool read_port(std::string_view text, std::uint16_t& port) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, port);
  return !text.empty() && result.ec == std::errc{} && result.ptr == end;
}

// The interface after '%': by name or by number; 0 if there is none of that name.
std::uint32_t read_scope(const std::string& name) {
  if (const unsigned index = if_nametoindex(name.c_str()); index != 0) return index;
  std::uint32_t number = 0;
  const auto result = std::from_chars(name.data(), name.data() + name.size(), number);
  return result.ec == std::errc{} && result.ptr == name.data() + name.size() ? number : 0;
}

// ::ffff:a.b.c.d as the IPv4 address that it is.
SocketAddress unmapped(const SocketAddress& address) {
  if (!std::ranges::equal(kMappedPrefix, std::span(address.ip).first(kMappedPrefix.size()))) return address;
  SocketAddress v4;
  std::memcpy(v4.ip.data(), address.ip.data() + kMappedPrefix.size(), 4);
  v4.family = AddressFamily::kIpv4;
  return v4;
}

std::unexpected<ConfigError> bad_address(std::string_view text, std::string_view hint) {
  return std::unexpected(ConfigError{fmt::format("address \"{}\": {}", text, hint)});
}

}  // namespace

std::expected<HostPort, ConfigError> parse_host_port(std::string_view text, std::uint16_t default_port) {
  HostPort result{.host = {}, .port = default_port};
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return bad_address(text, "close the bracket, as in \"[2001:db8::1]:443\"");
    result.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return bad_address(text, "put a colon between the bracket and the port");
  } else {
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos) {
      return bad_address(text, "put an IPv6 address in brackets, as in \"[2001:db8::1]:443\"");
    }
    result.host = text.substr(0, colon);
    if (colon != std::string_view::npos) rest = text.substr(colon);
  }
  if (rest.empty()) {
    if (default_port == 0) return bad_address(text, "add a port, as in \"example.net:443\"");
    return result;
  }
  if (!read_port(rest.substr(1), result.port)) return bad_address(text, "give a port from 0 to 65535");
  return result;
}

SocketAddress parse_ip(std::string_view host) {
  SocketAddress address;
  const std::size_t percent = host.find('%');
  const std::string figures{host.substr(0, percent)};
  if (percent == std::string_view::npos && inet_pton(AF_INET, figures.c_str(), address.ip.data()) == 1) {
    address.family = AddressFamily::kIpv4;
  } else if (inet_pton(AF_INET6, figures.c_str(), address.ip.data()) == 1) {
    address.family = AddressFamily::kIpv6;
    if (percent == std::string_view::npos) return unmapped(address);
    address.scope_id = read_scope(std::string{host.substr(percent + 1)});
    if (address.scope_id == 0) return {};
  }
  return address;
}

std::expected<SocketAddress, ConfigError> parse_address(std::string_view text, std::uint16_t default_port) {
  HAWSER_TRY(const HostPort parts, parse_host_port(text, default_port));
  if (parts.host.empty()) return any_address(AddressFamily::kIpv6, parts.port);
  SocketAddress address = parse_ip(parts.host);
  if (address.family == AddressFamily::kNone) {
    if (text.find_first_not_of("0123456789") == std::string_view::npos)
      return bad_address(text, "a port alone has a colon before it, as in \":443\"");
    return bad_address(text, "give an IP address in figures, as in \"192.0.2.1:443\"");
  }
  address.port = parts.port;
  return address;
}

SocketAddress any_address(AddressFamily family, std::uint16_t port) {
  SocketAddress address;
  address.family = family;
  address.port = port;
  return address;
}

bool is_unspecified(const SocketAddress& address) {
  return std::ranges::all_of(address.ip, [](std::uint8_t octet) { return octet == 0; });
}

socklen_t to_sockaddr(const SocketAddress& address, sa_family_t socket_family, sockaddr_storage& out) {
  if (socket_family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.data(), sizeof v4.sin_addr);
    std::memcpy(&out, &v4, sizeof v4);
    return sizeof v4;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  v6.sin6_scope_id = address.scope_id;
  if (address.family == AddressFamily::kIpv4) {
    std::memcpy(v6.sin6_addr.s6_addr, kMappedPrefix.data(), kMappedPrefix.size());
    std::memcpy(v6.sin6_addr.s6_addr + kMappedPrefix.size(), address.ip.data(), 4);
  } else {
    std::memcpy(v6.sin6_addr.s6_addr, address.ip.data(), address.ip.size());
  }
  std::memcpy(&out, &v6, sizeof v6);
  return sizeof v6;
}

SocketAddress from_sockaddr(const sockaddr_storage& in) {
  SocketAddress address;
  if (in.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &in, sizeof v4);
    std::memcpy(address.ip.data(), &v4.sin_addr, 4);
    address.port = ntohs(v4.sin_port);
    address.family = AddressFamily::kIpv4;
  } else if (in.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &in, sizeof v6);
    address.port = ntohs(v6.sin6_port);
    if (std::memcmp(v6.sin6_addr.s6_addr, kMappedPrefix.data(), kMappedPrefix.size()) == 0) {
      std::memcpy(address.ip.data(), v6.sin6_addr.s6_addr + kMappedPrefix.size(), 4);
      address.family = AddressFamily::kIpv4;
    } else {
      std::memcpy(address.ip.data(), v6.sin6_addr.s6_addr, address.ip.size());
      address.family = AddressFamily::kIpv6;
      address.scope_id = v6.sin6_scope_id;
    }
  }
  return address;
}

std::expected<SocketAddress, ConfigError> source_address_towards(const SocketAddress& remote) {
  const sa_family_t family = remote.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(ConfigError{fmt::format("socket: {}", std::strerror(errno))});
  // Connecting a UDP socket sends nothing: it asks the routing table.
  sockaddr_storage storage{};
  socklen_t size = to_sockaddr(remote, family, storage);
  int error = connect(fd, reinterpret_cast<sockaddr*>(&storage), size) < 0 ? errno : 0;
  size = sizeof storage;
  if (error == 0 && getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) < 0) error = errno;
  ::close(fd);
  if (error != 0) {
    return std::unexpected(ConfigError{fmt::format("no way to {}: {}", to_string(remote), std::strerror(error))});
  }
  SocketAddress source = from_sockaddr(storage);
  source.port = 0;
  return source;
}

}  // namespace hawser::net
