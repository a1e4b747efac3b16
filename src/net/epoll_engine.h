// epoll_engine.h: the engine for every Linux: epoll for readiness, recvmmsg and sendmmsg
// with GRO and GSO for the datagrams, an eventfd to be woken by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "net/buffer_pool.h"
#include "net/engine.h"
#include "net/socket_table.h"
#include "net/waker.h"

namespace hawser::net {

// Descriptors that an engine built on this one may add: their readiness is one word.
inline constexpr std::uint32_t kGuestsMax = 64;

struct EpollOptions {
  // Slots of 64 KB for receiving and for sending: 2 MB of address space each, of which only
  // what traffic uses becomes memory.
  std::size_t receive_slots = kMessagesPerCall;
  std::size_t transmit_slots = kMessagesPerCall;
  bool precise_timeout = true;  // false: a timerfd instead of epoll_pwait2
};

class EpollEngine final : public Engine {
 public:
  // The error names the resource that ran out (descriptors).
  static std::expected<std::unique_ptr<EpollEngine>, ConfigError> create(const EpollOptions& options = {});
  ~EpollEngine() override;

  [[nodiscard]] EngineKind kind() const override { return EngineKind::kEpoll; }
  std::expected<SocketId, ConfigError> open(const UdpOptions& options) override;
  void close(SocketId socket) override;
  [[nodiscard]] SocketAddress local_address(SocketId socket) const override;
  [[nodiscard]] UdpCapabilities capabilities(SocketId socket) const override;
  PollResult poll(Duration timeout) override;
  std::size_t receive(std::span<ReceivedTrain> out) override;
  std::size_t lend(std::span<TransmitTrain> out) override;
  std::size_t send(std::span<TransmitTrain> trains) override;
  void wake() override;
  [[nodiscard]] UdpCounters counters() const override;
  [[nodiscard]] std::uint64_t kernel_drops() const override;

  // For an engine that is built on this one and has descriptors of its own. -------------------

  // Has poll() come back also when `fd` is readable, until it is closed. guest < kGuestsMax.
  bool watch_guest(int fd, std::uint32_t guest);
  // The guests that poll() found readable since the last call, one bit each.
  std::uint64_t take_ready_guests() { return std::exchange(ready_guests_, 0); }
  // The socket that a train of this tuple leaves through; nullptr if there is none.
  [[nodiscard]] const UdpSocket* serving(const FourTuple& tuple) const;
  // No socket gives more than one datagram at a time any longer.
  void stop_coalescing();

 private:
  struct Slot {
    std::optional<UdpSocket> socket;
    bool maybe_readable = false;  // poll() said so and no read has come back empty since
    bool wants_writable = false;  // the last send fell short; epoll watches for room
  };

  explicit EpollEngine(const EpollOptions& options);
  void take_event(std::uint64_t source, std::uint32_t what, PollResult& result);
  void watch_writable(std::size_t index, bool wanted);

  int epoll_ = -1;
  int timer_ = -1;  // set only where epoll_pwait2 is missing
  bool precise_timeout_;
  Waker waker_;
  std::size_t next_to_read_ = 0;  // rotates, so that a busy socket does not starve the others
  SocketTable<Slot> sockets_;
  std::uint64_t ready_guests_ = 0;
  BufferPool receive_pool_;
  BufferPool transmit_pool_;
};

}  // namespace hawser::net
