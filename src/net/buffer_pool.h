// buffer_pool.h: one mapping cut into slots of 64 KB: what the largest GRO read or GSO send
// fits in. Slots are page-aligned and live as long as the pool; nothing is allocated later.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace hawser::net {

class BufferPool {
 public:
  // The largest UDP payload is 65,527 octets (65,535 - 8), so 2^16 takes every datagram
  // and every coalesced train whole.
  static constexpr std::size_t kSlotSize = 65'536;

  // Maps slots * 64 KB of address space; pages are touched only when used. From 32 slots
  // on (2 MB) the kernel is asked for huge pages. 1 <= slots.
  explicit BufferPool(std::size_t slots);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  [[nodiscard]] MutableBytes slot(std::size_t index) const { return {base_ + index * kSlotSize, kSlotSize}; }
  [[nodiscard]] std::size_t size() const { return slots_; }

 private:
  std::uint8_t* base_ = nullptr;
  std::size_t slots_ = 0;
};

}  // namespace hawser::net
