// xsk_rings.h: the four rings that an AF_XDP socket shares with the kernel. One side writes
// entries and moves `producer` on, the other reads them and moves `consumer` on; both numbers
// count for ever and are taken modulo the size. Each ring has one thread on our side.
#pragma once

#include <linux/if_xdp.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <utility>

#include "base/check.h"

namespace hawser::net {

// The memory of one ring, mapped until its end.
class RingMapping {
 public:
  RingMapping() = default;
  // Maps the ring that stands at `page_offset` of the socket; the error is the errno.
  static std::expected<RingMapping, int> map(int fd, std::uint64_t page_offset, std::size_t size);
  RingMapping(RingMapping&& o) noexcept
      : memory_(std::exchange(o.memory_, nullptr)), size_(std::exchange(o.size_, std::size_t{0})) {}
  RingMapping& operator=(RingMapping&& o) noexcept {
    std::swap(memory_, o.memory_);
    std::swap(size_, o.size_);
    return *this;
  }
  ~RingMapping();

  template <class T>
  T* at(std::uint64_t offset) const {
    return reinterpret_cast<T*>(memory_ + offset);
  }

 private:
  std::uint8_t* memory_ = nullptr;
  std::size_t size_ = 0;
};

// What both kinds of ring have. Entry: xdp_desc, or an address in the shared memory.
template <class Entry>
class XskRing {
 public:
  XskRing() = default;
  // `size` is a power of two.
  XskRing(RingMapping mapping, const xdp_ring_offset& offsets, std::uint32_t size)
      : mapping_(std::move(mapping)),
        producer_(mapping_.at<std::uint32_t>(offsets.producer)),
        consumer_(mapping_.at<std::uint32_t>(offsets.consumer)),
        flags_(mapping_.at<std::uint32_t>(offsets.flags)),
        entries_(mapping_.at<Entry>(offsets.desc)),
        size_(size) {}

  [[nodiscard]] std::uint32_t size() const { return size_; }
  // The kernel will not look at the ring until it is told to.
  [[nodiscard]] bool wants_wakeup() const {
    return (std::atomic_ref(*flags_).load(std::memory_order_relaxed) & XDP_RING_NEED_WAKEUP) != 0;
  }

 protected:
  Entry& entry(std::uint32_t number) const { return entries_[number & (size_ - 1)]; }

  RingMapping mapping_;
  std::uint32_t* producer_ = nullptr;
  std::uint32_t* consumer_ = nullptr;
  std::uint32_t* flags_ = nullptr;
  Entry* entries_ = nullptr;
  std::uint32_t size_ = 0;
};

// The fill and the transmit ring: we write.
template <class Entry>
class ProducerRing : public XskRing<Entry> {
 public:
  using XskRing<Entry>::XskRing;

  // Entries that the kernel has not taken.
  [[nodiscard]] std::uint32_t waiting() const {
    return written_ - std::atomic_ref(*this->consumer_).load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint32_t room() const { return this->size_ - waiting(); }
  // Only while there is room(). The kernel sees nothing before publish().
  void push(const Entry& entry) { this->entry(written_++) = entry; }
  void publish() { std::atomic_ref(*this->producer_).store(written_, std::memory_order_release); }

 private:
  std::uint32_t written_ = 0;
};

// The receive and the completion ring: the kernel writes.
template <class Entry>
class ConsumerRing : public XskRing<Entry> {
 public:
  using XskRing<Entry>::XskRing;

  [[nodiscard]] std::uint32_t available() const {
    return std::atomic_ref(*this->producer_).load(std::memory_order_acquire) - read_;
  }
  // The entry `ahead` of the next one; ahead < available().
  [[nodiscard]] const Entry& peek(std::uint32_t ahead) const { return this->entry(read_ + ahead); }
  void release(std::uint32_t count) {
    read_ += count;
    std::atomic_ref(*this->consumer_).store(read_, std::memory_order_release);
  }

 private:
  std::uint32_t read_ = 0;
};

}  // namespace hawser::net
