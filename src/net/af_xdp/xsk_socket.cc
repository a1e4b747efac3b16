// xsk_socket.cc: setting up memory and rings, and keeping every frame in exactly one place: the
// fill ring, the kernel, the receive ring, taken_; or free_, the transmit ring, the kernel, the
// completion ring. No ring can overflow, because each has room for all frames of its kind.
#include "net/af_xdp/xsk_socket.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include <bit>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/time.h"

namespace hawser::net {
namespace {

// The options that Linux 6.17 has and the headers of Debian 12 do not: how many frames one
// sendto() may hand on in copy mode. The default is 32.
constexpr int kXdpMaxTxSkbBudget = 9;

// What the kernel books for one frame under way in copy mode, beside its octets.
constexpr std::size_t kSkbOverhead = 1'024;

// More calls than it takes to send a whole ring in portions of 32: who needs more has no
// room at the device.
constexpr int kFlushCallsMax = 256;

// A queue is let go of some time after its socket was closed: by a worker of the kernel, once
// nothing is under way. Whoever starts right after another one has ended finds it taken.
constexpr int kBusyRetries = 100;
constexpr Duration kBusyPause = 10ms;

constexpr std::size_t kHugePage = std::size_t{2} << 20;

template <class T>
bool set_option(int fd, int level, int option, const T& value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

int bind_patiently(int fd, const sockaddr_xdp& address) {
  for (int i = 0; bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0; ++i) {
    if (errno != EBUSY || i == kBusyRetries) return errno;
    const timespec pause{.tv_sec = 0, .tv_nsec = kBusyPause.count()};
    (void)nanosleep(&pause, nullptr);
  }
  return 0;
}

std::string explain(const XskOptions& options, int error) {
  const std::string queue = fmt::format("AF_XDP on {}, queue {}", options.interface_name, options.queue);
  switch (error) {
    case EPERM:
    case EACCES:
      return fmt::format("{}: not permitted; run as root, or give the program CAP_NET_RAW and CAP_NET_ADMIN", queue);
    case EBUSY:
      return fmt::format("{}: another AF_XDP socket has this queue; give another one, or another interface", queue);
    case EOPNOTSUPP:
    case EPROTONOSUPPORT:
      return options.zero_copy == XdpZeroCopy::kZeroCopy
                 ? fmt::format("{}: its driver cannot do without a copy; give --xdp-copy auto", queue)
                 : fmt::format("{}: its driver does not support AF_XDP; take --engine epoll", queue);
    case EAFNOSUPPORT:
      return fmt::format("{}: this kernel was built without XDP_SOCKETS; take --engine epoll", queue);
    case ENOBUFS:
    case ENOMEM:
      return fmt::format(
          "{}: no memory for {} frames; give fewer with --xdp-frames, or raise the limit of locked "
          "memory (ulimit -l)",
          queue, 2 * options.frames);
    case EINVAL:
      return fmt::format("{}: the interface has no such queue", queue);
    default:
      return fmt::format("{}: {}", queue, std::strerror(error));
  }
}

}  // namespace

std::expected<RingMapping, int> RingMapping::map(int fd, std::uint64_t page_offset, std::size_t size) {
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, static_cast<off_t>(page_offset));
  if (memory == MAP_FAILED) return std::unexpected(errno);
  RingMapping mapping;
  mapping.memory_ = static_cast<std::uint8_t*>(memory);
  mapping.size_ = size;
  return mapping;
}

RingMapping::~RingMapping() {
  if (memory_ != nullptr) munmap(memory_, size_);
}

XskSocket::XskSocket(const XskOptions& options) : options_(options) {
  taken_.reserve(options.frames);
  free_.reserve(options.frames);
}

std::expected<std::unique_ptr<XskSocket>, ConfigError> XskSocket::open(const XskOptions& options) {
  HAWSER_CHECK(std::has_single_bit(options.frames) && std::has_single_bit(options.frame_size));
  const auto attempt = [&](std::uint16_t flags) -> std::expected<std::unique_ptr<XskSocket>, int> {
    std::unique_ptr<XskSocket> socket{new XskSocket(options)};
    if (const int error = socket->set_up(flags); error != 0) return std::unexpected(error);
    return socket;
  };
  int error = EOPNOTSUPP;
  if (options.zero_copy != XdpZeroCopy::kCopy) {
    auto socket = attempt(XDP_ZEROCOPY | XDP_USE_NEED_WAKEUP);
    if (socket) {
      (*socket)->zero_copy_ = true;
      return *std::move(socket);
    }
    error = socket.error();
  }
  if (options.zero_copy != XdpZeroCopy::kZeroCopy) {
    auto socket = attempt(XDP_COPY | XDP_USE_NEED_WAKEUP);
    if (socket) return *std::move(socket);
    error = socket.error();
  }
  return std::unexpected(ConfigError{explain(options, error)});
}

XskSocket::~XskSocket() {
  // The kernel holds the pages as long as it needs them.
  if (memory_ != nullptr) munmap(memory_, memory_size_);
}

int XskSocket::set_up(std::uint16_t bind_flags) {
  fd_ = Descriptor(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd_.is_open()) return errno;
  for (const auto step : {&XskSocket::map_memory, &XskSocket::make_rings, &XskSocket::map_rings}) {
    if (const int error = (this->*step)(); error != 0) return error;
  }
  fill_rings();
  sockaddr_xdp address{};
  address.sxdp_family = AF_XDP;
  address.sxdp_flags = bind_flags;
  address.sxdp_ifindex = options_.interface_index;
  address.sxdp_queue_id = options_.queue;
  if (const int error = bind_patiently(fd(), address); error != 0) return error;
  // In copy mode frames under way count against the send buffer.
  const int buffer = static_cast<int>(options_.frames * (options_.frame_size + kSkbOverhead));
  (void)set_option(fd(), SOL_SOCKET, SO_SNDBUFFORCE, buffer);
  (void)set_option(fd(), SOL_XDP, kXdpMaxTxSkbBudget, options_.frames);
  return 0;
}

int XskSocket::map_memory() {
  memory_size_ = 2 * options_.frames * options_.frame_size;
  void* memory = mmap(nullptr, memory_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno;
  memory_ = static_cast<std::uint8_t*>(memory);
  // Advice only: without huge pages everything works, at the price of more TLB misses.
  if (memory_size_ >= kHugePage) (void)madvise(memory_, memory_size_, MADV_HUGEPAGE);
  xdp_umem_reg registration{};
  registration.addr = reinterpret_cast<std::uintptr_t>(memory_);
  registration.len = memory_size_;
  registration.chunk_size = static_cast<std::uint32_t>(options_.frame_size);
  return set_option(fd(), SOL_XDP, XDP_UMEM_REG, registration) ? 0 : errno;
}

int XskSocket::make_rings() {
  for (const int ring : {XDP_UMEM_FILL_RING, XDP_UMEM_COMPLETION_RING, XDP_RX_RING, XDP_TX_RING}) {
    if (!set_option(fd(), SOL_XDP, ring, options_.frames)) return errno;
  }
  return 0;
}

int XskSocket::map_rings() {
  xdp_mmap_offsets offsets{};
  socklen_t size = sizeof offsets;
  if (getsockopt(fd(), SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size) < 0) return errno;
  if (size != sizeof offsets) return EOPNOTSUPP;  // before Linux 5.4
  const auto map = [&]<class Ring, class Entry>(Ring& ring, const xdp_ring_offset& at, std::uint64_t page_offset,
                                                const Entry&) -> int {
    auto mapping = RingMapping::map(fd(), page_offset, at.desc + options_.frames * sizeof(Entry));
    if (!mapping) return mapping.error();
    ring = Ring(*std::move(mapping), at, options_.frames);
    return 0;
  };
  int error = map(fill_, offsets.fr, XDP_UMEM_PGOFF_FILL_RING, std::uint64_t{});
  if (error == 0) error = map(completion_, offsets.cr, XDP_UMEM_PGOFF_COMPLETION_RING, std::uint64_t{});
  if (error == 0) error = map(receive_, offsets.rx, XDP_PGOFF_RX_RING, xdp_desc{});
  if (error == 0) error = map(transmit_, offsets.tx, XDP_PGOFF_TX_RING, xdp_desc{});
  return error;
}

void XskSocket::fill_rings() {
  for (std::uint64_t i = 0; i < options_.frames; ++i) {
    fill_.push(i * options_.frame_size);
    free_.push_back((options_.frames + i) * options_.frame_size);
  }
  fill_.publish();
}

// Receiving. --------------------------------------------------------------------------------------

MutableBytes XskSocket::frame(std::size_t ahead) const {
  const xdp_desc& descriptor = receive_.peek(static_cast<std::uint32_t>(ahead));
  return {memory_ + descriptor.addr, descriptor.len};
}

void XskSocket::take(std::size_t count) {
  for (std::uint32_t i = 0; i < count; ++i) taken_.push_back(receive_.peek(i).addr & ~(options_.frame_size - 1));
  receive_.release(static_cast<std::uint32_t>(count));
}

void XskSocket::return_taken() {
  if (taken_.empty()) return;
  for (const std::uint64_t address : taken_) fill_.push(address);
  taken_.clear();
  fill_.publish();
  if (fill_.wants_wakeup()) (void)recvfrom(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

// Sending. ----------------------------------------------------------------------------------------

std::uint8_t* XskSocket::next_frame() {
  return free_.empty() ? nullptr : memory_ + free_.back();
}

void XskSocket::push(std::size_t size) {
  xdp_desc descriptor{};
  descriptor.addr = free_.back();
  descriptor.len = static_cast<std::uint32_t>(size);
  free_.pop_back();
  transmit_.push(descriptor);
}

void XskSocket::flush(std::uint64_t& calls) {
  transmit_.publish();
  // In copy mode the call itself sends, a portion each time; without a copy it wakes the driver.
  for (int i = 0; i < kFlushCallsMax && wants_flush(); ++i) {
    const std::uint32_t before = transmit_.waiting();
    ++calls;
    const bool done = sendto(fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) >= 0;
    if (done || errno != EAGAIN || transmit_.waiting() == before) break;
  }
  reclaim();
}

void XskSocket::reclaim() {
  const std::uint32_t count = completion_.available();
  for (std::uint32_t i = 0; i < count; ++i) free_.push_back(completion_.peek(i));
  if (count != 0) completion_.release(count);
}

std::uint64_t XskSocket::drops() const {
  xdp_statistics statistics{};
  socklen_t size = sizeof statistics;
  if (getsockopt(fd(), SOL_XDP, XDP_STATISTICS, &statistics, &size) < 0) return 0;
  return statistics.rx_dropped + statistics.rx_ring_full;
}

}  // namespace hawser::net
