// address.cc: addresses as text.
#include "base/address.h"

#include <cstdio>

namespace hawser {

SocketAddress ipv4_address(std::array<std::uint8_t, 4> ip, std::uint16_t port) {
  SocketAddress address;
  for (std::size_t i = 0; i < 4; ++i) address.ip[i] = ip[i];
  address.port = port;
  address.family = AddressFamily::kIpv4;
  return address;
}

namespace {

// RFC 5952: the longest run of two or more zero groups becomes "::".
std::string ipv6_text(const std::array<std::uint8_t, 16>& ip) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(ip[2 * i] << 8 | ip[2 * i + 1]);
  std::size_t best = 8, best_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    i = end == i ? i + 1 : end;
  }
  std::string text;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == best) {
      text += "::";
      i += best_length - 1;
      continue;
    }
    if (!text.empty() && text.back() != ':') text += ':';
    char group[8];
    std::snprintf(group, sizeof group, "%x", groups[i]);
    text += group;
  }
  return text;
}

}  // namespace

std::string to_string(const SocketAddress& address) {
  char text[32];
  if (address.family == AddressFamily::kIpv4) {
    std::snprintf(text, sizeof text, "%u.%u.%u.%u:%u", address.ip[0], address.ip[1], address.ip[2], address.ip[3],
                  address.port);
    return text;
  }
  if (address.family == AddressFamily::kIpv6) {
    std::snprintf(text, sizeof text, "]:%u", address.port);
    std::string result = "[" + ipv6_text(address.ip);
    if (address.scope_id != 0) result += "%" + std::to_string(address.scope_id);
    return result + text;
  }
  return "(no address)";
}

}  // namespace hawser
