// resolver.cc: getaddrinfo, with errors as sentences.
#include "runtime/resolver.h"

#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <future>
#include <thread>
#include <utility>

#include "net/address.h"

namespace hawser::runtime {
namespace {

std::unexpected<ConfigError> resolve_error(const std::string& host, const char* reason) {
  return std::unexpected(ConfigError{fmt::format("cannot resolve \"{}\": {}", host, reason)});
}

int to_ai_family(AddressFamily family) {
  if (family == AddressFamily::kIpv4) return AF_INET;
  return family == AddressFamily::kIpv6 ? AF_INET6 : AF_UNSPEC;
}

std::string without_brackets(const std::string& host) {
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

std::expected<std::vector<SocketAddress>, ConfigError> resolve(const std::string& host, std::uint16_t port,
                                                               AddressFamily family) {
  if (host.empty()) return resolve_error(host, "give a name or an address");
  const std::string name = without_brackets(host);
  if (SocketAddress literal = net::parse_ip(name); literal.family != AddressFamily::kNone) {
    if (family != AddressFamily::kNone && literal.family != family)
      return resolve_error(host, "it is of the other IP family");
    literal.port = port;
    return std::vector{literal};
  }
  addrinfo hints{};
  hints.ai_family = to_ai_family(family);
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int failure = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (failure != 0) return resolve_error(host, failure == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(failure));
  std::vector<SocketAddress> addresses;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, item->ai_addr, std::min<std::size_t>(item->ai_addrlen, sizeof storage));
    SocketAddress address = net::from_sockaddr(storage);
    address.port = port;
    if (address.family != AddressFamily::kNone && std::ranges::find(addresses, address) == addresses.end()) {
      addresses.push_back(address);
    }
  }
  freeaddrinfo(list);
  if (addresses.empty()) return resolve_error(host, "it has no IP address");
  return addresses;
}

std::optional<std::expected<std::vector<SocketAddress>, ConfigError>> resolve_within(Duration limit,
                                                                                     const std::string& host,
                                                                                     std::uint16_t port,
                                                                                     AddressFamily family) {
  std::promise<std::expected<std::vector<SocketAddress>, ConfigError>> answer;
  auto answered = answer.get_future();
  std::thread([answer = std::move(answer), host, port, family]() mutable {
    answer.set_value(resolve(host, port, family));
  }).detach();
  if (answered.wait_for(limit) != std::future_status::ready) return std::nullopt;
  return answered.get();
}

}  // namespace hawser::runtime
