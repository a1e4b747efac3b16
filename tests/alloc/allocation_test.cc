// allocation_test.cc: goal: a bulk transfer in steady state allocates nothing, from the
// application's write to its read, on both sides. Method: two endpoints joined in memory by
// full GSO trains and virtual time; the heap is counted.
#include <gtest/gtest.h>

#include "counted_heap.h"
#include "memory_transfer.h"

namespace hawser::quic {
namespace {

constexpr std::uint64_t kPackets = 10'000;

std::uint64_t allocations_of_bulk(const ConnectionConfig& config) {
  Transfer transfer(config);
  EXPECT_TRUE(transfer.run_until_open());
  transfer.start_sending();
  // Windows, buffers and the congestion window grow to what they will stay at.
  EXPECT_TRUE(transfer.run_packets(20 * kPackets));
  const std::uint64_t received = transfer.receiver.received;
  heap::Account account;
  {
    const heap::Charge charge(account);
    EXPECT_TRUE(transfer.run_packets(kPackets));
  }
  EXPECT_GT(transfer.receiver.received, received + kPackets * 1'000);
  EXPECT_EQ(transfer.connection->stats().packets_lost, 0u);
  return account.allocations;
}

TEST(alloc, the_counter_sees_an_allocation) {
  heap::Account account;
  const heap::Charge charge(account);
  auto* const memory = static_cast<std::uint8_t*>(::operator new(32));
  EXPECT_EQ(account.allocations, 1u);
  EXPECT_EQ(account.blocks, 1);
  EXPECT_GE(account.octets, 32);
  ::operator delete(memory);
  EXPECT_EQ(account.blocks, 0);
  EXPECT_EQ(account.octets, 0);
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

TEST(alloc, datagrams_with_reports_allocate_nothing) {
  for (const std::size_t size : {100u, 1'200u}) {
    Transfer transfer({.max_datagram_frame_size = kAnyDatagramFrame});
    ASSERT_TRUE(transfer.run_until_open());
    transfer.start_datagrams(size, {.drop = DatagramDrop::kNewest, .reports = kReportAll, .lifetime = 1s});
    ASSERT_TRUE(transfer.run_packets(10 * kPackets));
    const std::uint64_t received = transfer.receiver.datagrams_received;
    heap::Account account;
    {
      const heap::Charge charge(account);
      ASSERT_TRUE(transfer.run_packets(kPackets));
    }
    EXPECT_EQ(account.allocations, 0u) << size;
    EXPECT_GE(transfer.receiver.datagrams_received, received + kPackets / 2);
  }
}

// Bulk at full speed: far more than at rest, and no more than the heap has of both ends.
TEST(alloc, a_connection_states_what_it_holds) {
  heap::Account account;
  const heap::Charge charge(account);
  Transfer transfer({});
  ASSERT_TRUE(transfer.run_until_open());
  EXPECT_GT(transfer.connection->stats().memory_bytes, 3'000u);
  transfer.start_sending();
  ASSERT_TRUE(transfer.run_packets(kPackets));
  const ConnectionStats busy = transfer.connection->stats();
  EXPECT_GT(busy.memory_bytes, 3'000 + busy.bytes_in_flight / 1'500 * 72);  // SentPacket and its frame
  EXPECT_LT(busy.memory_bytes, static_cast<std::size_t>(account.octets));
}

}  // namespace
}  // namespace hawser::quic
