// udp_socket.h: a non-blocking UDP socket that speaks trains: GSO out, GRO in, ECN and the
// local address with each. What the kernel lacks is found out at run time and replaced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "base/datagram.h"
#include "base/result.h"
#include "net/address.h"

namespace hawser::net {

class BufferPool;        // net/buffer_pool.h
class SteeringGroup;     // net/steering.h
struct UdpMessageParts;  // net/udp_messages.h
struct UdpMessages;

// Octets in one GSO send: the largest IPv4 UDP payload, 65,535 - 20 - 8.
inline constexpr std::size_t kGsoPayloadMax = 65'507;
// Segments in one GSO send: UDP_MAX_SEGMENTS of every kernel since 4.18 (newer ones take 128).
inline constexpr std::size_t kGsoSegmentsMax = 64;
// Messages in one recvmmsg or sendmmsg. With 64 KB each, 32 of them fill one huge page.
inline constexpr std::size_t kMessagesPerCall = 32;

// Stands in for sendmmsg(2), with its arguments and its errno.
using SendCall = int (*)(int fd, mmsghdr* messages, unsigned count, int flags);

struct UdpOptions {
  SocketAddress local;                     // family kIpv4 or kIpv6; port 0: the kernel chooses
  std::string device;                      // SO_BINDTODEVICE: leaves and arrives there only; empty: by the routes
  bool dual_stack = true;                  // an IPv6 wildcard socket carries IPv4 too
  bool reuse_port = false;                 // SO_REUSEPORT: several workers on one port
  SteeringGroup* steering = nullptr;       // joined once bound; not owned, used in open() only
  bool gso = true;                         // false: never UDP_SEGMENT, even where there is one
  bool gro = true;                         // false: never UDP_GRO
  bool dont_fragment = true;               // DF on every datagram, as RFC 9000 section 14 demands
  std::size_t receive_buffer = 16u << 20;  // octets wished for; the kernel may grant less
  std::size_t send_buffer = 16u << 20;     // octets wished for
  std::size_t busy_poll_us = 0;            // SO_BUSY_POLL; 0 leaves the system's setting
  SendCall send_call = nullptr;            // tests block, cut and refuse here; nullptr: the kernel
};

// What this socket got, for `status` and for choosing how to build trains.
struct UdpCapabilities {
  bool gso = false;  // turns false for good when the kernel refuses a train at run time
  bool gro = false;
  bool ecn = false;      // ECN marks are read from received datagrams
  bool pktinfo = false;  // local addresses are read and chosen per datagram
  bool dont_fragment = false;
  std::size_t receive_buffer = 0;  // octets granted, by the kernel's own book-keeping
  std::size_t send_buffer = 0;
};

struct UdpCounters {
  std::uint64_t datagrams_received = 0;
  std::uint64_t octets_received = 0;
  std::uint64_t trains_received = 0;
  std::uint64_t receive_calls = 0;
  std::uint64_t receive_discarded = 0;  // empty or cut datagrams
  std::uint64_t receive_errors = 0;     // a read failed, say with an ICMP error of the past

  std::uint64_t datagrams_sent = 0;
  std::uint64_t octets_sent = 0;
  std::uint64_t trains_sent = 0;
  std::uint64_t send_calls = 0;
  std::uint64_t send_blocked = 0;      // EAGAIN: the send buffer was full
  std::uint64_t send_too_large = 0;    // datagrams dropped: larger than the interface's MTU
  std::uint64_t send_unreachable = 0;  // datagrams dropped: no route, refused, no such source
  std::uint64_t send_failed = 0;       // datagrams dropped for any other cause
  std::uint64_t gso_refusals = 0;      // trains that the kernel would not segment

  void count_received(const ReceivedTrain& train);
  // `octets` of a train were sent by one message.
  void count_sent(const TransmitTrain& train, std::size_t octets);
  UdpCounters& operator+=(const UdpCounters& o);
};

class UdpSocket {
 public:
  // Creates, sets and binds. The error says which address or option was at fault.
  static std::expected<UdpSocket, ConfigError> open(const UdpOptions& options);
  UdpSocket(UdpSocket&& o) noexcept;
  UdpSocket& operator=(UdpSocket&& o) noexcept;
  ~UdpSocket();

  // One system call. Reads up to min(out.size(), pool.size() - slot, kMessagesPerCall) trains into the slots of
  // `pool` from `slot` on, moves `slot` behind those it used, and returns how many of `out` it filled; 0 when
  // nothing waits. The octets stay until those slots are read into again. `drained` is set when the kernel had
  // nothing more.
  std::size_t receive(std::span<ReceivedTrain> out, const BufferPool& pool, std::size_t& slot, bool& drained);

  // Sends trains in order, one GSO message each, several per system call. Returns how many
  // it is done with (sent, or dropped and counted, as a network would). Fewer than
  // trains.size() means that the socket's buffer is full: offer the rest again once it is
  // writable. A train that went out in part is cut to what is left of it.
  // Each train: size <= kGsoPayloadMax and segments() <= kGsoSegmentsMax, tuple.remote set.
  // A tuple.local that is unset (kNone) or unspecified leaves the source address to the kernel.
  std::size_t send(std::span<TransmitTrain> trains);

  // For engines that send by other calls: makes a laid out message send the first `octets` of
  // `train` through this socket.
  void write_message(msghdr& header, UdpMessageParts& parts, const TransmitTrain& train, std::size_t octets) const;

  // Switches GRO off for good: every train that is received from now on is one datagram.
  void stop_coalescing();

  [[nodiscard]] int fd() const { return fd_; }
  // Where it is bound: the port is never 0, the address may be unspecified.
  [[nodiscard]] const SocketAddress& local_address() const { return local_; }
  // True if a train of this tuple can leave through this socket: the local address is its
  // own, or unset and of a family that it speaks.
  [[nodiscard]] bool serves(const FourTuple& tuple) const;
  [[nodiscard]] const UdpCapabilities& capabilities() const { return capabilities_; }
  [[nodiscard]] const UdpCounters& counters() const { return counters_; }
  // For engines that move datagrams by other calls, and count here what they moved.
  [[nodiscard]] UdpCounters& counters() { return counters_; }
  // Datagrams the kernel threw away because the receive buffer was full.
  [[nodiscard]] std::uint64_t kernel_drops() const;

 private:
  UdpSocket() = default;
  void set_options(const UdpOptions& options);
  void set_path_options(const UdpOptions& options);
  std::size_t fill_messages(std::span<const TransmitTrain> trains, bool split_first);
  std::size_t finish_messages(std::span<TransmitTrain> trains, std::size_t messages);
  bool finish_octets(TransmitTrain& train, std::size_t octets);
  void count_dropped(const TransmitTrain& train, std::size_t octets, int error);

  int fd_ = -1;
  sa_family_t family_ = AF_UNSPEC;
  bool dual_stack_ = false;   // an AF_INET6 socket that carries IPv4 too
  bool any_address_ = false;  // bound to the wildcard: local addresses differ per datagram
  SocketAddress local_;
  UdpCapabilities capabilities_;
  UdpCounters counters_;
  SendCall send_call_ = nullptr;
  UdpMessages* messages_ = nullptr;  // owned; headers, addresses and ancillary data of one call
};

}  // namespace hawser::net
