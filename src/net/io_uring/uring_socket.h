// uring_socket.h: a socket of the io_uring engine, with what is under way on it, and how
// completions name it.
#pragma once

#ifdef HAWSER_HAVE_URING

#include <cstddef>
#include <cstdint>
#include <optional>

#include "net/socket_table.h"

namespace hawser::net {

struct UringSocket {
  std::optional<UdpSocket> socket;
  std::uint32_t generation = 0;  // counts closes, so that late completions are told apart
  bool copies = false;           // large trains too: the kernel cannot segment them
  bool receiving = false;        // an operation that receives is with the kernel
  bool watched = false;          // and one that waits for room to send, after a send() fell short
};

using UringSockets = SocketTable<UringSocket>;

// What a completion is about, in the 64 bits that the kernel hands back.
enum class UringEvent : std::uint8_t { kReceived, kWritable, kSent, kWoken };

struct UringTag {
  UringEvent event = UringEvent::kReceived;
  std::uint8_t index = 0;        // of a socket, or of a transmit slot
  std::uint32_t generation = 0;  // of the socket

  [[nodiscard]] std::uint64_t encode() const {
    return std::uint64_t{generation} << 32 | std::uint64_t{index} << 8 | static_cast<std::uint64_t>(event);
  }
  static UringTag decode(std::uint64_t data) {
    return {.event = static_cast<UringEvent>(data & 0xff),
            .index = static_cast<std::uint8_t>(data >> 8 & 0xff),
            .generation = static_cast<std::uint32_t>(data >> 32)};
  }
};

}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
