// netlink.cc: messages and attributes, read with their lengths checked.
#include "net/netlink.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace hawser::net {

void NetlinkRequest::add(std::uint16_t type, Bytes value) {
  rtattr attribute{};
  attribute.rta_type = type;
  attribute.rta_len = static_cast<std::uint16_t>(RTA_LENGTH(value.size()));
  HAWSER_CHECK(size_ + RTA_SPACE(value.size()) <= octets_.size());
  std::memcpy(octets_.data() + size_, &attribute, sizeof attribute);
  std::memcpy(octets_.data() + size_ + RTA_LENGTH(0), value.data(), value.size());
  size_ += RTA_SPACE(value.size());
}

void NetlinkRequest::add_u32(std::uint16_t type, std::uint32_t value) {
  std::uint8_t octets[sizeof value];
  std::memcpy(octets, &value, sizeof value);
  add(type, octets);
}

Bytes NetlinkRequest::message(std::uint32_t sequence) {
  head_.nlmsg_len = static_cast<std::uint32_t>(size_);
  head_.nlmsg_seq = sequence;
  std::memcpy(octets_.data(), &head_, sizeof head_);
  return {octets_.data(), size_};
}

Bytes NetlinkMessage::attribute(std::size_t header_size, std::uint16_t type) const {
  const std::size_t begin = std::min<std::size_t>(NLMSG_ALIGN(header_size), body.size());
  return find_attribute(body.subspan(begin), type);
}

Bytes find_attribute(Bytes attributes, std::uint16_t type) {
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, attributes.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > attributes.size()) break;
    if ((attribute.rta_type & NLA_TYPE_MASK) == type) {
      return attributes.subspan(RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0));
    }
    attributes = attributes.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), attributes.size()));
  }
  return {};
}

std::optional<std::uint32_t> as_u32(Bytes value) {
  std::uint32_t number = 0;
  if (value.size() != sizeof number) return std::nullopt;
  std::memcpy(&number, value.data(), sizeof number);
  return number;
}

std::expected<NetlinkSocket, ConfigError> NetlinkSocket::open(std::uint32_t groups) {
  NetlinkSocket opened;
  opened.fd_ = Descriptor(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (!opened.fd_.is_open() || bind(opened.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return std::unexpected(ConfigError{fmt::format("netlink: {}", std::strerror(errno))});
  }
  // Answers carry only what was asked for, as the kernel has it since 4.20.
  const int on = 1;
  (void)setsockopt(opened.fd(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return opened;
}

bool NetlinkSocket::send(Bytes message) {
  return ::send(fd(), message.data(), message.size(), MSG_DONTWAIT) >= 0;
}

int NetlinkSocket::read() {
  // MSG_TRUNC: the size that the message has, not what of it found room.
  const ssize_t size = recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
  if (size > static_cast<ssize_t>(buffer_.size())) return -EMSGSIZE;
  if (size >= 0) return static_cast<int>(size);
  return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
}

std::optional<NetlinkMessage> NetlinkSocket::next_message(Bytes& rest, std::uint32_t* sequence) {
  nlmsghdr head{};
  if (rest.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, rest.data(), sizeof head);
  if (head.nlmsg_len < sizeof head || head.nlmsg_len > rest.size()) return std::nullopt;
  const NetlinkMessage message{.type = head.nlmsg_type,
                               .body = rest.subspan(NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN)};
  if (sequence != nullptr) *sequence = head.nlmsg_seq;
  rest = rest.subspan(std::min<std::size_t>(NLMSG_ALIGN(head.nlmsg_len), rest.size()));
  return message;
}

std::optional<NetlinkMessage> NetlinkSocket::ask(NetlinkRequest request) {
  if (!send(request.message(++sequence_))) return std::nullopt;
  // The kernel has answered by the time that send() returns; what is older is passed over.
  for (int size = read(); size > 0; size = read()) {
    Bytes rest{buffer_.data(), static_cast<std::size_t>(size)};
    std::uint32_t sequence = 0;
    while (const auto answer = next_message(rest, &sequence)) {
      if (sequence != sequence_) continue;
      if (answer->type == NLMSG_ERROR) return std::nullopt;
      return answer;
    }
  }
  return std::nullopt;
}

}  // namespace hawser::net
