// flood_sockets.cc: many sockets, and addresses that are not ours.
#include "flood_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

namespace hawser::flood {

Sockets::Sockets(const Options& options) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(options.port);
  if (::inet_pton(AF_INET, options.target.c_str(), &to.sin_addr) != 1)
    throw std::runtime_error("--target: an IPv4 address");
  const std::uint32_t count = std::max(options.sources, options.ports);
  for (std::uint32_t i = 0; i < count; ++i) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_in from{};
    from.sin_family = AF_INET;
    // Not 127.0.0.1, where the honest client is.
    const bool loopback = (ntohl(to.sin_addr.s_addr) >> 24) == 127 && !options.spoofed;
    from.sin_addr.s_addr = htonl(loopback ? 0x7f4d0001u + i % options.sources : INADDR_ANY);
    if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof(from)) < 0 ||
        ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) < 0)
      throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
    fds_.push_back(fd);
  }
}

Sockets::~Sockets() {
  for (const int fd : fds_) ::close(fd);
}

bool Sockets::send(std::uint64_t i, Bytes datagram) const {
  return ::send(fd(i), datagram.data(), datagram.size(), 0) > 0;
}

bool Sockets::send_train(std::uint64_t i, Bytes datagrams, std::size_t size) const {
  iovec data{const_cast<std::uint8_t*>(datagrams.data()), datagrams.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(std::uint16_t))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto segment = static_cast<std::uint16_t>(size);
  std::memcpy(CMSG_DATA(header), &segment, sizeof(segment));
  return ::sendmsg(fd(i), &message, 0) > 0;
}

bool Sockets::send_spoofed(std::uint64_t i, Bytes datagrams, std::size_t size, Random& random) const {
  struct Control {
    alignas(cmsghdr) char octets[CMSG_SPACE(sizeof(in_pktinfo))] = {};
  };
  std::array<iovec, kBatch> data{};
  std::array<Control, kBatch> controls{};
  std::array<mmsghdr, kBatch> messages{};
  unsigned count = 0;
  for (; !datagrams.empty() && count < kBatch; datagrams = datagrams.subspan(size), ++count) {
    data[count] = {const_cast<std::uint8_t*>(datagrams.data()), size};
    msghdr& message = messages[count].msg_hdr;
    message.msg_iov = &data[count];
    message.msg_iovlen = 1;
    message.msg_control = controls[count].octets;
    message.msg_controllen = sizeof(Control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo from{};
    // 127.1.0.0 and above: the honest client is at 127.0.0.1.
    from.ipi_spec_dst.s_addr = htonl(0x7f010000u + static_cast<std::uint32_t>(random.below(0xfe0000)));
    std::memcpy(CMSG_DATA(header), &from, sizeof(from));
  }
  return ::sendmmsg(fd(i), messages.data(), count, 0) == static_cast<int>(count);
}

Pace::Pace(const Options& options)
    : rate_(static_cast<double>(options.rate)),
      begin_(WallClock::now()),
      end_(begin_ + std::chrono::duration_cast<WallClock::duration>(std::chrono::duration<double>(options.seconds))) {}

std::size_t Pace::next() {
  for (;;) {
    const auto at = WallClock::now();
    if (at >= end_) return 0;
    const auto due = static_cast<std::uint64_t>(std::chrono::duration<double>(at - begin_).count() * rate_);
    if (due > sent_) {
      const std::size_t count = std::min<std::uint64_t>(due - sent_, kBatch);
      sent_ += count;
      return count;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace hawser::flood
