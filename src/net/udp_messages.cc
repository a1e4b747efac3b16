// udp_messages.cc: writes and reads msghdr, sockaddr and cmsg for udp_socket.cc.
#include "net/udp_messages.h"

#include <netinet/udp.h>

#include <cstring>

#include "net/address.h"

namespace hawser::net {
namespace {

constexpr std::uint8_t kEcnMask = 0x03;

// Appends one item of ancillary data at `at` and returns where the next one starts.
template <class T>
std::uint8_t* put_control(std::uint8_t* at, int level, int type, const T& value) {
  cmsghdr header{};
  header.cmsg_len = CMSG_LEN(sizeof value);
  header.cmsg_level = level;
  header.cmsg_type = type;
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
  return at + CMSG_SPACE(sizeof value);
}

template <class T>
T control_value(const cmsghdr* item) {
  T value{};
  std::memcpy(&value, CMSG_DATA(item), sizeof value);
  return value;
}

bool is_link_local(const SocketAddress& address) {
  return address.family == AddressFamily::kIpv6 && address.ip[0] == 0xfe && (address.ip[1] & 0xc0) == 0x80;
}

// The destination address of a received datagram, with the port it was bound to. Only
// link-local addresses keep the interface: elsewhere it is not part of the address.
void read_local(const in6_pktinfo& info, SocketAddress& local) {
  sockaddr_storage storage{};
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = info.ipi6_addr;
  std::memcpy(&storage, &v6, sizeof v6);
  const std::uint16_t port = local.port;
  local = from_sockaddr(storage);
  local.port = port;
  if (is_link_local(local)) local.scope_id = info.ipi6_ifindex;
}

void read_local(const in_pktinfo& info, SocketAddress& local) {
  const std::uint16_t port = local.port;
  local = {};
  local.family = AddressFamily::kIpv4;
  local.port = port;
  std::memcpy(local.ip.data(), &info.ipi_addr, 4);
}

void read_control(const cmsghdr* item, ReceivedTrain& train) {
  if (item->cmsg_level == SOL_UDP && item->cmsg_type == UDP_GRO) {
    const int segment = control_value<int>(item);
    if (segment > 0 && static_cast<std::size_t>(segment) < train.bytes.size()) train.segment_size = segment;
  } else if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TOS) {
    // The kernel gives one octet here, whatever the width that setting it takes.
    train.ecn = static_cast<Ecn>(control_value<std::uint8_t>(item) & kEcnMask);
  } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_TCLASS) {
    train.ecn = static_cast<Ecn>(control_value<int>(item) & kEcnMask);
  } else if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
    read_local(control_value<in_pktinfo>(item), train.tuple.local);
  } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
    read_local(control_value<in6_pktinfo>(item), train.tuple.local);
  }
}

// The source address of a datagram. IPv4 on an AF_INET6 socket is routed by the IPv4 code,
// which reads IPv4's ancillary data.
std::uint8_t* put_source(std::uint8_t* at, const SocketAddress& source) {
  if (source.family == AddressFamily::kIpv4) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, source.ip.data(), 4);
    return put_control(at, IPPROTO_IP, IP_PKTINFO, info);
  }
  in6_pktinfo info{};
  std::memcpy(&info.ipi6_addr, source.ip.data(), source.ip.size());
  info.ipi6_ifindex = source.scope_id;
  return put_control(at, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

}  // namespace

UdpMessageBatch::UdpMessageBatch() {
  for (std::size_t i = 0; i < kMessagesPerCall; ++i) lay_out(headers[i].msg_hdr, parts[i]);
}

void lay_out(msghdr& header, UdpMessageParts& parts) {
  header.msg_name = &parts.name;
  header.msg_iov = &parts.piece;
  header.msg_iovlen = 1;
  header.msg_control = parts.control.data();
}

void prepare_receive(msghdr& header, UdpMessageParts& parts, MutableBytes slot) {
  parts.piece = {.iov_base = slot.data(), .iov_len = slot.size()};
  header.msg_namelen = sizeof parts.name;
  header.msg_controllen = parts.control.size();
}

bool read_received(const msghdr& header, std::size_t size, const SocketAddress& local, ReceivedTrain& train) {
  if (size == 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return false;
  train.bytes = {static_cast<std::uint8_t*>(header.msg_iov->iov_base), size};
  train.segment_size = size;
  train.ecn = Ecn::kNotEct;
  train.tuple.local = local;
  train.tuple.remote = from_sockaddr(*static_cast<const sockaddr_storage*>(header.msg_name));
  // CMSG_NXTHDR wants a header it could write to, and writes nothing.
  auto& items = const_cast<msghdr&>(header);
  for (cmsghdr* item = CMSG_FIRSTHDR(&items); item != nullptr; item = CMSG_NXTHDR(&items, item)) {
    read_control(item, train);
  }
  return true;
}

void prepare_send(msghdr& header, UdpMessageParts& parts, const TransmitTrain& train, std::size_t size,
                  sa_family_t socket_family, bool pktinfo) {
  const SocketAddress& local = train.tuple.local;
  const SocketAddress& remote = train.tuple.remote;
  parts.piece = {.iov_base = train.buffer.data(), .iov_len = size};
  header.msg_namelen = to_sockaddr(remote, socket_family, parts.name);
  std::uint8_t* const control = parts.control.data();
  std::uint8_t* end = control;
  if (pktinfo && local.family == remote.family && !is_unspecified(local)) end = put_source(end, local);
  if (train.ecn != Ecn::kNotEct) {
    const int mark = static_cast<int>(train.ecn);
    end = remote.family == AddressFamily::kIpv4 ? put_control(end, IPPROTO_IP, IP_TOS, mark)
                                                : put_control(end, IPPROTO_IPV6, IPV6_TCLASS, mark);
  }
  if (size > train.segment_size) {
    end = put_control(end, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(train.segment_size));
  }
  header.msg_control = end == control ? nullptr : control;
  header.msg_controllen = static_cast<std::size_t>(end - control);
}

}  // namespace hawser::net
