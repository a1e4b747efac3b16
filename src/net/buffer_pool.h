// buffer_pool.h: one mapping cut into slots of 64 KB: what the largest GRO read or GSO send
// fits in. Slots live as long as the pool; nothing is allocated later.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace hawser::net {

class BufferPool {
 public:
  // The largest UDP payload is 65,527 octets (65,535 - 8), so 2^16 takes every datagram
  // and every coalesced train whole.
  static constexpr std::size_t kSlotSize = 65'536;

  // Maps slots * slot_size of address space; pages are touched only when used. From 2 MB on
  // (32 slots) the kernel is asked for huge pages. 1 <= slots. Slots are page-aligned unless
  // the caller wants them larger than 64 KB and not by whole pages.
  explicit BufferPool(std::size_t slots, std::size_t slot_size = kSlotSize);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  [[nodiscard]] MutableBytes slot(std::size_t index) const { return {base_ + index * slot_size_, slot_size_}; }
  [[nodiscard]] std::size_t size() const { return slots_; }
  // The slot that `address`, which lies in the pool, is in.
  [[nodiscard]] std::size_t index_of(const std::uint8_t* address) const {
    return static_cast<std::size_t>(address - base_) / slot_size_;
  }

 private:
  std::uint8_t* base_ = nullptr;
  std::size_t slots_ = 0;
  std::size_t slot_size_ = kSlotSize;
  std::size_t mapped_ = 0;  // octets
};

}  // namespace hawser::net
