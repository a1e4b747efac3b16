// buffer_pool.cc: maps the slots, on huge pages where that is possible.
#include "net/buffer_pool.h"

#include <sys/mman.h>

#include "base/check.h"

namespace hawser::net {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// A mapping of `size` octets that starts on a multiple of `alignment`; both powers of two
// times the page size. Maps more than needed and gives back what stands over.
std::uint8_t* map_aligned(std::size_t size, std::size_t alignment) {
  void* raw = mmap(nullptr, size + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  HAWSER_CHECK(raw != MAP_FAILED);  // out of address space: nothing better than to stop
  auto* start = static_cast<std::uint8_t*>(raw);
  const std::size_t head = (alignment - reinterpret_cast<std::uintptr_t>(start) % alignment) % alignment;
  if (head != 0) munmap(start, head);
  munmap(start + head + size, alignment - head);
  return start + head;
}

}  // namespace

BufferPool::BufferPool(std::size_t slots, std::size_t slot_size) : slots_(slots), slot_size_(slot_size) {
  HAWSER_CHECK(slots >= 1);
  // Whole multiples of the alignment, so that what stands over are whole pages.
  mapped_ = (slots * slot_size + kSlotSize - 1) / kSlotSize * kSlotSize;
  base_ = map_aligned(mapped_, mapped_ >= kHugePage ? kHugePage : kSlotSize);
  // Advice only: without huge pages the pool works, at the price of more TLB misses.
  if (mapped_ >= kHugePage) (void)madvise(base_, mapped_, MADV_HUGEPAGE);
}

BufferPool::~BufferPool() {
  munmap(base_, mapped_);
}

}  // namespace hawser::net
