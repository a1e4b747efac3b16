// Goal: the tests of this room can count heap allocations. Method: operator new is replaced,
// in a file of its own so that no caller sees its body.
#include <cstdint>
#include <cstdlib>
#include <new>

#include "quic/recovery/recovery_harness.h"

namespace {
std::uint64_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size); memory != nullptr) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace hawser::quic {

std::uint64_t allocation_count() {
  return allocations;
}

}  // namespace hawser::quic
