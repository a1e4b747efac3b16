// datagram_buffers.h: the memory of DATAGRAM payloads that wait: buffers of a few sizes that are used
// again, so that a queue in steady state allocates nothing, and all of it within a bound.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"
#include "quic/streams/intrusive_list.h"

namespace hawser::quic {

struct DatagramQueueFlow;  // connection/datagram_queue.h

// A payload that waits, or is in a packet that waits to be sealed.
struct QueuedDatagram {
  ListLink<QueuedDatagram> link;  // in its flow's queue, or among those of one buffer size
  DatagramQueueFlow* flow = nullptr;
  std::uint64_t id = 0;
  Timestamp queued_at{};
  Duration lifetime{0};         // 0: as long as it takes
  Timestamp deadline = kNever;  // known once the time is
  std::uint32_t size = 0;
  std::uint32_t fresh_place = 0;  // among those whose time of arrival is not known yet, from 1; 0: it is
  std::uint8_t buffer_class = 0;
  std::unique_ptr<std::uint8_t[]> octets;

  [[nodiscard]] Bytes payload() const { return {octets.get(), size}; }
};
using DatagramList = IntrusiveList<QueuedDatagram, &QueuedDatagram::link>;

class DatagramBuffers {
 public:
  // Buffers have 64 octets and from there on half as much again or a third more: 64, 96, 128, 192 ... 65,536,
  // so that at most a third of one is left over.
  static constexpr std::size_t kLeast = 64;
  static constexpr std::size_t kClasses = 21;

  DatagramBuffers() = default;
  ~DatagramBuffers() { release_spares(); }
  DatagramBuffers(const DatagramBuffers&) = delete;
  DatagramBuffers& operator=(const DatagramBuffers&) = delete;

  static constexpr std::size_t octets_of(std::size_t buffer_class) {
    return (kLeast << (buffer_class / 2)) + (buffer_class % 2) * (kLeast / 2 << (buffer_class / 2));
  }
  static constexpr std::size_t class_of(std::size_t size) {
    if (size <= kLeast) return 0;
    // The power of two below `size`, then the step between it and the next.
    const std::size_t doubled = static_cast<std::size_t>(std::bit_width(size - 1)) - std::bit_width(kLeast);
    const std::size_t lower = 2 * doubled + 1;
    return size <= octets_of(lower) ? lower : lower + 1;
  }

  // One with room for `size` octets, at most 65,536. Spare buffers of other sizes are given back before
  // more than `most` octets are held.
  QueuedDatagram* take(std::size_t size, std::size_t most) {
    const std::size_t wanted = class_of(size);
    if (QueuedDatagram* spare = spares_[wanted].pop_front()) return spare;
    for (std::size_t i = 0; i < kClasses && held_ + cost_of(wanted) > most; ++i) {
      while (held_ + cost_of(wanted) > most && !spares_[i].empty()) release(spares_[i].pop_front());
    }
    auto made = std::make_unique<QueuedDatagram>();
    made->octets = std::make_unique_for_overwrite<std::uint8_t[]>(octets_of(wanted));
    made->buffer_class = static_cast<std::uint8_t>(wanted);
    held_ += cost_of(wanted);
    return made.release();
  }

  // It is on no list; the last one given is the next one taken, for its memory is in the caches.
  void give(QueuedDatagram& datagram) { spares_[datagram.buffer_class].insert_after(nullptr, datagram); }

  void release_spares() {
    for (DatagramList& list : spares_)
      while (QueuedDatagram* spare = list.pop_front()) release(spare);
  }

  // Octets on the heap, used or spare.
  [[nodiscard]] std::size_t held() const { return held_; }

 private:
  static constexpr std::size_t cost_of(std::size_t buffer_class) {
    return sizeof(QueuedDatagram) + octets_of(buffer_class);
  }
  void release(QueuedDatagram* spare) {
    held_ -= cost_of(spare->buffer_class);
    const std::unique_ptr<QueuedDatagram> owned(spare);
  }

  std::array<DatagramList, kClasses> spares_;
  std::size_t held_ = 0;
};

static_assert(DatagramBuffers::octets_of(DatagramBuffers::kClasses - 1) == 65'536, "as large as a payload can be");

}  // namespace hawser::quic
