// uring_buffers.cc: the ring of slots, and reading what the kernel wrote into one.
#include "net/io_uring/uring_buffers.h"

#ifdef HAWSER_HAVE_URING

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "net/udp_messages.h"

namespace hawser::net {
namespace {

constexpr unsigned short kGroup = 0;
constexpr std::size_t kPageSize = 4'096;

// A filled slot begins with io_uring_recvmsg_out, the address and the ancillary data, each in
// its full room, so that the datagram always starts at the same place: on a cache line.
constexpr std::size_t kNameRoom = sizeof(sockaddr_storage);
constexpr std::size_t kHeadSize = sizeof(io_uring_recvmsg_out) + kNameRoom + kControlSize;
static_assert(kHeadSize % 64 == 0, "the datagram begins on a cache line");

}  // namespace

UringBuffers::UringBuffers(std::size_t slots) : pool_(slots, BufferPool::kSlotSize + kHeadSize) {
  shape_.msg_namelen = kNameRoom;
  shape_.msg_controllen = kControlSize;
}

std::expected<std::unique_ptr<UringBuffers>, ConfigError> UringBuffers::create(Uring& ring, std::size_t slots) {
  std::unique_ptr<UringBuffers> made{new UringBuffers(slots)};
  made->entries_ = std::bit_ceil(slots);
  const std::size_t size = (made->entries_ * sizeof(io_uring_buf) + kPageSize - 1) / kPageSize * kPageSize;
  void* const memory = std::aligned_alloc(kPageSize, size);
  HAWSER_CHECK(memory != nullptr);
  std::memset(memory, 0, size);
  made->ring_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(memory);
  registration.ring_entries = static_cast<unsigned>(made->entries_);
  registration.bgid = kGroup;
  if (const int result = io_uring_register_buf_ring(&ring.raw(), &registration, 0); result < 0) {
    return std::unexpected(ConfigError{
        fmt::format("io_uring: the kernel takes no ring of {} buffers: {}", slots, std::strerror(-result))});
  }
  for (std::size_t slot = 0; slot < slots; ++slot) made->give_back(static_cast<std::uint16_t>(slot));
  made->publish();
  return made;
}

UringBuffers::~UringBuffers() {
  std::free(ring_);
}

void UringBuffers::prepare_receive(io_uring_sqe& operation, unsigned file) const {
  // The kernel copies the header when the operation is submitted, and writes nothing to it.
  io_uring_prep_recvmsg_multishot(&operation, static_cast<int>(file), const_cast<msghdr*>(&shape_), 0);
  operation.flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
  operation.buf_group = kGroup;
}

std::uint16_t UringBuffers::take(const io_uring_cqe& completion) {
  HAWSER_DCHECK((completion.flags & IORING_CQE_F_BUFFER) != 0 && in_kernel_ != 0);
  --in_kernel_;
  return static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
}

bool UringBuffers::read(std::uint16_t slot, std::size_t octets, const SocketAddress& local,
                        ReceivedTrain& train) const {
  std::uint8_t* const start = pool_.slot(slot).data();
  io_uring_recvmsg_out out;
  if (octets < kHeadSize) return false;
  std::memcpy(&out, start, sizeof out);
  iovec piece{.iov_base = start + kHeadSize, .iov_len = octets - kHeadSize};
  msghdr header{};
  header.msg_name = start + sizeof out;
  header.msg_namelen = out.namelen;
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  header.msg_control = start + sizeof out + kNameRoom;
  header.msg_controllen = std::min<std::size_t>(out.controllen, kControlSize);
  header.msg_flags = static_cast<int>(out.flags);
  return read_received(header, piece.iov_len, local, train);
}

void UringBuffers::give_back(std::uint16_t slot) {
  const MutableBytes memory = pool_.slot(slot);
  io_uring_buf_ring_add(ring_, memory.data(), static_cast<unsigned>(memory.size()), slot,
                        io_uring_buf_ring_mask(static_cast<unsigned>(entries_)), static_cast<int>(given_back_));
  ++given_back_;
}

void UringBuffers::publish() {
  io_uring_buf_ring_advance(ring_, static_cast<int>(given_back_));
  in_kernel_ += given_back_;
  given_back_ = 0;
}

}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
