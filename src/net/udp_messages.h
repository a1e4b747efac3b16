// udp_messages.h: the kernel's view of a datagram or train on its way: message header, address
// and ancillary data, laid out once and only patched per call.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/datagram.h"
#include "net/udp_socket.h"

namespace hawser::net {

// What recvmmsg may hand over with a train: IPv6 packet info, TOS or traffic class, the
// GRO segment size; what sendmmsg is given: packet info, TOS or traffic class, the segment.
inline constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo)) + 3 * CMSG_SPACE(sizeof(int));

// What a message header points to.
struct UdpMessageParts {
  iovec piece{};
  sockaddr_storage name{};
  alignas(cmsghdr) std::array<std::uint8_t, kControlSize> control{};
};

// Makes `header` point to `parts`, once and for all; the functions below only patch what differs.
void lay_out(msghdr& header, UdpMessageParts& parts);

// Makes a message ready to receive into `slot`.
void prepare_receive(msghdr& header, UdpMessageParts& parts, MutableBytes slot);

// Reads what was received into a header's piece: `size` octets, addresses, ECN, segment size.
// `local` is what holds where the kernel says nothing. False if the datagram is empty or was cut.
bool read_received(const msghdr& header, std::size_t size, const SocketAddress& local, ReceivedTrain& train);

// Makes a message send the first `size` octets of `train`, as one GSO train if they
// are more than one segment. `pktinfo`: tuple.local, where it is set, becomes the source.
void prepare_send(msghdr& header, UdpMessageParts& parts, const TransmitTrain& train, std::size_t size,
                  sa_family_t socket_family, bool pktinfo);

// The messages of one system call.
struct UdpMessageBatch {
  std::array<mmsghdr, kMessagesPerCall> headers{};
  std::array<UdpMessageParts, kMessagesPerCall> parts{};

  UdpMessageBatch();
};

struct UdpMessages {
  UdpMessageBatch in;
  UdpMessageBatch out;
};

}  // namespace hawser::net
