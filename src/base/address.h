// address.h: socket addresses as plain values, so that the protocol can compare and log
// them without a socket header. Only net/ turns them into sockaddr.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace hawser {

enum class AddressFamily : std::uint8_t { kNone = 0, kIpv4 = 4, kIpv6 = 6 };

struct SocketAddress {
  std::array<std::uint8_t, 16> ip{};  // network order; IPv4 uses the first four octets
  std::uint16_t port = 0;             // host order
  AddressFamily family = AddressFamily::kNone;
  std::uint32_t scope_id = 0;  // IPv6 link-local interface index, else 0

  auto operator<=>(const SocketAddress&) const = default;

  [[nodiscard]] Bytes ip_bytes() const {
    return {ip.data(), family == AddressFamily::kIpv4   ? std::size_t{4}
                       : family == AddressFamily::kIpv6 ? std::size_t{16}
                                                        : 0};
  }
  [[nodiscard]] bool same_ip(const SocketAddress& o) const {
    return family == o.family && ip == o.ip && scope_id == o.scope_id;
  }
};

SocketAddress ipv4_address(std::array<std::uint8_t, 4> ip, std::uint16_t port);

// "192.0.2.1:443" or "[2001:db8::1]:443".
std::string to_string(const SocketAddress& address);

// What RFC 9000 section 9 migrates: where a datagram goes from and to, seen from this end.
struct FourTuple {
  SocketAddress local;
  SocketAddress remote;
  auto operator<=>(const FourTuple&) const = default;
};

}  // namespace hawser
