// udp_socket.cc: opening with every option the kernel grants, reading and sending batches,
// and going on without GSO when a device or an old kernel refuses it.
#include "net/udp_socket.h"

#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "net/buffer_pool.h"
#include "net/steering.h"
#include "net/udp_messages.h"

namespace hawser::net {
namespace {

bool set_int(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Asks for `wished` octets of buffer: past the system's limit if privileged, up to it if
// not. Returns what the kernel says it set aside.
std::size_t set_buffer(int fd, int force_option, int option, std::size_t wished) {
  const int value = static_cast<int>(std::min<std::size_t>(wished, INT32_MAX / 2));
  if (!set_int(fd, SOL_SOCKET, force_option, value)) (void)set_int(fd, SOL_SOCKET, option, value);
  int granted = 0;
  socklen_t size = sizeof granted;
  (void)getsockopt(fd, SOL_SOCKET, option, &granted, &size);
  return static_cast<std::size_t>(granted);
}

// The kernel would not segment this train, or its segments are larger than the MTU: some
// versions say EINVAL for both, so the segments are tried one by one to tell them apart.
bool may_be_gso_refusal(int error) {
  return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP || error == ENOPROTOOPT;
}

std::unexpected<ConfigError> open_error(const UdpOptions& options, std::string_view what) {
  return std::unexpected(
      ConfigError{fmt::format("UDP {}: {}: {}", to_string(options.local), what, std::strerror(errno))});
}

}  // namespace

void UdpCounters::count_received(const ReceivedTrain& train) {
  ++trains_received;
  datagrams_received += (train.bytes.size() + train.segment_size - 1) / train.segment_size;
  octets_received += train.bytes.size();
}

void UdpCounters::count_sent(const TransmitTrain& train, std::size_t octets) {
  datagrams_sent += (octets + train.segment_size - 1) / train.segment_size;
  octets_sent += octets;
  if (octets == train.size) ++trains_sent;
}

UdpCounters& UdpCounters::operator+=(const UdpCounters& o) {
  datagrams_received += o.datagrams_received;
  octets_received += o.octets_received;
  trains_received += o.trains_received;
  receive_calls += o.receive_calls;
  receive_discarded += o.receive_discarded;
  receive_errors += o.receive_errors;
  datagrams_sent += o.datagrams_sent;
  octets_sent += o.octets_sent;
  trains_sent += o.trains_sent;
  send_calls += o.send_calls;
  send_blocked += o.send_blocked;
  send_too_large += o.send_too_large;
  send_unreachable += o.send_unreachable;
  send_failed += o.send_failed;
  gso_refusals += o.gso_refusals;
  return *this;
}

std::expected<UdpSocket, ConfigError> UdpSocket::open(const UdpOptions& options) {
  if (options.local.family == AddressFamily::kNone) {
    return std::unexpected(ConfigError{"UDP socket: set the local address, or the wildcard of its family"});
  }
  UdpSocket opened;
  opened.family_ = options.local.family == AddressFamily::kIpv4 ? AF_INET : AF_INET6;
  opened.any_address_ = is_unspecified(options.local);
  opened.dual_stack_ = opened.family_ == AF_INET6 && opened.any_address_ && options.dual_stack;
  opened.fd_ = socket(opened.family_, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (opened.fd_ < 0) return open_error(options, "cannot create a socket");
  opened.set_options(options);
  if (options.reuse_port && !set_int(opened.fd_, SOL_SOCKET, SO_REUSEPORT, 1)) {
    return open_error(options, "the port cannot be shared (SO_REUSEPORT)");
  }
  if (!options.device.empty() && setsockopt(opened.fd_, SOL_SOCKET, SO_BINDTODEVICE, options.device.data(),
                                            static_cast<socklen_t>(options.device.size())) != 0) {
    return open_error(options, fmt::format("cannot use the interface '{}'", options.device));
  }
  sockaddr_storage storage{};
  socklen_t size = to_sockaddr(options.local, opened.family_, storage);
  if (bind(opened.fd_, reinterpret_cast<sockaddr*>(&storage), size) < 0) return open_error(options, "cannot bind");
  if (options.steering != nullptr) HAWSER_TRY_VOID(options.steering->join(opened.fd_));
  size = sizeof storage;
  if (getsockname(opened.fd_, reinterpret_cast<sockaddr*>(&storage), &size) < 0) {
    return open_error(options, "cannot read the bound address");
  }
  opened.local_ = from_sockaddr(storage);
  opened.send_call_ = options.send_call != nullptr ? options.send_call : &sendmmsg;
  opened.messages_ = new UdpMessages;
  return opened;
}

void UdpSocket::set_options(const UdpOptions& options) {
  if (family_ == AF_INET6) (void)set_int(fd_, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack_ ? 0 : 1);
  // The kernel's flow label is a keyed hash of the 4-tuple, so a connection that moves shows another one.
  // On unless the system says otherwise; where it forbids it, there is none.
  // rfc9000:9.7-flow-label rfc9000:9.7-flow-label-unlinkable
  if (family_ == AF_INET6) (void)set_int(fd_, IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, 1);
  set_path_options(options);
  capabilities_.receive_buffer = set_buffer(fd_, SO_RCVBUFFORCE, SO_RCVBUF, options.receive_buffer);
  capabilities_.send_buffer = set_buffer(fd_, SO_SNDBUFFORCE, SO_SNDBUF, options.send_buffer);
  if (options.busy_poll_us != 0) (void)set_int(fd_, SOL_SOCKET, SO_BUSY_POLL, static_cast<int>(options.busy_poll_us));
  // Setting the default segment to 0 changes nothing, and fails where there is no GSO.
  capabilities_.gso = options.gso && set_int(fd_, SOL_UDP, UDP_SEGMENT, 0);
  capabilities_.gro = options.gro && set_int(fd_, SOL_UDP, UDP_GRO, 1);
}

// What belongs to the way a datagram takes: ECN, DF, addresses. A dual-stack socket is set
// twice, because the kernel's IPv4 code reads its own options.
void UdpSocket::set_path_options(const UdpOptions& options) {
  const bool v4 = family_ == AF_INET || dual_stack_;
  const bool v6 = family_ == AF_INET6;
  // rfc9000:14-not-fragmented rfc9000:14-df rfc9000:14.2.1-below-minimum rfc9000:14.2.1-match
  // rfc9000:14.2.1-no-increase
  const int v4_discover = options.dont_fragment ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT;
  const int v6_discover = options.dont_fragment ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT;
  const bool v4_set = !v4 || set_int(fd_, IPPROTO_IP, IP_MTU_DISCOVER, v4_discover);
  const bool v6_set = !v6 || set_int(fd_, IPPROTO_IPV6, IPV6_MTU_DISCOVER, v6_discover);
  capabilities_.dont_fragment = options.dont_fragment && v4_set && v6_set;
  const bool v4_ecn = !v4 || set_int(fd_, IPPROTO_IP, IP_RECVTOS, 1);
  const bool v6_ecn = !v6 || set_int(fd_, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  capabilities_.ecn = v4_ecn && v6_ecn;
  // A socket bound to one address knows it; asking per datagram would be waste.
  if (any_address_) {
    capabilities_.pktinfo =
        v6 ? set_int(fd_, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set_int(fd_, IPPROTO_IP, IP_PKTINFO, 1);
  }
}

UdpSocket::UdpSocket(UdpSocket&& o) noexcept {
  *this = std::move(o);
}

UdpSocket& UdpSocket::operator=(UdpSocket&& o) noexcept {
  std::swap(fd_, o.fd_);
  std::swap(messages_, o.messages_);
  family_ = o.family_;
  dual_stack_ = o.dual_stack_;
  any_address_ = o.any_address_;
  local_ = o.local_;
  capabilities_ = o.capabilities_;
  counters_ = o.counters_;
  send_call_ = o.send_call_;
  return *this;
}

UdpSocket::~UdpSocket() {
  if (fd_ >= 0) ::close(fd_);
  delete messages_;
}

std::size_t UdpSocket::receive(std::span<ReceivedTrain> out, const BufferPool& pool, std::size_t& slot, bool& drained) {
  UdpMessageBatch& messages = messages_->in;
  const std::size_t room = std::min({out.size(), pool.size() - slot, kMessagesPerCall});
  for (std::size_t i = 0; i < room; ++i)
    prepare_receive(messages.headers[i].msg_hdr, messages.parts[i], pool.slot(slot + i));
  ++counters_.receive_calls;
  const int count = recvmmsg(fd_, messages.headers.data(), static_cast<unsigned>(room), MSG_DONTWAIT, nullptr);
  drained = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (count < 0) {
    // An error belongs to some datagram of the past: the socket itself goes on.
    if (!drained && errno != EINTR) ++counters_.receive_errors;
    return 0;
  }
  slot += static_cast<std::size_t>(count);
  std::size_t filled = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    ReceivedTrain& train = out[filled];
    if (!read_received(messages.headers[i].msg_hdr, messages.headers[i].msg_len, local_, train)) {
      ++counters_.receive_discarded;
      continue;
    }
    ++filled;
    counters_.count_received(train);
  }
  return filled;
}

void UdpSocket::stop_coalescing() {
  if (capabilities_.gro) capabilities_.gro = !set_int(fd_, SOL_UDP, UDP_GRO, 0);
}

bool UdpSocket::serves(const FourTuple& tuple) const {
  const SocketAddress& local = tuple.local;
  const AddressFamily family = local.family == AddressFamily::kNone ? tuple.remote.family : local.family;
  const bool speaks_family = family == local_.family || (dual_stack_ && family == AddressFamily::kIpv4);
  if (!speaks_family || local.family == AddressFamily::kNone) return speaks_family;
  if (local.port != 0 && local.port != local_.port) return false;
  return any_address_ || is_unspecified(local) || local.ip == local_.ip;
}

// Turns the front of `trains` into messages, and returns how many. With GSO a train is one
// message; without, or if `split_first` says so of the first train, a segment is one.
std::size_t UdpSocket::fill_messages(std::span<const TransmitTrain> trains, bool split_first) {
  std::size_t count = 0;
  for (std::size_t t = 0; t < trains.size() && count < kMessagesPerCall; ++t) {
    TransmitTrain rest = trains[t];
    HAWSER_DCHECK(rest.size != 0 && rest.segment_size != 0 && rest.size <= rest.buffer.size());
    const bool whole = capabilities_.gso && !(split_first && t == 0);
    while (rest.size != 0 && count < kMessagesPerCall) {
      const std::size_t octets = whole ? rest.size : std::min(rest.segment_size, rest.size);
      write_message(messages_->out.headers[count].msg_hdr, messages_->out.parts[count], rest, octets);
      ++count;
      rest.buffer = rest.buffer.subspan(octets);
      rest.size -= octets;
    }
  }
  return count;
}

void UdpSocket::write_message(msghdr& header, UdpMessageParts& parts, const TransmitTrain& train,
                              std::size_t octets) const {
  prepare_send(header, parts, train, octets, family_, any_address_);
}

// Takes the first `octets` off the train. True if nothing is left of it.
bool UdpSocket::finish_octets(TransmitTrain& train, std::size_t octets) {
  train.buffer = train.buffer.subspan(octets);
  train.size -= octets;
  return train.size == 0;
}

// Books the first `messages` messages as sent and returns how many trains they completed.
std::size_t UdpSocket::finish_messages(std::span<TransmitTrain> trains, std::size_t messages) {
  std::size_t done = 0;
  for (std::size_t i = 0; i < messages; ++i) {
    TransmitTrain& train = trains[done];
    const std::size_t octets = messages_->out.parts[i].piece.iov_len;
    counters_.count_sent(train, octets);
    if (finish_octets(train, octets)) ++done;
  }
  return done;
}

void UdpSocket::count_dropped(const TransmitTrain& train, std::size_t octets, int error) {
  const std::size_t datagrams = (octets + train.segment_size - 1) / train.segment_size;
  switch (error) {
    case EMSGSIZE:
      counters_.send_too_large += datagrams;
      break;
    case EINVAL:  // what the kernel says of a source address that is gone
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
      counters_.send_unreachable += datagrams;
      break;
    default:
      counters_.send_failed += datagrams;
  }
}

std::size_t UdpSocket::send(std::span<TransmitTrain> trains) {
  std::size_t done = 0;
  int refusal = 0;  // why trains[done] is being sent segment by segment; 0: it is not
  while (done < trains.size()) {
    const std::size_t count = fill_messages(trains.subspan(done), refusal != 0);
    ++counters_.send_calls;
    const int sent = send_call_(fd_, messages_->out.headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    if (sent > 0) {
      // The segment went out alone, where the kernel had called the train of it invalid.
      if (refusal == EINVAL) capabilities_.gso = false;
      const std::size_t finished = finish_messages(trains.subspan(done), static_cast<std::size_t>(sent));
      if (finished != 0) refusal = 0;
      done += finished;
      continue;
    }
    const int error = errno;
    if (error == EINTR) continue;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      ++counters_.send_blocked;
      break;
    }
    TransmitTrain& train = trains[done];
    const std::size_t octets = messages_->out.parts[0].piece.iov_len;
    if (octets > train.segment_size && may_be_gso_refusal(error)) {
      ++counters_.gso_refusals;
      refusal = error;
      // EIO: this device cannot do checksums for trains, and will not learn it.
      if (error != EINVAL && error != EMSGSIZE) capabilities_.gso = false;
      continue;
    }
    count_dropped(train, octets, error);
    if (finish_octets(train, octets)) {
      ++done;
      refusal = 0;
    }
  }
  return done;
}

std::uint64_t UdpSocket::kernel_drops() const {
  std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
  socklen_t size = sizeof memory;
  if (getsockopt(fd_, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) < 0) return 0;
  return memory[SK_MEMINFO_DROPS];
}

}  // namespace hawser::net
