// engine.h: the seam between a worker's loop and the kernel interface that moves datagrams
// for it: batches in, batches out. EpollEngine is the one that works everywhere; others
// (io_uring, AF_XDP) stand beside it and own their memory in the same way. make_engine.h
// chooses among them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "base/datagram.h"
#include "base/result.h"
#include "base/time.h"
#include "net/engine_kind.h"
#include "net/udp_socket.h"

namespace hawser::net {

// Sockets of one engine. A worker has one or two, a multipath client one per interface;
// 16 keeps the search by local address short and the readiness flags in one word.
inline constexpr std::size_t kSocketsMax = 16;

struct SocketId {
  std::uint32_t value = 0;
  auto operator<=>(const SocketId&) const = default;
};

// Why poll() came back; all false: the time was up, or a signal came.
struct PollResult {
  bool readable = false;
  bool writable = false;  // only after a send() or a lend() that fell short
  bool woken = false;     // wake() was called since the last poll()
};

// One thread owns an engine and calls everything but wake(), which any thread may call. An
// engine may be made and its sockets opened elsewhere before: the first to poll(), receive()
// or send() is the owner.
class Engine {
 public:
  virtual ~Engine() = default;

  // Which one it is; never kAuto. Any thread.
  [[nodiscard]] virtual EngineKind kind() const = 0;
  // For people: the kind, and what it found for the sockets that are open.
  [[nodiscard]] virtual std::string describe() const { return std::string(to_string(kind())); }

  // Opens a socket that lives until close() or the engine's end. At most kSocketsMax.
  virtual std::expected<SocketId, ConfigError> open(const UdpOptions& options) = 0;
  virtual void close(SocketId socket) = 0;
  // Where it is bound, with the port that the kernel chose.
  [[nodiscard]] virtual SocketAddress local_address(SocketId socket) const = 0;
  [[nodiscard]] virtual UdpCapabilities capabilities(SocketId socket) const = 0;

  // Sleeps until a socket is readable, a blocked one writable, wake() is called or `timeout`
  // has passed, to the nanosecond where the kernel can. 0 looks without sleeping; a negative
  // timeout means for ever.
  virtual PollResult poll(Duration timeout) = 0;

  // Takes what has arrived on any socket: returns how many of `out` are filled. The octets
  // are the engine's and stay until the next receive(). Call it as often as it gives something;
  // once it returned 0, poll() has to say readable again.
  virtual std::size_t receive(std::span<ReceivedTrain> out) = 0;

  // Lends memory to send from: sets buffer and max_segments of the first n trains of `out`
  // and returns n, at least 1 unless the kernel still reads all there is: then poll() says
  // writable when some of it is free. Ends every earlier loan, so call it only when no unsent
  // train is held.
  virtual std::size_t lend(std::span<TransmitTrain> out) = 0;

  // Sends lent trains in order, each through the socket that its tuple.local names (the first
  // socket that speaks the family of tuple.remote, if that is unset). Returns how many it is
  // done with: sent, taken over with their memory, or dropped and counted as a network would.
  // The rest, the first of which may have been cut to what is left of it, are to be offered
  // again, first and in the same order, when poll() says writable.
  virtual std::size_t send(std::span<TransmitTrain> trains) = 0;

  // Makes the current or next poll() return. Any thread; cheap when already pending.
  virtual void wake() = 0;

  // Sums over all sockets, closed ones included.
  [[nodiscard]] virtual UdpCounters counters() const = 0;
  [[nodiscard]] virtual std::uint64_t kernel_drops() const = 0;
};

}  // namespace hawser::net
