// route_query.h: whether a route leads to an address over one interface, as the kernel's tables and rules have it.
#pragma once

#include <cstdint>
#include <expected>

#include "base/address.h"
#include "base/result.h"
#include "net/netlink.h"

namespace hawser::net {

// One thread at a time.
class RouteQuery {
 public:
  // The error is the kernel's: no netlink in this sandbox.
  static std::expected<RouteQuery, ConfigError> open();

  // A route for datagrams from `local` to `remote` leaves by `interface`, an index. A socket that is bound to an
  // interface sends there without one, as if every station were on its link; those datagrams come to nobody.
  [[nodiscard]] bool leads(std::uint32_t interface, const SocketAddress& local, const SocketAddress& remote);

 private:
  explicit RouteQuery(NetlinkSocket asker) : asker_(std::move(asker)) {}

  NetlinkSocket asker_;
};

}  // namespace hawser::net
