// socket_table.h: the kernel sockets of an engine, each with what that engine keeps of it: which of
// them a train leaves through, and what they counted, those that were closed too.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "base/check.h"
#include "net/engine.h"
#include "net/udp_socket.h"

namespace hawser::net {

// `Slot` has a std::optional<UdpSocket> named socket, and is empty when it is made.
template <class Slot>
class SocketTable {
 public:
  // A place without a socket. The error says how many there are.
  [[nodiscard]] std::expected<std::uint32_t, ConfigError> find_free() const {
    const auto free = std::ranges::find_if(slots_, [](const Slot& slot) { return !slot.socket; });
    if (free != slots_.end()) return static_cast<std::uint32_t>(free - slots_.begin());
    return std::unexpected(
        ConfigError{fmt::format("engine: it has {} sockets already, and no room for more", kSocketsMax)});
  }
  Slot& put(std::uint32_t index, UdpSocket socket) {
    slots_[index].socket.emplace(std::move(socket));
    used_ = std::max<std::size_t>(used_, index + 1);
    return slots_[index];
  }
  // Closes the socket; what it counted stays. `next` is what its place holds from now on.
  void remove(SocketId id, Slot next = {}) {
    Slot& slot = with_socket(id);
    closed_counters_ += slot.socket->counters();
    closed_drops_ += slot.socket->kernel_drops();
    slot.socket.reset();
    slot = std::move(next);
  }

  Slot& operator[](std::size_t index) { return slots_[index]; }
  [[nodiscard]] Slot& with_socket(SocketId id) {
    HAWSER_CHECK(slots_.at(id.value).socket.has_value());
    return slots_[id.value];
  }
  [[nodiscard]] const UdpSocket& socket(SocketId id) const {
    HAWSER_CHECK(slots_.at(id.value).socket.has_value());
    return *slots_[id.value].socket;
  }
  // One past the highest place that ever had a socket.
  [[nodiscard]] std::size_t used() const { return used_; }

  // The place of the socket that a train of this tuple leaves through; kSocketsMax: none.
  [[nodiscard]] std::size_t find(const FourTuple& tuple) const {
    for (std::size_t i = 0; i < used_; ++i) {
      if (slots_[i].socket && slots_[i].socket->serves(tuple)) return i;
    }
    return kSocketsMax;
  }
  // Engine::send(): neighbours of one socket go to `send_run(index, trains)` together, which returns
  // how many it took; `wait_for_room(index)` is called if those were not all, and ends it.
  template <class SendRun, class WaitForRoom>
  std::size_t send(std::span<TransmitTrain> trains, SendRun send_run, WaitForRoom wait_for_room) {
    std::size_t done = 0;
    while (done < trains.size()) {
      const std::size_t index = find(trains[done].tuple);
      std::size_t run = 1;
      while (done + run < trains.size() && find(trains[done + run].tuple) == index) ++run;
      if (index == kSocketsMax) {  // its socket was closed: a network that lost the link
        for (std::size_t i = 0; i < run; ++i) closed_counters_.send_unreachable += trains[done + i].segments();
        done += run;
        continue;
      }
      const std::size_t sent = send_run(index, trains.subspan(done, run));
      done += sent;
      if (sent < run) {
        wait_for_room(index);
        break;
      }
    }
    return done;
  }

  [[nodiscard]] UdpCounters counters() const {
    UdpCounters sum = closed_counters_;
    for (const Slot& slot : slots_) {
      if (slot.socket) sum += slot.socket->counters();
    }
    return sum;
  }
  [[nodiscard]] std::uint64_t kernel_drops() const {
    std::uint64_t sum = closed_drops_;
    for (const Slot& slot : slots_) {
      if (slot.socket) sum += slot.socket->kernel_drops();
    }
    return sum;
  }

 private:
  std::array<Slot, kSocketsMax> slots_;
  std::size_t used_ = 0;
  UdpCounters closed_counters_;  // and datagrams whose local address no socket has
  std::uint64_t closed_drops_ = 0;
};

}  // namespace hawser::net
