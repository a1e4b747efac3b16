// route_query.cc: RTM_GETROUTE for the route itself, not for what the kernel makes of its absence.
#include "net/route_query.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace hawser::net {

std::expected<RouteQuery, ConfigError> RouteQuery::open() {
  HAWSER_TRY(NetlinkSocket asker, NetlinkSocket::open());
  return RouteQuery(std::move(asker));
}

bool RouteQuery::leads(std::uint32_t interface, const SocketAddress& local, const SocketAddress& remote) {
  if (local.family != remote.family) return false;
  rtmsg header{};
  header.rtm_family = remote.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  header.rtm_dst_len = header.rtm_src_len = static_cast<std::uint8_t>(8 * remote.ip_bytes().size());
  header.rtm_flags = RTM_F_FIB_MATCH;
  NetlinkRequest request(RTM_GETROUTE, 0, header);
  request.add(RTA_DST, remote.ip_bytes());
  request.add(RTA_SRC, local.ip_bytes());
  request.add_u32(RTA_OIF, interface);
  const auto answer = asker_.ask(request);
  if (!answer || answer->type != RTM_NEWROUTE) return false;
  const auto found = answer->header<rtmsg>();
  // RTN_LOCAL: to this machine itself.
  return found && (found->rtm_type == RTN_UNICAST || found->rtm_type == RTN_LOCAL);
}

}  // namespace hawser::net
