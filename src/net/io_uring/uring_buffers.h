// uring_buffers.h: memory that the kernel fills with datagrams as they arrive: slots for one
// train each, handed to it in a ring, and what a filled one says.
#pragma once

#ifdef HAWSER_HAVE_URING

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>

#include "base/datagram.h"
#include "base/result.h"
#include "net/buffer_pool.h"
#include "net/io_uring/uring.h"

namespace hawser::net {

class UringBuffers {
 public:
  // Registers `slots` slots with the ring. The error says what the kernel lacks.
  static std::expected<std::unique_ptr<UringBuffers>, ConfigError> create(Uring& ring, std::size_t slots);
  ~UringBuffers();
  UringBuffers(const UringBuffers&) = delete;
  UringBuffers& operator=(const UringBuffers&) = delete;

  // Makes `operation` receive from a registered file until it is cancelled, fails or runs out
  // of slots, one completion for each datagram or train.
  void prepare_receive(io_uring_sqe& operation, unsigned file) const;

  // The slot of a completion. The kernel has one less from now on.
  std::uint16_t take(const io_uring_cqe& completion);
  // Reads a slot that a completion filled with `octets`, which may count head and all. False if
  // the datagram is empty or was cut.
  bool read(std::uint16_t slot, std::size_t octets, const SocketAddress& local, ReceivedTrain& train) const;
  // Gives a slot back; the kernel sees it after publish().
  void give_back(std::uint16_t slot);
  void publish();

  // Slots that the kernel may fill.
  [[nodiscard]] std::size_t in_kernel() const { return in_kernel_; }
  [[nodiscard]] std::size_t size() const { return pool_.size(); }

 private:
  explicit UringBuffers(std::size_t slots);

  io_uring_buf_ring* ring_ = nullptr;  // memory of ours that the kernel reads
  std::size_t entries_ = 0;
  BufferPool pool_;
  msghdr shape_{};  // how much room address and ancillary data get in each slot
  std::size_t given_back_ = 0;
  std::size_t in_kernel_ = 0;
};

}  // namespace hawser::net

#endif  // HAWSER_HAVE_URING
