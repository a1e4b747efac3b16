// netlink.h: asks the kernel's routing about single things, and hears of its changes
// (rtnetlink(7)).
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "net/descriptor.h"

namespace hawser::net {

// A request: a header of type Header, then attributes.
class NetlinkRequest {
 public:
  template <class Header>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Header& header) {
    static_assert(NLMSG_HDRLEN + sizeof(Header) <= kSize);
    head_.nlmsg_type = type;
    head_.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    std::memcpy(octets_.data() + NLMSG_HDRLEN, &header, sizeof header);
    size_ = NLMSG_ALIGN(NLMSG_HDRLEN + sizeof header);
  }

  void add(std::uint16_t type, Bytes value);
  void add_u32(std::uint16_t type, std::uint32_t value);

  // The whole message, with the number by which its answer is known.
  Bytes message(std::uint32_t sequence);

 private:
  // A route is asked for by two IPv6 addresses and an interface: 28 + 2 * 20 + 8 octets.
  static constexpr std::size_t kSize = 256;

  nlmsghdr head_{};
  alignas(NLMSG_ALIGNTO) std::array<std::uint8_t, kSize> octets_{};
  std::size_t size_ = 0;
};

// One message of the kernel's; a view of the buffer it was read into.
struct NetlinkMessage {
  std::uint16_t type = 0;
  Bytes body;

  // The fixed part in front of the attributes; nothing if the message is too short for it.
  template <class Header>
  [[nodiscard]] std::optional<Header> header() const {
    Header header{};
    if (body.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, body.data(), sizeof header);
    return header;
  }
  // The attribute `type` behind a fixed part of `header_size`; empty if there is none.
  [[nodiscard]] Bytes attribute(std::size_t header_size, std::uint16_t type) const;
};

// The attribute `type` among `attributes`, which may be the value of another.
Bytes find_attribute(Bytes attributes, std::uint16_t type);
// The number that a value is; nothing if it is not one of 32 bits.
std::optional<std::uint32_t> as_u32(Bytes value);

class NetlinkSocket {
 public:
  // `groups`: RTNLGRP_*, one bit each counted from 1, whose changes are to be heard.
  static std::expected<NetlinkSocket, ConfigError> open(std::uint32_t groups = 0);

  [[nodiscard]] int fd() const { return fd_.get(); }

  // Asks, and returns the one message that the kernel answers at once with. Nothing if it has
  // none, as for an address without a route. Good until the next call.
  std::optional<NetlinkMessage> ask(NetlinkRequest request);

  // Asks for all there is of a kind, and calls visit(message) for each. False if it was cut short.
  template <class Visit>
  bool ask_all(NetlinkRequest request, Visit&& visit);

  // Reads what waits without waiting, and calls visit(message) for each. False if some was
  // lost: nobody read for too long, or one was larger than any that matters.
  template <class Visit>
  bool read_changes(Visit&& visit);

 private:
  // What the kernel fills at once, at most; a message about one thing takes some hundred to some
  // thousand octets.
  static constexpr std::size_t kBufferSize = 32'768;

  bool send(Bytes message);
  // Octets read; 0 when nothing waits; negative: an errno.
  int read();
  // The message at `rest`, which becomes what is behind it.
  static std::optional<NetlinkMessage> next_message(Bytes& rest, std::uint32_t* sequence);

  Descriptor fd_;
  std::uint32_t sequence_ = 0;
  alignas(NLMSG_ALIGNTO) std::array<std::uint8_t, kBufferSize> buffer_{};
};

template <class Visit>
bool NetlinkSocket::ask_all(NetlinkRequest request, Visit&& visit) {
  if (!send(request.message(++sequence_))) return false;
  for (int size = read(); size > 0; size = read()) {
    Bytes rest{buffer_.data(), static_cast<std::size_t>(size)};
    std::uint32_t sequence = 0;
    while (const auto message = next_message(rest, &sequence)) {
      if (sequence != sequence_) continue;
      if (message->type == NLMSG_DONE || message->type == NLMSG_ERROR) return message->type == NLMSG_DONE;
      visit(*message);
    }
  }
  return false;
}

template <class Visit>
bool NetlinkSocket::read_changes(Visit&& visit) {
  bool complete = true;
  for (int size = read(); size != 0; size = read()) {
    if (size < 0) {
      complete = false;
      continue;
    }
    Bytes rest{buffer_.data(), static_cast<std::size_t>(size)};
    while (const auto message = next_message(rest, nullptr)) visit(*message);
  }
  return complete;
}

}  // namespace hawser::net
