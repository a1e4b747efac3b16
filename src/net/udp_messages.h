// udp_messages.h: the kernel's view of one batch: message headers, addresses and ancillary
// data, laid out once per socket and only patched per call.
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

struct UdpMessageBuffers {
  std::array<mmsghdr, kMessagesPerCall> headers{};
  std::array<iovec, kMessagesPerCall> pieces{};
  std::array<sockaddr_storage, kMessagesPerCall> names{};
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, kControlSize> octets{};
  };
  std::array<Control, kMessagesPerCall> controls{};

  UdpMessageBuffers();
};

struct UdpMessages {
  UdpMessageBuffers in;
  UdpMessageBuffers out;
};

// Makes message `index` ready to receive into `slot`.
void prepare_receive(UdpMessageBuffers& messages, std::size_t index, MutableBytes slot);

// Reads message `index` into `train`: addresses, ECN, segment size. `local` is what holds
// where the kernel says nothing. False if the datagram is empty or was cut.
bool read_received(const UdpMessageBuffers& messages, std::size_t index, const SocketAddress& local,
                   ReceivedTrain& train);

// Makes message `index` send the first `size` octets of `train`, as one GSO train if they
// are more than one segment. `pktinfo`: tuple.local, where it is set, becomes the source.
void prepare_send(UdpMessageBuffers& messages, std::size_t index, const TransmitTrain& train, std::size_t size,
                  sa_family_t socket_family, bool pktinfo);

}  // namespace hawser::net
