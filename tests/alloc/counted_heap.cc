// counted_heap.cc: operator new and OpenSSL's allocation functions, replaced by ones that count.
#include "counted_heap.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <new>

namespace hawser::heap {
namespace {

// Of glibc's malloc: one word in front of each block, and blocks of 16 octets. Sanitizers give exact sizes, in which
// a signature that is an octet longer than the one it replaces would look like a leak.
constexpr std::size_t kBlockOverhead = sizeof(std::size_t);
constexpr std::size_t kBlockGrain = 16;

std::size_t block_size(std::size_t usable) {
  return (usable + kBlockOverhead + kBlockGrain - 1) / kBlockGrain * kBlockGrain;
}

Account* current = nullptr;
Observer observer_of_blocks = nullptr;
// Set it in a debugger's session to stop where the first booked allocation happens.
const bool trap_on_allocation = std::getenv("HAWSER_TRAP_ON_ALLOCATION") != nullptr;

void book(void* block, bool taken) {
  if (current == nullptr || block == nullptr) return;
  const std::size_t octets = block_size(malloc_usable_size(block));
  if (taken && trap_on_allocation) __builtin_trap();
  current->allocations += taken ? 1 : 0;
  current->blocks += taken ? 1 : -1;
  current->octets += taken ? static_cast<std::int64_t>(octets) : -static_cast<std::int64_t>(octets);
  if (observer_of_blocks != nullptr) observer_of_blocks(*current, block, octets, taken);
}

void* take(std::size_t size, std::size_t alignment) {
  void* const block = alignment <= alignof(std::max_align_t)
                          ? std::malloc(size)
                          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (block == nullptr) std::abort();
  book(block, true);
  return block;
}

void give_back(void* block) {
  book(block, false);
  std::free(block);
}

void* openssl_malloc(std::size_t size, const char*, int) {
  if (size == 0) return nullptr;
  return take(size, 1);
}
void openssl_free(void* block, const char*, int) {
  give_back(block);
}
void* openssl_realloc(void* block, std::size_t size, const char*, int) {
  if (size == 0) {
    give_back(block);
    return nullptr;
  }
  book(block, false);
  void* const moved = std::realloc(block, size);
  if (moved == nullptr) std::abort();
  book(moved, true);
  return moved;
}

// OpenSSL takes such functions only before its first allocation.
const bool openssl_counts = CRYPTO_set_mem_functions(&openssl_malloc, &openssl_realloc, &openssl_free) == 1;

}  // namespace

Charge::Charge(Account& account) : outer_(current) {
  if (!openssl_counts) std::abort();
  current = &account;
}
Charge::~Charge() {
  current = outer_;
}

void observe(Observer observer) {
  observer_of_blocks = observer;
}

}  // namespace hawser::heap

void* operator new(std::size_t size) {
  return hawser::heap::take(size, 1);
}
void* operator new[](std::size_t size) {
  return hawser::heap::take(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return hawser::heap::take(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return hawser::heap::take(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept {
  hawser::heap::give_back(block);
}
void operator delete[](void* block) noexcept {
  hawser::heap::give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
  hawser::heap::give_back(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  hawser::heap::give_back(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  hawser::heap::give_back(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
  hawser::heap::give_back(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  hawser::heap::give_back(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
  hawser::heap::give_back(block);
}
