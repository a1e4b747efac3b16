// allocation_test.cc: goal: a bulk transfer in steady state allocates nothing, from the
// application's write to its read, on both sides. Method: two endpoints joined in memory by
// full GSO trains and virtual time; operator new is replaced by one that counts.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#include "memory_transfer.h"

namespace {

bool counting = false;
std::size_t allocations = 0;
// Set it in a debugger's session to stop where the first allocation happens.
bool trap_on_allocation = std::getenv("HAWSER_TRAP_ON_ALLOCATION") != nullptr;

void* allocate(std::size_t size, std::size_t alignment) {
  if (counting) {
    ++allocations;
    if (trap_on_allocation) __builtin_trap();
  }
  void* const memory = alignment <= alignof(std::max_align_t)
                           ? std::malloc(size)
                           : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size, 1);
}
void* operator new[](std::size_t size) {
  return allocate(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace hawser::quic {
namespace {

constexpr std::uint64_t kPackets = 10'000;

std::size_t allocations_of_bulk(const ConnectionConfig& config) {
  Transfer transfer(config);
  EXPECT_TRUE(transfer.run_until_open());
  transfer.start_sending();
  // Windows, buffers and the congestion window grow to what they will stay at.
  EXPECT_TRUE(transfer.run_packets(20 * kPackets));
  const std::uint64_t received = transfer.receiver.received;
  allocations = 0;
  counting = true;
  const bool ran = transfer.run_packets(kPackets);
  counting = false;
  EXPECT_TRUE(ran);
  EXPECT_GT(transfer.receiver.received, received + kPackets * 1'000);
  EXPECT_EQ(transfer.connection->stats().packets_lost, 0u);
  return allocations;
}

TEST(alloc, the_counter_sees_an_allocation) {
  allocations = 0;
  counting = true;
  auto* const memory = static_cast<std::uint8_t*>(::operator new(32));
  counting = false;
  ::operator delete(memory);
  EXPECT_EQ(allocations, 1u);
}

TEST(alloc, bulk_transfer_allocates_nothing_over_ten_thousand_packets) {
  EXPECT_EQ(allocations_of_bulk({}), 0u);
}

TEST(alloc, bulk_transfer_without_pacing_allocates_nothing) {
  EXPECT_EQ(allocations_of_bulk({.pacing = false}), 0u);
}

TEST(alloc, bulk_transfer_with_newreno_allocates_nothing) {
  EXPECT_EQ(allocations_of_bulk({.congestion_control = "newreno"}), 0u);
}

}  // namespace
}  // namespace hawser::quic
